from datetime import UTC, date, datetime

import pytest

from server.core.calendar import STATE_COUNCIL, UnknownYear, day_of, end_of


@pytest.mark.parametrize(
    ("start", "due"),
    [  # DOMAIN.md §3
        (date(2020, 6, 24), date(2020, 7, 16)),
        (date(2025, 9, 24), date(2025, 10, 21)),
        (date(2026, 2, 12), date(2026, 3, 11)),
    ],
)
def test_fifteen_working_days(start: date, due: date) -> None:
    assert STATE_COUNCIL.add(start, 15) == due


def test_make_up_day_is_worked_and_holiday_is_not() -> None:
    assert STATE_COUNCIL.is_working(date(2025, 9, 28))  # a Sunday, worked for the long holiday
    assert not STATE_COUNCIL.is_working(date(2025, 10, 1))  # a Wednesday


def test_unknown_year_is_refused_with_the_way_to_mend_it() -> None:
    with pytest.raises(UnknownYear, match=r"2027.*holiday notice for 2027"):
        STATE_COUNCIL.add(date(2026, 12, 30), 5)


def test_a_day_begins_at_midnight_in_china() -> None:
    assert day_of(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert day_of(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)
    assert end_of(date(2026, 11, 23)) == datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)
