"""./manage.py import: the county's own tables."""

from pathlib import Path

import click

from server.commands.database import database
from server.core.clock import SystemClock
from server.core.tables import Outcome, read_file
from server.imports import IMPORTERS, load_table


@click.command("import")
@click.argument("kind", type=click.Choice(list(IMPORTERS)))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only look: tell what would happen, store nothing.")
def import_command(kind: str, file: Path, check: bool) -> None:
    """Load a table (CSV or XLSX; docs/import.md): all or nothing."""
    with database() as session:
        outcome = load_table(session, SystemClock(), kind, read_file(file))
        if not check:
            session.commit()
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
