"""`eval triage`: what would have been decided, line by line, and how well where the truth is given."""

import json
import multiprocessing
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
import sqlalchemy as sa

from server.commands.evals import evaluate
from server.commands.stack import services
from server.migrations import upgrade
from server.settings import load_settings
from server.triage import keys, rules, store
from server.triage.embedding import installed
from server.triage.experience import Experience
from server.triage.lab import lines
from server.triage.lab.figures import Figures
from server.triage.lab.lines import shipped_types
from server.triage.model import shipped
from server.triage.reading import Told
from server.triage.rules import Verdict

AHEAD = 4
CHUNK = 100
HELPERS = 2
COMMIT_EVERY = 1000

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@evaluate.command("triage")
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--embedding", is_flag=True, help="Compare texts by the optional language model, too.")
def triage(data: Path, out: Path, embedding: bool) -> None:
    """Duplicates: one JSON line per report of DATA, which sees only what came before it."""
    if embedding and not installed():
        raise click.ClickException("The language model is not installed: pip install gridwatch[embedding]")
    figures = Figures()
    try:
        with (
            services(),
            multiprocessing.get_context("spawn").Pool(HELPERS) as helpers,
            scratch_schema(_migrated()) as connection,
            out.open("w", encoding="utf-8") as written,
        ):
            ids: list[str] = []
            for looked, decided in _judged(
                helpers, _looked(connection, _read(helpers, data, embedding), ids)
            ):
                line = _line(looked, decided, ids)
                written.write(json.dumps(line, ensure_ascii=False) + "\n")
                seen = [ids[row[0].int] for row in looked.rows]
                figures.add(looked.read.id, looked.read.incident, seen, line)
    except lines.BadLine as fault:
        raise click.ClickException(str(fault)) from None
    if figures.known:
        click.echo(json.dumps(figures.shown(), ensure_ascii=False))


