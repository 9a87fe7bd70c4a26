"""Which queue a case lies in, and how a search is written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.rules import STEPS, Side, State
from server.identity.rules import Role
from server.reports.rules import DUE_SOON, FOR_A_LEADER, HOME, Filters, Queue, queues_of, states_of

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
SPANS = st.none() | st.timedeltas(timedelta(days=-90), timedelta(days=90))


def test_every_state_but_the_last_ones_has_a_queue() -> None:
    assert set(HOME) == set(State)
    assert {state for state, queue in HOME.items() if queue is None} == {State.ARCHIVED, State.MERGED}


@given(st.sampled_from(State), st.integers(0, 3), SPANS, st.booleans(), st.sets(st.sampled_from(Side)))
def test_a_case_lies_in_its_home_and_no_queue_is_asked_for_a_state_that_it_does_not_know(
    state: State, suspected: int, left: timedelta | None, unsatisfied: bool, sides: set[Side]
) -> None:
    due_at = None if left is None else NOW + left
    found = queues_of(state, suspected, due_at, unsatisfied, sides, NOW)
    home = HOME[state]
    by_time = {Queue.OVERDUE, Queue.DUE_SOON}
    assert home is None or home in found
    assert not by_time <= found
    assert (Queue.TO_APPROVE in found) == bool(sides & FOR_A_LEADER)
    assert all(state in states_of(queue) for queue in found - by_time)


def test_what_waits_for_a_leader_is_closed_by_one() -> None:
    closing = {
        side for row in STEPS if row.roles == (Role.LEADER,) for side in row.during if side in row.closes
    }
    assert closing >= FOR_A_LEADER


@pytest.mark.parametrize(
    ("left", "queue"),
    [
        (timedelta(0), Queue.OVERDUE),
        (timedelta(seconds=1), Queue.DUE_SOON),
        (DUE_SOON, Queue.DUE_SOON),
        (DUE_SOON + timedelta(seconds=1), None),
    ],
)
def test_a_deadline_puts_a_case_into_one_more_queue(left: timedelta, queue: Queue | None) -> None:
    found = queues_of(State.RECTIFYING, 0, NOW + left, False, (), NOW)
    assert found - {Queue.IN_HAND} == ({queue} if queue else set())


def test_words_of_a_search_are_written_as_the_rows_are() -> None:
    assert Filters(text="  Ｌｎｇ站　３号楼 ").terms() == ["lng站", "3号楼"]
