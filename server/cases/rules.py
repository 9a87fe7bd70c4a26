"""The closed loop: THE table of steps, who may take them, what they need, and what follows (DOMAIN.md §2).

Code, OpenAPI, docs/workflow.md, the buttons in the apps and the property tests all read `STEPS`; nothing else
changes the state of a case.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from server.identity.rules import OF_A_UNIT, Actor, Role
from server.intake.rules import printable


class State(StrEnum):
    """Where a case stands."""

    REGISTERED = "registered"
    TO_SIGN = "to_sign"
    TRANSFERRED = "transferred"
    SIGNED_FOR = "signed_for"
    RETURNED = "returned"
    RECTIFYING = "rectifying"
    TO_RECHECK = "to_recheck"
    TO_REPLY = "to_reply"
    REPLIED = "replied"
    ARCHIVED = "archived"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    MERGED = "merged"


class Step(StrEnum):
    """What somebody does to a case."""

    REGISTER = "register"
    ACCEPT = "accept"
    REFUSE = "refuse"
    REDIRECT = "redirect"
    MERGE = "merge"
    FIX_ON_SPOT = "fix_on_spot"
    SIGN = "sign"
    DECLINE = "decline"
    SIGN_FOR = "sign_for"
    RETURN = "return"
    VERIFY = "verify"
    RECTIFY = "rectify"
    RECHECK_PASS = "recheck_pass"  # noqa: S105
    RECHECK_FAIL = "recheck_fail"
    REPLY = "reply"
    ARCHIVE = "archive"


class FieldType(StrEnum):
    """How a field is filled in, on the screen and on the wire."""

    TEXT = "text"
    CHOICE = "choice"
    NAMES = "names"
    UNIT = "unit"
    SECTOR = "sector"
    CASE = "case"


class Finding(StrEnum):
    """核查结论: 属实、部分属实、不属实、无法查实."""

    SUBSTANTIATED = "substantiated"
    PARTLY = "partly"
    UNSUBSTANTIATED = "unsubstantiated"
    UNVERIFIABLE = "unverifiable"


class Ground(StrEnum):
    """不予受理 grounds (DOMAIN.md §2)."""

    ALREADY_ACCEPTED = "already_accepted"
    NO_FACTS = "no_facts"
    NOT_SAFETY = "not_safety"
    IN_COURT = "in_court"


class Risk(StrEnum):
    """红橙黄蓝: 重大、较大、一般、低."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class Urgency(StrEnum):
    """`immediate`: danger to life; the signature must follow within 24 hours."""

    ORDINARY = "ordinary"
    IMMEDIATE = "immediate"


