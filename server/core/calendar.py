"""Days in China: where a day begins and ends, and which days are worked (DOMAIN.md §3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays, workdays

CHINA = ZoneInfo("Asia/Shanghai")
SATURDAY = 5
ONE_DAY = timedelta(days=1)


class UnknownYear(LookupError):
    """The State Council's days off of this year are not in the calendar; nobody may guess them."""

    def __init__(self, year: int, known: str) -> None:
        super().__init__(
            f"The calendar does not know the working days of {year} (it knows {known}). "
            f"Add the State Council's holiday notice for {year} first: ./manage.py import calendar FILE "
            "(docs/import.md)."
        )
        self.year = year


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days of whole years; `exceptions` maps a day to whether it is worked, against its weekday."""

    years: frozenset[int]
    exceptions: Mapping[date, bool]

    def is_working(self, day: date) -> bool:
        """Whether offices work on `day`, make-up days 调休 counted. Raises UnknownYear."""
        if day.year not in self.years:
            raise UnknownYear(day.year, _spans(self.years))
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def add(self, start: date, working_days: int) -> date:
        """The last day of a term of `working_days`; day 1 is the day after `start`. Raises UnknownYear."""
        day, left = start, working_days
        while left > 0:
            day += ONE_DAY
            left -= self.is_working(day)
        return day

    def between(self, start: date, end: date) -> int:
        """The working days after `start`, up to and with `end`; 0 where that is earlier. Raises UnknownYear."""
        return sum(self.is_working(start + ONE_DAY * n) for n in range(1, (end - start).days + 1))

    def with_years(self, years: Mapping[int, Mapping[date, bool]]) -> "WorkingCalendar":
        """This calendar with `years` added, or in the place of what it says of them."""
        kept = {day: worked for day, worked in self.exceptions.items() if day.year not in years}
        for exceptions in years.values():
            kept.update(exceptions)
        return WorkingCalendar(self.years | years.keys(), kept)

    def year(self, year: int) -> dict[date, bool]:
        """The exceptions of one year, by day."""
        return {day: self.exceptions[day] for day in sorted(self.exceptions) if day.year == year}


def _spans(years: Iterable[int]) -> str:
    """Years as people write them: 2004 to 2026, 2028."""
    spans: list[list[int]] = []
    for year in sorted(years):
        if spans and year == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], year]
        else:
            spans.append([year])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


def _state_council() -> WorkingCalendar:
    """What `chinesecalendar` knows: the published days off and make-up days of whole years."""
    exceptions = dict.fromkeys(holidays, False) | dict.fromkeys(workdays, True)
    return WorkingCalendar(frozenset(range(min(holidays).year, max(holidays).year + 1)), exceptions)


STATE_COUNCIL = _state_council()
"""The years that come with the program; what a county loads goes before (calendar_table.py)."""


def day_of(moment: datetime) -> date:
    """The day in China at this moment."""
    return moment.astimezone(CHINA).date()


def end_of(day: date) -> datetime:
    """The last second of a day in China, in UTC: a deadline "on the 5th" runs until the 5th is over."""
    return datetime.combine(day, time(23, 59, 59), CHINA).astimezone(UTC)
