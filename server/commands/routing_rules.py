"""`./manage.py routing …`: the county's own routing rules."""

from pathlib import Path

import click

from server.commands.database import database, who
from server.core.clock import SystemClock
from server.core.tables import read_file
from server.identity.rules import SYSTEM
from server.routing import rule_sets

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def routing() -> None:
    """The county's own routing rules (docs/routing.md): load, try, switch on."""


@routing.command("list")
def list_sets() -> None:
    """All sets; the one in use is marked."""
    with database() as session:
        for rule_set, rules in rule_sets.sets(session):
            mark = "*" if rule_set.used_from and not rule_set.used_until else " "
            click.echo(
                f"{mark} {rule_set.number}  {rules} rules  {rule_set.made_at:%Y-%m-%d}  {rule_set.note}"
            )


@routing.command("import")
@click.argument("file", type=FILE)
@click.option("--note", default="", help="What it is for.")
def import_rules(file: Path, note: str) -> None:
    """Keep a table of rules as a new set that is not in use."""
    with database() as session:
        made = rule_sets.import_set(session, SystemClock(), SYSTEM, read_file(file), note)
        session.commit()
        click.echo(f"set {made.number} is kept; try it with `./manage.py routing try --set {made.number}`.")


@routing.command("export")
@click.argument("number", type=int)
def export_rules(number: int) -> None:
    """Print a set as CSV."""
    with database() as session:
        click.echo(rule_sets.export_set(session, number), nl=False)


@routing.command("try")
@click.argument("file", type=FILE, required=False)
@click.option("--set", "number", type=int, help="A set that is kept, in place of a file.")
def try_rules(file: Path | None, number: int | None) -> None:
    """Tell which of last month's reports would go to another unit. Nothing is stored."""
    if (file is None) == (number is None):
        raise click.UsageError("give a file, or --set with a number")
    with database() as session:
        if file:
            number = rule_sets.import_set(session, SystemClock(), SYSTEM, read_file(file), "").number
        trial = rule_sets.try_set(session, SystemClock(), number or 0)
        click.echo(f"{trial.moved} of {trial.tried} reports would move.")
        for row in trial.rows:
            click.echo(f"  {row.number}  {row.before} → {row.after}  ({row.rule_name or row.rule})")


@routing.command()
@click.argument("number", type=int)
@click.option("--by", required=True, metavar="LOGIN", help="Who decides it; kept in the audit.")
def use(number: int, by: str) -> None:
    """Switch a set on; 0 leaves the county without rules of its own."""
    with database() as session:
        rule_sets.use_set(session, SystemClock(), who(session, by), number or None)
        session.commit()
        click.echo(f"set {number} is in use." if number else "no set is in use.")