class Told(StrEnum):
    """What the reporter reads on the line of steps."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    SENT_TO_UNIT = "sent_to_unit"
    CHECKED = "checked"
    FIXED = "fixed"
    ANSWERED = "answered"
    CLOSED = "closed"
    REFUSED = "refused"
    REDIRECTED = "redirected"


class Term(StrEnum):
    """A clock of a case."""

    DECIDE = "decide"
    SIGN = "sign"
    SIGN_FOR = "sign_for"
    HANDLE = "handle"


class Days(StrEnum):
    """How the amount of a term is counted."""

    HOURS = "hours"
    NATURAL = "natural"
    WORKING = "working"


@dataclass(frozen=True)
class Length:
    """How long a term is by default, and who says so."""

    amount: int
    days: Days
    source: str


CLOCKS: dict[Term, Length] = {
    Term.DECIDE: Length(15, Days.NATURAL, "《信访工作条例》第二十二条; a setting (DOMAIN.md §3)"),
    Term.SIGN: Length(3, Days.NATURAL, "house rule; a setting"),
    Term.SIGN_FOR: Length(2, Days.WORKING, "house rule; a setting"),
    Term.HANDLE: Length(60, Days.NATURAL, "安监总财〔2018〕19号: 60 days from 受理 (DOMAIN.md §3)"),
}
URGENT_CLOCKS: dict[Term, Length] = {
    Term.SIGN: Length(24, Days.HOURS, "immediate danger: the signature follows within 24 h (DOMAIN.md §2)"),
}


@dataclass(frozen=True)
class Field:
    """Something a step must (or may) be given; lengths in characters, for names of each name."""

    name: str
    type: FieldType
    required: bool = True
    choices: tuple[str, ...] = ()
    min_length: int = 1
    max_length: int = 2000
    min_items: int = 0


@dataclass(frozen=True)
class Transition:
    """One row of the table. No roles: only the system takes this step. No target: the finding decides."""

    step: Step
    sources: tuple[State, ...]
    target: State | None
    roles: tuple[Role, ...]
    fields: tuple[Field, ...] = ()
    starts: tuple[Term, ...] = ()
    ends: tuple[Term, ...] = ()
    pauses: tuple[Term, ...] = ()
    resumes: tuple[Term, ...] = ()
    told: Told | None = None


def _text(name: str, shortest: int, longest: int = 2000) -> Field:
    return Field(name, FieldType.TEXT, min_length=shortest, max_length=longest)


def _choice(name: str, choices: type[StrEnum], required: bool = True) -> Field:
    return Field(name, FieldType.CHOICE, required, tuple(choice.value for choice in choices))


ALL_TERMS = tuple(Term)
REASON = _text("reason", 4)

STEPS: tuple[Transition, ...] = (
    Transition(Step.REGISTER, (), State.REGISTERED, (), starts=(Term.DECIDE,), told=Told.RECEIVED),
    Transition(
        Step.ACCEPT,
        (State.REGISTERED, State.RETURNED),
        State.TO_SIGN,
        (Role.DESK,),
        (
            Field("sector_no", FieldType.SECTOR),
            Field("unit_id", FieldType.UNIT),
            _text("title", 2, 100),
            _text("matter", 10),
            _choice("risk", Risk),
            _choice("urgency", Urgency, required=False),
        ),
        starts=(Term.SIGN, Term.HANDLE),
        ends=(Term.DECIDE,),
        told=Told.ACCEPTED,
    ),
    Transition(
        Step.REFUSE,
        (State.REGISTERED,),
        State.REFUSED,
        (Role.DESK,),
        (_choice("ground", Ground), REASON),
        ends=ALL_TERMS,
        told=Told.REFUSED,
    ),
    Transition(
        Step.REDIRECT,
        (State.REGISTERED,),
        State.REDIRECTED,
        (Role.DESK,),
        (_text("authority", 2, 100), REASON),
        ends=ALL_TERMS,
        told=Told.REDIRECTED,
    ),
    Transition(
        Step.MERGE,
        (State.REGISTERED,),
        State.MERGED,
        (Role.DESK,),
        (Field("into", FieldType.CASE),),
        ends=ALL_TERMS,
    ),
    # The inspector's own record is the evidence; nobody has to act any more.
    Transition(Step.FIX_ON_SPOT, (State.REGISTERED,), State.ARCHIVED, (), ends=ALL_TERMS, told=Told.CLOSED),
    Transition(
        Step.SIGN,
        (State.TO_SIGN,),
        State.TRANSFERRED,
        (Role.LEADER,),
        starts=(Term.SIGN_FOR,),
        ends=(Term.SIGN,),
        told=Told.SENT_TO_UNIT,
    ),
    Transition(
        Step.DECLINE,
        (State.TO_SIGN,),
        State.REGISTERED,
        (Role.LEADER,),
        (REASON,),
        starts=(Term.DECIDE,),
        ends=(Term.SIGN,),
    ),
    Transition(Step.SIGN_FOR, (State.TRANSFERRED,), State.SIGNED_FOR, (Role.HANDLER,), ends=(Term.SIGN_FOR,)),
    # 退回 never stops the clock of the whole (DOMAIN.md §2): HANDLE goes on.
    Transition(
        Step.RETURN,
        (State.TRANSFERRED, State.SIGNED_FOR),
        State.RETURNED,
        (Role.HANDLER,),
        (REASON,),
        starts=(Term.DECIDE,),
        ends=(Term.SIGN_FOR,),
    ),
    Transition(
        Step.VERIFY,
        (State.SIGNED_FOR,),
        None,
        (Role.HANDLER,),
        (
            _choice("finding", Finding),
            _text("account", 10),
            # 核查 takes at least two persons (DOMAIN.md §1).
            Field("verifiers", FieldType.NAMES, min_length=2, max_length=40, min_items=2),
        ),
        told=Told.CHECKED,
    ),
    Transition(
        Step.RECTIFY,
        (State.RECTIFYING,),
        State.TO_RECHECK,
        (Role.HANDLER,),
        # The responsible person answers for the measures (Work Safety Law art. 73).
        (_text("measures", 4), _text("responsible_person", 2, 40)),
    ),
    # The desk is the last resort: a unit of one handler in a place without an inspector must not get stuck.
    Transition(
        Step.RECHECK_PASS,
        (State.TO_RECHECK,),
        State.TO_REPLY,
        (Role.INSPECTOR, Role.HANDLER, Role.DESK),
        (_text("account", 4),),
        told=Told.FIXED,
    ),
    Transition(
        Step.RECHECK_FAIL,
        (State.TO_RECHECK,),
        State.RECTIFYING,
        (Role.INSPECTOR, Role.HANDLER, Role.DESK),
        (REASON,),
    ),
    Transition(
        Step.REPLY,
        (State.TO_REPLY,),
        State.REPLIED,
        (Role.HANDLER,),
        (_text("text", 10),),
        ends=(Term.HANDLE,),
        told=Told.ANSWERED,
    ),
    Transition(
        Step.ARCHIVE, (State.REPLIED,), State.ARCHIVED, (Role.DESK,), ends=ALL_TERMS, told=Told.CLOSED
    ),
)
BY_STEP: dict[Step, Transition] = {row.step: row for row in STEPS}

AFTER_FINDING: dict[Finding, State] = {
    Finding.SUBSTANTIATED: State.RECTIFYING,
    Finding.PARTLY: State.RECTIFYING,
    Finding.UNSUBSTANTIATED: State.TO_REPLY,
    Finding.UNVERIFIABLE: State.TO_REPLY,
}
"""Where `verify` leads."""

FINAL = frozenset(State) - {source for row in STEPS for source in row.sources}
"""Nothing follows any more."""

WITH_THE_UNIT = frozenset(
    {
        State.TRANSFERRED,
        State.SIGNED_FOR,
        State.RECTIFYING,
        State.TO_RECHECK,
        State.TO_REPLY,
        State.REPLIED,
        State.ARCHIVED,
    }
)
"""The unit sees the case: from the leader's signature on, and not any more once it is returned."""

