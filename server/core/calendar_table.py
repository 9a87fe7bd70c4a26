"""The years whose working days a county has loaded itself, before those that come with the program."""

from datetime import date, datetime
from typing import Annotated

import sqlalchemy as sa
from pydantic import BeforeValidator
from sqlalchemy.orm import Mapped, Session, mapped_column

from server.core.calendar import STATE_COUNCIL, WorkingCalendar
from server.core.clock import Clock
from server.core.db import Base, Facts
from server.core.tables import (
    Columns,
    Fault,
    Name,
    Outcome,
    Titles,
    YesNo,
    assign,
    read_rows,
    refuse,
    repeated,
    translated,
)


class CalendarYear(Base):
    """One year of the State Council's notice; a year is known whole or not at all."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    days: Mapped[list[Facts]]
    """The days that are not as their weekday says: {day, working, name}."""
    changed_at: Mapped[datetime]


def working_calendar(session: Session) -> WorkingCalendar:
    """The calendar in force: the program's years, and the county's in their place."""
    rows = session.scalars(sa.select(CalendarYear))
    return STATE_COUNCIL.with_years(
        {row.year: {date.fromisoformat(day["day"]): day["working"] for day in row.days} for row in rows}
    )


WORK_WORDS = {"上班": "yes", "班": "yes", "调休上班": "yes", "放假": "no", "休": "no"}


class CalendarColumns(Columns):
    """A day that is not as its weekday says."""

    day: Annotated[date, Titles("日期")]
    working: Annotated[YesNo, BeforeValidator(translated(WORK_WORDS)), Titles("上班", "是否上班")]
    name: Annotated[Name | None, Titles("名称", "节日")] = None


def import_calendar(session: Session, clock: Clock, data: bytes) -> Outcome:
    """Load whole years of holidays and make-up days; a year in the file replaces all that was known of it."""
    rows, warnings = read_rows(data, CalendarColumns)
    outcome = Outcome(warnings=warnings)
    years: dict[int, list[Facts]] = {}
    for row in rows:
        facts = {"day": row.value.day.isoformat(), "working": row.value.working, "name": row.value.name or ""}
        years.setdefault(row.value.day.year, []).append(facts)
    refuse(
        repeated(rows, lambda row: row.day, "day"),
        [
            Fault(
                None,
                f"{year} lacks 1 January, so it is not the whole year: load all days of {year} at once",
                "half_year",
                {"year": year},
            )
            for year, days in years.items()
            if not any(fact["day"] == f"{year}-01-01" and not fact["working"] for fact in days)
        ],
    )
    for year, days in years.items():
        new, changed = keep_year(session, clock, year, days)
        outcome.count(new, changed)
    return outcome


def keep_year(session: Session, clock: Clock, year: int, days: list[Facts]) -> tuple[bool, bool]:
    """Write one year, new or in the place of what was known of it; whether it is new, and whether it changed."""
    days = sorted(days, key=lambda fact: str(fact["day"]))
    stored = session.get(CalendarYear, year)
    if stored is None:
        session.add(CalendarYear(year=year, days=days, changed_at=clock.now()))
        session.flush()
        return True, False
    changed = assign(stored, days=days)
    if changed:
        stored.changed_at = clock.now()
    session.flush()
    return False, changed
