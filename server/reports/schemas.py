"""Wire shapes of what the desk reads."""

from marshmallow import Schema, fields, validate

from server.cases.rules import Risk, State, Step
from server.cases.schemas import CaseSheetSchema, MediumSchema, PlaceSchema, Word
from server.reports.queues import COUNTED, LARGEST_PAGE
from server.reports.rules import Age, Queue
from server.triage.models import OUTCOMES
from server.triage.schemas import ReasonSchema


class QueueSchema(Schema):
    """One queue and how many cases lie in it."""

    code = Word(Queue, by_value=True, required=True)
    count = fields.Integer(required=True)
    more = fields.Boolean(required=True, metadata={"description": f"There are more than {COUNTED}"})


class QueuesSchema(Schema):
    """All queues, in the order of work."""

    queues = fields.List(fields.Nested(QueueSchema), required=True)


class FiltersSchema(Schema):
    """What narrows a list down; all of it must be true."""

    text = fields.String(
        load_default="",
        validate=validate.Length(max=100),
        metadata={
            "description": "Words in the report, matter, reply, enterprise or number; numbers as a whole"
        },
    )
    area = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Its code; with all below it"}
    )
    sector_no = fields.Integer(load_default=None, allow_none=True)
    unit_id = fields.UUID(load_default=None, allow_none=True)
    state = Word(State, by_value=True, load_default=None, allow_none=True)
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["tip", "hazard"]))
    risk = Word(Risk, by_value=True, load_default=None, allow_none=True)
    age = Word(Age, by_value=True, load_default=None, allow_none=True)
    urgent = fields.Boolean(load_default=False)
    mine = fields.Boolean(load_default=False, metadata={"description": "In which the reader took a step"})


class CaseQuerySchema(FiltersSchema):
    """Which rows to list."""

    queue = Word(Queue, by_value=True, load_default=None, allow_none=True)
    after = fields.String(
        load_default=None, allow_none=True, metadata={"description": "`next` of the page before"}
    )
    limit = fields.Integer(load_default=50, validate=validate.Range(1, LARGEST_PAGE))


class KeptQuerySchema(FiltersSchema):
    """A queue and filters, as a saved view keeps them."""

    queue = Word(Queue, by_value=True, load_default=None, allow_none=True)


class SavedViewSchema(Schema):
    """A queue with filters under a name."""

    id = fields.UUID(required=True, dump_only=True)
    name = fields.String(required=True, validate=validate.Length(1, 40))
    shared = fields.Boolean(required=True, metadata={"description": "Everybody at the desk sees it"})
    query = fields.Nested(KeptQuerySchema, required=True)
    mine = fields.Boolean(required=True, dump_only=True)


class SavedViewsSchema(Schema):
    """One's own saved views and the shared ones, by name."""

    views = fields.List(fields.Nested(SavedViewSchema), required=True)


class CaseRowSchema(Schema):
    """A case as a row of a queue."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    state = Word(State, by_value=True, required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    matter = fields.String(required=True)
    sector_no = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    risk = Word(Risk, by_value=True, required=True, allow_none=True)
    area_name = fields.String(required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    first_received_at = fields.DateTime(required=True)
    due_at = fields.DateTime(required=True, allow_none=True)
    text = fields.String(required=True, metadata={"description": "The first 120 characters"})
    thumb = fields.UUID(
        required=True, allow_none=True, metadata={"description": "A medium whose thumb to show"}
    )
    media_count = fields.Integer(required=True)
    suggested_duplicates = fields.Integer(required=True)
    urgent = fields.Boolean(required=True)
    flags = fields.List(
        fields.String(), required=True, metadata={"description": "unsatisfied, message, or a field's"}
    )
    unit_name = fields.String(required=True, allow_none=True)


class CaseRowsSchema(Schema):
    """A page of a queue, most pressing first; `next` is None on the last page."""

    items = fields.List(fields.Nested(CaseRowSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class NamedSchema(Schema):
    """Something with a name."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class ProposedSchema(Schema):
    """The unit that routing proposes."""

    unit = fields.Nested(NamedSchema, required=True)
    rule = fields.String(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class ProposedSectorSchema(Schema):
    """A likely sector."""

    sector_no = fields.Integer(required=True)
    title = fields.String(required=True)
    p = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class MessageSchema(Schema):
    """What reporter and office say to each other."""

    id = fields.UUID(required=True)
    at = fields.DateTime(required=True)
    from_reporter = fields.Boolean(required=True)
    text = fields.String(required=True)
    media = fields.List(fields.Nested(MediumSchema), required=True)


class SatisfactionSchema(Schema):
    """The reporter's word on the reply."""

    at = fields.DateTime(required=True)
    satisfied = fields.Boolean(required=True)
    reason = fields.String(required=True)


class FlagSchema(Schema):
    """What turned out wrong with a field after opening."""

    code = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)
    detail = fields.String(required=True, allow_none=True)


