"""./manage.py calendar: what the working calendar says; it needs no running services."""

import json
import os
import sys
from datetime import date, datetime

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.commands.stack import var_folder
from server.core.calendar import STATE_COUNCIL, UnknownYear, WorkingCalendar
from server.core.calendar_table import working_calendar

QUICKLY_S = 2
Day = click.DateTime(["%Y-%m-%d"])


@click.group()
def calendar() -> None:
    """Working days with make-up days 调休. To change a year: show it, edit the file, import it."""


@calendar.command()
@click.argument("start", type=Day)
@click.option("--working-days", type=click.IntRange(1, 3660))
@click.option("--natural-days", type=click.IntRange(1, 3660))
def add(start: datetime, working_days: int | None, natural_days: int | None) -> None:
    """The last day of a term that begins on START; the day after it is day 1."""
    if (working_days is None) == (natural_days is None):
        raise click.UsageError("give either --working-days or --natural-days")
    if natural_days is not None:
        click.echo(date.fromordinal(start.date().toordinal() + natural_days))
        return
    try:
        click.echo(_calendar().add(start.date(), working_days or 0))
    except UnknownYear as fault:
        sys.exit(str(fault))


@calendar.command()
@click.argument("year", type=click.IntRange(1949, 9999))
def show(year: int) -> None:
    """The days of a YEAR that are not as their weekday says, as a table for ./manage.py import calendar."""
    known = _calendar()
    if year not in known.years:
        sys.exit(str(UnknownYear(year, "other years")))
    click.echo("day,working,name")
    for day, working in known.year(year).items():
        click.echo(f"{day},{'yes' if working else 'no'},")


def _calendar() -> WorkingCalendar:
    """With the county's own years where its database is set, or runs here; else the program's."""
    url = os.environ.get("DATABASE_URL")
    beside = var_folder() / "run" / "environ.json"
    if url is None and beside.exists():
        url = json.loads(beside.read_text()).get("DATABASE_URL")
    if url is None:
        return STATE_COUNCIL
    try:
        engine = sa.create_engine(url, connect_args={"connect_timeout": QUICKLY_S})
        with Session(engine) as session:
            return working_calendar(session)
    except sa.exc.DBAPIError as error:
        if "DATABASE_URL" in os.environ:
            raise click.ClickException(f"The database does not answer: {error.orig}") from error
        return STATE_COUNCIL  # what `up` left behind when it was killed
