"""The promise of the protocol over HTTP: taken once, told truly, never refused for what is inside."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from server.app import Gridwatch
from server.cases.models import Case
from server.core.tasks import Task
from server.identity.models import Unit
from server.intake.models import Medium, Report
from sync.ledger import Submission
from tests.factories.county import County
from tests.factories.phone import Phone, tip_body
from tests.storage.drawn import encoded, scene

RunTasks = Callable[[], int]


def photo(seed: int) -> bytes:
    """A JPEG, another for each seed."""
    return encoded(scene(seed=seed), "JPEG")


@pytest.fixture
def phone(client: FlaskClient, office: County) -> Phone:
    """In a county with a boundary and an office that takes what belongs to nobody."""
    county = office.areas["county"]
    county.min_lng, county.min_lat, county.max_lng, county.max_lat = 98.0, 33.5, 101.0, 35.5
    office.session.add(Unit(code="AWB", name="县安委会办公室", is_coordinating=True))
    office.session.commit()
    return Phone(client)


def test_a_tip_is_taken_opened_and_given_a_number(phone: Phone, run_tasks: RunTasks) -> None:
    tip = uuid.uuid4()
    raw = phone.envelope(tip_body())
    answer = phone.put(tip, raw)
    verdict = phone.verdict(answer)
    assert answer.status_code == 201
    assert (verdict["id"], verdict["digest"]) == (str(tip), hashlib.sha256(raw).hexdigest())
    assert (verdict["state"], verdict["number"]) == ("accepted", None)
    assert verdict["proof"] is None
    run_tasks()
    opened = phone.status(tip)
    assert opened["state"] == "complete"
    assert opened["number"] == "632621-2026-T000001"


def test_sending_it_again_changes_nothing(
    phone: Phone, run_tasks: RunTasks, sessions: sessionmaker[Session]
) -> None:
    tip, raw = uuid.uuid4(), phone.envelope(tip_body())
    first = phone.verdict(phone.put(tip, raw))
    run_tasks()
    again = phone.put(tip, raw)
    assert again.status_code == 200
    assert phone.verdict(again)["seq"] == first["seq"]
    run_tasks()
    with sessions() as session:
        counted = [
            session.scalar(sa.select(sa.func.count()).select_from(row)) for row in (Submission, Report, Case)
        ]
    assert counted == [1, 1, 1]


def test_another_content_under_the_same_id_is_told_with_both_digests(phone: Phone) -> None:
    tip = uuid.uuid4()
    held, other = phone.envelope(tip_body()), phone.envelope(tip_body(text="另一件事情在这里"))
    phone.put(tip, held)
    answer = phone.put(tip, other)
    verdict = phone.verdict(answer)
    assert answer.status_code == 409
    assert verdict["state"] == "differs"
    assert verdict["digest"] == hashlib.sha256(other).hexdigest()
    assert verdict["held_digest"] == hashlib.sha256(held).hexdigest()


def test_eight_identical_puts_at_once_make_one_submission(
    app: Gridwatch, sessions: sessionmaker[Session]
) -> None:
    """ODK Central answers these with 3 × 201 and 5 × 409."""
    tip, raw = uuid.uuid4(), Phone(app.test_client()).envelope(tip_body())
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: Phone(app.test_client()).put(tip, raw).status_code, range(8)))
    assert sorted(answers) == [200] * 7 + [201]
    with sessions() as session:
        tasks = session.scalar(sa.select(sa.func.count()).where(Task.kind == "intake.open_submission"))
    assert tasks == 1


def test_complete_only_when_every_declared_byte_is_stored_and_opened(
    phone: Phone, run_tasks: RunTasks
) -> None:
    """ODK Central answers 201 "full submission" when declared media never came."""
    tip = uuid.uuid4()
    media = [phone.seal(photo(seed)) for seed in (1, 2)]
    phone.put(tip, phone.envelope(tip_body(), media))
    run_tasks()
    assert phone.status(tip)["state"] == "accepted"
    phone.upload(tip, media[0])
    assert [medium["state"] for medium in phone.status(tip)["media"]] == ["stored", "expected"]
    run_tasks()
    assert [medium["state"] for medium in phone.status(tip)["media"]] == ["opened", "expected"]
    phone.upload(tip, media[1])
    assert phone.status(tip)["state"] == "accepted"
    run_tasks()
    assert phone.status(tip)["state"] == "complete"


def test_a_medium_that_is_sealed_to_another_key_stays_on_the_phone(phone: Phone, run_tasks: RunTasks) -> None:
    tip = uuid.uuid4()
    wrong = phone.seal(photo(3), "notice")
    phone.put(tip, phone.envelope(tip_body(), [wrong]))
    phone.upload(tip, wrong)
    run_tasks()
    verdict = phone.status(tip)
    assert verdict["state"] == "accepted"
    assert verdict["media"][0]["state"] == "unopenable"


def test_a_body_that_cannot_be_opened_is_said_so_and_not_complete(phone: Phone, run_tasks: RunTasks) -> None:
    tip = uuid.uuid4()
    sealed = base64.b64encode(phone.seal(b"{}", "identity")).decode()
    phone.put(tip, json.dumps(json.loads(phone.envelope(tip_body())) | {"body": sealed}).encode())
    run_tasks()
    assert (phone.status(tip)["state"], phone.status(tip)["reason"]) == ("accepted", "unopenable")


def test_a_text_file_called_jpg_is_kept_flagged_and_lets_the_phone_go(
    phone: Phone, run_tasks: RunTasks, sessions: sessionmaker[Session]
) -> None:
    tip = uuid.uuid4()
    text = phone.seal(b"this is no photo " * 50)
    phone.put(tip, phone.envelope(tip_body(), [text]))
    phone.upload(tip, text)
    run_tasks()
    assert phone.status(tip)["state"] == "complete"
    with sessions() as session:
        medium = session.scalars(sa.select(Medium)).one()
    assert medium.state == "set_aside"
    assert medium.flags
    assert medium.sealed_key


@pytest.mark.parametrize(
    ("body", "flag"),
    [
        ({"captured_at": "2031-01-01T00:00:00Z"}, "time_in_future"),
        ({"text": 7, "place": "here"}, "wrong_type"),
        ({"place": {"lat": 90, "lng": 0}}, "outside_county"),
        ({"text": "a\x00b\ud800c"}, "unprintable"),
    ],
)
def test_what_turns_out_wrong_after_opening_is_kept_and_flagged(
    phone: Phone, run_tasks: RunTasks, sessions: sessionmaker[Session], body: dict[str, Any], flag: str
) -> None:
    tip = uuid.uuid4()
    assert phone.put(tip, phone.envelope(tip_body(**body))).status_code == 201
    run_tasks()
    assert phone.status(tip)["state"] == "complete"
    with sessions() as session:
        report = session.scalars(sa.select(Report)).one()
    assert flag in {told["code"] for told in report.flags}


def test_faults_of_the_envelope_are_refused_under_signature(phone: Phone) -> None:
    for raw, reason in ((b"[]", "envelope.shape"), (b"\xff", "envelope.not_json")):
        answer = phone.put(uuid.uuid4(), raw)
        verdict = phone.verdict(answer)
        assert (answer.status_code, verdict["state"], verdict["reason"]) == (422, "refused", reason)


def test_a_manifest_over_the_limits_is_refused(phone: Phone) -> None:
    many = [{"sha256": f"{n:064x}", "size": 1} for n in range(21)]
    fields = json.loads(phone.envelope(tip_body())) | {"media": many}
    assert (
        phone.verdict(phone.put(uuid.uuid4(), json.dumps(fields).encode()))["reason"] == "manifest.too_many"
    )


def test_bytes_that_changed_on_the_way_are_asked_for_again(
    phone: Phone, sessions: sessionmaker[Session]
) -> None:
    raw = phone.envelope(tip_body())
    answer = phone.put(uuid.uuid4(), raw, **{"Content-Digest": "sha-256=:" + "A" * 43 + "=:"})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json()["code"] == "digest.differs"
    assert phone.put(uuid.uuid4(), raw, **{"Content-Digest": ""}).get_json()["code"] == "digest.missing"
    with sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Submission)) == 0


def test_an_envelope_that_is_too_large_names_the_limit(phone: Phone) -> None:
    answer = phone.put(uuid.uuid4(), b" " * 300_000)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "envelope.too_large")


@pytest.mark.parametrize("path", ["abc", "12", "%00", "ffffffff-ffff-ffff-ffff-fffffffffffg"])
def test_bad_ids_are_problems_and_not_faults(client: FlaskClient, path: str) -> None:
    answer = client.put(f"/api/v1/submissions/{path}", data=b"{}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_unknown_ids_are_told_as_unknown(phone: Phone, client: FlaskClient) -> None:
    assert phone.status(uuid.uuid4())["state"] == "unknown"
    many = client.post("/api/v1/submissions/status", json={"ids": [str(uuid.uuid4()) for _ in range(101)]})
    assert many.status_code == 422
    assert many.get_json()["code"] == "fields.wrong"


def test_uploads_are_taken_only_for_a_line_of_the_manifest(phone: Phone) -> None:
    tip = uuid.uuid4()
    declared, other = phone.seal(b"x"), phone.seal(b"y")
    phone.put(tip, phone.envelope(tip_body(), [declared]))
    with pytest.raises(AssertionError, match=r"upload\.undeclared"):
        phone.upload(tip, other)
    with pytest.raises(AssertionError, match=r"upload\.undeclared"):
        phone.upload(uuid.uuid4(), declared)


def test_only_staff_send_hazards(phone: Phone) -> None:
    answer = phone.put(uuid.uuid4(), phone.envelope(tip_body(kind="hazard")))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "auth.sign_in_needed")
