"""`./manage.py`: the group of all commands."""

import sys

import click

from server.commands.benches import bench
from server.commands.contract import check_openapi, docs, openapi
from server.commands.imports import import_command
from server.commands.operate import cron, keys, migrate, prepare, seed, serve, worker
from server.commands.processes import ProgramFailed
from server.commands.stack import StackBusy, services
from server.commands.up import up
from server.settings import NotConfigured

ON_SERVICES = {"import", "migrate", "prepare", "seed", "serve", "worker", "cron"}
"""Commands that need the database, the queue or the object store."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Gridwatch 网格哨: run it, fill it, measure it."""
    if context.invoked_subcommand in ON_SERVICES and not {"-h", "--help"} & set(sys.argv):
        context.with_resource(services())


for _command in (
    up, serve, worker, cron, migrate, prepare, keys, seed, import_command, bench, openapi, check_openapi, docs,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command line; faults of the surroundings are one sentence, not a traceback."""
    try:
        cli(prog_name="./manage.py")
    except (NotConfigured, ProgramFailed, StackBusy) as fault:
        sys.exit(str(fault))
