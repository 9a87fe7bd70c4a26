"""The faults that were reproduced in peers, by name; ours has none of them. (ODK Central's are in
tests/api/intake/test_submissions.py.)
"""

import base64
import json
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.intake.models import Report
from storage.uploads import Upload
from sync.ledger import Submission
from tests.faults.ground import Ground, Job, Phone, until_content
from tests.faults.proxy import Exchange, Proxy, Trouble
from tests.faults.wait import until

pytestmark = pytest.mark.faults

PROBLEM = "application/problem+json"


@pytest.fixture
def send(
    running: Ground, program: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[..., tuple[Phone, Proxy]]:
    """A phone with these tips behind a proxy of its own, started."""

    def start(*jobs: Job, decide: Any = None) -> tuple[Phone, Proxy]:
        proxy = Proxy(running.port, decide or (lambda _: None))
        proxy.__enter__()
        phone = Phone(program, tmp_path / uuid.uuid4().hex, f"{proxy.base}/api/v1", jobs)
        request.addfinalizer(lambda: proxy.__exit__())
        request.addfinalizer(phone.kill)
        phone.start()
        return phone, proxy

    return start


def unsigned(*answers: tuple[int, bytes, str]) -> Callable[[Exchange], Trouble | None]:
    """All requests but those for keys get these answers in turn, then they get through."""
    left = list(answers)

    def decide(exchange: Exchange) -> Trouble | None:
        if exchange.path.endswith("/keys") or not left:
            return None
        status, body, kind = left.pop(0)
        return Trouble("answer", status=status, body=body, type=kind)

    return decide


def forged(exchange: Exchange, state: str) -> bytes:
    """A verdict of the right shape for what is asked, signed by nobody we know."""
    asked = exchange.path.rpartition("/")[2]
    digest = base64.b64decode((exchange.header("content-digest") or "sha-256=::").split(":")[1]).hex()
    payload = {
        "id": asked,
        "digest": digest,
        "state": state,
        "seq": 1,
        "number": "X",
        "media": [],
        "reason": None,
    }
    signed = {
        "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
        "signature": "A" * 86 + "==",
    }
    return json.dumps(signed | {"key": "0" * 16}).encode()


def test_fixmystreet_a_queued_form_survives_every_failure_that_is_not_a_signed_verdict(
    running: Ground, send: Callable[..., tuple[Phone, Proxy]], photos: list[Path]
) -> None:
    """FixMyStreet deletes an inspector's queued form on any failure other than a 400."""
    failures = (200, 204, 301, 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 502, 503)
    problem = json.dumps({"code": "envelope.shape", "title": "refused", "state": "refused"}).encode()
    answered = unsigned(*[(status, problem, PROBLEM) for status in failures])
    lies = ["complete", "refused", "differs"]

    def decide(exchange: Exchange) -> Trouble | None:
        if (trouble := answered(exchange)) is not None:
            return trouble
        if exchange.method == "PUT" and lies:
            return Trouble("answer", status=201, body=forged(exchange, lies.pop(0)), type="application/json")
        return None

    phone, proxy = send(Job(f"{uuid.uuid4()} 表单", photos[:1]), decide=decide)
    seen: set[str] = set()

    def asked_often_enough() -> bool:
        phone.wake()
        seen.update(item["state"] for item in phone.items)
        return bool(phone.items) and not lies and phone.items[0]["state"] not in ("waiting", "sending")

    until(asked_often_enough, running)
    until_content(running, [phone])
    assert seen <= {"waiting", "sending", "received", "media_pending", "complete"}
    troubled = [exchange for exchange in proxy.log if exchange.trouble is not None]
    assert len(troubled) == len(failures) + 3
    sent = {exchange.body for exchange in proxy.log if exchange.method == "PUT"}
    assert len(sent) == 1, "not byte for byte the same"
    with Session(running.parts.engine) as session:
        assert session.scalars(sa.select(Report.text).where(Report.text == phone.texts["0"])).all()


def test_globaleaks_an_upload_goes_on_after_a_dropped_chunk(
    running: Ground, send: Callable[..., tuple[Phone, Proxy]], photos: list[Path]
) -> None:
    """GlobaLeaks ends an upload at the first dropped chunk."""
    largest = max(photos, key=lambda photo: photo.stat().st_size)
    pieces: list[int] = []

    def decide(exchange: Exchange) -> Trouble | None:
        if not exchange.body or "/uploads" not in exchange.path:
            return None
        pieces.append(len(exchange.body))
        if len(pieces) == 1:  # a part of it arrives
            return Trouble("cut_up", at=len(exchange.body) // 2)
        return Trouble("cut_down") if len(pieces) == 2 else None  # arrives, and the phone does not hear of it

    phone, proxy = send(Job(f"{uuid.uuid4()} 大照片", [largest]), decide=decide)
    until_content(running, [phone])
    sent = [e for e in proxy.log if e.body and "/uploads" in e.path]
    offsets = [int(e.header("upload-offset") or 0) for e in sent]
    assert offsets[0] == 0
    assert offsets == sorted(offsets)
    assert offsets[1] == pieces[0] // 2, "what arrived before the cut did not count"
    lost = pieces[0] - pieces[0] // 2
    assert sum(pieces) - lost == phone.items[0]["media"][0]["size"], (
        "what the phone did not hear of was sent again"
    )
    assert len([e for e in sent if e.method == "POST"]) == 1, "began anew"


def test_signalen_one_post_sent_twice_makes_one_record(
    running: Ground, send: Callable[..., tuple[Phone, Proxy]], photos: list[Path]
) -> None:
    """Signalen makes two records of one POST sent twice."""
    phone, proxy = send(
        Job(f"{uuid.uuid4()} 两次", [photos[0], photos[-1]]),
        decide=lambda exchange: None if exchange.method in ("GET", "HEAD") else Trouble("twice"),
    )
    until_content(running, [phone])
    (item,) = phone.items
    sent = sum(len(exchange.body) for exchange in proxy.log if "/uploads" in exchange.path)
    assert sent == sum(medium["size"] for medium in item["media"]), "something had to be sent once more"
    with ThreadPoolExecutor(8) as crowd:  # and all of it again, later
        for exchange in [e for e in proxy.log if e.method in ("PUT", "POST")]:
            headers = dict(re.findall(r"^([\w-]+): (.*)\r$", exchange.head.decode(), re.MULTILINE))
            list(crowd.map(lambda _, e=exchange, h=headers: _again(running, e, h), range(4)))
    until_content(running, [phone])
    with Session(running.parts.engine) as session:
        reports = session.scalars(sa.select(Report).where(Report.text == phone.texts["0"])).all()
        assert [str(report.submission_id) for report in reports] == [item["id"]]
        uploads = session.scalars(sa.select(Upload).where(Upload.owner == uuid.UUID(item["id"]))).all()
        assert sorted(upload.sha256 for upload in uploads) == sorted(m["sha256"] for m in item["media"])
        row = session.get_one(Submission, uuid.UUID(item["id"]))
        assert (row.seq, row.number) == (item["seq"], item["number"])


def _again(running: Ground, exchange: Exchange, headers: dict[str, str]) -> int:
    kept = {k: v for k, v in headers.items() if k.lower() not in ("connection", "host", "content-length")}
    url = f"http://127.0.0.1:{running.port}{exchange.path}"
    status = httpx.request(exchange.method, url, content=exchange.body, headers=kept, timeout=60).status_code
    assert status in (200, 201), (exchange.path, status)
    return status
