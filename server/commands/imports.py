"""./manage.py import: the county's own tables."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock, SystemClock
from server.core.ids import new_id
from server.core.tables import BadTable, Fault, Outcome, read_file
from server.enterprises.imports import import_enterprises
from server.identity.imports import import_areas, import_people, import_units
from server.identity.rules import SYSTEM
from server.settings import NotConfigured, load_settings
from server.triage.imports import import_routing
from server.triage.models import Sector

Importer = Callable[[Session, Clock, bytes], Outcome]


def _enterprises(session: Session, _: Clock, data: bytes) -> Outcome:
    return import_enterprises(session, data, sectors=set(session.scalars(sa.select(Sector.no))))


IMPORTERS: dict[str, Importer] = {
    "areas": lambda session, _, data: import_areas(session, data),
    "units": lambda session, _, data: import_units(session, data),
    "routing": lambda session, _, data: import_routing(session, data),
    "enterprises": _enterprises,
    "people": import_people,
}
"""In the order in which they refer to each other."""


def load_table(session: Session, clock: Clock, kind: str, data: bytes) -> Outcome:
    """Load one table into the open transaction; on BadTable, which tells every bad row, roll back."""
    try:
        outcome = IMPORTERS[kind](session, clock, data)
        facts = {"added": outcome.added, "updated": outcome.updated, "unchanged": outcome.unchanged}
        record(session, clock, SYSTEM, f"import.{kind}", "import", new_id(), **facts)
        session.flush()
    except sa.exc.IntegrityError as error:
        # Two rows that exchange a unique value, or somebody else who changed the same thing at this moment.
        told = str(getattr(error.orig, "diag", None) and error.orig.diag.message_detail)  # type: ignore[union-attr]
        raise BadTable([Fault(None, f"the database refuses what the rows say together: {told}")]) from error
    return outcome


@click.command("import")
@click.argument("kind", type=click.Choice(list(IMPORTERS)))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only look: tell what would happen, store nothing.")
def import_command(kind: str, file: Path, check: bool) -> None:
    """Load a table (CSV or XLSX; docs/import.md): all or nothing."""
    try:
        data = read_file(file)
        engine = sa.create_engine(load_settings().database_url.get_secret_value())
        with Session(engine) as session:
            outcome = load_table(session, SystemClock(), kind, data)
            if not check:
                session.commit()
    except BadTable as bad:
        for fault in bad.faults:
            click.echo(str(fault), err=True)
        click.echo(f"{len(bad.faults)} faults in {file.name}; nothing was stored.", err=True)
        sys.exit(1)
    except NotConfigured as error:
        raise click.ClickException(str(error)) from error
    except sa.exc.OperationalError as error:
        raise click.ClickException(f"The database does not answer: {error.orig}") from error
    _tell(kind, outcome, check)


def _tell(kind: str, outcome: Outcome, check: bool) -> None:
    for warning in outcome.warnings:
        click.echo(f"note, {warning}", err=True)
    done = "would be" if check else "were"
    click.echo(
        f"{kind}: {outcome.added} {done} added, {outcome.updated} updated, {outcome.unchanged} are as before."
    )
    if outcome.passwords and not check:
        click.echo("First passwords, shown only now:")
        for login, password in outcome.passwords:
            click.echo(f"  {login}  {password}")
