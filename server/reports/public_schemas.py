"""Wire shapes of the public page."""

from marshmallow import Schema, fields


class PublicAreaSchema(Schema):
    """An area of the county."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["county", "town", "village", "grid"]})
    polygon = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "GeoJSON Polygon or MultiPolygon, WGS-84"},
    )


class HazardChoiceSchema(Schema):
    """A kind of hazard to choose."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    chip = fields.Boolean(required=True, metadata={"description": "Among the likeliest, shown at once"})


class PhoneSchema(Schema):
    """Whom to call."""

    name = fields.String(required=True)
    number = fields.String(required=True)


class TilesSchema(Schema):
    """Where the map's pictures come from."""

    url = fields.String(required=True, metadata={"description": "Template with {z}, {x}, {y}"})
    attribution = fields.String(required=True)


class LimitsSchema(Schema):
    """The largest things that are taken."""

    photo_bytes = fields.Integer(required=True)
    video_bytes = fields.Integer(required=True)
    media_count = fields.Integer(required=True)
    text_chars = fields.Integer(required=True)


class WaysOfCountySchema(Schema):
    """By which ways people can be told that there is news; a way without a gateway is not offered."""

    sms = fields.Boolean(required=True)
    mail = fields.Boolean(required=True)
    push = fields.Boolean(required=True)
    push_key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "VAPID public key (base64url) to subscribe with"},
    )


class CountySchema(Schema):
    """The county as its public sees it."""

    name = fields.String(required=True)
    center = fields.List(
        fields.Float(),
        required=True,
        allow_none=True,
        metadata={"description": "[lng, lat], WGS-84; null without boundaries"},
    )
    bounds = fields.List(
        fields.Float(),
        required=True,
        allow_none=True,
        metadata={"description": "[west, south, east, north]; null without boundaries"},
    )
    areas = fields.List(fields.Nested(PublicAreaSchema), required=True)
    hazard_types = fields.List(fields.Nested(HazardChoiceSchema), required=True)
    phones = fields.List(fields.Nested(PhoneSchema), required=True)
    tiles = fields.Nested(TilesSchema, required=True, allow_none=True)
    limits = fields.Nested(LimitsSchema, required=True)
    notices = fields.Nested(WaysOfCountySchema, required=True)
