"""Wire shapes of triage."""

from marshmallow import Schema, fields, validate


class ReasonSchema(Schema):
    """Why; the web apps turn the code into words (docs/reasons.md)."""

    code = fields.String(required=True)
    params = fields.Dict(keys=fields.String(), required=True)


class JudgementSchema(Schema):
    """A person's word on a pair of reports."""

    same = fields.Boolean(required=True, metadata={"description": "Both tell of one matter"})


class SuggestionSchema(Schema):
    """An earlier report that may tell of the same matter."""

    id = fields.UUID(required=True)
    report_id = fields.UUID(required=True)
    other_id = fields.UUID(required=True, metadata={"description": "The one that arrived earlier"})
    score = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)
    model = fields.String(required=True)
    judged = fields.String(required=True, allow_none=True, metadata={"enum": ["same", "different", None]})
    judged_at = fields.DateTime(required=True, allow_none=True)


class SectorUnitSchema(Schema):
    """牵头单位 or 责任单位. `id` is null where the town of the report's place is meant."""

    id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    by_place = fields.Boolean(
        required=True, metadata={"description": "各乡镇党委、政府, by the report's place"}
    )
    enforces = fields.Boolean(required=True, metadata={"description": "May punish"})


class SectorSchema(Schema):
    """行业领域 with its lead unit and responsible units."""

    no = fields.Integer(required=True)
    title = fields.String(required=True)
    cross_cutting = fields.Boolean(
        required=True, metadata={"description": "Not bound to one line of business"}
    )
    lead = fields.Nested(SectorUnitSchema, required=True)
    units = fields.List(fields.Nested(SectorUnitSchema), required=True)


class HazardTypeSchema(Schema):
    """隐患类型 in plain words."""

    code = fields.String(required=True)
    sector_no = fields.Integer(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    keywords = fields.List(fields.String(), required=True)
    clause = fields.String(required=True, allow_none=True)
    chip_order = fields.Integer(required=True, allow_none=True)


def _cost(description: str) -> fields.Float:
    """More than nothing, so that a threshold follows; up to a thousand times of another."""
    return fields.Float(
        required=True, validate=validate.Range(0.01, 1000), metadata={"description": description}
    )


class CostsSchema(Schema):
    """What mistakes about duplicates cost, in any unit: only their relation counts."""

    missed = _cost("A duplicate that nobody was shown")
    interrupted = _cost("The desk looks at two reports that are not one matter")
    wrong_merge = _cost("The system joined what is not one matter")


class ThresholdsSchema(CostsSchema):
    """The costs, and the probabilities that follow from them."""

    shown_from = fields.Float(required=True)
    joined_from = fields.Float(required=True)


class AreaCostsSchema(ThresholdsSchema):
    """The costs of an area and of all below it that has none of its own."""

    area_code = fields.String(required=True)
    area_name = fields.String(required=True)


class AllCostsSchema(Schema):
    """The usual costs, and those of areas that go before them."""

    usual = fields.Nested(ThresholdsSchema, required=True)
    own = fields.List(fields.Nested(AreaCostsSchema), required=True)
