"""`bench NAME`: measure on services of its own and show a table, or one line of JSON."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from server.commands.stack import Stack, throwaway
from server.migrations import upgrade

Row = dict[str, str | int | float]
Bench = Callable[..., list[Row]]
Option = Callable[[Callable[..., None]], Callable[..., None]]


@click.group()
def bench() -> None:
    """Measure on services of its own, in a temporary folder: a table, or one line of JSON."""


def register(name: str, *options: Option) -> Callable[[Bench], Bench]:
    """Make a function a bench. It is given the running services and the values of its click options.

    Rows with a figure for `failed` other than 0 make the command fail.
    """

    def add(function: Bench) -> Bench:
        title = (function.__doc__ or name).splitlines()[0]

        @click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
        def command(as_json: bool, **given: object) -> None:
            with throwaway() as stack:
                rows = function(stack, **given)
            _show(name, title, rows, as_json)
            if any(row.get("failed") for row in rows):
                raise SystemExit(1)

        shown: Callable[..., None] = command
        for option in reversed(options):
            shown = option(shown)
        bench.command(name, help=title)(shown)
        return function

    return add


def _show(name: str, title: str, rows: list[Row], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"bench": name, "rows": rows}, ensure_ascii=False))
        return
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console().print(table)


@register("tasks")
def tasks_bench(stack: Stack) -> list[Row]:
    """Tasks written, claimed, done and committed per second, by workers at once."""
    from server.core import tasks
    from server.core.clock import SystemClock
    from server.settings import load_settings
    from server.wiring import build_parts

    amount = 500
    settings = load_settings(**{name.lower(): value for name, value in stack.environ().items()})
    engine = sa.create_engine(settings.database_url.get_secret_value())
    upgrade(engine)
    parts = build_parts(settings, engine)
    clock = SystemClock()
    rows: list[Row] = []
    for workers in (1, 2, 4):
        with Session(engine) as session:
            began = time.perf_counter()
            ids = [tasks.add(session, "bench.nothing", {}).id for _ in range(amount)]
            session.commit()
            written = time.perf_counter() - began

        def work(share: list[object]) -> None:
            with Session(engine) as session:
                for task_id in share:
                    done = tasks.run(session, clock, parts, {"bench.nothing": lambda _w, _p: None}, task_id)  # type: ignore[arg-type]
                    assert done

        began = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, [ids[n::workers] for n in range(workers)]))
        seconds = time.perf_counter() - began
        rows.append(
            {
                "workers": workers,
                "tasks": amount,
                "written/s": round(amount / written),
                "done/s": round(amount / seconds),
                "ms each": round(1000 * seconds / amount, 2),
            }
        )
    engine.dispose()
    return rows
