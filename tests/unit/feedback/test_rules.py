"""The reporter's line of steps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.rules import CLOSED, Finding, State, Step, Told
from server.feedback.rules import OBJECTION_DAYS, Happened, line, objection_ends, upcoming

DAY = timedelta(days=1)
RECEIVED = datetime(2026, 11, 1, 2, tzinfo=UTC)
WAY = [
    Step.ACCEPT,
    Step.SIGN,
    Step.SIGN_FOR,
    Step.VERIFY,
    Step.RECTIFY,
    Step.RECHECK_PASS,
    Step.REPLY,
    Step.ARCHIVE,
]


def days(*steps: Step) -> list[Happened]:
    """One step a day, from the day after receipt."""
    return [Happened(step, RECEIVED + DAY * number) for number, step in enumerate(steps, 1)]


def codes(state: State, finding: Finding | None = None) -> list[str]:
    return [step.code for step in line(state, finding, [], RECEIVED, RECEIVED)]


def test_a_report_that_was_mended_has_seven_dated_steps() -> None:
    steps = line(State.ARCHIVED, Finding.SUBSTANTIATED, days(*WAY), RECEIVED, RECEIVED)
    told = [step.code for step in steps]
    assert told == ["received", "accepted", "sent_to_unit", "checked", "fixed", "answered", "closed"]
    assert [step.at for step in steps] == [RECEIVED + DAY * n for n in (0, 1, 2, 4, 6, 7, 8)]
    assert [step.code for step in steps if step.current] == ["closed"]


def test_what_lies_ahead_has_no_date() -> None:
    steps = line(State.SIGNED_FOR, None, days(*WAY[:3]), RECEIVED, RECEIVED)
    assert [step.at is not None for step in steps] == [True, True, True, False, False, False, False]
    assert [step.code for step in steps if step.current] == ["sent_to_unit"]


def test_a_returned_case_is_not_with_a_unit_any_more() -> None:
    steps = line(State.RETURNED, None, days(Step.ACCEPT, Step.SIGN, Step.RETURN), RECEIVED, RECEIVED)
    assert [step.code for step in steps if step.current] == ["accepted"]
    assert next(step.at for step in steps if step.code is Told.SENT_TO_UNIT) is None


def test_sent_a_second_time_counts_the_second_date() -> None:
    again = days(Step.ACCEPT, Step.SIGN, Step.RETURN, Step.ACCEPT, Step.SIGN)
    steps = line(State.TRANSFERRED, None, again, RECEIVED, RECEIVED)
    assert next(step.at for step in steps if step.code is Told.SENT_TO_UNIT) == RECEIVED + DAY * 5


@pytest.mark.parametrize("finding", [Finding.UNSUBSTANTIATED, Finding.UNVERIFIABLE])
def test_nothing_is_fixed_where_nothing_was_found(finding: Finding) -> None:
    assert "fixed" not in codes(State.TO_REPLY, finding)
    assert upcoming(State.TO_REPLY, finding) is Told.ANSWERED


@pytest.mark.parametrize("state", [State.REFUSED, State.REDIRECTED])
def test_a_refused_or_redirected_report_ends_there(state: State) -> None:
    assert codes(state) == ["received", state.value]
    assert upcoming(state, None) is None


def test_a_later_reporter_learns_no_date_from_before() -> None:
    """The case was accepted before this report came; its date would tell of another reporter."""
    late = RECEIVED + DAY * 30
    steps = line(State.SIGNED_FOR, None, days(*WAY[:3]), late, late + DAY)
    assert [step.at for step in steps if step.at] == [late, late + DAY, late + DAY]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("finding", [None, *Finding])
def test_every_state_has_one_current_step_and_a_next_one_or_an_end(
    state: State, finding: Finding | None
) -> None:
    steps = line(state, finding, days(*WAY), RECEIVED, RECEIVED)
    assert sum(step.current for step in steps) == 1
    coming = upcoming(state, finding)
    if coming is None:
        assert state in CLOSED - {State.MERGED} | {State.REPLIED}
    else:
        place = [step.code for step in steps].index(coming)
        assert steps[place - 1].current


@given(st.integers(0, 9000), st.integers(0, 200))
def test_an_objection_has_its_days_from_the_first_reading_and_every_matter_ends(
    hours: int, later: int
) -> None:
    answered = RECEIVED + timedelta(hours=hours)
    never = objection_ends(answered, None)
    read = answered + DAY * later
    ends = objection_ends(answered, read)
    assert ends <= never
    if read + DAY * OBJECTION_DAYS <= never:
        assert DAY * OBJECTION_DAYS <= ends - read < DAY * (OBJECTION_DAYS + 1)
