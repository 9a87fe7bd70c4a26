"""Wire shapes of the offline protocol (sync/PROTOCOL.md)."""

from marshmallow import Schema, fields, validate


class PublicKeySchema(Schema):
    """An age recipient that phones seal to."""

    id = fields.String(required=True)
    recipient = fields.String(required=True, metadata={"description": "age1…"})


class SigningKeySchema(Schema):
    """One key of the chain that signs verdicts."""

    id = fields.String(required=True)
    public = fields.String(required=True, metadata={"description": "base64, 32 bytes"})
    previous = fields.String(required=True, allow_none=True)
    signature = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "base64, by `previous` over the public bytes"},
    )


class KeysSchema(Schema):
    """All public keys of this county."""

    intake = fields.Nested(PublicKeySchema, required=True)
    identity = fields.Nested(PublicKeySchema, required=True)
    notice = fields.Nested(PublicKeySchema, required=True)
    signing = fields.List(fields.Nested(SigningKeySchema), required=True)


class VerdictSchema(Schema):
    """A signed verdict; `payload` is base64 of JSON (sync/PROTOCOL.md §4)."""

    payload = fields.String(required=True)
    signature = fields.String(required=True)
    key = fields.String(required=True)


class StatusQuerySchema(Schema):
    """Which submissions are asked about."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(min=1, max=100))


class VerdictsSchema(Schema):
    """One verdict per id, in the order asked."""

    verdicts = fields.List(fields.Nested(VerdictSchema), required=True)


class CursorSchema(Schema):
    """Where the phone's reading stopped."""

    cursor = fields.String(load_default=None, allow_none=True)


class ChangeSchema(Schema):
    """The latest state of one thing in one stream."""

    stream = fields.String(required=True)
    topic = fields.String(required=True)
    key = fields.String(required=True)
    data = fields.Raw(required=True, allow_none=True)
    deleted = fields.Boolean(required=True)


class ChangesSchema(Schema):
    """A page of changes; streams that are missing in `streams` are to be dropped."""

    epoch = fields.String(required=True)
    streams = fields.List(fields.String(), required=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    cursor = fields.String(required=True)
    more = fields.Boolean(required=True)
