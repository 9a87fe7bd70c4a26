"""GET /cases/{id} and POST /cases/{id}/steps, and steps that come from phones."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.audit.models import AuditEntry
from server.cases.models import Case, CaseEvent
from storage.sealing import Purpose
from sync.envelope import digest_of
from tests.conftest import RunTasks
from tests.factories.county import ACCEPT, MATTER, SECRET_WORDS, WAY, County

SignedIn = Callable[[str], dict[str, str]]


def url(case: Case) -> str:
    return f"/api/v1/cases/{case.id}"


def accepting(office: County) -> dict[str, Any]:
    return {"step": "accept", "fields": ACCEPT | {"unit_id": str(office.units["fire"].id)}}


def test_the_desk_reads_all_and_may_take_its_steps(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    report = office.report()
    photo = office.photo(report.submission_id)
    case = office.case(report=report)
    answer = client.get(url(case), headers=signed_in("desk"))
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    page = answer.json
    told = page["reports"][0]
    assert (told["text"], told["named"], told["place"]["words"]) == (SECRET_WORDS, True, report.place_words)
    assert [medium["id"] for medium in told["media"]] == [str(photo.id)]
    main = [row["step"] for row in page["steps"] if not row["aside"]]
    assert main == ["accept", "transfer_at_once", "refuse", "redirect", "merge"]
    fields = {field["name"]: field for field in page["steps"][0]["fields"]}
    assert fields["risk"]["choices"] == ["red", "orange", "yellow", "blue"]
    assert (fields["matter"]["type"], fields["matter"]["min_length"]) == ("text", 10)
    assert str(report.submission_id) not in answer.text


def test_a_step_answers_with_the_case_as_it_is_then(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case()
    desk = signed_in("desk")
    answer = client.post(f"{url(case)}/steps", json=accepting(office), headers=desk | {"If-Match": '"1"'})
    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["version"], answer.headers["ETag"]) == ("to_sign", 2, '"2"')
    assert [row["step"] for row in answer.json["steps"] if not row["aside"]] == []
    assert client.get(url(case), headers=desk).json == answer.json


def test_the_second_of_two_gets_the_case_as_the_first_left_it(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case("to_sign")
    office.session.commit()
    answer = client.post(
        f"{url(case)}/steps", json=accepting(office), headers=signed_in("desk") | {"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json["code"]) == (412, "case.changed")
    assert (answer.json["current"]["state"], answer.json["current"]["version"]) == ("to_sign", 2)
    assert [event["step"] for event in answer.json["current"]["history"]] == ["register", "accept"]


def test_a_version_must_be_told(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    case = office.case()
    desk = signed_in("desk")
    for seen in ({}, {"If-Match": "*"}, {"If-Match": '"x"'}):
        answer = client.post(f"{url(case)}/steps", json=accepting(office), headers=desk | seen)
        assert (answer.status_code, answer.json["code"]) == (428, "version_required")


@pytest.mark.parametrize(
    ("step", "fields", "status"),
    [
        ("accept", {}, 400),
        ("accept", {"unit_id": {"x": 1}, "matter": ["\x00"], "sector_no": 1e9, "title": "\ud800"}, 400),
        ("merge", {"into": "nonsense"}, 400),
        ("archive", {}, 409),
        ("sign", {}, 403),
        ("fix_on_spot", {}, 403),
        ("register", {}, 403),
        ("fly", {}, 422),
    ],
)
def test_a_wrong_step_is_a_problem_that_names_the_fault(
    client: FlaskClient, office: County, signed_in: SignedIn, step: str, fields: dict[str, Any], status: int
) -> None:
    case = office.case()
    answer = client.post(
        f"{url(case)}/steps",
        data=json.dumps({"step": step, "fields": fields}),  # in ASCII: a lone surrogate travels escaped
        content_type="application/json",
        headers=signed_in("desk") | {"If-Match": '"1"'},
    )
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    if status == 400:
        assert answer.json["fields"]
    assert client.get(url(case), headers=signed_in("desk")).json["version"] == 1


@pytest.mark.parametrize("login", ["fire1", "industry", "inspector", "other_desk", "reward", "admin"])
def test_who_does_not_see_a_case_gets_no_hint(
    client: FlaskClient, office: County, signed_in: SignedIn, login: str
) -> None:
    headers = signed_in(login) | {"If-Match": '"1"'}
    case = office.case("to_sign")
    office.session.commit()
    for answers in zip(
        (
            client.get(url(case), headers=headers),
            client.post(f"{url(case)}/steps", json={"step": "sign"}, headers=headers),
        ),
        (
            client.get(f"/api/v1/cases/{uuid.uuid4()}", headers=headers),
            client.post(f"/api/v1/cases/{uuid.uuid4()}/steps", json={"step": "sign"}, headers=headers),
        ),
        strict=True,
    ):
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json == answers[1].json


def test_nobody_reads_without_signing_in(client: FlaskClient, office: County) -> None:
    case = office.case()
    office.session.commit()
    assert client.get(url(case)).status_code == 401
    assert client.post(f"{url(case)}/steps", json={"step": "accept"}).status_code == 401


@pytest.mark.parametrize("login", ["fire1", "inspector"])
def test_a_unit_reads_the_matter_and_nothing_of_the_reporter(
    client: FlaskClient, office: County, signed_in: SignedIn, login: str
) -> None:
    report = office.report(flags=[{"code": "no_place", "field": "place", "detail": "x"}])
    office.receipt(report)
    photo = office.photo(report.submission_id)
    case = office.case("to_recheck", report)
    into = office.case("registered", office.report("另一位举报人的话"))
    office.step(into, "merge", "desk", into=str(case.id))  # type: ignore[arg-type]
    office.session.commit()
    answer = client.get(url(case), headers=signed_in(login))
    page = answer.json
    assert (page["matter"], page["text"]) == (MATTER, MATTER)
    assert [medium["id"] for medium in page["media"]] == [str(photo.id)]
    assert page["place"]["lat"] == report.lat
    for name in ("reports", "suggestions", "sectors", "flags"):
        assert page[name] == []
    assert page["proposed"] is None
    for secret in (SECRET_WORDS, "另一位举报人的话", report.place_words, report.number, into.number, "named"):
        assert secret not in answer.text
    # Nor the moment: not of the tap, not of the arrival, and not inside an id.
    assert page["media"][0]["captured_at"] is None
    assert page["first_received_at"] == page["accepted_at"]
    assert {uuid.UUID(one).version for one in (page["id"], page["media"][0]["id"])} == {4}
    # Neither how the desk decided nor that somebody else reported the same.
    assert {event["step"] for event in page["history"]} <= {"sign", "sign_for", "verify", "plan", "rectify"}


def test_who_gives_a_case_back_reads_the_answer_and_then_no_more(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case("transferred")
    fire = signed_in("fire1")
    answer = client.post(
        f"{url(case)}/steps",
        json={"step": "return", "fields": {"reason": "不属于本单位职责"}},
        headers=fire | {"If-Match": f'"{case.version}"'},
    )
    assert (answer.status_code, answer.json["state"], answer.json["reports"]) == (200, "returned", [])
    assert client.get(url(case), headers=fire).status_code == 404


def test_the_whole_way_over_the_wire(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    case = office.case()
    office.session.commit()
    version = 1
    for state, step, login, fields in WAY:
        if step == "accept":
            fields = fields | {"unit_id": str(office.units["fire"].id)}
        headers = signed_in(login) | {"If-Match": f'"{version}"'}
        page = client.get(url(case), headers=headers).json
        assert step.value in [row["step"] for row in page["steps"]]
        answer = client.post(
            f"{url(case)}/steps", json={"step": step.value, "fields": fields}, headers=headers
        )
        assert answer.status_code == 200, answer.json
        assert answer.json["state"] == state
        version = answer.json["version"]


class TestFromPhones:
    def send(
        self,
        client: FlaskClient,
        office: County,
        headers: dict[str, str],
        submission_id: uuid.UUID,
        **body: Any,
    ) -> int:
        recipient = pyrage.x25519.Recipient.from_str(office.parts.keyring.recipient(Purpose.INTAKE).recipient)
        sealed = pyrage.encrypt(json.dumps({"v": 1, "kind": "step", **body}).encode(), [recipient])
        envelope = {
            "v": 1,
            "kind": "step",
            "body": base64.b64encode(sealed).decode(),
            "receipt": None,
            "identity": None,
            "contact": None,
            "media": [],
        }
        raw = json.dumps(envelope).encode()
        digest = base64.b64encode(bytes.fromhex(digest_of(raw))).decode()
        return client.put(
            f"/api/v1/submissions/{submission_id}",
            data=raw,
            headers=headers | {"Content-Digest": f"sha-256=:{digest}:"},
            content_type="application/json",
        ).status_code

    def test_a_step_from_a_phone_is_taken_once(
        self, client: FlaskClient, office: County, signed_in: SignedIn, run_tasks: RunTasks
    ) -> None:
        case = office.case("transferred")
        fire, submission_id = signed_in("fire1"), uuid.uuid4()
        body = {"case_id": str(case.id), "step": "sign_for", "fields": {}}
        assert self.send(client, office, fire, submission_id, **body) == 201
        assert run_tasks() > 0
        page = client.get(url(case), headers=signed_in("desk")).json
        assert (page["state"], page["history"][-1]["actor_name"]) == ("signed_for", "人员 fire1")
        event = office.session.scalars(
            sa.select(CaseEvent).where(CaseEvent.submission_id == submission_id)
        ).one()
        assert not event.late

    def test_a_step_that_is_no_longer_allowed_is_kept_as_late(
        self, client: FlaskClient, office: County, signed_in: SignedIn, run_tasks: RunTasks
    ) -> None:
        case = office.case("signed_for")
        office.step(case, "return", "fire2", reason="不属于本单位职责")  # type: ignore[arg-type]
        fire = signed_in("fire1")
        body = {"case_id": str(case.id), "step": "verify", "fields": {"account": "x\x00"}}
        assert self.send(client, office, fire, uuid.uuid4(), **body) == 201
        run_tasks()
        page = client.get(url(case), headers=signed_in("desk")).json
        assert (page["state"], page["version"]) == ("returned", case.version)
        last = page["history"][-1]
        assert (last["step"], last["late"], last["from_state"], last["to_state"]) == (
            "verify",
            True,
            "returned",
            "returned",
        )

    @pytest.mark.parametrize(
        "body", [{}, {"case_id": "x", "step": []}, {"case_id": str(uuid.uuid4()), "step": "sign"}]
    )
    def test_what_names_no_case_leaves_a_mark_and_stops_nothing(
        self,
        client: FlaskClient,
        office: County,
        signed_in: SignedIn,
        run_tasks: RunTasks,
        body: dict[str, Any],
    ) -> None:
        submission_id = uuid.uuid4()
        assert self.send(client, office, signed_in("fire1"), submission_id, **body) == 201
        assert run_tasks() > 0
        office.session.rollback()
        marks = office.session.scalars(
            sa.select(AuditEntry).where(AuditEntry.entity_id == submission_id)
        ).all()
        assert [mark.actor_name for mark in marks] == ["人员 fire1"]
