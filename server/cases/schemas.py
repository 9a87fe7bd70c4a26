"""Wire shapes of a case; states and steps come from the table in rules.py."""

from typing import Any

from marshmallow import Schema, fields, validate

from server.cases.fields import FieldType
from server.cases.rules import Days, Finding, Reward, Risk, Side, State, Step, Term
from server.identity.rules import Role


class Word(fields.Enum[Any]):
    """One of an enumeration's words; rows of the database hold it as text."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)


class MediumSchema(Schema):
    """A photo, video or voice; its bytes are at /media/{id}/{thumb|preview|clean}."""

    id = fields.UUID(required=True)
    kind = fields.String(
        required=True, allow_none=True, metadata={"enum": ["photo", "video", "audio", "other", None]}
    )
    state = fields.String(required=True, metadata={"enum": ["expected", "ready", "set_aside"]})
    mime = fields.String(required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    duration_s = fields.Float(required=True, allow_none=True)
    captured_at = fields.DateTime(required=True, allow_none=True)
    flags = fields.List(fields.Dict(), required=True)


class PlaceSchema(Schema):
    """Where, in WGS-84. `words` are the reporter's own and never shown to a unit."""

    lat = fields.Float(required=True, allow_none=True)
    lng = fields.Float(required=True, allow_none=True)
    accuracy_m = fields.Float(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    words = fields.String(required=True)


class FieldSchema(Schema):
    """One field of a step, enough to draw and check it."""

    name = fields.String(required=True)
    type = Word(FieldType, by_value=True, required=True)
    required = fields.Boolean(required=True)
    choices = fields.List(fields.String(), required=True)
    min_length = fields.Integer(required=True)
    max_length = fields.Integer(required=True)
    min_items = fields.Integer(required=True)
    within_days = fields.Integer(
        required=True, allow_none=True, metadata={"description": "For a date: the last day, from today"}
    )
    reporter_reads = fields.Boolean(required=True)


class AllowedStepSchema(Schema):
    """A step that may be taken now."""

    step = Word(Step, by_value=True, required=True)
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, attribute="fields", data_key="fields")
    from_spot = fields.Boolean(
        required=True, metadata={"description": "With photos, through the phone's outbox"}
    )
    aside = fields.Boolean(required=True, metadata={"description": "Not the way on: under `more`"})
    undo_s = fields.Integer(
        required=True, metadata={"description": "Seconds in which it may still be taken back, unsent"}
    )
    not_for = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "Who may not take it because of what they did before"},
    )


class EventSchema(Schema):
    """One line of the history. `late`: arrived when it was no longer allowed, and had no effect."""

    id = fields.UUID(required=True)
    at = fields.DateTime(required=True)
    actor_name = fields.String(required=True)
    step = Word(Step, by_value=True, required=True)
    from_state = Word(State, by_value=True, required=True, allow_none=True)
    to_state = Word(State, by_value=True, required=True)
    fields_ = fields.Dict(keys=fields.String(), required=True, attribute="fields", data_key="fields")
    late = fields.Boolean(required=True)
    media = fields.List(fields.Nested(MediumSchema), required=True)


class ClockSchema(Schema):
    """A deadline of the case; it runs until `ended_at`."""

    name = Word(Term, by_value=True, required=True)
    started_at = fields.DateTime(required=True)
    due_at = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "null while the calendar does not know the year"},
    )
    paused_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)


class StaySchema(Schema):
    """A time that the case spent in one state; `until` is null while it lasts."""

    state = Word(State, by_value=True, required=True)
    roles = fields.List(fields.String(), required=True, metadata={"description": "Who had to lead it on"})
    unit_id = fields.UUID(required=True, allow_none=True)
    unit_name = fields.String(required=True, allow_none=True)
    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True, allow_none=True)


