"""`up`: everything on one machine, under one process that starts again what dies and ends all it started."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
import psycopg
import redis
from rq import Worker

from server.commands.processes import Child, Program, end_leftovers, end_with_parent, port_is_free
from server.commands.stack import Stack, var_folder
from server.settings import ROOT, load_settings

LOOK_SECONDS = 0.5
READY_SECONDS = 120
LONGEST_PAUSE_SECONDS = 30
MANAGE = (sys.executable, str(ROOT / "manage.py"))


class Ended(Exception):
    """Somebody asked us to end."""


@click.command()
@click.option(
    "--demo/--no-demo",
    default=lambda: os.environ.get("GRIDWATCH_DEMO", "1") not in ("0", "false", "no"),
    help="Fill an empty database with the demo county (default; GRIDWATCH_DEMO=0 leaves it out).",
)
def up(demo: bool) -> None:
    """Start everything, print where it is, and run until Ctrl-C."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    host, port = os.environ.setdefault("HOST", "127.0.0.1"), int(os.environ.setdefault("PORT", "8000"))
    if not port_is_free(host, port):
        raise click.ClickException(f"port {port} is taken: choose another, such as PORT={port + 1} make up")
    signal.signal(signal.SIGINT, _end)  # even where a shell's & left it ignored: nobody sends it by mistake
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        with ExitStack() as running:
            children = running.enter_context(_services())
            _prepare(demo)
            for name in ("web", "worker", "cron"):
                children.append(running.enter_context(_process(name)))
            _announce(host, port, children)
            while True:
                _revive(children)
                time.sleep(LOOK_SECONDS)
    except Ended:
        click.echo("ended")


@contextmanager
def _services() -> Iterator[list[Child]]:
    """The embedded services, or none where the environment names others."""
    if "DATABASE_URL" in os.environ:
        for folder in ("run", "log"):
            (var_folder() / folder).mkdir(parents=True, exist_ok=True)
        end_leftovers(var_folder() / "run")
        yield []
        return
    click.echo("starting PostgreSQL, Valkey and SeaweedFS …")
    with Stack(var_folder()) as stack:
        os.environ.update(stack.environ())
        try:
            with redis.Redis.from_url(os.environ["REDIS_URL"]) as connection:
                for lost in Worker.all(connection=connection):
                    lost.register_death()  # type: ignore[no-untyped-call]  # of an earlier run that was killed: /healthz counts workers
            yield stack.services
        finally:
            _deafen()


def _prepare(demo: bool) -> None:
    """In a process of its own, so that this one stays small."""
    done = subprocess.run(
        [*MANAGE, "prepare", "--demo" if demo else "--no-demo"],
        preexec_fn=end_with_parent(signal.SIGTERM),
        check=False,
    )
    if done.returncode:
        raise click.ClickException("the preparation failed, see above")


@contextmanager
def _process(name: str) -> Iterator[Child]:
    command = {"web": "serve"}.get(name, name)
    program = Program(name, [*MANAGE, command], cwd=ROOT, grace_s=15)
    child = Child(program, var_folder() / "run", var_folder() / "log")
    child.start()
    try:
        yield child
    finally:
        _deafen()
        child.stop()


def _announce(host: str, port: int, children: list[Child]) -> None:
    """Wait until /healthz is content, then tell people where to go."""
    home = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"  # noqa: S104
    give_up = time.monotonic() + READY_SECONDS
    while (fault := _health(port)) is not None:
        _revive(children)
        if time.monotonic() > give_up:
            raise click.ClickException(f"not ready: {fault}\nlogs: {_shown(var_folder() / 'log')}")
        time.sleep(0.2)
    click.echo(f"\n  public app   {home}/tip/\n  staff app    {home}/staff/\n  API          {home}/api/docs")
    click.echo(f"  health       {home}/healthz\n  data, logs   {_shown(var_folder())}")
    _tell_sign_ins()
    click.echo("\nready")


def _tell_sign_ins() -> None:
    from server.demo.county import PASSWORD, SIGN_INS

    url = load_settings().database_url.get_secret_value().replace("+psycopg", "", 1)
    with psycopg.connect(url) as database:
        known = {login for (login,) in database.execute("SELECT login FROM person")}
    people = [(login, role, place) for login, role, place in SIGN_INS if login in known]
    if people:
        click.echo(f"\n  demo sign-ins, password {PASSWORD}")
        for login, role, place in people:
            click.echo(f"    {login:<12} {role} {place}".rstrip())


def _health(port: int) -> str | None:
    """What is not well, or None."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10):
            return None
    except urllib.error.HTTPError as error:
        told = json.loads(error.read() or b"{}")
        return "; ".join(f"{name}: {state['reason']}" for name, state in told.items() if not state["ok"])
    except (OSError, ValueError) as error:
        return str(error)


def _revive(children: list[Child]) -> None:
    """Start what died, soon the first time and ever later when it keeps dying."""
    for child in children:
        if child.alive:
            child.revive_at = None
        elif child.revive_at is None:
            pause = min(2.0 ** (child.starts - 1) / 2, LONGEST_PAUSE_SECONDS)
            child.revive_at = time.monotonic() + pause
            click.echo(f"{child.program.name} ended, starting it again (log: {_shown(child.log)})", err=True)
        elif time.monotonic() >= child.revive_at:
            child.start()


def _end(_sign: int, _frame: FrameType | None) -> None:
    _deafen()
    raise Ended


def _deafen() -> None:
    """While ending: a second Ctrl-C must not leave half of it running."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
