"""./manage.py import: the county's own tables."""

import sys
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.clock import SystemClock
from server.core.tables import BadTable, Outcome, read_file
from server.imports import IMPORTERS, load_table
from server.settings import NotConfigured, load_settings


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
    counts = f"{outcome.added} {done} added, {outcome.updated} updated; {outcome.unchanged} stay as they are"
    click.echo(f"{kind}: {counts}.")
    if outcome.passwords and not check:
        click.echo("First passwords, shown only now:")
        for login, password in outcome.passwords:
            click.echo(f"  {login}  {password}")
