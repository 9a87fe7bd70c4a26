"""`./manage.py`: the group of all commands, each imported when it is called: `up` starts four of them."""

import os
import sys
from importlib import import_module

import click

COMMANDS = {
    "up": "up:up",
    "serve": "run:serve",
    "worker": "run:worker",
    "cron": "run:cron",
    "prepare": "prepare:prepare",
    "migrate": "prepare:migrate",
    "keys": "prepare:keys",
    "seed": "prepare:seed",
    "import": "imports:import_command",
    "tasks": "tasks:tasks",
    "calendar": "calendar:calendar",
    "bench": "every_bench:bench",
    "eval": "every_eval:evaluate",
    "triage": "triage:triage",
    "routing": "routing_rules:routing",
    "openapi": "contract:openapi",
    "check-openapi": "contract:check_openapi",
    "docs": "contract:docs",
}
"""Name → module of this package : command in it."""
ON_SERVICES = {"migrate", "prepare", "seed", "serve", "worker", "cron"}
"""Commands that need the database, the queue or the object store; the others ask for them by `database()`."""


class Lazy(click.Group):
    """Knows its commands by COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"server.commands.{module}"), name)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Gridwatch 网格哨: run it, fill it, measure it."""
    needed = context.invoked_subcommand in ON_SERVICES and not {"-h", "--help"} & set(sys.argv)
    if needed and "DATABASE_URL" not in os.environ:
        from server.commands.stack import services

        context.with_resource(services())


def main() -> None:
    """Run the command line; what is wrong with the surroundings is one sentence, not a traceback."""
    try:
        cli(prog_name="./manage.py")
    except Exception as fault:
        from server.settings import NotConfigured

        if isinstance(fault, NotConfigured):
            sys.exit(str(fault))
        raise
