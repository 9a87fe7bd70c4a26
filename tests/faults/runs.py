"""One seeded run: phones send, things break, and at rest everybody agrees on what arrived."""

import hashlib
import queue
import shutil
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import CaseReport
from server.intake.models import Medium, Report
from server.intake.services import open_body
from server.patrol.models import Inspection, Visit
from storage.sealing import Purpose
from storage.uploads import Upload, UploadPiece, UploadState, uploads_of
from sync.ledger import Submission
from tests.faults.ground import PARTS, Ground, Job, Phone, until_content
from tests.faults.proxy import Exchange, Proxy, Trouble, troubles

SHARE_OF_TROUBLE = 0.4
KILLED = ("phone", *PARTS)
PREFIXES = ("pieces/", "sealed/", "clean/", "preview/", "thumb/")


@dataclass(frozen=True)
class Kill:
    """`what` is killed when a phone makes its `at`-th request, or, where `step` is true, its `at`-th step."""

    what: str
    phone: int
    at: int
    step: bool


@dataclass(frozen=True)
class Told:
    """What a run did; all of it held."""

    seed: int
    submissions: int
    media: int
    requests: int
    troubles: int
    kills: tuple[str, ...]


def run(running: Ground, program: Path, photos: list[Path], seed: int) -> Told:
    """Do it, and check it. Raises AssertionError or NotAtRest, each with the seed."""
    random = Random(seed)
    folder = running.folder / f"run-{seed}-{uuid.uuid4().hex[:6]}"
    before = held(running)
    # What a web process leaves that is killed between storing a piece and committing it: rare, so always one.
    running.parts.blobs.put(f"pieces/{uuid.uuid4()}/000000000000-{uuid.uuid4().hex}", b"orphan")
    # The first phone is the public's; the second is an inspector's in every other run.
    jobs = [
        [
            Job(
                f"{uuid.UUID(int=random.getrandbits(128))} 仓库里堆着油漆桶",
                random.sample(photos, random.choice((0, 1, 1, 2))),
                urgent=random.random() < 0.2,
                visit=running.plan_visit() if phone and seed % 2 else None,
            )
            for _ in range(random.randint(1, 2))
        ]
        for phone in range(2)
    ]
    kills = _kills(seed, random, len(jobs))
    happened: queue.Queue[Kill] = queue.Queue()
    with ExitStack() as all_of_it:
        proxies = [
            all_of_it.enter_context(
                Proxy(running.port, _watched(troubles(random, SHARE_OF_TROUBLE), n, kills, happened))
            )
            for n in range(len(jobs))
        ]
        phones = [
            Phone(program, folder / str(n), f"{proxy.base}/api/v1", mine)
            for n, (proxy, mine) in enumerate(zip(proxies, jobs, strict=True))
        ]
        for n, phone in enumerate(phones):
            phone.on_step = _stepped(n, kills, happened)
            all_of_it.callback(phone.kill)
            phone.start()
        killed = _break_things(running, phones, kills, happened)
        for proxy in proxies:
            proxy.decide = lambda _: None
        try:
            until_content(running, phones)
            if half_written := [phone for phone in phones if phone.thinks["chunks"]]:
                for phone in half_written:
                    phone.sleep_an_hour()
                until_content(running, phones)
            check(running, phones, proxies, before)
        except AssertionError as fault:
            raise AssertionError(f"seed {seed}, killed {killed}: {fault}") from fault
        exchanges = [exchange for proxy in proxies for exchange in proxy.log]
    shutil.rmtree(folder)
    return Told(
        seed,
        sum(len(phone.photos) for phone in phones),
        sum(len(sent) for phone in phones for sent in phone.photos.values()),
        len(exchanges),
        sum(exchange.trouble is not None for exchange in exchanges),
        killed,
    )


def _kills(seed: int, random: Random, phones: int) -> list[Kill]:
    """One or two; the first goes round with the seed, so that a few runs have met everything."""
    whats = [KILLED[seed % len(KILLED)], random.choice(KILLED)][: random.choice((1, 1, 2))]
    kills = []
    for what in whats:
        step = random.random() < 0.25
        kills.append(Kill(what, random.randrange(phones), random.randint(0, 3 if step else 7), step))
    return kills


def _watched(decide: Any, phone: int, kills: list[Kill], happened: "queue.Queue[Kill]") -> Any:
    def watching(exchange: Exchange) -> Trouble | None:
        for kill in kills:
            if not kill.step and (kill.phone, kill.at) == (phone, exchange.number):
                happened.put(kill)
        trouble: Trouble | None = decide(exchange)
        return trouble

    return watching


def _stepped(phone: int, kills: list[Kill], happened: "queue.Queue[Kill]") -> Any:
    def watching(step: int) -> None:
        for kill in kills:
            if kill.step and (kill.phone, kill.at) == (phone, step):
                happened.put(kill)

    return watching


def _break_things(
    running: Ground, phones: list[Phone], kills: list[Kill], happened: "queue.Queue[Kill]"
) -> tuple[str, ...]:
    """Kill what is to be killed when its time comes; over when all kills were done or the phones are content."""
    killed: list[str] = []
    quiet_at = time.monotonic() + 8
    while len(killed) < len(kills) or not all(phone.promised for phone in phones):
        try:
            kill = happened.get(timeout=0.05)
        except queue.Empty:
            if all(phone.content for phone in phones) or time.monotonic() > quiet_at:
                break
            continue
        if kill.what == "phone":
            phones[kill.phone].kill()
            phones[kill.phone].start()
        else:
            running.kill(kill.what)
            time.sleep(0.3)  # phones meet the hole
            running.revive()
        killed.append(kill.what)
    return tuple(killed)


