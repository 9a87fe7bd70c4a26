"""The closed loop: THE table of steps, who may take them, what they need, and what follows (DOMAIN.md §2).

Code, OpenAPI, docs/workflow.md, the buttons in the apps and the property tests all read `STEPS`; nothing else
changes the state of a case. A case has one state, and beside it what else is open (`Side`): an extension that was
asked for, a letter without an answer, a signature that must follow. Which clocks run is a function of both.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from server.cases.fields import Checked, Field, FieldType, check_fields, choice, day, names, text
from server.identity.rules import OF_A_UNIT, Actor, Role


class State(StrEnum):
    """Where a case stands."""

    REGISTERED = "registered"
    TO_SIGN = "to_sign"
    TRANSFERRED = "transferred"
    SIGNED_FOR = "signed_for"
    RETURNED = "returned"
    """Back from the unit: the desk decides again."""
    TO_PLAN = "to_plan"
    RECTIFYING = "rectifying"
    TO_RECHECK = "to_recheck"
    TO_STRIKE_OFF = "to_strike_off"
    TO_REPLY = "to_reply"
    REPLIED = "replied"
    OBJECTED = "objected"
    HANDED_OVER = "handed_over"
    ARCHIVED = "archived"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    MERGED = "merged"


class Side(StrEnum):
    """What is open beside the main way; somebody can close each of them in every state that it can last into."""

    SIGN_AFTER = "sign_after"
    """Transferred at once: the leader's signature must follow."""
    EXTENSION = "extension"
    LETTER = "letter"
    DEATH = "death"
    """The facts speak of a death: the county government verifies (Work Safety Law art. 73)."""
    SUSPENDED = "suspended"
    """中止: the clocks stand still, say during an appraisal."""
    HAND_OVER_ASKED = "hand_over_asked"
    HAND_OVER_DUE = "hand_over_due"
    LISTED = "listed"
    LIST_TO_FILE = "list_to_file"
    LIST_TO_PUBLISH = "list_to_publish"
    DELIST_TO_PUBLISH = "delist_to_publish"


class Step(StrEnum):
    """What somebody does to a case."""

    REGISTER = "register"
    ACCEPT = "accept"
    TRANSFER_AT_ONCE = "transfer_at_once"
    REFUSE = "refuse"
    REDIRECT = "redirect"
    MERGE = "merge"
    UNMERGE = "unmerge"
    CLOSE_WITH_PARENT = "close_with_parent"
    SPLIT = "split"
    FIX_ON_SPOT = "fix_on_spot"
    RECALL = "recall"
    SIGN = "sign"
    DECLINE = "decline"
    SIGN_AFTER = "sign_after"
    DECLINE_AFTER = "decline_after"
    SIGN_FOR = "sign_for"
    RETURN = "return"
    TAKE_BACK = "take_back"
    VERIFY = "verify"
    VERIFY_BY_COUNTY = "verify_by_county"
    PLAN = "plan"
    RECTIFY = "rectify"
    RECHECK_PASS = "recheck_pass"  # noqa: S105
    RECHECK_FAIL = "recheck_fail"
    STRIKE_OFF = "strike_off"
    REPLY = "reply"
    OBJECT = "object"
    UPHOLD = "uphold"
    OVERTURN = "overturn"
    REOPEN = "reopen"
    ARCHIVE = "archive"
    ADD_EVIDENCE = "add_evidence"
    NOTE_DEATH = "note_death"
    NO_DEATH = "no_death"
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    DENY_EXTENSION = "deny_extension"
    CHASE = "chase"
    ISSUE_LETTER = "issue_letter"
    ANSWER_LETTER = "answer_letter"
    PROPOSE_HAND_OVER = "propose_hand_over"
    APPROVE_HAND_OVER = "approve_hand_over"
    DENY_HAND_OVER = "deny_hand_over"
    HAND_OVER = "hand_over"
    SUSPEND = "suspend"
    RESUME = "resume"
    LIST = "list"
    FILE_LISTING = "file_listing"
    PUBLISH_LISTING = "publish_listing"
    EXTEND_LISTING = "extend_listing"
    DELIST = "delist"
    PUBLISH_DELISTING = "publish_delisting"
    WITHDRAW = "withdraw"


class Finding(StrEnum):
    """核查结论: 属实、部分属实、不属实、无法查实."""

    SUBSTANTIATED = "substantiated"
    PARTLY = "partly"
    UNSUBSTANTIATED = "unsubstantiated"
    UNVERIFIABLE = "unverifiable"


class Ground(StrEnum):
    """不予受理 grounds (DOMAIN.md §2), and that the reporter took it back."""

    ALREADY_ACCEPTED = "already_accepted"
    NO_FACTS = "no_facts"
    NOT_SAFETY = "not_safety"
    IN_COURT = "in_court"
    WITHDRAWN = "withdrawn"


