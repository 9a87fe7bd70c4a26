"""What a reporter reads of the case that the report is in: a line of steps, and nothing of anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from server.cases.rules import AFTER_FINDING, BY_STEP, Finding, State, Step, Term, Told

LONGEST_MESSAGE = 2000
LONGEST_REASON = 500
MOST_MESSAGES = 200
"""From one reporter about one report."""

MENDED = (
    Told.RECEIVED,
    Told.ACCEPTED,
    Told.SENT_TO_UNIT,
    Told.CHECKED,
    Told.FIXED,
    Told.ANSWERED,
    Told.CLOSED,
)
NOTHING_TO_MEND = tuple(told for told in MENDED if told is not Told.FIXED)

REACHED: dict[State, Told] = {
    State.REGISTERED: Told.RECEIVED,
    State.TO_SIGN: Told.ACCEPTED,
    State.RETURNED: Told.ACCEPTED,
    State.TRANSFERRED: Told.SENT_TO_UNIT,
    State.SIGNED_FOR: Told.SENT_TO_UNIT,
    State.RECTIFYING: Told.CHECKED,
    State.TO_RECHECK: Told.CHECKED,
    State.TO_REPLY: Told.CHECKED,
    State.REPLIED: Told.ANSWERED,
    State.ARCHIVED: Told.CLOSED,
    State.REFUSED: Told.REFUSED,
    State.REDIRECTED: Told.REDIRECTED,
    State.MERGED: Told.RECEIVED,
}
"""How far a case is on the reporter's line; to_reply after something was mended is `fixed`."""

WAITS_FOR: dict[State, Term] = {
    State.REGISTERED: Term.DECIDE,
    State.TO_SIGN: Term.SIGN,
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
    codes = _codes(state, finding)
    reached = _reached(state, finding)
    dates = {Told.RECEIVED: received_at}
    for event in happened:
        told = BY_STEP[event.step].told
        if told is not None and told is not Told.RECEIVED:
            dates[told] = max(event.at, joined_at)
    here = codes.index(reached)
    return [
        LineStep(code, dates.get(code) if place <= here else None, code is reached)
        for place, code in enumerate(codes)
    ]


def upcoming(state: State, finding: Finding | None) -> Told | None:
    """What comes next for the reporter; None when nothing does that they have to wait for."""
    reached = _reached(state, finding)
    if reached in (Told.ANSWERED, Told.CLOSED, Told.REFUSED, Told.REDIRECTED):
        return None
    codes = _codes(state, finding)
    return codes[codes.index(reached) + 1]


def _codes(state: State, finding: Finding | None) -> tuple[Told, ...]:
    if state in (State.REFUSED, State.REDIRECTED):
        return (Told.RECEIVED, REACHED[state])
    if finding is not None and AFTER_FINDING[finding] is State.TO_REPLY:
        return NOTHING_TO_MEND
    return MENDED


def _reached(state: State, finding: Finding | None) -> Told:
    if state is State.TO_REPLY and finding is not None and AFTER_FINDING[finding] is State.RECTIFYING:
        return Told.FIXED
    return REACHED[state]
