"""Wire shapes of sign-in, areas and units."""

from marshmallow import Schema, fields, validate

from server.identity.passwords import LONGEST
from server.identity.rules import Role


class SignInSchema(Schema):
    """Who wants in."""

    login = fields.String(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "Account name", "example": "desk1"},
    )
    password = fields.String(
        required=True, validate=validate.Length(1, LONGEST), load_only=True, metadata={"format": "password"}
    )


class GrantSchema(Schema):
    """A role and where it holds; area and unit both null: the whole county."""

    role = fields.Enum(Role, by_value=True, required=True, metadata={"description": "What the person is for"})
    area_code = fields.String(
        required=True, allow_none=True, metadata={"description": "Holds for this area and all below it"}
    )
    area_name = fields.String(required=True, allow_none=True)
    unit_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Holds for what lies with this unit"}
    )
    unit_name = fields.String(required=True, allow_none=True)


class PersonSchema(Schema):
    """Somebody with an account."""

    id = fields.UUID(required=True)
    login = fields.String(required=True)
    name = fields.String(required=True)
    grants = fields.List(fields.Nested(GrantSchema), required=True)


class SessionSchema(Schema):
    """A session; the refresh token travels in an HttpOnly cookie beside it."""

    access_token = fields.String(required=True, metadata={"description": "Send as `Authorization: Bearer …`"})
    expires_at = fields.AwareDateTime(
        required=True, metadata={"description": "When the access token runs out; refresh before"}
    )
    person = fields.Nested(PersonSchema, required=True)


class OwnPageSchema(Schema):
    """Shows that our own page asks: another site cannot set this header."""

    x_gridwatch = fields.String(
        data_key="X-Gridwatch", load_default="", metadata={"description": "Must be 1", "example": "1"}
    )


class AreasQuerySchema(Schema):
    """What to tell of the areas."""

    polygons = fields.Boolean(load_default=False, metadata={"description": "1: with boundaries"})


class AreaSchema(Schema):
    """区域: county, town, village or grid."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["county", "town", "village", "grid"]))
    path = fields.String(required=True, metadata={"description": "Codes from the root, joined by /"})
    invented = fields.Boolean(required=True, metadata={"description": "The boundary is made up"})
    polygon = fields.Dict(
        allow_none=True,
        metadata={"description": "GeoJSON Polygon or MultiPolygon, WGS-84; only when asked for"},
    )


class UnitSchema(Schema):
    """单位: a department or a town that answers for matters."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    area_id = fields.UUID(required=True, allow_none=True)
    is_town = fields.Boolean(required=True)
    enforces = fields.Boolean(required=True, metadata={"description": "May punish"})
