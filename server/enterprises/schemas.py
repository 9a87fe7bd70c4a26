"""Wire shapes of enterprises."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.enterprises.rules import EDITABLE


class EnterprisesQuerySchema(Schema):
    """What to look for."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=100),
        metadata={"description": "Words; each must occur in name, short name, code or address"},
    )
    area = fields.String(
        load_default=None, metadata={"description": "Code of an area: only there and below it"}
    )
    lat = fields.Float(
        load_default=None,
        validate=validate.Range(-90, 90),
        metadata={"description": "With lng: the nearest first"},
    )
    lng = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))

    @validates_schema
    def _both_or_none(self, data: dict[str, Any], **_: Any) -> None:
        if (data["lat"] is None) != (data["lng"] is None):
            raise ValidationError("Send lat and lng together.", "lng")


class EnterpriseSchema(Schema):
    """企业 in a list."""

    id = fields.UUID(required=True, attribute="enterprise.id")
    name = fields.String(required=True, attribute="enterprise.name")
    short_name = fields.String(required=True, allow_none=True, attribute="enterprise.short_name")
    address = fields.String(required=True, attribute="enterprise.address")
    area_code = fields.String(required=True, attribute="area.code")
    area_name = fields.String(required=True, attribute="area.name")
    lat = fields.Float(
        required=True, allow_none=True, attribute="enterprise.lat", metadata={"description": "WGS-84"}
    )
    lng = fields.Float(required=True, allow_none=True, attribute="enterprise.lng")
    sector_no = fields.Integer(required=True, attribute="enterprise.sector_no")
    risk = fields.String(
        required=True,
        attribute="enterprise.risk",
        metadata={"enum": ["red", "orange", "yellow", "blue"], "description": "重大 较大 一般 低"},
    )
    distance_m = fields.Float(
        required=True, allow_none=True, metadata={"description": "From the point asked about"}
    )


class DossierSchema(EnterpriseSchema):
    """一企一档: the enterprise's file."""

    uscc = fields.String(
        required=True,
        allow_none=True,
        attribute="enterprise.uscc",
        metadata={"description": "统一社会信用代码, as in the register, which may be wrong"},
    )
    contact_name = fields.String(required=True, allow_none=True, attribute="enterprise.contact_name")
    contact_phone = fields.String(required=True, allow_none=True, attribute="enterprise.contact_phone")
    active = fields.Boolean(required=True, attribute="enterprise.active")
    version = fields.Integer(required=True, attribute="enterprise.version")


class EnterpriseLineSchema(Schema):
    """What phones keep of an enterprise: topic `enterprise` of the streams of its areas and of who visits it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    short_name = fields.String(required=True, allow_none=True)
    uscc = fields.String(required=True, allow_none=True)
    address = fields.String(required=True)
    lat = fields.Float(required=True, allow_none=True)
    lng = fields.Float(required=True, allow_none=True)
    sector_no = fields.Integer(required=True)
    risk = fields.String(required=True)
    contact_name = fields.String(required=True, allow_none=True)
    contact_phone = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class ConflictSchema(Schema):
    """A field for which there are two values."""

    id = fields.UUID(required=True)
    enterprise_id = fields.UUID(required=True)
    enterprise = fields.String(required=True)
    field = fields.String(
        required=True, metadata={"enum": list(EDITABLE), "description": "place: {lat, lng} in WGS-84"}
    )
    reason = fields.String(required=True, metadata={"enum": ["changed", "elsewhere"]})
    was = fields.Raw(required=True, allow_none=True, metadata={"description": "What the sender saw"})
    held = fields.Raw(required=True, allow_none=True, metadata={"description": "What the file says now"})
    wanted = fields.Raw(required=True, allow_none=True, metadata={"description": "What the sender wrote"})
    sender = fields.String(required=True, allow_none=True)
    received_at = fields.DateTime(required=True)


class DecisionSchema(Schema):
    """Which of the two values it is to be."""

    take = fields.Boolean(
        required=True, metadata={"description": "true: the sender's; false: the file stays as it is"}
    )
