"""`eval triage`: what would have been decided, line by line, and how well where the truth is given."""

import json
import multiprocessing
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

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
from server.triage.model import PairModel, shipped
from server.triage.reading import Told
from server.triage.rules import Verdict

READ_AHEAD = 8
CHUNK = 100
READERS = 2
COMMIT_EVERY = 1000


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
            multiprocessing.get_context("spawn").Pool(READERS) as readers,
            scratch_schema(_migrated()) as connection,
            out.open("w", encoding="utf-8") as written,
        ):
            desk, ids = Desk(connection, shipped()), list[str]()
            for read in _read(readers, data, embedding):
                began = time.perf_counter()
                decided = desk.decide(uuid.UUID(int=len(ids)), read.told)
                ms = read.ms + 1000 * (time.perf_counter() - began)
                line = _line(read.id, decided, ids, ms)
                written.write(json.dumps(line, ensure_ascii=False) + "\n")
                figures.add(read.id, read.incident, [ids[other.int] for other, _ in decided.candidates], line)
                ids.append(read.id)
                if len(ids) % COMMIT_EVERY == 0:
                    connection.commit()
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
        for table, key in (("digest", "report_id"), ("blocking_key", "key, received_at, report_id")):
            connection.execute(sa.text(f"CREATE UNLOGGED TABLE {name}.{table} (LIKE {table})"))
            connection.execute(sa.text(f"ALTER TABLE {name}.{table} ADD PRIMARY KEY ({key})"))
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
class Decided:
    """What was looked at, with its scores, and what of it would be shown."""

    candidates: list[tuple[uuid.UUID, float]]
    shown: list[tuple[uuid.UUID, Verdict]]

    @property
    def decision(self) -> str:
        """One of the three outcomes."""
        if not self.shown:
            return "distinct"
        return "automatic" if any(verdict.automatic for _, verdict in self.shown) else "suggested"


class Desk:
    """Decides one report after the other, as `triage.services.compare` does."""

    def __init__(self, connection: sa.Connection, model: PairModel) -> None:
        self.connection, self.model = connection, model
        self.known = Experience()

    def decide(self, report_id: uuid.UUID, told: Told) -> Decided:
        """Look for it among what came before, then keep it."""
        told = self.known.understand(told)
        told, others = store.look_around(self.connection, report_id, told, store.RECENT)
        verdicts = rules.judge(told, list(others.values()), self.known, self.model)
        scored = list(zip(others, verdicts, strict=True))
        store.keep(self.connection, report_id, told)
        self.known.add(told)
        return Decided([(other, verdict.score) for other, verdict in scored], rules.best(scored))


def _line(id_: str, decided: Decided, ids: list[str], ms: float) -> dict[str, Any]:
    matches = [
        {"id": ids[other.int], "score": verdict.score, "reasons": verdict.reasons}
        for other, verdict in decided.shown
    ]
    return {"id": id_, "decision": decided.decision, "matches": matches, "ms": round(ms, 3)}


def _read(readers: Any, data: Path, embedding: bool) -> Iterator[Read]:
    """The lines, read a few chunks ahead by other processes: pictures take longer than all the rest."""
    waiting: deque[Any] = deque()
    with data.open(encoding="utf-8-sig") as file:
        numbered = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        for chunk in _batched(numbered):
            waiting.append(readers.apply_async(_read_chunk, (chunk, data.parent, embedding)))
            if len(waiting) > READ_AHEAD:
                yield from waiting.popleft().get()
    yield from chain.from_iterable(chunk.get() for chunk in waiting)


def _batched(numbered: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    while chunk := list(islice(numbered, CHUNK)):
        yield chunk


def _read_chunk(chunk: list[tuple[int, str]], folder: Path, embedding: bool) -> list[Read]:
    return [_read_line(number, text, folder, embedding) for number, text in chunk]


def _read_line(number: int, text: str, folder: Path, embedding: bool) -> Read:
    line = lines.read(number, text)
    hashes = [found for path in line.photos or [] if (found := _hashes(folder, path))]
    began = time.perf_counter()
    upright = frozenset(found[0] for found in hashes)
    turned = frozenset(hash_ for found in hashes for hash_ in found[1:])
    told = lines.told(number, line, shipped_types(), upright, turned)
    if embedding:
        told = told.understood()
    told.stored()
    keys.own_keys(told)
    return Read(line.id, line.incident, told, 1000 * (time.perf_counter() - began))


@cache
def _hashes(folder: Path, path: str) -> tuple[str, ...] | None:
    """Of the picture at this path, seen from the data's folder or from here; None when there is none."""
    from storage.pictures import photo_hashes

    for place in (folder / path, Path(path)):
        if place.is_file():
            return photo_hashes(place)
    return None
