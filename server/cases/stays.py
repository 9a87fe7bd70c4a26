"""How long a case lay with whom: the answer to 责任可究, read out of its history."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from server.cases.rules import AT_THE_UNIT, BEGINS, CLOSED, STAGE, State, owners
from server.identity.rules import Role


class Line(Protocol):
    """What is needed of a line of the history."""

    at: datetime
    step: str
    to_state: str
    fields: dict[str, Any]
    late: bool


@dataclass
class Stay:
    """A time that the case spent in one state with one owner; `until` is None while it lasts.

    `unit_id` where it lay with a unit; `roles` are those who had to lead it on.
    """

    state: State
    roles: list[Role]
    unit_id: uuid.UUID | None
    since: datetime
    until: datetime | None = None


def stays(history: Iterable[Line]) -> list[Stay]:
    """One stay after the other, from the first line to now; what is closed lies with nobody."""
    found: list[Stay] = []
    unit: uuid.UUID | None = None
    for line in history:
        if line.late:
            continue
        if line.step in BEGINS:
            unit = uuid.UUID(str(line.fields["unit_id"]))
        state = State(line.to_state)
        if found and found[-1].until is None:
            if found[-1].state is state:
                continue
            found[-1].until = line.at
        if state not in CLOSED:
            roles = sorted(owners(STAGE[state], state))
            found.append(Stay(state, roles, unit if state in AT_THE_UNIT else None, line.at))
    return found
