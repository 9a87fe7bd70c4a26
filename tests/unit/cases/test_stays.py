"""How long a case lay with whom."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from server.cases.rules import State
from server.cases.stays import stays
from server.identity.rules import Role

BEGIN = datetime(2026, 11, 23, 2, tzinfo=UTC)
FIRE, ROADS = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


@dataclass
class Event:
    """A line of a history, one hour after the last."""

    step: str
    to_state: str
    at: datetime = BEGIN
    fields: dict[str, Any] = field(default_factory=dict)
    late: bool = False


def history(*events: Event) -> list[Event]:
    for hour, event in enumerate(events):
        event.at = BEGIN + timedelta(hours=hour)
    return list(events)


def test_each_stay_ends_where_the_next_begins_and_names_who_had_it() -> None:
    found = stays(
        history(
            Event("register", "registered"),
            Event("accept", "to_sign", fields={"unit_id": FIRE}),
            Event("sign", "transferred"),
            Event("verify", "transferred", late=True),
            Event("chase", "transferred"),
            Event("return", "returned"),
            Event("transfer_at_once", "transferred", fields={"unit_id": ROADS}),
        )
    )
    assert [(stay.state, stay.unit_id and stay.unit_id.int) for stay in found] == [
        (State.REGISTERED, None),
        (State.TO_SIGN, None),
        (State.TRANSFERRED, 1),
        (State.RETURNED, None),
        (State.TRANSFERRED, 2),
    ]
    assert [stay.until and stay.until - stay.since for stay in found] == [
        timedelta(hours=1),
        timedelta(hours=1),
        timedelta(hours=3),
        timedelta(hours=1),
        None,
    ]
    assert [stay.roles for stay in found[:3]] == [[Role.DESK], [Role.LEADER], [Role.HANDLER]]


def test_what_is_closed_lies_with_nobody_until_it_is_opened_again() -> None:
    found = stays(
        history(
            Event("register", "registered"),
            Event("refuse", "refused"),
            Event("archive", "archived"),
            Event("reopen", "registered"),
        )
    )
    assert [(stay.state, stay.since, stay.until) for stay in found] == [
        (State.REGISTERED, BEGIN, BEGIN + timedelta(hours=1)),
        (State.REGISTERED, BEGIN + timedelta(hours=3), None),
    ]