RECHECKS = frozenset({Step.RECHECK_PASS, Step.RECHECK_FAIL})
"""Steps that are for another person than the one who rectified."""

NO_MERGE_INTO = frozenset({State.MERGED, State.REFUSED, State.REDIRECTED})
"""Cases that no longer lead to an answer for those who would join them."""


@dataclass(frozen=True)
class CaseFacts:
    """What the rules need to know of a case. `area_path` of a case without a place is the county's."""

    state: State
    area_path: str | None
    unit_id: uuid.UUID | None = None
    rectified_by: uuid.UUID | None = None
    reporters: frozenset[uuid.UUID] = frozenset()
    """Inspectors whose own hazards are in it."""


class Sight(StrEnum):
    """How much of a case somebody sees."""

    FULL = "full"
    UNIT = "unit"


def sight(case: CaseFacts, actor: Actor) -> Sight | None:
    """What the actor sees: desk and leaders all of it, the unit what DOMAIN.md §5 lets it, others nothing."""
    if any(actor.may(role, case.area_path, case.unit_id) for role in (Role.DESK, Role.LEADER)):
        return Sight.FULL
    ours = any(actor.may(role, case.area_path, case.unit_id) for role in OF_A_UNIT)
    if case.state in WITH_THE_UNIT and case.unit_id and ours:
        return Sight.UNIT
    if case.state is State.TO_RECHECK and actor.may(Role.INSPECTOR, case.area_path, case.unit_id):
        return Sight.UNIT
    if actor.person_id in case.reporters:
        return Sight.UNIT
    return None