class ReportSchema(Schema):
    """What one person sent. Only desk and leaders read it."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    seq = fields.Integer(required=True, metadata={"description": "Order of arrival"})
    kind = fields.String(required=True)
    channel = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    captured_at = fields.DateTime(required=True, allow_none=True)
    arrived_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "Day of arrival of a letter, call or visit"}
    )
    entered_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Who of the desk wrote it down"}
    )
    text = fields.String(required=True)
    hazard_type = fields.String(required=True, allow_none=True)
    level = fields.String(required=True, allow_none=True)
    clause = fields.String(required=True, allow_none=True)
    due_on = fields.Date(required=True, allow_none=True)
    fixed_on_spot = fields.Boolean(required=True)
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    area_name = fields.String(required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    enterprise_words = fields.String(required=True)
    inspector = fields.String(required=True, allow_none=True, metadata={"description": "Who sent a hazard"})
    named = fields.Boolean(required=True)
    wants_notice = fields.Boolean(required=True)
    answerable = fields.Boolean(required=True, metadata={"description": "The reporter can read messages"})
    flags = fields.List(fields.Nested(FlagSchema), required=True)
    media = fields.List(fields.Nested(MediumSchema), required=True)
    messages = fields.List(fields.Nested(MessageSchema), required=True)
    satisfaction = fields.Nested(SatisfactionSchema, required=True, allow_none=True)


class OtherReportSchema(Schema):
    """The report that may tell of the same matter, and the case it is in."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    state = Word(State, by_value=True, required=True)
    text = fields.String(required=True)
    received_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    media = fields.List(fields.Nested(MediumSchema), required=True)


class SuspectedDuplicateSchema(Schema):
    """A suspected duplicate, with reasons and what a person said of it."""

    id = fields.UUID(required=True)
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(OUTCOMES),
        metadata={"description": "recurrence: the earlier matter was closed, and comes again"},
    )
    earlier = fields.Boolean(required=True, metadata={"description": "The other one came first"})
    score = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)
    judged = fields.String(required=True, allow_none=True, metadata={"description": "same or different"})
    in_reach = fields.Boolean(
        required=True,
        metadata={"description": "False: of another area; no words, place, photos or reasons are given"},
    )
    other = fields.Nested(OtherReportSchema, required=True)


class CasePageSchema(CaseSheetSchema, CaseRowSchema):
    """All of a case. For a unit the lists of reports, suggestions and proposals are empty (DOMAIN.md §5)."""

    proposed = fields.Nested(ProposedSchema, required=True, allow_none=True)
    sectors = fields.List(fields.Nested(ProposedSectorSchema), required=True)
    reports = fields.List(fields.Nested(ReportSchema), required=True)
    suggestions = fields.List(fields.Nested(SuspectedDuplicateSchema), required=True)
    merged_into = fields.UUID(required=True, allow_none=True)


class ComesAgainSchema(Schema):
    """The closed matter that a later one brings back."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


class EnterpriseCaseSchema(CaseRowSchema):
    """A matter of an enterprise, in its file."""

    closed_at = fields.DateTime(required=True, allow_none=True)
    again = fields.Nested(ComesAgainSchema, required=True, allow_none=True)


class SeenCaseSchema(Schema):
    """A case in the version that was seen."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)


class TakeStepsSchema(Schema):
    """One step for many cases, each in the version that was seen."""

    step = Word(Step, by_value=True, required=True)
    cases = fields.List(
        fields.Nested(SeenCaseSchema), required=True, validate=validate.Length(1, LARGEST_PAGE)
    )


class TakenSchema(Schema):
    """What became of one of them: no `problem` when the step was taken."""

    id = fields.UUID(required=True)
    problem = fields.String(
        required=True, allow_none=True, metadata={"description": "The code of the refusal"}
    )
    row = fields.Nested(
        CaseRowSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The case now, if it was refused"},
    )


class TakenStepsSchema(Schema):
    """What became of each, in the order they were sent."""

    cases = fields.List(fields.Nested(TakenSchema), required=True)