class Risk(StrEnum):
    """红橙黄蓝: 重大、较大、一般、低."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class Reward(StrEnum):
    """Whether the report qualifies for a reward; part of every reply (DOMAIN.md §2)."""

    QUALIFIES = "qualifies"
    NOT_QUALIFIED = "not_qualified"
    LATER = "later"


class Told(StrEnum):
    """What the reporter reads on the line of steps."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    SENT_TO_UNIT = "sent_to_unit"
    CHECKED = "checked"
    FIXED = "fixed"
    ANSWERED = "answered"
    OBJECTED = "objected"
    RE_EXAMINED = "re_examined"
    CLOSED = "closed"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    HANDED_OVER = "handed_over"
    EXTENDED = "extended"
    """Beside the line: it takes longer, and why."""


class Term(StrEnum):
    """A clock of a case: of the whole, of a stage, or of something beside it."""

    DECIDE = "decide"
    SIGN = "sign"
    SIGN_AFTER = "sign_after"
    SIGN_FOR = "sign_for"
    VERIFY = "verify"
    PLAN = "plan"
    RECTIFY = "rectify"
    RECHECK = "recheck"
    STRIKE_OFF = "strike_off"
    REPLY = "reply"
    HANDLE = "handle"
    OBJECTION = "objection"
    REEXAMINE = "reexamine"
    EXTENSION = "extension"
    LETTER = "letter"
    HAND_OVER_DECIDE = "hand_over_decide"
    HAND_OVER = "hand_over"
    LIST_FILE = "list_file"
    LIST_PUBLISH = "list_publish"
    LISTED = "listed"
    DELIST_PUBLISH = "delist_publish"


class Days(StrEnum):
    """How the amount of a term is counted."""

    HOURS = "hours"
    NATURAL = "natural"
    WORKING = "working"


@dataclass(frozen=True)
class Length:
    """How long a term is by default, and which law says so; empty: a house rule, for a county to set."""

    amount: int
    days: Days
    source: str


HOUSE = ""
TIP_RULES = "安监总财〔2018〕19号"
CRIME_RULES = "应急〔2019〕54号第七条"
LIST_RULES = "青岛市挂牌督办的做法"

CLOCKS: dict[Term, Length] = {
    Term.DECIDE: Length(15, Days.NATURAL, "《信访工作条例》第二十二条"),
    Term.SIGN: Length(3, Days.NATURAL, HOUSE),
    Term.SIGN_AFTER: Length(24, Days.HOURS, HOUSE),
    Term.SIGN_FOR: Length(2, Days.WORKING, HOUSE),
    Term.VERIFY: Length(10, Days.WORKING, HOUSE),
    Term.PLAN: Length(3, Days.WORKING, HOUSE),
    Term.RECTIFY: Length(30, Days.NATURAL, HOUSE),  # else the day that the plan sets
    Term.RECHECK: Length(5, Days.WORKING, HOUSE),
    Term.STRIKE_OFF: Length(3, Days.WORKING, HOUSE),
    Term.REPLY: Length(5, Days.WORKING, HOUSE),
    Term.HANDLE: Length(60, Days.NATURAL, TIP_RULES),
    Term.OBJECTION: Length(10, Days.NATURAL, HOUSE),
    Term.REEXAMINE: Length(30, Days.NATURAL, HOUSE),
    Term.EXTENSION: Length(5, Days.WORKING, HOUSE),
    Term.LETTER: Length(15, Days.WORKING, HOUSE),  # else the day that the letter sets
    Term.HAND_OVER_DECIDE: Length(3, Days.NATURAL, CRIME_RULES),
    Term.HAND_OVER: Length(24, Days.HOURS, CRIME_RULES),
    Term.LIST_FILE: Length(3, Days.WORKING, LIST_RULES),
    Term.LIST_PUBLISH: Length(5, Days.WORKING, LIST_RULES),
    Term.LISTED: Length(365, Days.NATURAL, LIST_RULES),  # at most; else the day that the listing sets
    Term.DELIST_PUBLISH: Length(5, Days.WORKING, LIST_RULES),
}
URGENT_CLOCKS: dict[Term, Length] = {
    Term.SIGN_FOR: Length(2, Days.HOURS, HOUSE),
    Term.VERIFY: Length(24, Days.HOURS, HOUSE),
}
"""Where lives are in danger."""