def has_right(case: CaseFacts, actor: Actor, step: Step) -> bool:
    """Whether the step is the actor's to take for this case, whatever its state."""
    if step in RECHECKS and actor.person_id == case.rectified_by:
        return False
    return any(actor.may(role, case.area_path, case.unit_id) for role in BY_STEP[step].roles)


def allowed_steps(case: CaseFacts, actor: Actor) -> list[Transition]:
    """The rows of the table that this person may take now."""
    return [row for row in STEPS if case.state in row.sources and has_right(case, actor, row.step)]


def steps_of(state: State, role: Role) -> list[Transition]:
    """The rows of the table that the role has in this state, for phones that will know the person."""
    return [row for row in STEPS if state in row.sources and role in row.roles]


def target(step: Step, values: Mapping[str, Any]) -> State:
    """Where a step with these (checked) fields leads."""
    return BY_STEP[step].target or AFTER_FINDING[Finding(values["finding"])]


def after(case: CaseFacts, actor: Actor, step: Step, values: Mapping[str, Any]) -> CaseFacts:
    """The facts once the actor has taken an allowed step with checked fields."""
    unit = uuid.UUID(str(values["unit_id"])) if step is Step.ACCEPT else case.unit_id
    by = actor.person_id if step is Step.RECTIFY else case.rectified_by
    return replace(case, state=target(step, values), unit_id=unit, rectified_by=by)


@dataclass(frozen=True)
class Checked:
    """The fields as they are kept (trimmed), and for each faulty one a sentence that says how to mend it."""

    values: dict[str, Any]
    errors: dict[str, str]


def check(step: Step, fields: Mapping[str, Any]) -> Checked:
    """Check the form of the fields; whether a unit, sector or case exists is for the service to say."""
    wanted = {field.name: field for field in BY_STEP[step].fields}
    errors = {name: "This step has no such field." for name in fields if name not in wanted}
    values: dict[str, Any] = {}
    for name, field in wanted.items():
        given = fields.get(name)
        if given is None or given == "" or given == []:
            if field.required:
                errors[name] = "Please fill this in."
            continue
        try:
            values[name] = _READERS[field.type](field, given)
        except _Fault as fault:
            errors[name] = str(fault)
    return Checked(values, errors)


class _Fault(ValueError):
    """The sentence for one field."""


def _read_text(field: Field, given: Any) -> str:
    text = given.strip() if isinstance(given, str) else None
    if text is None or printable(text) != text:
        raise _Fault("Please write words here.")
    if len(text) < field.min_length:
        raise _Fault(f"Please write at least {field.min_length} characters.")
    if len(text) > field.max_length:
        raise _Fault(f"Please write at most {field.max_length} characters; now it is {len(text)}.")
    return text


def _read_choice(field: Field, given: Any) -> str:
    if not isinstance(given, str) or given not in field.choices:
        raise _Fault(f"Please choose one of: {', '.join(field.choices)}.")
    return given


def _read_names(field: Field, given: Any) -> list[str]:
    if not isinstance(given, list):
        raise _Fault("Please give a list of names.")
    names = list(dict.fromkeys(_read_text(field, name) for name in given))
    if len(names) < field.min_items:
        raise _Fault(f"Please name at least {field.min_items} different persons.")
    return names


def _read_id(_field: Field, given: Any) -> str:
    try:
        return str(uuid.UUID(given))
    except (ValueError, AttributeError, TypeError) as error:
        raise _Fault("Please choose one from the list.") from error


def _read_number(_field: Field, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < 10_000:
        raise _Fault("Please choose one from the list.")
    return given


_READERS = {
    FieldType.TEXT: _read_text,
    FieldType.CHOICE: _read_choice,
    FieldType.NAMES: _read_names,
    FieldType.UNIT: _read_id,
    FieldType.SECTOR: _read_number,
    FieldType.CASE: _read_id,
}
