"""`triage …`: models of pairs and of sectors, trained on what people said, switched on by a person."""

import json

import click

from server.commands.database import database, who
from server.triage.model import SHIPPED

COUNTIES = 12
REPORTS = 1000


@click.group()
def triage() -> None:
    """The models that score pairs of reports and that know sectors."""


@triage.command("make-model")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same model.")
def make_model(seed: int) -> None:
    """Make the model that is shipped, from made counties; tells how it does on phrases that it never saw."""
    from server.triage.lab import train

    facts, figures = train.make(seed, COUNTIES, REPORTS)
    SHIPPED.write_text(json.dumps(facts, separators=(",", ":")) + "\n", encoding="utf-8")
    click.echo(json.dumps(figures, ensure_ascii=False))


@triage.command("train")
def train_on_judgements() -> None:
    """Train a new model on the desk's judgements and compare it with the one in use; it is not switched on."""
    from server.core.clock import SystemClock
    from server.triage import learning

    with database() as session:
        click.echo(json.dumps(learning.train(session, SystemClock()), ensure_ascii=False))
        session.commit()


@triage.command("use")
@click.argument("version")
@click.option("--by", required=True, metavar="LOGIN", help="Who decides it; kept in the audit.")
def use(version: str, by: str) -> None:
    """Switch a trained model on, or back to the one that came with the program (`shipped`)."""
    from server.core.clock import SystemClock
    from server.triage import learning

    with database() as session:
        learning.use(session, SystemClock(), version, by)
        session.commit()
    click.echo(f"{version} is used for every report that comes from now on")


@triage.command("train-sectors")
def train_on_confirmed() -> None:
    """Learn sectors from all reports that people confirmed; tells how it does on kept-out ones, switches nothing on."""
    from server.core.clock import SystemClock
    from server.triage.sectors import train_sectors

    with database() as session:
        model = train_sectors(session, SystemClock())
        click.echo(json.dumps({"number": model.number} | model.figures, ensure_ascii=False))
        session.commit()


@triage.command("use-sectors")
@click.argument("number", type=int)
@click.option("--by", required=True, metavar="LOGIN", help="Who decides it; kept in the audit.")
def use_learned_sectors(number: int, by: str) -> None:
    """Switch a learned model of sectors on; 0: the words of the tables alone."""
    from server.core.clock import SystemClock
    from server.triage.sectors import use_sectors

    with database() as session:
        use_sectors(session, SystemClock(), who(session, by), number or None)
        session.commit()
    click.echo(f"model {number} is used from the next report on" if number else "the words alone are used")
