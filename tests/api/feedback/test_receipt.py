"""The reporter's page by receipt, and the desk's side of it."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.cases.rules import Step
from server.core.ids import new_id
from server.feedback.throttle import MISSES
from server.identity.models import RoleGrant
from server.identity.rules import Role
from server.intake.models import ReporterChannel
from server.notices.models import Notice
from sync.ledger import Submission
from tests.factories.county import REPLY, SECRET_WORDS, County

SignedIn = Callable[[str], dict[str, str]]


def receipt(access_key: str) -> dict[str, str]:
    return {"Authorization": f"Receipt {access_key}"}


def test_a_new_report_is_received_and_waits_for_the_desk(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    office.photo(report.submission_id)
    office.case(report=report)
    office.session.commit()
    page = client.get("/api/v1/receipt", headers=receipt(key)).json
    assert page["number"] == report.number
    assert page["steps"][0] == {"code": "received", "at": report.received_at.isoformat(), "current": True}
    assert [step["at"] for step in page["steps"][1:]] == [None] * 6
    assert page["next"] == {"code": "accepted", "by": "2026-12-08T15:59:59+00:00"}
    assert (page["reply"], page["messages"], page["satisfaction"]) == (None, [], None)
    assert page["media"] == {"expected": 1, "ready": 1}


def test_before_it_is_opened_a_report_has_no_number_but_has_arrived(
    client: FlaskClient, office: County
) -> None:
    submission_id, key = uuid.uuid4(), "a" * 64
    office.session.add(
        Submission(
            id=submission_id,
            kind="tip",
            digest="d",
            envelope=b"{}",
            received_at=office.clock.now(),
            state="accepted",
        )
    )
    receipt_hash = hashlib.sha256(key.encode()).hexdigest()
    office.session.add(ReporterChannel(receipt_hash=receipt_hash, submission_id=submission_id))
    office.session.commit()
    page = client.get("/api/v1/receipt", headers=receipt(key)).json
    assert (page["number"], page["received_at"]) == (None, office.clock.now().isoformat())
    answer = client.post(
        "/api/v1/receipt/messages", json={"id": str(uuid.uuid4()), "text": "x"}, headers=receipt(key)
    )
    assert (answer.status_code, answer.json["code"]) == (409, "receipt.not_opened")


def test_the_answer_reaches_the_reporter_in_full(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    case = office.case("replied", report)
    office.session.commit()
    page = client.get("/api/v1/receipt", headers=receipt(key)).json
    assert page["reply"]["text"] == REPLY["text"]
    assert (page["reply"]["finding"], page["reply"]["reward"]) == ("substantiated", "qualifies")
    assert [step["code"] for step in page["steps"] if step["current"]] == ["answered"]
    assert page["next"] is None
    # Neither names of staff nor the case's own number, title or matter.
    text = client.get("/api/v1/receipt", headers=receipt(key)).text
    for hidden in ("人员", case.number, case.title, case.matter, str(case.id)):
        assert hidden not in text


def test_an_extension_is_told_with_its_reason_once_it_is_granted(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    case = office.case("rectifying", report)
    office.step(case, Step.ASK_EXTENSION, "fire1", days="30", reason="厂家说配件要下个月才到")
    office.session.commit()
    before = client.get("/api/v1/receipt", headers=receipt(key)).json
    assert before["extension"] is None
    told = "要换的消防门是定做的，需要更多时间。"
    office.step(case, Step.GRANT_EXTENSION, "leader", reason=told)
    office.session.commit()
    page = client.get("/api/v1/receipt", headers=receipt(key))
    extension = page.json["extension"]
    assert (extension["reason"], extension["at"]) == (told, office.clock.now().isoformat())
    assert extension["until"] == page.json["next"]["by"] > before["next"]["by"]
    assert "厂家说" not in page.text  # what the unit wrote to the leader


def test_a_refusal_is_told_with_its_reason(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    case = office.case(report=report)
    office.step(case, Step.REFUSE, "desk", ground="not_safety", reason="属于劳动争议，请向人社局反映。")
    office.session.commit()
    page = client.get("/api/v1/receipt", headers=receipt(key)).json
    assert [step["code"] for step in page["steps"]] == ["received", "refused"]
    assert (page["reply"]["text"], page["reply"]["ground"]) == (
        "属于劳动争议，请向人社局反映。",
        "not_safety",
    )


def test_a_merged_case_answers_all_and_tells_nobody_of_the_others(
    client: FlaskClient, office: County
) -> None:
    first, second = office.report("第一个人写的"), office.report("第二个人写的")
    keys = office.receipt(first), office.receipt(second)
    into, case = office.case("signed_for", first), office.case(report=second)
    message = {"id": str(uuid.uuid4()), "text": "只有我知道的话"}
    office.step(case, Step.MERGE, "desk", into=str(into.id))
    joined = office.clock.now().isoformat()
    office.session.commit()
    assert client.post("/api/v1/receipt/messages", json=message, headers=receipt(keys[0])).status_code == 200
    second_page = client.get("/api/v1/receipt", headers=receipt(keys[1]))
    dates = [step["at"] for step in second_page.json["steps"] if step["at"]]
    assert dates == [second.received_at.isoformat(), joined, joined]
    for hidden in ("第一个人写的", "只有我知道的话", first.number):
        assert hidden not in second_page.text
    # Who came later learns that the matter was known, and who came first nothing at all of the other.
    known = [client.get("/api/v1/receipt", headers=receipt(key)).json["known_before"] for key in keys]
    assert known == [False, True]
    office.session.refresh(into)
    for step, login, fields in (
        (
            Step.VERIFY,
            "fire1",
            {
                "finding": "unsubstantiated",
                "account": "现场核查，没有发现问题。",
                "verifiers": ["才让", "卓玛"],
            },
        ),
        (Step.REPLY, "fire1", REPLY),
    ):
        office.step(into, step, login, **fields)
    office.session.commit()
    for key in keys:
        page = client.get("/api/v1/receipt", headers=receipt(key)).json
        assert page["reply"]["text"] == REPLY["text"]
        assert "fixed" not in [step["code"] for step in page["steps"]]


@pytest.mark.parametrize(
    "given", [None, "", "Receipt", "Receipt " + "0" * 64, "Receipt ZZ", "Bearer x", "Receipt é"]
)
def test_a_code_that_opens_nothing_is_always_told_in_the_same_words(
    client: FlaskClient, office: County, given: str | None
) -> None:
    answers = [
        client.get("/api/v1/receipt", headers={"Authorization": header} if header is not None else {})
        for header in (given, "Receipt " + "f" * 64)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json == answers[1].json
    assert answers[0].json["code"] == "receipt.unknown"


def test_guessing_is_slowed_down_and_leaves_no_address(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    office.session.commit()
    here = {"REMOTE_ADDR": "203.0.113.77"}
    for _ in range(MISSES):
        assert client.get("/api/v1/receipt", headers=receipt("0" * 64), environ_base=here).status_code == 404
    slowed = client.get("/api/v1/receipt", headers=receipt("0" * 64), environ_base=here)
    assert (slowed.status_code, slowed.json["code"]) == (429, "receipt.too_many")
    assert 0 < int(slowed.headers["Retry-After"]) <= 600
    elsewhere = client.get(
        "/api/v1/receipt", headers=receipt(key), environ_base={"REMOTE_ADDR": "203.0.113.78"}
    )
    assert elsewhere.status_code == 200
    queue = office.parts.queue
    kept = [name + (queue.get(name) or b"") for name in queue.keys("receipt:*")]  # type: ignore[operator]
    assert kept
    assert not any(b"203.0.113" in value for value in kept)


def test_right_codes_are_not_counted(client: FlaskClient, office: County) -> None:
    report = office.report()
    key = office.receipt(report)
    office.session.commit()
    for _ in range(MISSES + 5):
        assert client.get("/api/v1/receipt", headers=receipt(key)).status_code == 200


class TestConversation:
    def test_both_sides_write_and_read(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        case = office.case(report=report)
        desk = signed_in("desk")
        asked = client.post(
            f"/api/v1/reports/{report.id}/messages",
            json={"id": str(new_id()), "text": "在几楼？"},
            headers=desk,
        )
        assert asked.status_code == 200
        office.clock.advance(timedelta(minutes=1))
        told = {"id": str(uuid.uuid4()), "text": " 二楼\x00 "}
        for _ in range(2):  # sent again after a lost answer
            assert client.post("/api/v1/receipt/messages", json=told, headers=receipt(key)).status_code == 200
        page = client.get("/api/v1/receipt", headers=receipt(key))
        assert [(row["from_reporter"], row["text"]) for row in page.json["messages"]] == [
            (False, "在几楼？"),
            (True, "二楼"),
        ]
        assert "人员" not in page.text
        seen = client.get(f"/api/v1/cases/{case.id}", headers=desk).json
        assert [row["text"] for row in seen["reports"][0]["messages"]] == ["在几楼？", "二楼"]
        assert seen["flags"] == ["message"]

    def test_an_id_of_somebody_elses_message_is_not_taken_over(
        self, client: FlaskClient, office: County
    ) -> None:
        keys = [office.receipt(report) for report in (office.report(), office.report())]
        office.session.commit()
        message = {"id": str(uuid.uuid4()), "text": "我的话"}
        answers = [
            client.post("/api/v1/receipt/messages", json=message, headers=receipt(key)).status_code
            for key in keys
        ]
        assert answers == [200, 409]
        assert client.get("/api/v1/receipt", headers=receipt(keys[1])).json["messages"] == []

    @pytest.mark.parametrize(("text", "status"), [("", 422), ("x" * 2001, 422), (" \x00\n", 400)])
    def test_a_message_has_words(self, client: FlaskClient, office: County, text: str, status: int) -> None:
        key = office.receipt(office.report())
        office.session.commit()
        body = {"id": str(uuid.uuid4()), "text": text}
        assert client.post("/api/v1/receipt/messages", json=body, headers=receipt(key)).status_code == status

    @pytest.mark.parametrize(
        ("login", "status"),
        [("leader", 403), ("fire1", 403), ("inspector", 403), ("admin", 403), ("other_desk", 404)],
    )
    def test_only_the_desk_of_the_place_writes_to_reporters(
        self, client: FlaskClient, office: County, signed_in: SignedIn, login: str, status: int
    ) -> None:
        report = office.report()
        office.receipt(report)
        office.case("transferred", report)
        body = {"id": str(uuid.uuid4()), "text": "请补充"}
        answer = client.post(f"/api/v1/reports/{report.id}/messages", json=body, headers=signed_in(login))
        assert answer.status_code == status
        assert SECRET_WORDS not in answer.text

    def test_who_left_no_code_cannot_be_written_to(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        report = office.report()
        office.case(report=report)
        body = {"id": str(uuid.uuid4()), "text": "请补充"}
        answer = client.post(f"/api/v1/reports/{report.id}/messages", json=body, headers=signed_in("desk"))
        assert (answer.status_code, answer.json["code"]) == (409, "message.no_channel")


class TestSatisfaction:
    def test_the_last_word_counts_and_the_desk_sees_it(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        case = office.case("replied", report)
        desk = signed_in("desk")
        for satisfied, reason, flags in ((False, "门又锁上了", ["unsatisfied"]), (True, "", [])):
            said = {"satisfied": satisfied, "reason": reason}
            page = client.post("/api/v1/receipt/satisfaction", json=said, headers=receipt(key)).json
            assert (page["satisfaction"]["satisfied"], page["satisfaction"]["reason"]) == (satisfied, reason)
            seen = client.get(f"/api/v1/cases/{case.id}", headers=desk).json
            assert seen["flags"] == flags
            assert seen["reports"][0]["satisfaction"]["reason"] == reason

    @pytest.mark.parametrize(
        ("others_at_the_desk", "told"), [(True, ["admin"]), (False, ["leader"])], ids=["desk", "leader"]
    )
    def test_discontent_goes_to_somebody_who_did_not_handle_it(
        self, client: FlaskClient, office: County, others_at_the_desk: bool, told: list[str]
    ) -> None:
        if others_at_the_desk:
            area_id = office.areas["county"].id
            office.session.add(
                RoleGrant(person_id=office.people["admin"].id, role=Role.DESK, area_id=area_id)
            )
        report = office.report()
        key = office.receipt(report)
        case = office.case("replied", report)
        case.took = case.took | {"recheck_pass": str(office.people["desk"].id)}
        office.session.commit()
        for _ in range(2):
            client.post("/api/v1/receipt/satisfaction", json={"satisfied": False}, headers=receipt(key))
        logins = {person.id: login for login, person in office.people.items()}
        office.session.expire_all()
        notices = office.session.scalars(sa.select(Notice).where(Notice.code == "unsatisfied")).all()
        assert [logins[notice.person_id] for notice in notices] == told

    def test_one_who_is_content_does_not_speak_for_another(self, client: FlaskClient, office: County) -> None:
        first, second = office.report(), office.report()
        keys = office.receipt(first), office.receipt(second)
        into, case = office.case("replied", first), office.case(report=second)
        office.step(case, Step.MERGE, "desk", into=str(into.id))
        office.session.commit()
        for key, satisfied in zip(keys, (False, True), strict=True):
            client.post("/api/v1/receipt/satisfaction", json={"satisfied": satisfied}, headers=receipt(key))
        office.session.refresh(into)
        assert into.unsatisfied

    def test_there_is_nothing_to_judge_before_the_answer(self, client: FlaskClient, office: County) -> None:
        report = office.report()
        key = office.receipt(report)
        office.case("to_reply", report)
        office.session.commit()
        answer = client.post("/api/v1/receipt/satisfaction", json={"satisfied": True}, headers=receipt(key))
        assert (answer.status_code, answer.json["code"]) == (409, "receipt.no_reply")
