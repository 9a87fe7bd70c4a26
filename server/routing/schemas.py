"""Wire shapes of the county's own routing rules."""

from marshmallow import Schema, fields, validate


class RuleSetSchema(Schema):
    """A version of the county's own rules."""

    number = fields.Integer(required=True)
    note = fields.String(required=True)
    rules = fields.Integer(required=True, metadata={"description": "How many rules it has"})
    made_at = fields.DateTime(required=True)
    in_use = fields.Boolean(required=True)
    used_from = fields.DateTime(required=True, allow_none=True)
    used_until = fields.DateTime(required=True, allow_none=True)
    used_by = fields.String(required=True, allow_none=True)


class RoutingRuleSchema(Schema):
    """Area × sector × hazard type × enterprise → unit; null: any."""

    name = fields.String(required=True)
    area_code = fields.String(required=True, allow_none=True)
    sector_no = fields.Integer(required=True, allow_none=True)
    hazard_type = fields.String(required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True)
    responsible_units = fields.String(required=True)
    enforcement_unit = fields.String(required=True, allow_none=True)


class NewSetSchema(Schema):
    """A table of rules (docs/routing.md)."""

    csv = fields.String(required=True, validate=validate.Length(1, 2_000_000))
    note = fields.String(load_default="", validate=validate.Length(max=200))


class MovedSchema(Schema):
    """A report that would go to another unit."""

    number = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    before = fields.String(required=True, metadata={"description": "The unit by the rules in use"})
    after = fields.String(required=True)
    rule = fields.String(required=True)
    rule_name = fields.String(required=True, allow_none=True)


class TrialSchema(Schema):
    """What a set would have done with last month's reports."""

    set_number = fields.Integer(required=True)
    tried = fields.Integer(required=True)
    moved = fields.Integer(required=True)
    rows = fields.List(fields.Nested(MovedSchema), required=True)