class CaseSheetSchema(Schema):
    """转办单: all that the responsible unit reads of a case (DOMAIN.md §5), and what phones keep of it."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    state = Word(State, by_value=True, required=True)
    version = fields.Integer(required=True, metadata={"description": "Also the ETag; send it as If-Match"})
    title = fields.String(required=True)
    matter = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "tip or hazard"})
    risk = Word(Risk, by_value=True, required=True, allow_none=True)
    urgent = fields.Boolean(required=True)
    sides = fields.List(
        Word(Side, by_value=True), required=True, metadata={"description": "What is open beside the state"}
    )
    area_name = fields.String(required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    enterprise_id = fields.UUID(required=True, allow_none=True)
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    sector_no = fields.Integer(required=True, allow_none=True)
    unit_id = fields.UUID(required=True, allow_none=True)
    unit_name = fields.String(required=True, allow_none=True)
    first_received_at = fields.DateTime(required=True)
    accepted_at = fields.DateTime(required=True, allow_none=True)
    closed_at = fields.DateTime(required=True, allow_none=True)
    due_at = fields.DateTime(required=True, allow_none=True)
    finding = Word(Finding, by_value=True, required=True, allow_none=True)
    reply = fields.String(required=True, allow_none=True)
    reward = Word(Reward, by_value=True, required=True, allow_none=True)
    replied_at = fields.DateTime(required=True, allow_none=True)
    media = fields.List(fields.Nested(MediumSchema), required=True)
    history = fields.List(fields.Nested(EventSchema), required=True)
    stays = fields.List(fields.Nested(StaySchema), required=True)
    clocks = fields.List(fields.Nested(ClockSchema), required=True)
    steps = fields.List(fields.Nested(AllowedStepSchema), required=True)


class TakeStepSchema(Schema):
    """A step to take, with its fields as the case lists them under `steps`."""

    step = Word(Step, by_value=True, required=True)
    fields_ = fields.Dict(keys=fields.String(), load_default=dict, data_key="fields")


class ClockRuleSchema(Schema):
    """How a term is counted."""

    term = Word(Term, by_value=True, required=True)
    urgent = fields.Boolean(required=True, allow_none=True, metadata={"description": "null: both"})
    amount = fields.Integer(required=True, validate=validate.Range(1, 3660))
    days = Word(Days, by_value=True, required=True)
    warn_share = fields.Float(
        required=True,
        validate=validate.Range(0, 0.9),
        metadata={"description": "The part of the term that is left when the warning comes"},
    )
    climb_hours = fields.Integer(
        required=True,
        validate=validate.Range(1, 720),
        metadata={
            "description": "From one rung (handler, unit_head, desk, leader) to the next, once overdue"
        },
    )
    extend_amount = fields.Integer(required=True, validate=validate.Range(0, 365))
    extend_times = fields.Integer(required=True, validate=validate.Range(0, 9))
    extend_by = Word(Role, by_value=True, required=True, allow_none=True)
    pausable = fields.Boolean(required=True)
    source = fields.String(required=True, validate=validate.Length(2, 200))


class NewClockRuleSchema(ClockRuleSchema):
    """A county's own rule for an area and matter (null: any), from a day on."""

    area_id = fields.UUID(load_default=None, allow_none=True)
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["tip", "hazard"]))
    sector_no = fields.Integer(load_default=None, allow_none=True)
    hazard_type = fields.String(load_default=None, allow_none=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(load_default=None, allow_none=True)


class OwnClockRuleSchema(NewClockRuleSchema):
    """A rule of the county as it is kept."""

    id = fields.UUID(required=True)


class ClockRulesSchema(Schema):
    """The defaults, and what goes before them."""

    defaults = fields.List(fields.Nested(ClockRuleSchema), required=True)
    own = fields.List(fields.Nested(OwnClockRuleSchema), required=True)


class RebaseSchema(Schema):
    """The new end of a term; null while the calendar does not know the year."""

    due_at = fields.DateTime(required=True, allow_none=True)


class CalendarDaySchema(Schema):
    """A day that is not as its weekday says: off, or a make-up day 调休."""

    day = fields.Date(required=True)
    working = fields.Boolean(required=True)
    name = fields.String(load_default="", validate=validate.Length(max=40))


class CalendarYearSchema(Schema):
    """All such days of one year."""

    days = fields.List(fields.Nested(CalendarDaySchema), required=True, validate=validate.Length(1, 366))


class CalendarTableSchema(Schema):
    """Days of whole years as a table: day, working, name (docs/import.md)."""

    csv = fields.String(required=True, validate=validate.Length(1, 200_000))
