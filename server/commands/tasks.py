"""`tasks`: what was given up and waits for a person, and another try for it."""

import uuid

import click

from server.commands.database import database
from server.settings import load_settings


@click.command()
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--all", "every", is_flag=True, help="All that were set aside.")
def tasks(ids: tuple[uuid.UUID, ...], every: bool) -> None:
    """Show the tasks that were set aside; those named by IDS, or --all, are tried again."""
    from server.core import tasks as work
    from server.core.clock import SystemClock
    from server.wiring import build_parts

    with database() as session:
        session.info["bell"] = build_parts(load_settings(), session.connection().engine).bell
        aside = work.set_aside(session)
        for task in aside:
            why = (task.error or "").strip().splitlines()[-1:]
            click.echo(
                f"{task.id}  {task.kind}  tries {task.attempts}  deaths {task.deaths}  {' '.join(why)}"
            )
        chosen = [task.id for task in aside] if every else ids
        if chosen:
            click.echo(f"tried again: {work.retry(session, SystemClock(), chosen)}")
            session.commit()
        elif not aside:
            click.echo("none was set aside")
