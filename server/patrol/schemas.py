"""What phones keep of a patrol: topics visit and checklist of the stream of a person."""

from marshmallow import Schema, fields


class VisitSchema(Schema):
    """走访."""

    id = fields.UUID(required=True)
    enterprise_id = fields.UUID(required=True)
    checklist_id = fields.UUID(required=True)
    due_on = fields.Date(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True)
    done_at = fields.DateTime(required=True, allow_none=True)


class ChecklistSchema(Schema):
    """检查表 with its items {id, text, text_en, clause}."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    sector_no = fields.Integer(required=True, allow_none=True)
    items = fields.List(fields.Dict(), required=True)
