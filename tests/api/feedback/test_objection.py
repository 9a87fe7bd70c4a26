"""After the answer: an objection within its time goes to somebody else; a report can be taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from server.cases.rules import Step
from server.core.errors import Forbidden
from tests.factories.county import County

SignedIn = Callable[[str], dict[str, str]]
REASON = {"reason": "门又锁上了，没有人再来看过。"}
DAY = timedelta(days=1)


def receipt(access_key: str) -> dict[str, str]:
    return {"Authorization": f"Receipt {access_key}"}


class TestObjection:
    def test_it_goes_to_another_person_who_answers_again(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        case = office.case("replied", report)
        office.session.commit()
        for _ in range(2):  # sent again after a lost answer
            page = client.post("/api/v1/receipt/objection", json=REASON, headers=receipt(key))
            assert page.status_code == 200
        assert page.json["objection"]["said_at"] is not None
        assert not page.json["objection"]["possible"]
        assert page.json["satisfaction"]["satisfied"] is False
        assert [step["code"] for step in page.json["steps"] if step["current"]] == ["objected"]
        assert page.json["next"]["by"] is not None

        seen = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json
        assert seen["state"] == "objected"
        assert [event["step"] for event in seen["history"]].count("object") == 1
        # Neither the unit that handled it nor the person who struck it off judges the objection.
        office.session.refresh(case)
        text = "再次核查：锁已拆除，另装了推杠门，请放心。"
        for login in ("fire1", "fire2"):
            with pytest.raises(Forbidden):
                office.step(case, Step.UPHOLD, login, text=text)
        office.step(case, Step.UPHOLD, "leader", text=text)
        office.session.commit()
        answered = client.get("/api/v1/receipt", headers=receipt(key)).json
        assert answered["reply"]["text"] == text
        assert [step["code"] for step in answered["steps"] if step["current"]] == ["re_examined"]

    def test_its_time_runs_from_the_first_reading(self, client: FlaskClient, office: County) -> None:
        report = office.report()
        key = office.receipt(report)
        office.case("replied", report)
        office.session.commit()
        office.clock.advance(20 * DAY)  # nobody has opened the answer yet
        first = client.get("/api/v1/receipt", headers=receipt(key)).json["objection"]
        assert first["possible"]
        office.clock.advance(9 * DAY)
        again = client.get("/api/v1/receipt", headers=receipt(key)).json["objection"]
        assert again == first  # reading again prolongs nothing
        office.clock.advance(2 * DAY)
        late = client.post("/api/v1/receipt/objection", json=REASON, headers=receipt(key))
        assert (late.status_code, late.json["code"]) == (409, "receipt.objection_over")

    def test_there_is_nothing_to_object_to_before_the_answer(
        self, client: FlaskClient, office: County
    ) -> None:
        report = office.report()
        key = office.receipt(report)
        office.case("signed_for", report)
        office.session.commit()
        assert client.get("/api/v1/receipt", headers=receipt(key)).json["objection"] is None
        answer = client.post("/api/v1/receipt/objection", json=REASON, headers=receipt(key))
        assert (answer.status_code, answer.json["code"]) == (409, "receipt.no_reply")

    def test_a_refusal_can_be_objected_to_as_well(self, client: FlaskClient, office: County) -> None:
        report = office.report()
        key = office.receipt(report)
        case = office.case(report=report)
        office.step(case, Step.REFUSE, "desk", ground="not_safety", reason="属于劳动争议，请向人社局反映。")
        office.session.commit()
        assert client.post("/api/v1/receipt/objection", json=REASON, headers=receipt(key)).status_code == 200
        office.session.refresh(case)
        with pytest.raises(Forbidden):
            office.step(case, Step.UPHOLD, "desk", text="维持不予受理的决定，理由同前。")

    def test_another_code_does_not_see_that_somebody_objected(
        self, client: FlaskClient, office: County
    ) -> None:
        first, second = office.report("第一个人写的"), office.report("第二个人写的")
        keys = office.receipt(first), office.receipt(second)
        into, case = office.case("replied", first), office.case(report=second)
        office.step(case, Step.MERGE, "desk", into=str(into.id))
        office.session.commit()
        client.post("/api/v1/receipt/objection", json=REASON, headers=receipt(keys[0]))
        other = client.get("/api/v1/receipt", headers=receipt(keys[1]))
        assert REASON["reason"] not in other.text
        assert other.json["objection"]["said_at"] is None


def test_a_report_is_taken_back_once_and_the_unit_does_not_learn_of_it(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    report = office.report()
    key = office.receipt(report)
    case = office.case("signed_for", report)
    office.session.commit()
    assert client.get("/api/v1/receipt", headers=receipt(key)).json["may_withdraw"]
    for _ in range(2):
        page = client.post("/api/v1/receipt/withdrawal", json={"reason": "已经修好了"}, headers=receipt(key))
        assert page.status_code == 200
    assert page.json["withdrawn_at"] is not None
    history = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json["history"]
    assert [event["step"] for event in history].count("withdraw") == 1
    unit = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("fire1"))
    assert "withdraw" not in [event["step"] for event in unit.json["history"]]
    assert "已经修好了" not in unit.text
