"""Further photos by the receipt: sealed, once, whichever comes first, and nothing of it for those who must not see."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.cases.models import Case
from server.cases.rules import Step
from server.identity.models import Unit
from server.intake.models import Medium
from server.notices.models import Notice
from tests.factories.county import ACCEPT, SECRET_WORDS, County
from tests.factories.phone import Phone, tip_body
from tests.storage.drawn import encoded, scene

SignedIn = Callable[[str], dict[str, str]]
RunTasks = Callable[[], int]
NEWS = "我刚又去看了，锁还在，门上贴了纸"


@pytest.fixture
def phone(client: FlaskClient, office: County) -> Phone:
    """In a county with an office that takes what belongs to nobody."""
    office.session.add(Unit(code="AWB", name="县安委会办公室", is_coordinating=True))
    office.session.commit()
    return Phone(client)


def photo_bytes(seed: int) -> bytes:
    """A JPEG, another for each seed."""
    return encoded(scene(seed=seed), "JPEG")


def receipt(access_key: str) -> dict[str, str]:
    return {"Authorization": f"Receipt {access_key}"}


def more(phone: Phone, access_key: str, photos: list[bytes], text: str = NEWS) -> tuple[uuid.UUID, bytes]:
    """An envelope with more to the report of this key."""
    body = {"v": 1, "kind": "more", "text": text, "receipt": hashlib.sha256(access_key.encode()).hexdigest()}
    return uuid.uuid4(), phone.envelope(body, photos)


def told(office: County, code: str) -> list[str]:
    """Whose inboxes hold a notice of this kind."""
    logins = {person.id: login for login, person in office.people.items()}
    office.session.expire_all()
    return sorted(
        logins[id_] for id_ in office.session.scalars(sa.select(Notice.person_id).where(Notice.code == code))
    )


class TestMore:
    def test_photos_join_the_report_once_and_nobody_but_the_desk_reads_the_words(
        self, client: FlaskClient, office: County, phone: Phone, signed_in: SignedIn, run_tasks: RunTasks
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        case = office.case("signed_for", report)
        office.session.commit()
        photo = phone.seal(photo_bytes(1))
        submission_id, raw = more(phone, key, [photo])
        for expected in (201, 200):  # sent again after a lost answer
            assert phone.put(submission_id, raw).status_code == expected
        phone.upload(submission_id, photo)
        run_tasks()
        assert phone.status(submission_id)["state"] == "complete"

        page = client.get("/api/v1/receipt", headers=receipt(key)).json
        assert [(one["text"], one["arrived"]) for one in page["messages"]] == [
            (NEWS, {"expected": 1, "ready": 1})
        ]
        desk = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk"))
        said = desk.json["reports"][0]["messages"][0]
        assert (said["text"], len(said["media"]), len(desk.json["media"])) == (NEWS, 1, 1)
        assert "message" in desk.json["flags"]
        assert str(submission_id) not in desk.text

        unit = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("fire1"))
        seen = unit.json["media"]
        assert [(one["kind"], one["captured_at"], one["flags"]) for one in seen] == [("photo", None, [])]
        assert NEWS not in unit.text
        # Desk and unit hear that there is more, once, and not of whom.
        assert told(office, "more") == ["desk", "fire1", "fire2"]
        assert str(report.number) not in unit.text
        clean = client.get(f"/api/v1/media/{seen[0]['id']}/clean", headers=signed_in("fire1"))
        assert clean.status_code == 200
        assert (
            client.get(f"/api/v1/media/{seen[0]['id']}/clean", headers=signed_in("industry")).status_code
            == 404
        )

    def test_words_alone_are_told_to_the_desk_and_again_only_once_they_were_looked_at(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        office.case("signed_for", report)
        office.session.commit()

        def write(message_id: uuid.UUID) -> list[str]:
            message = {"id": str(message_id), "text": NEWS}
            client.post("/api/v1/receipt/messages", json=message, headers=receipt(key))
            return told(office, "more")

        first = uuid.uuid4()
        assert write(first) == write(first) == write(uuid.uuid4()) == ["desk"]
        for notice in office.session.scalars(sa.select(Notice)):
            notice.read_at = office.clock.now()
        office.session.commit()
        assert write(first) == ["desk"], "the same again is nothing new"
        assert write(uuid.uuid4()) == ["desk", "desk"]

    def test_another_code_sees_nothing_of_it(
        self, client: FlaskClient, office: County, phone: Phone, run_tasks: RunTasks
    ) -> None:
        mine, other = office.report(), office.report()
        keys = office.receipt(mine), office.receipt(other)
        office.session.commit()
        submission_id, raw = more(phone, keys[0], [])
        phone.put(submission_id, raw)
        run_tasks()
        assert client.get("/api/v1/receipt", headers=receipt(keys[1])).json["messages"] == []
        assert len(client.get("/api/v1/receipt", headers=receipt(keys[0])).json["messages"]) == 1

    def test_words_that_were_also_sent_at_once_are_told_once(
        self, client: FlaskClient, office: County, phone: Phone, run_tasks: RunTasks
    ) -> None:
        key = office.receipt(office.report())
        office.session.commit()
        message = {"id": str(uuid.uuid4()), "text": NEWS}
        client.post("/api/v1/receipt/messages", json=message, headers=receipt(key))
        verifier = hashlib.sha256(key.encode()).hexdigest()
        body = {"v": 1, "kind": "more", "text": NEWS, "receipt": verifier, "message_id": message["id"]}
        phone.put(uuid.uuid4(), phone.envelope(body))
        run_tasks()
        assert len(client.get("/api/v1/receipt", headers=receipt(key)).json["messages"]) == 1

    def test_it_may_arrive_before_its_report(
        self, client: FlaskClient, phone: Phone, run_tasks: RunTasks
    ) -> None:
        key = "c" * 64
        submission_id, raw = more(phone, key, [])
        phone.put(submission_id, raw)
        run_tasks()
        tip = phone.envelope(tip_body(), receipt=hashlib.sha256(key.encode()).hexdigest())
        phone.put(uuid.uuid4(), tip)
        run_tasks()
        page = client.get("/api/v1/receipt", headers=receipt(key)).json
        assert [one["text"] for one in page["messages"]] == [NEWS]

    def test_without_a_receipt_it_belongs_to_nothing_and_is_kept(
        self, phone: Phone, run_tasks: RunTasks
    ) -> None:
        for stray in ("", None, 7, "0" * 64):
            submission_id = uuid.uuid4()
            body: dict[str, Any] = {"v": 1, "kind": "more", "text": NEWS, "receipt": stray}
            assert phone.put(submission_id, phone.envelope(body)).status_code == 201
            run_tasks()
            assert phone.status(submission_id)["state"] == "complete"


class TestEntry:
    """A letter, call or visit, entered by the desk for somebody."""

    def letter(self, phone: Phone, **changes: Any) -> tuple[str, dict[str, Any]]:
        key = uuid.uuid4().hex * 2
        body = tip_body(kind="entry", channel="letter", arrived_on="2026-11-20", text=SECRET_WORDS) | changes
        return key, body

    def test_it_becomes_a_report_of_its_channel_and_its_code_opens_the_answer(
        self, client: FlaskClient, office: County, phone: Phone, signed_in: SignedIn, run_tasks: RunTasks
    ) -> None:
        phone.token = signed_in("desk")["Authorization"].removeprefix("Bearer ")
        key, body = self.letter(phone)
        scan, photo = phone.seal(photo_bytes(1)), phone.seal(photo_bytes(2))
        body["originals"] = [hashlib.sha256(scan).hexdigest()]
        raw = phone.envelope(body, [scan, photo], receipt=hashlib.sha256(key.encode()).hexdigest())
        submission_id = uuid.uuid4()
        for expected in (201, 200):
            assert phone.put(submission_id, raw).status_code == expected
        for medium in (scan, photo):
            phone.upload(submission_id, medium)
        run_tasks()
        page = client.get("/api/v1/receipt", headers=receipt(key)).json
        assert "-T" in page["number"]

        desk = signed_in("desk")
        row = client.get("/api/v1/desk/cases?queue=new", headers=desk).json["items"][0]
        seen = client.get(f"/api/v1/cases/{row['id']}", headers=desk).json
        report = seen["reports"][0]
        assert (report["channel"], report["arrived_on"], report["entered_by"]) == (
            "letter",
            "2026-11-20",
            "人员 desk",
        )
        assert (report["kind"], report["inspector"], len(report["media"])) == ("tip", None, 2)

        case = office.session.get_one(Case, uuid.UUID(row["id"]))
        office.step(case, Step.ACCEPT, "desk", **ACCEPT)
        office.step(case, Step.SIGN, "leader")
        office.session.commit()
        unit = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("fire1"))
        assert len(unit.json["media"]) == 1  # the photo, not the letter
        scanned = office.session.query(Medium).filter_by(original=True).one()
        assert client.get(f"/api/v1/media/{scanned.id}/clean", headers=signed_in("fire1")).status_code == 404
        assert client.get(f"/api/v1/media/{scanned.id}/clean", headers=desk).status_code == 200
        for hidden in (SECRET_WORDS, "人员 desk", "letter"):
            assert hidden not in unit.text

    def test_only_the_desk_enters_for_others(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        for login in (None, "fire1", "inspector", "leader"):
            token = signed_in(login)["Authorization"].removeprefix("Bearer ") if login else None
            phone = Phone(client, token=token)
            key, body = self.letter(phone)
            raw = phone.envelope(body, receipt=hashlib.sha256(key.encode()).hexdigest())
            assert phone.put(uuid.uuid4(), raw).status_code == (403 if login else 401)

    def test_it_always_gives_a_code(self, client: FlaskClient, office: County, signed_in: SignedIn) -> None:
        phone = Phone(client, token=signed_in("desk")["Authorization"].removeprefix("Bearer "))
        _, body = self.letter(phone)
        answer = phone.put(uuid.uuid4(), phone.envelope(body))
        assert (answer.status_code, phone.verdict(answer)["reason"]) == (422, "envelope.receipt")


def test_a_voice_is_for_the_desk_alone(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    report = office.report()
    voice = office.photo(report.submission_id, b"voice")
    voice.kind = "audio"
    case = office.case("signed_for", report)
    office.session.commit()
    unit = signed_in("fire1")
    assert client.get(f"/api/v1/cases/{case.id}", headers=unit).json["media"] == []
    assert client.get(f"/api/v1/media/{voice.id}/clean", headers=unit).status_code == 404
    assert client.get(f"/api/v1/media/{voice.id}/clean", headers=signed_in("desk")).status_code == 200


def test_a_unit_sees_a_video_without_the_voice_in_it(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    report = office.report()
    video = office.photo(report.submission_id, b"with a voice")
    video.kind = "video"
    office.case("signed_for", report)
    office.session.commit()
    path = f"/api/v1/media/{video.id}/clean"
    assert client.get(path, headers=signed_in("fire1")).status_code == 404, "never the one with sound"
    video.silent_key = f"silent/{video.id}"
    office.parts.blobs.put(video.silent_key, b"silent", content_type="video/mp4")
    office.session.commit()
    heard = {login: client.get(path, headers=signed_in(login)).data for login in ("fire1", "desk", "leader")}
    assert heard == {"fire1": b"silent", "desk": b"with a voice", "leader": b"with a voice"}
