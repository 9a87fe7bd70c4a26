"""Wire shapes of the reporter's own page."""

import base64
import binascii
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from server.cases.giveaway import Hint
from server.cases.rules import Finding, Ground, Reward, Told
from server.cases.schemas import Word
from server.feedback.rules import LONGEST_MESSAGE, LONGEST_REASON
from sync.envelope import AGE_MAGIC

LARGEST_CONTACT = 4096


class LineStepSchema(Schema):
    """One place on the line of steps; `at` is None while it lies ahead."""

    code = Word(Told, by_value=True, required=True)
    at = fields.DateTime(required=True, allow_none=True)
    current = fields.Boolean(required=True)


class NextSchema(Schema):
    """What comes next, and by when."""

    code = Word(Told, by_value=True, required=True)
    by = fields.DateTime(required=True, allow_none=True)


class AnswerSchema(Schema):
    """The reply; for a refused or redirected report the reason, with its ground or the authority."""

    text = fields.String(required=True)
    at = fields.DateTime(required=True)
    finding = Word(Finding, by_value=True, required=True, allow_none=True)
    ground = Word(Ground, by_value=True, required=True, allow_none=True)
    authority = fields.String(required=True, allow_none=True)
    reward = Word(
        Reward,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "Whether the matter qualifies; paid once, to the first valid report"},
    )


class ExtensionSchema(Schema):
    """More time for the matter; `until` is None once it is no longer in hand."""

    at = fields.DateTime(required=True)
    reason = fields.String(required=True, metadata={"description": "Written to the reporter"})
    until = fields.DateTime(required=True, allow_none=True)


class ArrivedSchema(Schema):
    """How many photos and videos were announced, and how many are here."""

    expected = fields.Integer(required=True)
    ready = fields.Integer(required=True)


class ConversationMessageSchema(Schema):
    """One message; who of the office wrote it is not told."""

    id = fields.UUID(required=True)
    at = fields.DateTime(required=True)
    from_reporter = fields.Boolean(required=True)
    text = fields.String(required=True)
    arrived = fields.Nested(ArrivedSchema, required=True, dump_default={"expected": 0, "ready": 0})


class JudgementOfReplySchema(Schema):
    """Whether the reporter is content."""

    at = fields.DateTime(required=True)
    satisfied = fields.Boolean(required=True)
    reason = fields.String(required=True)


class ObjectionSchema(Schema):
    """Until when the reporter may object to the answer, and when they did."""

    until = fields.DateTime(required=True)
    said_at = fields.DateTime(required=True, allow_none=True)
    possible = fields.Boolean(required=True, metadata={"description": "Now, by this reporter"})


class ReceiptSchema(Schema):
    """Where a report stands, for whoever holds its code. `number` is None until it is opened."""

    number = fields.String(required=True, allow_none=True)
    received_at = fields.DateTime(required=True)
    steps = fields.List(fields.Nested(LineStepSchema), required=True)
    next = fields.Nested(NextSchema, required=True, allow_none=True)
    known_before = fields.Boolean(
        required=True, metadata={"description": "The matter was known when this report came"}
    )
    extension = fields.Nested(ExtensionSchema, required=True, allow_none=True)
    reply = fields.Nested(AnswerSchema, required=True, allow_none=True)
    objection = fields.Nested(ObjectionSchema, required=True, allow_none=True)
    withdrawn_at = fields.DateTime(required=True, allow_none=True)
    may_withdraw = fields.Boolean(required=True)
    messages = fields.List(fields.Nested(ConversationMessageSchema), required=True)
    satisfaction = fields.Nested(JudgementOfReplySchema, required=True, allow_none=True)
    media = fields.Nested(ArrivedSchema, required=True)


class NewMessageSchema(Schema):
    """A message; the sender chooses its id, so that sending it again changes nothing."""

    id = fields.UUID(required=True)
    text = fields.String(required=True, validate=validate.Length(1, LONGEST_MESSAGE))


class SatisfiedSchema(Schema):
    """The reporter's word on the reply."""

    satisfied = fields.Boolean(required=True)
    reason = fields.String(load_default="", validate=validate.Length(max=LONGEST_REASON))


class ObjectingSchema(Schema):
    """Why the answer does not do."""

    reason = fields.String(required=True, validate=validate.Length(4, LONGEST_REASON))


class WithdrawingSchema(Schema):
    """Why the report is taken back, if the reporter wants to say so."""

    reason = fields.String(load_default="", validate=validate.Length(max=LONGEST_REASON))


class PreviewQuerySchema(Schema):
    """What is about to be written for a unit or a reporter."""

    text = fields.String(required=True, validate=validate.Length(max=5000))


class PartSchema(Schema):
    """A part that may give away who reported; without a place where that would tell of the reporter's words."""

    hint = Word(Hint, by_value=True, required=True)
    start = fields.Integer(required=True, allow_none=True)
    end = fields.Integer(required=True, allow_none=True)


class PreviewSchema(Schema):
    """What may give somebody away. `compared`: the reporters' own words were looked at too."""

    parts = fields.List(fields.Nested(PartSchema), required=True)
    compared = fields.Boolean(required=True)


class TemplateSchema(Schema):
    """Words to begin a reply with; {placeholders} are filled in by the screen."""

    id = fields.UUID(required=True)
    unit_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "None: the county's, for every unit"}
    )
    title = fields.String(required=True)
    text = fields.String(required=True)
    finding = Word(Finding, by_value=True, required=True, allow_none=True)
    mine = fields.Boolean(required=True, metadata={"description": "The reader may change it"})


class WriteTemplateSchema(Schema):
    """A template as it is to be."""

    unit_id = fields.UUID(required=True, allow_none=True)
    title = fields.String(required=True, validate=validate.Length(2, 40))
    text = fields.String(required=True, validate=validate.Length(10, LONGEST_MESSAGE))
    finding = Word(Finding, by_value=True, load_default=None, allow_none=True)


class Sealed(fields.Field[bytes]):
    """Bytes sealed with age, in base64; whose key fits is not known here."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bytes:
        try:
            sealed = base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError) as fault:
            raise ValidationError("Should be base64.") from fault
        if not sealed.startswith(AGE_MAGIC) or len(sealed) > LARGEST_CONTACT:
            raise ValidationError("Should be sealed to the notice key.")
        return sealed


class SealedContactSchema(Schema):
    """{v: 1, kind: sms | mail, to, lang: zh-CN | en}, sealed on the phone to the notice key."""

    sealed = Sealed(required=True, allow_none=True)


class WaysSchema(Schema):
    """Which ways of being told are switched on; where they lead nobody can read here."""

    contact = fields.Boolean(required=True)
    push = fields.Boolean(required=True)
