"""Wire shapes of notices."""

from marshmallow import Schema, fields


class NoticeSchema(Schema):
    """A notice in somebody's inbox; the apps have the words for `code`."""

    id = fields.UUID(required=True)
    at = fields.DateTime(required=True)
    code = fields.String(required=True)
    params = fields.Dict(keys=fields.String(), required=True)
    case_id = fields.UUID(required=True, allow_none=True)
    read_at = fields.DateTime(required=True, allow_none=True)