STAGE: dict[State, Term] = {
    State.REGISTERED: Term.DECIDE,
    State.RETURNED: Term.DECIDE,
    State.TO_SIGN: Term.SIGN,
    State.TRANSFERRED: Term.SIGN_FOR,
    State.SIGNED_FOR: Term.VERIFY,
    State.TO_PLAN: Term.PLAN,
    State.RECTIFYING: Term.RECTIFY,
    State.TO_RECHECK: Term.RECHECK,
    State.TO_STRIKE_OFF: Term.STRIKE_OFF,
    State.TO_REPLY: Term.REPLY,
    State.REPLIED: Term.OBJECTION,
    State.OBJECTED: Term.REEXAMINE,
}
"""The clock of each state; a state without one waits for nobody."""

BESIDE: dict[Side, Term] = {
    Side.SIGN_AFTER: Term.SIGN_AFTER,
    Side.EXTENSION: Term.EXTENSION,
    Side.LETTER: Term.LETTER,
    Side.HAND_OVER_ASKED: Term.HAND_OVER_DECIDE,
    Side.HAND_OVER_DUE: Term.HAND_OVER,
    Side.LISTED: Term.LISTED,
    Side.LIST_TO_FILE: Term.LIST_FILE,
    Side.LIST_TO_PUBLISH: Term.LIST_PUBLISH,
    Side.DELIST_TO_PUBLISH: Term.DELIST_PUBLISH,
}
"""The clock of each thing beside the main way."""

OF_THE_REPORTER = frozenset({Term.OBJECTION})
"""The reporter's own time: it runs out without anybody in the office being late."""

AT_THE_DESK = (State.REGISTERED, State.RETURNED)
AT_THE_UNIT = (
    State.TRANSFERRED,
    State.SIGNED_FOR,
    State.TO_PLAN,
    State.RECTIFYING,
    State.TO_RECHECK,
    State.TO_STRIKE_OFF,
    State.TO_REPLY,
)
GOING_ON = (*AT_THE_DESK, State.TO_SIGN, *AT_THE_UNIT)
ANSWERED = (State.REPLIED, State.OBJECTED)

CLOSED = frozenset({State.ARCHIVED, State.REFUSED, State.REDIRECTED, State.MERGED, State.HANDED_OVER})
"""Nobody has to act on the matter any more; only an objection or a leader's reason opens it again."""

ALIVE = tuple(state for state in State if state not in (State.ARCHIVED, State.MERGED))
"""Where something may be open beside the main way: it is closed before a case is archived or merged."""

WITH_THE_UNIT = frozenset({*AT_THE_UNIT, *ANSWERED, State.HANDED_OVER, State.ARCHIVED})
"""The unit sees the case: from the leader's signature on, and not any more once it is returned."""

NO_MERGE_INTO = frozenset({State.MERGED, State.REFUSED, State.REDIRECTED, State.HANDED_OVER})
"""Cases that no longer lead to an answer for those who would join them."""

AFTER_FINDING: dict[str, State] = {
    Finding.SUBSTANTIATED: State.TO_PLAN,
    Finding.PARTLY: State.TO_PLAN,
    Finding.UNSUBSTANTIATED: State.TO_REPLY,
    Finding.UNVERIFIABLE: State.TO_REPLY,
}
"""Where a verification leads."""

A_YEAR = 366
LONGEST = 3 * A_YEAR
"""No rectification is planned further ahead."""
UNDO_S = 10


@dataclass(frozen=True)
class Transition:
    """One row of the table. No roles: only the system takes this step.

    `target` is where it leads, by the field `finding` where it is a mapping; None: the case stays in its state.
    It is possible in the `sources`, `during` all that must be open, `unless` something is, and `not_after` a step
    that may be taken only once.
    """

    step: Step
    sources: tuple[State, ...]
    target: State | Mapping[str, State] | None
    roles: tuple[Role, ...]
    fields: tuple[Field, ...] = ()
    during: tuple[Side, ...] = ()
    unless: tuple[Side, ...] = ()
    not_after: tuple[Step, ...] = ()
    other_than: tuple[Step, ...] = ()
    """For another person than those who took these steps last."""
    opens: tuple[Side, ...] = ()
    closes: tuple[Side, ...] = ()
    renews: tuple[Term, ...] = ()
    """Clocks that begin anew although they run."""
    extends: tuple[Term, ...] = ()
    """Clocks that run on by the days that were asked for."""
    until: tuple[str, Term] | None = None
    """The date field that says when this clock ends, instead of its usual length."""
    told: Told | None = None
    notify: tuple[Role, ...] = ()
    """Who is told in the app: of the case's unit and area."""
    unit_reads: bool = False
    """The unit and the inspector read it in the history; all else is the desk's."""
    from_spot: bool = False
    """With photos, through the phone's outbox: it works without signal."""
    aside: bool = False
    """Not the way on: under "more" on the screens."""
    appends: bool = False
    """Takes nothing away from what others do meanwhile: no version has to be seen for it."""
    undo_s: int = 0
    """Seconds in which the desk may still take it back, before it is sent."""


