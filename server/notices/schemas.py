"""Wire shapes of notices."""

from marshmallow import Schema, fields, validate


class NoticeSchema(Schema):
    """A notice in somebody's inbox; the apps have the words for `code`."""

    id = fields.UUID(required=True)
    at = fields.DateTime(required=True)
    code = fields.String(required=True)
    params = fields.Dict(keys=fields.String(), required=True)
    case_id = fields.UUID(required=True, allow_none=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class ReadSchema(Schema):
    """Notices that their person has read."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 500))


class BrowserSchema(Schema):
    """A browser to be woken: what PushManager.subscribe answers, and the language it speaks."""

    endpoint = fields.String(required=True, validate=validate.Length(1, 2000))
    p256dh = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{87}=?$"))
    auth = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{22}(==)?$"))
    lang = fields.String(required=True, validate=validate.OneOf(["zh-CN", "en"]))


class BrowserGoneSchema(Schema):
    """A browser that is not to be woken any more."""

    endpoint = fields.String(required=True, validate=validate.Length(1, 2000))
