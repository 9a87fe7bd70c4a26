"""`bench sync`: what a county's phones at once ask of the intake; client, server and services on the same cores."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psutil
import pyrage
import sqlalchemy as sa

from server.commands.benches import Row, register
from server.commands.stack import Stack

if TYPE_CHECKING:
    from tests.faults.ground import Ground

FIELDS = 20
MIB = 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0"}


@register(
    "sync",
    click.option(
        "--submissions", default=3000, show_default=True, help="Of 20 fields, at concurrency 32; 0: none."
    ),
    click.option(
        "--photos", default=240, show_default=True, help="Of 1 MB, one each, at concurrency 8; 0: none."
    ),
    click.option(
        "--visits",
        default=100,
        show_default=True,
        help="With 4 photos of 150 KB each, over the slow line; 0: none.",
    ),
    click.option("--web-workers", default=2, show_default=True, help="Web processes; one per core."),
)
def sync_bench(stack: Stack, submissions: int, photos: int, visits: int, web_workers: int) -> list[Row]:
    """Submissions accepted, photos stored, a slow line; rates per second."""
    from tests.faults.ground import Ground

    # One client stands for a county's phones; it is counted as every sender is, and never told to wait.
    os.environ |= {"FLOOD__SUBMISSIONS": "1000000000", "FLOOD__BYTES": "1000000000000"}
    rows: list[Row] = []

    def keep(*found: Row) -> None:
        rows.extend(found)
        for row in found:
            click.echo(row, err=True)

    with Ground(stack, web_workers) as running:
        with _memory(running) as memory:
            # The clock would start the worker again after the first pause; here it is started by hand.
            with _stopped(running, "cron", "worker"):
                if photos:
                    work = _photos(running, photos)
                    keep(_received(running, work))
                    keep(_opened(running, work))
                    keep(*_stored(running, _photos(running, photos)))
                    keep(_cleaned(running, min(photos, 40)))
                    keep(*_steps(running))
                if submissions:
                    keep(_submissions(running, submissions, "accepted, worker stopped"))
            if submissions:
                keep(_submissions(running, submissions, "accepted, worker opening meanwhile"))
        keep({"figure": "web process, resident", "goal": "≤ 150 MB", "MB": round(memory() / MIB)})
        if visits:
            _forget(running)
            keep(_line(running, visits))
    return rows


# -- the phones' side: as small as it can be, as it shares the cores with what it measures ----------------------------


class _Connection:
    """HTTP/1.1 with keep-alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str]]:
        """Status and headers (lower case) of the answer; its body is read and dropped."""
        lines = [f"{method} /api/v1{path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        await self._reader.readexactly(int(told.get("content-length", 0)))
        return int(head[0].split(" ")[1]), told


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[_Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield _Connection(reader, writer)
    finally:
        writer.close()


@dataclass(frozen=True)
class _Sealed:
    """One submission, ready to go."""

    id: str
    envelope: bytes
    medium: bytes | None

    @property
    def put(self) -> dict[str, str]:
        digest = base64.b64encode(hashlib.sha256(self.envelope).digest()).decode()
        return {"Content-Type": "application/json", "Content-Digest": f"sha-256=:{digest}:"}

    @property
    def creation(self) -> dict[str, str]:
        assert self.medium is not None
        told = {"submission": self.id, "sha256": hashlib.sha256(self.medium).hexdigest()}
        pairs = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items()]
        return TUS | {
            "Upload-Length": str(len(self.medium)),
            "Upload-Metadata": ",".join(pairs),
            "Content-Type": "application/offset+octet-stream",
        }


def _seal(running: "Ground", photo: bytes | None = None) -> _Sealed:
    from storage.sealing import Purpose

    recipient = pyrage.x25519.Recipient.from_str(running.parts.keyring.recipient(Purpose.INTAKE).recipient)
    medium = pyrage.encrypt(photo, [recipient]) if photo else None
    media = [{"sha256": hashlib.sha256(medium).hexdigest(), "size": len(medium)}] if medium else []
    body: dict[str, Any] = {f"field_{n}": f"第{n}项 {uuid.uuid4()}" for n in range(FIELDS - 3)}
    body |= {
        "text": f"仓库 {uuid.uuid4()} 里堆着油漆桶",
        "captured_at": "2026-11-23T03:55:00Z",
        "media": media,
    }
    envelope = {
        "v": 1,
        "kind": "tip",
        "body": base64.b64encode(pyrage.encrypt(json.dumps(body).encode(), [recipient])).decode(),
        "receipt": uuid.uuid4().hex * 2,
        "identity": None,
        "contact": None,
        "media": media,
    }
    return _Sealed(str(uuid.uuid4()), json.dumps(envelope).encode(), medium)


def _at_once(port: int, lanes: int, work: Sequence[_Sealed]) -> float:
    """Seconds until all of it was answered as it should be."""

    async def lane(share: Sequence[_Sealed]) -> None:
        async with _connected(port) as connection:
            for one in share:
                status, _ = await connection.ask("PUT", f"/submissions/{one.id}", one.put, one.envelope)
                assert status == 201, status
                if one.medium is not None:
                    status, told = await connection.ask("POST", "/uploads", one.creation, one.medium)
                    assert (status, told["upload-offset"]) == (201, str(len(one.medium))), status

    async def all_lanes() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(lanes):
                group.create_task(lane(work[number::lanes]))

    began = time.perf_counter()
    asyncio.run(all_lanes())
    return time.perf_counter() - began


# -- the figures -------------------------------------------------------------------------------------------------------


def _submissions(running: "Ground", amount: int, figure: str) -> Row:
    work = [_seal(running) for _ in range(amount)]
    _at_once(running.port, 32, work[: amount // 10])
    rest = work[amount // 10 :]
    with _cpu(running) as spent:
        seconds = _at_once(running.port, 32, rest)
    rate = round(len(rest) / seconds)
    return {
        "figure": figure,
        "goal": "≥ 500/s",
        "amount": len(rest),
        "/s": rate,
        "CPU ms each": spent(len(rest)),
    }


def _photos(running: "Ground", amount: int) -> list[_Sealed]:
    photo = _photo_of(MIB)
    return [_seal(running, photo) for _ in range(amount)]


def _received(running: "Ground", work: Sequence[_Sealed]) -> Row:
    """All bytes lie in the store and are told as received; nobody opens them yet."""
    with _cpu(running) as spent:
        seconds = _at_once(running.port, 8, work)
    return _rate("1 MB photos received, worker stopped", len(work), seconds, spent, "≥ 90/s")


def _opened(running: "Ground", work: Sequence[_Sealed]) -> Row:
    """From a full house to all complete, by one worker and with nothing else to do; its start is not counted."""
    with _worker(running, "quick"):
        waited = _missing(running, COMPLETE, work)
        while (missing := _missing(running, COMPLETE, work)) == waited:
            running.let_time_pass()
            time.sleep(0.05)
        with _cpu(running) as spent:
            seconds = _until_none(running, COMPLETE, work)
    return _rate("then opened by one worker: complete", missing, seconds, spent)


def _stored(running: "Ground", work: Sequence[_Sealed]) -> list[Row]:
    """What people wait for: sent, received, verified and opened at the same time, until all are complete."""
    with _worker(running, "quick"):
        while any(task.startswith(QUICK) for task in running.open_tasks()):
            running.let_time_pass()
            time.sleep(0.2)
        with _cpu(running) as spent:
            sending = _at_once(running.port, 8, work)
            complete = sending + _until_none(running, COMPLETE, work)
        before_desk = complete + _until_none(running, BEFORE_DESK, work)
    return [
        _rate("1 MB photos complete: received, verified, opened", len(work), complete, spent, "≥ 90/s"),
        _rate("and their reports before the desk", len(work), before_desk),
    ]


def _cleaned(running: "Ground", amount: int) -> Row:
    """Clean copy, preview, thumbnail and hash of photos that are complete, by one worker that does nothing else."""
    asked = "SELECT count(*) FROM medium WHERE state <> 'expected'"
    connected = running.parts.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with connected as connection, _worker(running, "slow"):
        while not (first := connection.scalar(sa.text(asked)) or 0):
            time.sleep(0.05)
        began = time.perf_counter()
        with _cpu(running) as spent:
            while (last := connection.scalar(sa.text(asked)) or 0) < first + amount:
                time.sleep(0.05)
            seconds = time.perf_counter() - began
    return _rate(
        "1 MB of noise cleaned, thumbnail and preview made, by one worker", last - first, seconds, spent
    )


def _rate(
    figure: str,
    amount: int,
    seconds: float,
    spent: Callable[[int], str] = lambda _: "",
    goal: str = "",
) -> Row:
    row: Row = {"figure": figure, "goal": goal, "amount": amount, "/s": round(amount / seconds, 1)}
    return row | {"CPU ms each": spent(amount)}


QUICK = ("intake.open_", "cases.", "feedback.", "triage.", "routing.")
"""Tasks of a worker that does not clean."""

COMPLETE = """
    SELECT count(*) FROM submission WHERE id = ANY(CAST(:ids AS uuid[])) AND (state <> 'opened' OR EXISTS (
        SELECT FROM submission_medium WHERE submission_id = submission.id AND state <> 'opened'))
"""
BEFORE_DESK = """
    SELECT count(*) FROM submission WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT EXISTS (
        SELECT FROM report JOIN case_report ON report_id = report.id WHERE report.submission_id = submission.id)
"""
"""How many of these submissions are not that far."""


def _missing(running: "Ground", asked: str, work: Sequence[_Sealed]) -> int:
    with running.parts.engine.connect() as connection:
        return connection.scalar(sa.text(asked), {"ids": [one.id for one in work]}) or 0


def _until_none(running: "Ground", asked: str, work: Sequence[_Sealed]) -> float:
    """Seconds until all of these are that far."""
    began = time.perf_counter()
    while _missing(running, asked, work):
        time.sleep(0.05)
    return time.perf_counter() - began


@contextmanager
def _worker(running: "Ground", only: str) -> Iterator[None]:
    """One that cleans, or one that does all else."""
    worker = running.child("worker")
    usual = worker.program
    worker.program = replace(usual, argv=[*usual.argv, "--only", only])
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        worker.program = usual


def _steps(running: "Ground") -> list[Row]:
    """What the worker does for a photo, step by step; it must not run."""
    from server.intake.jobs import IN_MEMORY
    from server.intake.media import keep_products
    from server.intake.models import Medium
    from storage.media import Processed, process
    from storage.sealing import Purpose

    parts = running.parts
    amount = 20
    work = _photos(running, amount)
    spent: dict[str, float] = {
        "fetch, hash, open": 0,
        "clean, thumbnail, hash": 0,
        "store the products": 0,
    }

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent[step] += time.perf_counter() - began

    with tempfile.TemporaryDirectory() as folder:
        _at_once(running.port, 8, work)
        fetched, opened = Path(folder, "sealed"), Path(folder, "opened")
        with parts.engine.connect() as connection:
            asked = sa.text("SELECT id FROM upload WHERE state = 'received'")
            ids = list(connection.scalars(asked))
        for upload_id in ids:
            with timed("fetch, hash, open"), tempfile.SpooledTemporaryFile(IN_MEMORY) as sealed:
                upload = parts.uploads.join(upload_id, sealed)
                sealed.seek(0)
                parts.keyring.check(Purpose.INTAKE, sealed)
            parts.blobs.fetch(upload.sealed_key, fetched)
            parts.keyring.open_file(Purpose.INTAKE, fetched, opened)
            with timed("clean, thumbnail, hash"):
                products = process(opened, None, running.now(), Path(folder))
            assert isinstance(products, Processed), products
            with timed("store the products"):
                keep_products(parts.blobs, Medium(id=uuid.uuid4()), products)
    return [
        {"figure": f"1 MB photo: {step}", "amount": amount, "ms each": round(1000 * seconds / len(ids), 1)}
        for step, seconds in spent.items()
    ]


def _line(running: "Ground", visits: int) -> Row:
    """The real outbox behind 2 Mbit/s, 300 ms for a question and its answer, everything cut every 20 s."""
    from tests.faults.ground import Job, Phone, build_phone, until_content
    from tests.faults.proxy import Line, Proxy, Trouble

    rate = 2_000_000
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.jpg")
        photo.write_bytes(_photo_of(150_000))
        program = build_phone(Path(folder, "program"))
        tips = [Job(f"巡查 {n}", [photo] * 4) for n in range(visits)]
        with (
            Proxy(
                running.port, lambda one: None if "/keys" in one.path else Trouble("cut_up", at=-9)
            ) as no_link,
            Line(running.port, bits_per_s=rate, delay_s=0.15, cut_every_s=20) as line,
        ):
            phone = Phone(program, Path(folder, "phone"), f"{no_link.base}/api/v1", tips, speed=1)
            try:
                phone.start()
                _wait(lambda: len(phone.promised) == visits)
                phone.kill()
                phone.move(f"http://127.0.0.1:{line.port}/api/v1")
                began = time.monotonic()
                phone.start()
                _wait(lambda: bool(phone.items) and all(_is_sent(item) for item in phone.items))
                seconds = time.monotonic() - began
                wire = replace(line.wire)
                until_content(running, [phone])
            finally:
                phone.kill()
    with running.parts.engine.connect() as connection:
        payload = connection.scalar(
            sa.text(
                "SELECT (SELECT sum(length(envelope)) FROM submission WHERE id = ANY(:ids))"
                " + (SELECT sum(size) FROM submission_medium WHERE submission_id = ANY(:ids))"
            ),
            {"ids": [uuid.UUID(item["id"]) for item in phone.items]},
        )
    assert payload is not None
    allowed = float(payload) * 8 / rate
    return {
        "figure": f"{visits} visits, {4 * visits} photos of 150 KB, 2 Mbit/s, 300 ms, {wire.cuts} cuts",
        "goal": "bytes ≤ 1.05, time ≤ 1.2",
        "amount": visits,
        "bytes ×": round((wire.up + wire.down) / float(payload), 3),
        "time ×": round(seconds / allowed, 3),
        "seconds": round(seconds),
    }


def _is_sent(item: dict[str, Any]) -> bool:
    return item["seq"] is not None and all(medium["sent"] == medium["size"] for medium in item["media"])


def _wait(ready: Callable[[], bool]) -> None:
    while not ready():
        time.sleep(0.05)


def _photo_of(size: int) -> bytes:
    """A JPEG of about so many bytes."""
    import io

    from PIL import Image

    side = int((size / 0.98) ** 0.5)
    out = io.BytesIO()
    Image.effect_noise((side * 4 // 3, side), 60).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


@contextmanager
def _cpu(running: "Ground") -> Iterator[Callable[[int], str]]:
    """CPU time of every part, as others may use the machine at the same time; asked for per piece, in ms."""

    def spent() -> dict[str, float]:
        found = {"client": sum(psutil.Process().cpu_times()[:2])}
        for name in ("web", "worker", "postgres", "valkey", "seaweedfs"):
            child = running.child(name)
            family = [psutil.Process(child.pid)] if child.alive else []
            family += [one for parent in family for one in parent.children(recursive=True)]
            found[name] = 0.0
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    # Of its children that ended as well: media are looked at in processes of their own.
                    found[name] += sum(one.cpu_times()[:4])
        return found

    before = spent()
    after: dict[str, float] = {}
    yield lambda pieces: " ".join(
        f"{name} {1000 * max(0.0, after[name] - before[name]) / pieces:.1f}" for name in before
    )
    after.update(spent())


@contextmanager
def _stopped(running: "Ground", *names: str) -> Iterator[None]:
    for name in names:
        running.child(name).stop()
    yield
    running.revive()


def _forget(running: "Ground") -> None:
    """What is left of the rush, proposals and cleaning, takes minutes and would only disturb what is measured next."""
    with _stopped(running, "cron", "worker"), running.parts.engine.begin() as connection:
        connection.execute(sa.text("UPDATE task SET done_at = now() WHERE done_at IS NULL"))
        running.parts.queue.flushdb()


@contextmanager
def _memory(running: "Ground") -> Iterator[Callable[[], int]]:
    """The most bytes that the largest web process held; the answer is asked for after the block."""
    most = 0
    over = threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(0.2):
            with contextlib.suppress(psutil.NoSuchProcess):
                web = psutil.Process(running.child("web").pid)
                most = max(most, *(one.memory_info().rss for one in web.children(recursive=True)), 0)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: most
    finally:
        over.set()
        watcher.join()
