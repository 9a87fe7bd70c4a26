"""`bench desk`: what people at desks wait for, with a million cases; and no query of it reads a large table through."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from server.commands.benches import Row, register
from server.commands.stack import Stack
from server.migrations import upgrade

LARGE = 10_000
"""Rows from which on a table is not read through for one answer."""
GOAL_MS = 50

Ask = Callable[[], str]


@register(
    "desk",
    click.option("--cases", default=1_000_000, show_default=True, help="How many there are."),
    click.option("--rounds", default=100, show_default=True, help="How often each thing is asked for."),
)
def desk_bench(stack: Stack, cases: int, rounds: int) -> list[Row]:
    """Queues, counts, filters, searches and case pages: ms at the server."""
    from server.app import create_app
    from server.core.clock import SystemClock
    from server.core.db import db
    from server.demo.many import fill
    from server.demo.services import load_county
    from server.settings import load_settings
    from storage.sealing import Keyring
    from sync.signing import SigningKeys

    environ = {name.lower(): value for name, value in stack.environ().items()}
    settings = load_settings(**environ)
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    Keyring(settings.keys_dir).create_missing()
    SigningKeys(settings.keys_dir).create()
    engine = sa.create_engine(settings.database_url.get_secret_value())
    upgrade(engine)
    clock = SystemClock()
    with Session(engine) as session:
        load_county(session, clock)
        session.commit()
    began = time.perf_counter()
    fill(engine, None, clock.now(), cases, settings.county_code)
    seconds = time.perf_counter() - began
    click.echo(f"{cases:,} cases in {seconds:.0f} s", err=True)
    app = create_app(settings, clock)
    with app.app_context():
        desk = _signed_in(app)
        with _watched(db.engine) as statements:
            rows = [_measured(name, rounds, desk, ask) for name, ask in _questions(engine).items()]
        read_through = _read_through(db.engine, statements)
    for found in read_through:
        click.echo(found, err=True)
    if read_through:
        raise click.ClickException(f"{len(read_through)} statements read a large table through, see above")
    return [{"asked for": "seed", "seconds": round(seconds)}, *rows]


def _signed_in(app: Any) -> Callable[[str], Any]:
    """GET as the desk of the county."""
    from server.demo.county import PASSWORD

    client: FlaskClient = app.test_client()
    answer = client.post("/api/v1/auth/sign-in", json={"login": "desk", "password": PASSWORD})
    assert answer.json is not None
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1{path}", headers=headers)
        if answer.status_code != 200:
            raise click.ClickException(f"{path}: {answer.status_code} {answer.get_data(as_text=True)[:200]}")
        return answer.json

    return get


def _questions(engine: sa.Engine) -> dict[str, Ask]:
    """What is asked for, each time with other values."""
    from server.demo.many import RARE, WHAT, WHERE, WRONG
    from server.reports.rules import Age, Queue

    chance = random.Random(1)  # noqa: S311
    with engine.connect() as connection:

        def some(statement: str) -> list[str]:
            return [str(value) for value in connection.scalars(sa.text(statement))]

        ids = some('SELECT id FROM "case" TABLESAMPLE SYSTEM (1) LIMIT 2000')
        numbers = some('SELECT number FROM "case" TABLESAMPLE SYSTEM (1) LIMIT 500')
        areas, sectors = some("SELECT code FROM area"), some("SELECT no FROM sector")
        units, firms = some("SELECT id FROM unit"), some("SELECT name FROM enterprise")
    narrowing: list[Callable[[], str]] = [
        lambda: f"area={chance.choice(areas)}",
        lambda: f"sector_no={chance.choice(sectors)}",
        lambda: f"unit_id={chance.choice(units)}",
        lambda: f"risk={chance.choice(['red', 'orange', 'yellow', 'blue'])}",
        lambda: f"kind={chance.choice(['tip', 'hazard'])}",
        lambda: f"age={chance.choice(list(Age))}",
        lambda: "urgent=true",
        lambda: "mine=true",
    ]

    def queue() -> str:
        return f"/desk/cases?queue={chance.choice(list(Queue))}"

    def narrowed() -> str:
        return "&".join([queue(), *(one() for one in chance.sample(narrowing, chance.randint(1, 3)))])

    def nothing() -> str:
        # Nobody has said how large its risk is, nor done anything in it.
        chosen = chance.choice(["risk=red", "risk=blue", "mine=true", "urgent=true"])
        return f"/desk/cases?queue=new&{chosen}&{chance.choice(narrowing)()}"

    return {
        "queue": queue,
        "queue, one to three filters": narrowed,
        "queue, filters that fit nothing": nothing,
        "all cases, newest": lambda: "/desk/cases",
        "counts": lambda: "/desk/queues",
        "search, two characters": lambda: (
            f"/desk/cases?text={chance.choice(['出口', '气瓶', '锁住', '抽烟', *RARE])}"
        ),
        "search, a word": lambda: f"/desk/cases?text={chance.choice([*WHAT, *WHERE, *WRONG])}",
        "search, two words": lambda: f"/desk/cases?text={chance.choice(RARE)}%20{chance.choice(WHAT)}",
        "search, enterprise": lambda: f"/desk/cases?text={chance.choice(firms)}",
        "search, number": lambda: f"/desk/cases?text={chance.choice(numbers)}",
        "search in a queue, with filters": lambda: f"{narrowed()}&text={chance.choice([*RARE, *WHAT])}",
        "search for what is not there": lambda: "/desk/cases?text=麒麟",
        "case page": lambda: f"/cases/{chance.choice(ids)}",
    }


def _measured(name: str, rounds: int, get: Callable[[str], Any], ask: Ask) -> Row:
    for _ in range(5):
        get(ask())
    taken = []
    for _ in range(rounds):
        path = ask()
        began = time.perf_counter()
        get(path)
        taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    row: Row = {"asked for": name, "p50 ms": round(p50, 1), "p95 ms": round(p95, 1), "goal": f"≤ {GOAL_MS}"}
    click.echo(row, err=True)
    return row


@contextmanager
def _watched(engine: sa.Engine) -> Iterator[dict[str, Any]]:
    """The statements that read, each once for each number of its parameters, with its last values."""
    seen: dict[str, Any] = {}

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            seen[statement] = parameters

    sa.event.listen(engine, "before_cursor_execute", keep)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", keep)


def _read_through(engine: sa.Engine, statements: dict[str, Any]) -> list[str]:
    """The statements whose plan reads a large table through, with the table."""
    found = []
    with engine.connect() as connection:
        large = set(
            connection.scalars(
                sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > :large"),
                {"large": LARGE},
            )
        )
        for statement, parameters in statements.items():
            plan = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
            ).scalar_one()
            tables = {
                node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"
            }
            found += [
                f"{table} is read through by: {' '.join(statement.split())}" for table in tables & large
            ]
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)