def _row(
    step: Step,
    sources: tuple[State, ...],
    target: State | Mapping[str, State] | None,
    *roles: Role,
    fields: tuple[Field, ...] = (),
    **more: Any,
) -> Transition:
    return Transition(step, sources, target, roles, fields, **more)  # pragma: no mutate


EVERY_SIDE = tuple(Side)
REASON = text("reason", 4)
REASON_TOLD = text("reason", 4, reporter_reads=True)
VERIFIED = (
    choice("finding", Finding),
    text("account", 10),
    # 核查 takes at least two persons (DOMAIN.md §1).
    names("verifiers", least=2),
)
ACCEPTED = (
    Field("sector_no", FieldType.SECTOR),
    Field("unit_id", FieldType.UNIT),
    text("title", 2, 100),
    text("matter", 10),
    choice("risk", Risk),
)
HANDLED = (
    Step.REFUSE,
    Step.REDIRECT,
    Step.VERIFY,
    Step.RECTIFY,
    Step.RECHECK_PASS,
    Step.REPLY,
)
"""Who took one of these does not judge an objection. (A leader only orders the county's verification.)"""

DESK, LEADER, HANDLER, INSPECTOR = Role.DESK, Role.LEADER, Role.HANDLER, Role.INSPECTOR

STEPS: tuple[Transition, ...] = (
    # At the desk
    _row(Step.REGISTER, (), State.REGISTERED, told=Told.RECEIVED, notify=(DESK,)),
    _row(
        Step.ACCEPT,
        AT_THE_DESK,
        State.TO_SIGN,
        DESK,
        fields=ACCEPTED,
        told=Told.ACCEPTED,
        notify=(LEADER,),
        undo_s=UNDO_S,
    ),
    # Danger to life: day or night, the unit has it at once and the signature follows (DOMAIN.md §2).
    _row(
        Step.TRANSFER_AT_ONCE,
        AT_THE_DESK,
        State.TRANSFERRED,
        DESK,
        LEADER,
        fields=ACCEPTED,
        opens=(Side.SIGN_AFTER,),
        told=Told.SENT_TO_UNIT,
        notify=(HANDLER, LEADER),
        unit_reads=True,
    ),
    # A death is never refused: the county government looks into it.
    _row(
        Step.REFUSE,
        AT_THE_DESK,
        State.REFUSED,
        DESK,
        fields=(choice("ground", Ground), REASON_TOLD),
        unless=(Side.DEATH,),
        told=Told.REFUSED,
        undo_s=UNDO_S,
    ),
    _row(
        Step.REDIRECT,
        AT_THE_DESK,
        State.REDIRECTED,
        DESK,
        fields=(text("authority", 2, 100, reporter_reads=True), REASON_TOLD),
        told=Told.REDIRECTED,
        undo_s=UNDO_S,
    ),
    _row(
        Step.MERGE,
        AT_THE_DESK,
        State.MERGED,
        DESK,
        fields=(Field("into", FieldType.CASE),),
        unless=EVERY_SIDE,
        undo_s=UNDO_S,
    ),
    _row(Step.UNMERGE, (State.MERGED,), State.REGISTERED, DESK, fields=(REASON,), told=Told.RECEIVED),
    _row(Step.CLOSE_WITH_PARENT, (State.MERGED,), State.ARCHIVED, told=Told.CLOSED),
    _row(
        Step.SPLIT,
        (*GOING_ON, *ANSWERED),
        None,
        DESK,
        fields=(Field("report", FieldType.REPORT), Field("stays", FieldType.YES_NO), REASON),
        aside=True,
    ),
    # The inspector's own record is the evidence; nobody has to act any more.
    _row(Step.FIX_ON_SPOT, (State.REGISTERED,), State.ARCHIVED, told=Told.CLOSED),
    # The signature
    _row(Step.RECALL, (State.TO_SIGN,), State.REGISTERED, DESK, aside=True),
    _row(
        Step.SIGN,
        (State.TO_SIGN,),
        State.TRANSFERRED,
        LEADER,
        closes=(Side.SIGN_AFTER,),
        told=Told.SENT_TO_UNIT,
        notify=(HANDLER,),
        unit_reads=True,
        undo_s=UNDO_S,
    ),
    _row(
        Step.DECLINE,
        (State.TO_SIGN,),
        State.REGISTERED,
        LEADER,
        fields=(REASON,),
        notify=(DESK,),
        undo_s=UNDO_S,
    ),
    _row(
        Step.SIGN_AFTER,
        ALIVE,
        None,
        LEADER,
        during=(Side.SIGN_AFTER,),
        closes=(Side.SIGN_AFTER,),
        notify=(DESK,),
    ),
    _row(
        Step.DECLINE_AFTER,
        AT_THE_UNIT,
        State.RETURNED,
        LEADER,
        fields=(REASON,),
        during=(Side.SIGN_AFTER,),
        closes=(Side.SIGN_AFTER, Side.EXTENSION),
        notify=(DESK, HANDLER),
    ),
    # At the unit
    _row(Step.SIGN_FOR, (State.TRANSFERRED,), State.SIGNED_FOR, HANDLER, unit_reads=True),
    # 退回 never stops the clock of the whole (DOMAIN.md §2).
    _row(
        Step.RETURN,
        (State.TRANSFERRED, State.SIGNED_FOR),
        State.RETURNED,
        HANDLER,
        fields=(REASON,),
        closes=(Side.EXTENSION,),
        notify=(DESK,),
        unit_reads=True,
    ),
    # 撤回. Also the way out where a unit has nobody who signs in.
    _row(
        Step.TAKE_BACK,
        AT_THE_UNIT,
        State.RETURNED,
        DESK,
        fields=(REASON,),
        closes=(Side.EXTENSION,),
        notify=(HANDLER,),
        aside=True,
    ),
    _row(
        Step.VERIFY,
        (State.SIGNED_FOR,),
        AFTER_FINDING,
        HANDLER,
        fields=VERIFIED,
        unless=(Side.DEATH,),
        told=Told.CHECKED,
        unit_reads=True,
        from_spot=True,
    ),
    _row(
        Step.VERIFY_BY_COUNTY,
        AT_THE_UNIT,
        AFTER_FINDING,
        LEADER,
        fields=(*VERIFIED, text("organiser", 2, 100)),
        during=(Side.DEATH,),
        closes=(Side.DEATH,),
        told=Told.CHECKED,
        notify=(HANDLER,),
        unit_reads=True,
        from_spot=True,
    ),
    # 五落实 (DOMAIN.md §1)
    _row(
        Step.PLAN,
        (State.TO_PLAN,),
        State.RECTIFYING,
        HANDLER,
        fields=(
            text("responsible_person", 2, 40),
            text("measures", 4),
            Field("money", FieldType.MONEY),
            day("deadline", LONGEST),
            text("contingency", 4),
        ),
        until=("deadline", Term.RECTIFY),
        unit_reads=True,
        from_spot=True,
    ),
    # The responsible person answers for the measures by signature (Work Safety Law art. 73).
    _row(
        Step.RECTIFY,
        (State.RECTIFYING,),
        State.TO_RECHECK,
        HANDLER,
        fields=(text("done", 4), Field("signature", FieldType.SIGNATURE, min_length=2, max_length=40)),
        notify=(INSPECTOR, DESK),
        unit_reads=True,
        from_spot=True,
    ),
    # The desk is the last resort: a unit of one handler in a place without an inspector must not get stuck.
    _row(
        Step.RECHECK_PASS,
        (State.TO_RECHECK,),
        State.TO_STRIKE_OFF,
        INSPECTOR,
        HANDLER,
        DESK,
        fields=(text("account", 4),),
        other_than=(Step.RECTIFY,),
        told=Told.FIXED,
        notify=(HANDLER,),
        unit_reads=True,
        from_spot=True,
    ),
    _row(
        Step.RECHECK_FAIL,
        (State.TO_RECHECK,),
        State.RECTIFYING,
        INSPECTOR,
        HANDLER,
        DESK,
        fields=(REASON, day("deadline", LONGEST)),
        other_than=(Step.RECTIFY,),
        until=("deadline", Term.RECTIFY),
        notify=(HANDLER,),
        unit_reads=True,
        from_spot=True,
    ),
    _row(
        Step.STRIKE_OFF,
        (State.TO_STRIKE_OFF,),
        State.TO_REPLY,
        HANDLER,
        DESK,
        notify=(HANDLER,),
        unit_reads=True,
    ),
    _row(
        Step.REPLY,
        (State.TO_REPLY,),
        State.REPLIED,
        HANDLER,
        fields=(
            text("text", 10, reporter_reads=True),
            replace(choice("reward", Reward), reporter_reads=True),
        ),
        unless=(Side.DEATH,),
        closes=(Side.EXTENSION, Side.SUSPENDED),
        told=Told.ANSWERED,
        notify=(DESK,),
        unit_reads=True,
    ),
    # After the answer; who refused, handled or answered does not judge the objection.
    _row(
        Step.OBJECT,
        (State.REPLIED, State.ARCHIVED, State.REFUSED, State.REDIRECTED),
        State.OBJECTED,
        DESK,
        fields=(REASON,),
        told=Told.OBJECTED,
        notify=(DESK, LEADER),
        aside=True,
    ),
    _row(
        Step.UPHOLD,
        (State.OBJECTED,),
        State.REPLIED,
        DESK,
        LEADER,
        fields=(text("text", 10, reporter_reads=True),),
        other_than=HANDLED,
        told=Told.RE_EXAMINED,
        notify=(HANDLER,),
    ),
    _row(
        Step.OVERTURN,
        (State.OBJECTED,),
        State.REGISTERED,
        DESK,
        LEADER,
        fields=(REASON,),
        other_than=HANDLED,
        told=Told.RE_EXAMINED,
        notify=(DESK, HANDLER),
    ),
    _row(
        Step.REOPEN,
        (State.REPLIED, State.HANDED_OVER, State.ARCHIVED, State.REFUSED, State.REDIRECTED),
        State.REGISTERED,
        LEADER,
        fields=(REASON,),
        notify=(DESK, HANDLER),
        aside=True,
    ),
    _row(
        Step.ARCHIVE,
        (State.REPLIED, State.HANDED_OVER, State.REFUSED, State.REDIRECTED),
        State.ARCHIVED,
        DESK,
        unless=EVERY_SIDE,
        told=Told.CLOSED,
        unit_reads=True,
        undo_s=UNDO_S,
    ),
    # Beside the main way
    _row(
        Step.ADD_EVIDENCE,
        (*AT_THE_UNIT, *ANSWERED),
        None,
        HANDLER,
        DESK,
        fields=(text("note", 1),),
        unit_reads=True,
        from_spot=True,
        aside=True,
        appends=True,
    ),
    _row(
        Step.NOTE_DEATH,
        GOING_ON,
        None,
        DESK,
        LEADER,
        HANDLER,
        fields=(REASON,),
        unless=(Side.DEATH,),
        opens=(Side.DEATH,),
        notify=(LEADER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.NO_DEATH,
        ALIVE,
        None,
        LEADER,
        fields=(REASON,),
        during=(Side.DEATH,),
        closes=(Side.DEATH,),
        notify=(DESK, HANDLER),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.ASK_EXTENSION,
        AT_THE_UNIT,
        None,
        HANDLER,
        DESK,
        fields=(choice("days", ("5", "10", "15", "30")), REASON),
        unless=(Side.EXTENSION,),
        not_after=(Step.GRANT_EXTENSION,),
        opens=(Side.EXTENSION,),
        notify=(LEADER,),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.GRANT_EXTENSION,
        ALIVE,
        None,
        LEADER,
        fields=(REASON_TOLD,),
        during=(Side.EXTENSION,),
        other_than=(Step.ASK_EXTENSION,),
        closes=(Side.EXTENSION,),
        extends=(Term.HANDLE, Term.RECTIFY),
        told=Told.EXTENDED,
        notify=(HANDLER, DESK),
        unit_reads=True,
    ),
    _row(
        Step.DENY_EXTENSION,
        ALIVE,
        None,
        LEADER,
        fields=(REASON,),
        during=(Side.EXTENSION,),
        closes=(Side.EXTENSION,),
        notify=(HANDLER, DESK),
        unit_reads=True,
    ),
    _row(
        Step.CHASE,
        AT_THE_UNIT,
        None,
        DESK,
        LEADER,
        fields=(text("demand", 4),),
        notify=(HANDLER,),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.ISSUE_LETTER,
        AT_THE_UNIT,
        None,
        LEADER,
        fields=(text("demand", 10), day("deadline", A_YEAR)),
        unless=(Side.LETTER,),
        opens=(Side.LETTER,),
        until=("deadline", Term.LETTER),
        notify=(HANDLER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.ANSWER_LETTER,
        ALIVE,
        None,
        HANDLER,
        DESK,
        fields=(text("answer", 10),),
        during=(Side.LETTER,),
        closes=(Side.LETTER,),
        notify=(LEADER, DESK),
        unit_reads=True,
        from_spot=True,
    ),
    # 移送 of a suspected crime: two officers, the head decides, then it is handed over within a day.
    _row(
        Step.PROPOSE_HAND_OVER,
        (*AT_THE_DESK, *AT_THE_UNIT),
        None,
        HANDLER,
        DESK,
        fields=(text("authority", 2, 100), names("officers", least=2), REASON),
        unless=(Side.HAND_OVER_ASKED, Side.HAND_OVER_DUE),
        opens=(Side.HAND_OVER_ASKED,),
        notify=(LEADER,),
        aside=True,
    ),
    _row(
        Step.APPROVE_HAND_OVER,
        ALIVE,
        None,
        LEADER,
        during=(Side.HAND_OVER_ASKED,),
        other_than=(Step.PROPOSE_HAND_OVER,),
        closes=(Side.HAND_OVER_ASKED,),
        opens=(Side.HAND_OVER_DUE,),
        notify=(HANDLER, DESK),
    ),
    _row(
        Step.DENY_HAND_OVER,
        ALIVE,
        None,
        LEADER,
        fields=(REASON,),
        during=(Side.HAND_OVER_ASKED,),
        closes=(Side.HAND_OVER_ASKED,),
        notify=(HANDLER, DESK),
    ),
    _row(
        Step.HAND_OVER,
        tuple(state for state in ALIVE if state is not State.HANDED_OVER),
        State.HANDED_OVER,
        HANDLER,
        DESK,
        fields=(text("authority", 2, 100, reporter_reads=True), REASON_TOLD),
        during=(Side.HAND_OVER_DUE,),
        closes=(Side.HAND_OVER_DUE, Side.EXTENSION, Side.SUSPENDED, Side.DEATH),
        told=Told.HANDED_OVER,
        notify=(DESK, LEADER),
    ),
    _row(
        Step.SUSPEND,
        AT_THE_UNIT,
        None,
        LEADER,
        fields=(REASON,),
        unless=(Side.SUSPENDED,),
        opens=(Side.SUSPENDED,),
        notify=(HANDLER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.RESUME,
        ALIVE,
        None,
        LEADER,
        DESK,
        fields=(REASON,),
        during=(Side.SUSPENDED,),
        closes=(Side.SUSPENDED,),
        notify=(HANDLER,),
        unit_reads=True,
    ),
    # 挂牌督办: filed, published, and struck from the public list in the same place.
    _row(
        Step.LIST,
        AT_THE_UNIT,
        None,
        LEADER,
        fields=(REASON, day("deadline", A_YEAR)),
        unless=(Side.LISTED, Side.DELIST_TO_PUBLISH),
        opens=(Side.LISTED, Side.LIST_TO_FILE, Side.LIST_TO_PUBLISH),
        until=("deadline", Term.LISTED),
        notify=(HANDLER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.FILE_LISTING,
        ALIVE,
        None,
        DESK,
        fields=(text("authority", 2, 100),),
        during=(Side.LIST_TO_FILE,),
        closes=(Side.LIST_TO_FILE,),
    ),
    _row(
        Step.PUBLISH_LISTING,
        ALIVE,
        None,
        DESK,
        fields=(text("published_at", 2, 200),),
        during=(Side.LIST_TO_PUBLISH,),
        closes=(Side.LIST_TO_PUBLISH,),
        unit_reads=True,
    ),
    _row(
        Step.EXTEND_LISTING,
        AT_THE_UNIT,
        None,
        LEADER,
        fields=(REASON, day("deadline", A_YEAR)),
        during=(Side.LISTED,),
        renews=(Term.LISTED,),
        until=("deadline", Term.LISTED),
        notify=(HANDLER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.DELIST,
        ALIVE,
        None,
        LEADER,
        fields=(REASON,),
        during=(Side.LISTED,),
        closes=(Side.LISTED, Side.LIST_TO_FILE, Side.LIST_TO_PUBLISH),
        opens=(Side.DELIST_TO_PUBLISH,),
        notify=(HANDLER, DESK),
        unit_reads=True,
        aside=True,
    ),
    _row(
        Step.PUBLISH_DELISTING,
        ALIVE,
        None,
        DESK,
        fields=(text("published_at", 2, 200),),
        during=(Side.DELIST_TO_PUBLISH,),
        closes=(Side.DELIST_TO_PUBLISH,),
        unit_reads=True,
    ),
    # The reporter takes it back; the matter can go on, or the desk refuses it on that ground.
    _row(
        Step.WITHDRAW,
        (*GOING_ON, State.REPLIED),
        None,
        DESK,
        fields=(text("reason", 1, required=False),),
        notify=(DESK,),
        aside=True,
    ),
)
BY_STEP: dict[Step, Transition] = {row.step: row for row in STEPS}

THE_REPORTERS = frozenset({Step.OBJECT, Step.WITHDRAW})
"""Steps that the reporter takes too, by the receipt code (feedback/)."""
REPORTER = Actor(None, "reporter", ())
"""Whoever holds the code: without a name, and without a right to any other step."""

BEGINS = frozenset({Step.ACCEPT, Step.TRANSFER_AT_ONCE})
"""受理: from here on the clock of the whole runs."""


@dataclass(frozen=True)
class CaseFacts:
    """What the rules need to know of a case. `area_path` of a case without a place is the county's."""

    state: State
    area_path: str | None
    unit_id: uuid.UUID | None = None
    open: frozenset[Side] = frozenset()
    took: Mapping[Step, uuid.UUID | None] = field(default_factory=dict)
    """Who took each step last; None: the system or the reporter."""
    reporters: frozenset[uuid.UUID] = frozenset()
    """Inspectors whose own hazards are in it."""


class Sight(StrEnum):
    """How much of a case somebody sees."""

    FULL = "full"
    UNIT = "unit"


def sight(case: CaseFacts, actor: Actor) -> Sight | None:
    """What the actor sees: desk and leaders all of it, the unit what DOMAIN.md §5 lets it, others nothing."""
    if any(actor.may(role, case.area_path, case.unit_id) for role in (DESK, LEADER)):
        return Sight.FULL
    ours = any(actor.may(role, case.area_path, case.unit_id) for role in OF_A_UNIT)
    if case.state in WITH_THE_UNIT and case.unit_id and ours:
        return Sight.UNIT
    if case.state is State.TO_RECHECK and actor.may(INSPECTOR, case.area_path, case.unit_id):
        return Sight.UNIT
    if actor.person_id in case.reporters:
        return Sight.UNIT
    return None


def has_right(case: CaseFacts, actor: Actor, step: Step) -> bool:
    """Whether the step is the actor's to take for this case, whatever its state."""
    row = BY_STEP[step]
    if actor.person_id in not_for(case, row):
        return False
    return any(actor.may(role, case.area_path, case.unit_id) for role in row.roles)


def not_for(case: CaseFacts, row: Transition) -> frozenset[uuid.UUID]:
    """The persons who may not take this step because of what they did before."""
    return frozenset(person for step in row.other_than if (person := case.took.get(step)))


def possible(case: CaseFacts, row: Transition) -> bool:
    """Whether the step can be taken now, by whomever."""
    return (
        case.state in row.sources
        and case.open.issuperset(row.during)
        and case.open.isdisjoint(row.unless)
        and not any(step in case.took for step in row.not_after)
    )


def allowed_steps(case: CaseFacts, actor: Actor) -> list[Transition]:
    """The rows of the table that this person may take now."""
    if sight(case, actor) is None:
        return []
    return [row for row in STEPS if possible(case, row) and has_right(case, actor, row.step)]


def steps_of(case: CaseFacts, role: Role) -> list[Transition]:
    """The rows of the table that the role has now, for phones that will know the person."""
    return [row for row in STEPS if possible(case, row) and role in row.roles]


def target(step: Step, values: Mapping[str, Any], now: State) -> State:
    """Where a step with these (checked) fields leads from the state `now`."""
    to = BY_STEP[step].target
    if to is None:
        return now
    return to if isinstance(to, State) else to[values["finding"]]


def after(case: CaseFacts, actor: Actor, step: Step, values: Mapping[str, Any]) -> CaseFacts:
    """The facts once the actor has taken an allowed step with checked fields."""
    row, state = BY_STEP[step], target(step, values, case.state)
    unit = uuid.UUID(str(values["unit_id"])) if step in BEGINS else case.unit_id
    return replace(
        case,
        state=state,
        # Back at the desk it lies with no unit: what the desk does next is not the last unit's to see.
        unit_id=None if state in AT_THE_DESK else unit,
        open=(case.open - frozenset(row.closes)) | frozenset(row.opens),
        took={**case.took, step: actor.person_id},
    )


def running(case: CaseFacts) -> frozenset[Term]:
    """The clocks that run: the stage's, those of what is open beside it, and from acceptance to answer the whole's."""
    terms = {BESIDE[side] for side in case.open if side in BESIDE}
    if case.state in STAGE:
        terms.add(STAGE[case.state])
    if case.state in GOING_ON and not BEGINS.isdisjoint(case.took):
        terms.add(Term.HANDLE)
    return frozenset(terms)


def paused(case: CaseFacts) -> frozenset[Term]:
    """Those of the running clocks that stand still: the stage's and the whole's while the matter is suspended."""
    if Side.SUSPENDED not in case.open:
        return frozenset()
    return running(case) - frozenset(BESIDE.values())


def check(step: Step, given: Mapping[str, Any], today: date) -> Checked:
    """Check the form of the fields of a step."""
    return check_fields(BY_STEP[step].fields, given, today)


def owners(term: Term, state: State) -> frozenset[Role]:
    """Who ends this clock of a case in this state: whoever closes what is open beside it, else whoever leads on."""
    sides = {side for side, name in BESIDE.items() if name is term}
    rows = [row for row in STEPS if state in row.sources]
    if sides:
        ending = [row for row in rows if sides & set(row.during) & set(row.closes)]
    else:
        ending = [row for row in rows if row.target and not row.aside and not row.during]
    # Whoever may take only some of the ways (a leader who transfers at once) does not answer for the clock.
    able = [frozenset(row.roles) for row in ending if row.roles]
    return frozenset.intersection(*able) if able else frozenset()