def held(running: Ground) -> set[uuid.UUID]:
    """Submissions of the server."""
    with Session(running.parts.engine) as session:
        return set(session.scalars(sa.select(Submission.id)))


def check(running: Ground, phones: list[Phone], proxies: list[Proxy], before: set[uuid.UUID]) -> None:
    """0 lost, 0 doubled, 0 orphaned blobs, order of arrival unchanged, and phones think what the server holds."""
    items = {uuid.UUID(item["id"]): (phone, item) for phone in phones for item in phone.items}
    with Session(running.parts.engine) as session:
        held = {row.id: row for row in session.scalars(sa.select(Submission)) if row.id not in before}
        assert set(held) == set(items), "submissions of the server are not those of the phones"
        for phone in phones:
            assert sorted(item["label"] for item in phone.items) == sorted(phone.photos)
            assert phone.promised <= {item["label"] for item in phone.items}, "told as submitted, and gone"
            assert (phone.thinks["chunks"], phone.thinks["media"]) == (0, 0), "bytes stay on the phone"
            stay = {what: phone.thinks[what] for what in ("drafts", "envelopes")}
            assert not any(stay.values()), f"records stay on the phone: {stay}"
        for submission_id, (phone, item) in items.items():
            _check_one(running, session, held[submission_id], phone, item)
        _check_order(held, proxies)
        numbers = session.scalars(sa.select(Submission.number).where(Submission.number.is_not(None))).all()
        for kind in "THI":
            counts = sorted(int(str(number)[-6:]) for number in numbers if str(number)[-7] == kind)
            assert counts == list(range(1, len(counts) + 1)), "a gap in the numbers"
    _check_objects(running)


def _check_one(
    running: Ground, session: Session, row: Submission, phone: Phone, item: dict[str, Any]
) -> None:
    text, photos = phone.texts[item["label"]], phone.photos[item["label"]]
    assert (row.seq, row.number) == (item["seq"], item["number"])
    assert row.digest == phone.thinks["digests"][item["id"]] == hashlib.sha256(row.envelope).hexdigest()
    assert phone.seqs[item["id"]] == {row.seq}, "its place in the order of arrival changed"
    body = open_body(session, running.parts, row.id).body
    if row.kind == "inspection":
        assert {answer["note"] for answer in body["answers"]} == {text}
        made = sa.select(Inspection).where(Inspection.visit_id == uuid.UUID(body["visit_id"]))
        assert [one.submission_id for one in session.scalars(made)] == [row.id], "doubled or lost"
        assert session.get_one(Visit, uuid.UUID(body["visit_id"])).state == "done"
    else:
        assert body["text"] == text
        reports = session.scalars(sa.select(Report).where(Report.text == text)).all()
        assert [report.submission_id for report in reports] == [row.id], "doubled or lost"
        cases = session.scalars(sa.select(CaseReport).where(CaseReport.report_id == reports[0].id)).all()
        assert len([case for case in cases if case.left_at is None]) == 1
    media = session.scalars(
        sa.select(Medium).where(Medium.submission_id == row.id).order_by(Medium.position)
    ).all()
    assert [medium.sha256 for medium in media] == [medium["sha256"] for medium in item["media"]]
    assert [medium.state for medium in row.media] == ["opened"] * len(photos)
    for medium, photo in zip(media, photos, strict=True):
        assert (medium.state, medium.kind) == ("ready", "photo"), medium.flags
        sealed = running.parts.blobs.get(str(medium.sealed_key))
        assert hashlib.sha256(sealed).hexdigest() == medium.sha256
        assert phone.is_photo(running.parts.keyring.open(Purpose.INTAKE, sealed), photo), "another photo"


def _check_order(held: dict[uuid.UUID, Submission], proxies: list[Proxy]) -> None:
    """What was answered before another was sent has the earlier place."""
    puts = [
        (exchange.began, exchange.ended, held[uuid.UUID(exchange.path.rpartition("/")[2])])
        for proxy in proxies
        for exchange in proxy.log
        if exchange.method == "PUT"
    ]
    first_sent = {row.id: min(began for began, _, other in puts if other.id == row.id) for _, _, row in puts}
    taken = {
        uuid.UUID(exchange.path.rpartition("/")[2]): exchange.ended
        for proxy in reversed(proxies)
        for exchange in reversed(proxy.log)
        if exchange.status in (200, 201) and exchange.method == "PUT" and exchange.trouble is None
    }
    for early, ended in taken.items():
        for late, began in first_sent.items():
            if ended is not None and ended < began:
                assert held[early].seq < held[late].seq, "overtaken"


def _check_objects(running: Ground) -> None:
    """Past the grace time every object is named by a row, and every named object is there."""
    running.parts.uploads.sweep(running.now(), timedelta(0))
    there = {blob.key for prefix in PREFIXES for blob in running.parts.blobs.list(prefix)}
    with Session(running.parts.engine) as session:
        named = set(session.scalars(sa.select(UploadPiece.object_key)))
        uploads = uploads_of(session, session.scalars(sa.select(Upload.owner)))
        named |= {upload.sealed_key for upload in uploads if upload.state is UploadState.JOINED}
        for row in session.scalars(sa.select(Medium)):
            named |= {key for key in (row.sealed_key, row.clean_key, row.preview_key, row.thumb_key) if key}
    assert there == named, f"orphans {sorted(there - named)[:5]}, missing {sorted(named - there)[:5]}"
