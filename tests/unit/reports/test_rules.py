"""Which queue a case lies in, and how a search is written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.rules import CLOSED, State
from server.reports.rules import DUE_SOON, HOME, OPEN, Filters, Queue, queues_of, states_of

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
SPANS = st.none() | st.timedeltas(timedelta(days=-90), timedelta(days=90))


def test_every_state_but_the_last_ones_has_a_queue() -> None:
    assert set(HOME) == set(State)
    assert {state for state, queue in HOME.items() if queue is None} <= CLOSED


@given(st.sampled_from(State), st.integers(0, 3), SPANS, st.booleans())
def test_an_open_case_lies_in_its_home_and_a_closed_one_nowhere(
    state: State, suspected: int, left: timedelta | None, unsatisfied: bool
) -> None:
    due_at = None if left is None else NOW + left
    found = queues_of(state, suspected, due_at, unsatisfied, NOW)
    home = HOME[state]
    assert (home in found) if home else not found
    assert not {Queue.OVERDUE, Queue.DUE_SOON} <= found
    assert all(state in states_of(queue) for queue in found)


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
    found = queues_of(OPEN[0], 0, NOW + left, False, NOW)
    assert found - {HOME[OPEN[0]]} == ({queue} if queue else set())


def test_words_of_a_search_are_written_as_the_rows_are() -> None:
    assert Filters(text="  Ｌｎｇ站　３号楼 ").terms() == ["lng站", "3号楼"]