@contextmanager
def scratch_schema(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The tables of `store`, empty, in a schema of their own that is gone afterwards."""
    name = f"eval_{uuid.uuid4().hex[:12]}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
        for table, key in (
            ("digest", "(report_id)"),
            ("blocking_key", "(key, received_at, report_id) INCLUDE (kind)"),
        ):
            connection.execute(sa.text(f"CREATE UNLOGGED TABLE {name}.{table} (LIKE {table})"))
            connection.execute(sa.text(f"ALTER TABLE {name}.{table} ADD PRIMARY KEY {key}"))
        connection.commit()
        # Empty tables look as if reading them whole were cheapest, and a plan made then would stay.
        for setting in (
            f"search_path = {name}",
            "enable_seqscan = off",
            "plan_cache_mode = force_generic_plan",
        ):
            connection.execute(sa.text(f"SET {setting}"))
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
            connection.commit()


def _migrated() -> sa.Engine:
    engine = sa.create_engine(load_settings().database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)
    return engine


@dataclass(frozen=True)
class Read:
    """A line, read."""

    id: str
    incident: str
    told: Told
    ms: float


@dataclass(frozen=True)
class Looked:
    """A line with what was found of earlier ones, not judged yet."""

    read: Read
    rows: list[store.Row]
    ms: float


@dataclass(frozen=True)
class Decided:
    """What of the candidates would be shown, and how long judging took."""

    shown: list[tuple[uuid.UUID, Verdict]]
    ms: float

    @property
    def decision(self) -> str:
        """One of the three outcomes."""
        if not self.shown:
            return "distinct"
        return "automatic" if any(verdict.automatic for _, verdict in self.shown) else "suggested"


class Desk:
    """Looks up one report after the other, as `triage.services.compare` does.

    Learning from them is not part of a decision: a worker does it once an hour.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.known = connection, Experience()

    def look(self, report_id: uuid.UUID, told: Told) -> tuple[Told, list[store.Row]]:
        """Look for it among what came before, then keep it."""
        told = self.known.understand(told)
        told, rows = store.look_around(self.connection, report_id, told, store.RECENT)
        store.keep(self.connection, report_id, told)
        return told, rows


def decide(told: Told, rows: list[store.Row]) -> Decided:
    """Judge a report; needs nothing but it and the candidates, so that it can be done beside looking up the next."""
    began = time.perf_counter()
    others = store.read(rows)
    verdicts = rules.judge(told, list(others.values()), shipped())
    shown = rules.best(zip(others, verdicts, strict=True))
    return Decided(shown, 1000 * (time.perf_counter() - began))


def _looked(connection: sa.Connection, reads: Iterator[Read], ids: list[str]) -> Iterator[Looked]:
    desk = Desk(connection)
    for read in reads:
        began = time.perf_counter()
        told, rows = desk.look(uuid.UUID(int=len(ids)), read.told)
        ms = read.ms + 1000 * (time.perf_counter() - began)
        desk.known.add(told)
        ids.append(read.id)
        if len(ids) % COMMIT_EVERY == 0:
            connection.commit()
        yield Looked(replace(read, told=told), rows, ms)


def _judged(helpers: Any, looked: Iterator[Looked]) -> Iterator[tuple[Looked, Decided]]:
    """Judged by other processes while the next lines are looked up; in the order of the lines."""
    return _ahead(helpers, _decide_chunk, looked)


def _decide_chunk(chunk: list[Looked]) -> list[Decided]:
    return [decide(one.read.told, one.rows) for one in chunk]


def _line(looked: Looked, decided: Decided, ids: list[str]) -> dict[str, Any]:
    matches = [
        {"id": ids[other.int], "score": verdict.score, "reasons": verdict.reasons}
        for other, verdict in decided.shown
    ]
    ms = round(looked.ms + decided.ms, 3)
    return {"id": looked.read.id, "decision": decided.decision, "matches": matches, "ms": ms}


def _read(helpers: Any, data: Path, embedding: bool) -> Iterator[Read]:
    """The lines, read a few chunks ahead by other processes: pictures take longer than all the rest."""
    read = partial(_read_chunk, folder=data.parent, embedding=embedding)
    with data.open(encoding="utf-8-sig") as file:
        numbered = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        yield from (found for _, found in _ahead(helpers, read, numbered))


def _ahead(
    helpers: Any, work: Callable[[list[Asked]], list[Answer]], asked: Iterator[Asked]
) -> Iterator[tuple[Asked, Answer]]:
    """What other processes made of each, in its order; they work a few chunks ahead."""
    waiting: deque[tuple[list[Asked], Any]] = deque()
    for chunk in _batched(asked):
        waiting.append((chunk, helpers.apply_async(work, (chunk,))))
        if len(waiting) > AHEAD:
            done, answers = waiting.popleft()
            yield from zip(done, answers.get(), strict=True)
    for done, answers in waiting:
        yield from zip(done, answers.get(), strict=True)


def _batched(asked: Iterator[Asked]) -> Iterator[list[Asked]]:
    while chunk := list(islice(asked, CHUNK)):
        yield chunk


def _read_chunk(chunk: list[tuple[int, str]], folder: Path, embedding: bool) -> list[Read]:
    return [_read_line(number, text, folder, embedding) for number, text in chunk]


def _read_line(number: int, text: str, folder: Path, embedding: bool) -> Read:
    line = lines.read(number, text)
    photos = frozenset(found for path in line.photos or [] if (found := _photo(folder, path)))
    began = time.perf_counter()
    told = lines.told(number, line, shipped_types(), photos)
    if embedding:
        told = told.understood()
    told.stored()
    keys.own_keys(told)
    return Read(line.id, line.incident, told, 1000 * (time.perf_counter() - began))


@cache
def _photo(folder: Path, path: str) -> str | None:
    """What the picture at this path shows, seen from the data's folder or from here; None when there is none."""
    from storage.pictures import photo_hash

    for place in (folder / path, Path(path)):
        if place.is_file():
            return photo_hash(place)
    return None
