"""`bench triage`: how long a decision takes, and how many candidates it looks at, as the store grows."""

import json
import time
import uuid
from collections.abc import Iterator
from hashlib import sha256
from itertools import count, islice

import click
import sqlalchemy as sa

from server.commands.benches import Row, register
from server.commands.eval_triage import Desk, decide, scratch_schema
from server.commands.stack import Stack
from server.migrations import upgrade
from server.settings import ROOT
from server.triage import keys
from server.triage.lab import lines
from server.triage.lab.field import County
from server.triage.lab.lines import shipped_types
from server.triage.reading import Told

PICTURE = ROOT / "docs" / "triage-growth.svg"
DECIDED = 300
COUNTY = 2000
"""Reports drawn as people write them; larger stores hold many such counties, each at a place of its own."""
FIRST_SIGN, SIGNS = 0x4E00, 20_000
ALIKE = 1000


@register(
    "triage",
    click.option("--sizes", default="10000,100000,1000000", show_default=True, help="Rows, growing."),
    click.option("--draw", is_flag=True, help="Draw the growth for docs/performance.md."),
)
def triage_bench(stack: Stack, sizes: str, draw: bool) -> list[Row]:
    """Decisions on stores of growing size: candidates and time, and with a key that a thousand share."""
    engine = sa.create_engine(stack.environ()["DATABASE_URL"], poolclass=sa.NullPool)
    upgrade(engine)
    rows: list[Row] = []
    with scratch_schema(engine) as connection:
        desk = Desk(connection)
        made = _made()
        held = 0
        for size in map(int, sizes.split(",")):
            _fill(connection, islice(made, size - held), held)
            held = size
            _tidy(connection)
            rows.append({"rows": size, **_measure(connection, desk, [next(made) for _ in range(DECIDED)])})
        popular = [next(made)] * ALIKE
        _fill(connection, iter(popular), held)
        rows.append({"rows": f"{held} + {ALIKE} alike", **_measure(connection, desk, popular[:50])})
    if draw:
        PICTURE.write_text(_drawn([row for row in rows if isinstance(row["rows"], int)]), encoding="utf-8")
    return rows


def _made() -> Iterator[Told]:
    """Reports without end, as people write them: one county after the other, half a degree apart."""
    types = shipped_types()
    written = County(11).reports(COUNTY)
    for number in count():
        line = dict(written[number % COUNTY])
        county = number // COUNTY
        if line["lat"] is not None:
            line["lat"], line["lng"] = line["lat"] - county // 600, line["lng"] % 50 + county % 600 / 2 - 180
        for name in ("company", "address"):
            line[name] = line[name] and chr(FIRST_SIGN + county % SIGNS) + line[name]
        photos = frozenset(_seen(int(photo, 16) * (2 * county + 1) % 2**64) for photo in line["photos"])
        yield lines.told(number, lines.Line.model_validate(line | {"photos": None}), types, photos)


def _seen(dhash: int) -> str:
    """A picture's hashes as the server keeps them: dHash and PDQ."""
    return f"{dhash:016x}{sha256(dhash.to_bytes(8)).hexdigest()}"


def _fill(connection: sa.Connection, reports: Iterator[Told], first: int) -> None:
    """Keep reports by COPY, without deciding them."""
    driver = connection.connection.driver_connection
    assert driver is not None
    numbered = enumerate(reports, first)
    while chunk := [(uuid.UUID(int=number), told) for number, told in islice(numbered, 5000)]:
        with driver.cursor() as cursor:
            with cursor.copy("COPY digest (report_id, seq, received_at, facts) FROM STDIN") as copy:
                for id_, told in chunk:
                    copy.write_row((id_, told.seq, told.received_at, json.dumps(told.stored())))
            with cursor.copy("COPY blocking_key (key, received_at, report_id) FROM STDIN") as copy:
                for id_, told in chunk:
                    for key in keys.numbered(keys.own_keys(told)):
                        copy.write_row((key, told.received_at, id_))
        driver.commit()


def _tidy(connection: sa.Connection) -> None:
    """What the server does by itself soon after rows came in."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.commit()
    driver.autocommit = True
    driver.execute("VACUUM ANALYZE blocking_key, digest")
    driver.autocommit = False


def _measure(connection: sa.Connection, desk: Desk, reports: list[Told]) -> Row:
    """Decide reports as a running worker does, one after the other, and undo it."""
    times, looked_at = [], 0
    for number, report in enumerate(reports):
        began = time.perf_counter()
        told, rows = desk.look(uuid.UUID(int=2**64 + number), report)
        decide(told, rows)
        looked_at += len(rows)
        times.append(1000 * (time.perf_counter() - began))
        desk.known.add(told)
    connection.rollback()
    times = sorted(times[len(times) // 10 :])  # the first ones warm caches
    return {
        "candidates": round(looked_at / len(reports), 1),
        "p50 ms": round(times[len(times) // 2], 2),
        "p95 ms": round(times[int(len(times) * 0.95)], 2),
    }


def _drawn(rows: list[Row]) -> str:
    """p50 and p95 over the rows of the store, which grow tenfold from step to step."""
    most = max(float(row["p95 ms"]) for row in rows)
    step = 520 / max(1, len(rows) - 1)
    shapes = []
    for name, colour in (("p50 ms", "#2a7de1"), ("p95 ms", "#d9480f")):
        points = [(70 + step * i, 230 - 180 * float(row[name]) / most) for i, row in enumerate(rows)]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="3"/>')
        for (x, y), row in zip(points, rows, strict=True):
            shapes.append(f'<text x="{x:.0f}" y="{y - 8:.0f}" fill="{colour}">{row[name]} ms</text>')
    for i, row in enumerate(rows):
        shapes.append(f'<text x="{70 + step * i:.0f}" y="255">{int(row["rows"]):,}</text>')
    body = "\n".join(shapes)
    style = 'font-family="sans-serif" font-size="13" text-anchor="middle"'
    title = '<text x="330" y="20">A decision over the reports in the store: p50 and p95</text>'
    frame = '<rect width="660" height="270" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 270" {style}>\n{frame}\n{title}\n{body}\n</svg>\n'
