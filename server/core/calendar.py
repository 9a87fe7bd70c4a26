"""Days in China: where a day begins and ends, and which days are worked (DOMAIN.md §3)."""

from collections.abc import Mapping
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
            f"Add the State Council's holiday notice for {year} first."
        )
        self.year = year


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days of whole years; `exceptions` maps a day to whether it is worked, against its weekday."""

    first_year: int
    last_year: int
    exceptions: Mapping[date, bool]

    def is_working(self, day: date) -> bool:
        """Whether offices work on `day`, make-up days 调休 counted. Raises UnknownYear."""
        if not self.first_year <= day.year <= self.last_year:
            raise UnknownYear(day.year, f"{self.first_year} to {self.last_year}")
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def add(self, start: date, working_days: int) -> date:
        """The last day of a term of `working_days`; day 1 is the day after `start`. Raises UnknownYear."""
        day, left = start, working_days
        while left > 0:
            day += ONE_DAY
            left -= self.is_working(day)
        return day


def _state_council() -> WorkingCalendar:
    """What `chinesecalendar` knows: the published days off and make-up days of whole years."""
    exceptions = dict.fromkeys(holidays, False) | dict.fromkeys(workdays, True)
    return WorkingCalendar(min(holidays).year, max(holidays).year, exceptions)


STATE_COUNCIL = _state_council()


def day_of(moment: datetime) -> date:
    """The day in China at this moment."""
    return moment.astimezone(CHINA).date()


def end_of(day: date) -> datetime:
    """The last second of a day in China, in UTC: a deadline "on the 5th" runs until the 5th is over."""
    return datetime.combine(day, time(23, 59, 59), CHINA).astimezone(UTC)
