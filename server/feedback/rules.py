"""What a reporter reads of the case that the report is in: a line of steps, and nothing of anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.cases.rules import AFTER_FINDING, BY_STEP, CLOCKS, Finding, State, Step, Term, Told
from server.core.calendar import day_of, end_of

LONGEST_MESSAGE = 2000
LONGEST_REASON = 500
MOST_MESSAGES = 200
"""From one reporter about one report."""

OBJECTION_DAYS = CLOCKS[Term.OBJECTION].amount
LATEST_DELIVERY = timedelta(days=60)
"""An answer that nobody opened counts as delivered after this, so that every matter ends."""

MENDED: tuple[Told, ...] = (
    Told.RECEIVED,
    Told.ACCEPTED,
    Told.SENT_TO_UNIT,
    Told.CHECKED,
    Told.FIXED,
    Told.ANSWERED,
)
NOTHING_TO_MEND: tuple[Told, ...] = tuple(told for told in MENDED if told is not Told.FIXED)

REACHED: dict[State, Told] = {
    State.REGISTERED: Told.RECEIVED,
    State.TO_SIGN: Told.ACCEPTED,
    State.RETURNED: Told.ACCEPTED,
    State.TRANSFERRED: Told.SENT_TO_UNIT,
    State.SIGNED_FOR: Told.SENT_TO_UNIT,
    State.TO_PLAN: Told.CHECKED,
    State.RECTIFYING: Told.CHECKED,
    State.TO_RECHECK: Told.CHECKED,
    State.TO_STRIKE_OFF: Told.FIXED,
    State.TO_REPLY: Told.CHECKED,
    State.REPLIED: Told.ANSWERED,
    State.OBJECTED: Told.OBJECTED,
    State.ARCHIVED: Told.CLOSED,
    State.REFUSED: Told.REFUSED,
    State.REDIRECTED: Told.REDIRECTED,
    State.HANDED_OVER: Told.HANDED_OVER,
    State.MERGED: Told.RECEIVED,
}
"""How far a case is on the reporter's line, if nothing else is said by what happened before."""

ENDS = frozenset({Told.REFUSED, Told.REDIRECTED, Told.HANDED_OVER})
"""Ways in which a matter ends without an answer of a unit."""
OPENS_AGAIN = frozenset({Step.OVERTURN, Step.REOPEN, Step.UNMERGE})

WAITS_FOR: dict[State, Term] = {
    State.REGISTERED: Term.DECIDE,
    State.TO_SIGN: Term.SIGN,
    State.OBJECTED: Term.REEXAMINE,
}
"""The clock that says by when the next step is due; later ones are all due with the whole."""


@dataclass(frozen=True)
class Happened:
    """A step that was taken, as the rules need to know it."""

    step: Step
    at: datetime


@dataclass(frozen=True)
class LineStep:
    """One place on the line; `at` is None while it lies ahead."""

    code: Told
    at: datetime | None
    current: bool


def objection_ends(answered_at: datetime, read_at: datetime | None) -> datetime:
    """Until when an objection may be made: so many days after delivery, which is the first reading by the code."""
    latest = answered_at + LATEST_DELIVERY
    delivered = min(read_at, latest) if read_at else latest
    return end_of(day_of(delivered) + timedelta(days=OBJECTION_DAYS))


def line(
    state: State,
    finding: Finding | None,
    happened: Sequence[Happened],
    received_at: datetime,
    joined_at: datetime,
) -> list[LineStep]:
    """The line of steps for one reporter.

    What happened to the case before the report joined it is dated with the day of joining: an earlier date
    would say that somebody else had reported the same (DOMAIN.md §5).
    """
    dates = {Told.RECEIVED: received_at}
    for event in happened:
        told = BY_STEP[event.step].told
        if told is not None and told is not Told.RECEIVED:
            dates[told] = max(event.at, joined_at)
        if told is Told.SENT_TO_UNIT:  # at once, when lives are in danger
            dates.setdefault(Told.ACCEPTED, dates[told])
    codes, reached = _way(state, finding, happened)
    here = codes.index(reached)
    return [
        LineStep(code, dates.get(code) if place <= here else None, code is reached)
        for place, code in enumerate(codes)
    ]


def upcoming(state: State, finding: Finding | None, happened: Sequence[Happened] = ()) -> Told | None:
    """What comes next for the reporter; None when nothing does that they have to wait for."""
    codes, reached = _way(state, finding, happened)
    if reached in ENDS or reached in (Told.ANSWERED, Told.RE_EXAMINED, Told.CLOSED):
        return None
    return codes[codes.index(reached) + 1]


def _way(
    state: State, finding: Finding | None, happened: Sequence[Happened]
) -> tuple[tuple[Told, ...], Told]:
    """All places on the line, and the one that is reached."""
    since: list[Told] = []
    """What was told since the matter was opened (again)."""
    for event in happened:
        told = BY_STEP[event.step].told
        if event.step in OPENS_AGAIN:
            since = []
        elif told is not None:
            since.append(told)
    ended = next((told for told in reversed(since) if told in ENDS), None)
    if ended is None and REACHED[state] in ENDS:
        ended = REACHED[state]
    mends = finding is None or AFTER_FINDING[finding] is not State.TO_REPLY or state is State.TO_STRIKE_OFF
    codes = MENDED if mends else NOTHING_TO_MEND
    if ended is not None:
        codes = (*(told for told in codes if told is Told.RECEIVED or told in since), ended)
    objected = Told.OBJECTED in since or state is State.OBJECTED
    if objected:
        codes = (*codes, Told.OBJECTED, Told.RE_EXAMINED)
    if ended is None or objected:
        codes = (*codes, Told.CLOSED)
    reached = REACHED[state]
    if state is State.TO_REPLY and finding is not None and mends:
        reached = Told.FIXED
    elif state is State.REPLIED and objected:
        reached = Told.RE_EXAMINED
    elif state is State.ARCHIVED and ended is not None and not objected:
        reached = ended
    return codes, reached
