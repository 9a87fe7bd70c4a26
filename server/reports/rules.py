"""Which kind of work a case is for the desk, and by what it is looked for."""

import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.cases.rules import Side, State

DUE_SOON = timedelta(days=3)


class Queue(StrEnum):
    """Kinds of work at the desk, in the order of work."""

    NEW = "new"
    DUPLICATES = "duplicates"
    TO_SIGN = "to_sign"
    TO_APPROVE = "to_approve"
    """A leader decides something beside the main way: a signature that must follow, an extension …"""
    RETURNED = "returned"
    OVERDUE = "overdue"
    DUE_SOON = "due_soon"
    OBJECTIONS = "objections"
    IN_HAND = "in_hand"
    TO_ARCHIVE = "to_archive"


HOME: dict[State, Queue | None] = {
    State.REGISTERED: Queue.NEW,
    State.TO_SIGN: Queue.TO_SIGN,
    State.RETURNED: Queue.RETURNED,
    State.TRANSFERRED: Queue.IN_HAND,
    State.SIGNED_FOR: Queue.IN_HAND,
    State.TO_PLAN: Queue.IN_HAND,
    State.RECTIFYING: Queue.IN_HAND,
    State.TO_RECHECK: Queue.IN_HAND,
    State.TO_STRIKE_OFF: Queue.IN_HAND,
    State.TO_REPLY: Queue.IN_HAND,
    State.REPLIED: Queue.TO_ARCHIVE,
    State.OBJECTED: Queue.OBJECTIONS,
    State.REFUSED: Queue.TO_ARCHIVE,
    State.REDIRECTED: Queue.TO_ARCHIVE,
    State.HANDED_OVER: Queue.TO_ARCHIVE,
    State.ARCHIVED: None,
    State.MERGED: None,
}
"""The one queue in which a case of a state lies; None for what is archived, or will be with the case that took it in.
Time, suspicions and discontent may put it into a second one."""


FOR_A_LEADER = frozenset({Side.SIGN_AFTER, Side.EXTENSION, Side.HAND_OVER_ASKED, Side.DEATH})
"""What is open beside the main way and waits for a leader."""


def states_of(queue: Queue) -> tuple[State, ...]:
    """The states whose cases may lie in the queue; none for those that only the time decides."""
    if queue is Queue.DUPLICATES:
        return (State.REGISTERED,)
    if queue is Queue.OBJECTIONS:
        return (State.OBJECTED, State.REPLIED)
    if queue is Queue.TO_APPROVE:
        return tuple(State)
    return tuple(state for state, home in HOME.items() if home is queue)


def queues_of(
    state: State,
    suspected: int,
    due_at: datetime | None,
    unsatisfied: bool,
    sides: Iterable[str],
    now: datetime,
) -> set[Queue]:
    """Every queue in which the case lies now."""
    home = HOME[state]
    found = {home} if home else set()
    if suspected and state is State.REGISTERED:
        found.add(Queue.DUPLICATES)
    if due_at is not None and due_at <= now + DUE_SOON:
        found.add(Queue.OVERDUE if due_at <= now else Queue.DUE_SOON)
    if unsatisfied and state is State.REPLIED:
        found.add(Queue.OBJECTIONS)
    if FOR_A_LEADER.intersection(map(Side, sides)):
        found.add(Queue.TO_APPROVE)
    return found


class Age(StrEnum):
    """How long ago it was received."""

    LAST_DAY = "last_day"
    LAST_WEEK = "last_week"
    LAST_MONTH = "last_month"
    OVER_WEEK = "over_week"
    OVER_MONTH = "over_month"


AGES: dict[Age, tuple[bool, timedelta]] = {
    Age.LAST_DAY: (True, timedelta(days=1)),
    Age.LAST_WEEK: (True, timedelta(days=7)),
    Age.LAST_MONTH: (True, timedelta(days=30)),
    Age.OVER_WEEK: (False, timedelta(days=7)),
    Age.OVER_MONTH: (False, timedelta(days=30)),
}
"""Whether younger than this, or older."""


@dataclass(frozen=True)
class Filters:
    """What the person narrowed the list to; all of it must be true."""

    text: str = ""
    area: str | None = None
    """Its code; with all below it."""
    sector_no: int | None = None
    unit_id: uuid.UUID | None = None
    state: State | None = None
    kind: str | None = None
    risk: str | None = None
    age: Age | None = None
    urgent: bool = False
    mine: bool = False
    """The person took a step in it."""

    def facets(self, person_id: uuid.UUID | None) -> list[str]:
        """The facets that a row must have (DeskRow.facets)."""
        named = {
            "state": self.state,
            "in": self.area,
            "kind": self.kind,
            "risk": self.risk,
            "sector": self.sector_no,
            "unit": self.unit_id,
        }
        found = [f"{name}:{value}" for name, value in named.items() if value is not None]
        if self.urgent:
            found.append("urgent")
        if self.mine:
            found.append(f"by:{person_id}")
        return found

    def terms(self) -> list[str]:
        """The words of the search, written as `DeskRow.words` are."""
        return unicodedata.normalize("NFKC", self.text).lower().split()
