"""POST /cases/steps: sign many at once."""

from collections.abc import Callable

from flask.testing import FlaskClient

from server.cases.rules import Step
from tests.factories.county import County

SignedIn = Callable[[str], dict[str, str]]


def test_what_was_read_is_signed_and_what_changed_stays_with_the_reason(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    cases = [office.case("to_sign") for _ in range(4)]
    seen = [{"id": str(case.id), "version": case.version} for case in cases]
    office.step(cases[1], Step.DECLINE, "leader", reason="请写明具体位置")  # somebody else was first
    office.session.commit()
    gone = {"id": "00000000-0000-4000-8000-000000000000", "version": 1}
    asked = {"step": "sign", "cases": [*seen, gone]}
    answer = client.post("/api/v1/cases/steps", json=asked, headers=signed_in("leader"))
    told = answer.json["cases"]
    assert [one["problem"] for one in told] == [None, "case.changed", None, None, "not_found"]
    assert [one["id"] for one in told] == [one["id"] for one in asked["cases"]]
    assert told[1]["row"]["state"] == "registered"
    assert told[4]["row"] is None
    states = [
        client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json["state"] for case in cases
    ]
    assert states == ["transferred", "registered", "transferred", "transferred"]


def test_who_may_not_sign_one_may_not_sign_many(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case("to_sign")
    office.session.commit()
    asked = {"step": "sign", "cases": [{"id": str(case.id), "version": case.version}]}
    told = client.post("/api/v1/cases/steps", json=asked, headers=signed_in("desk")).json["cases"]
    assert told[0]["problem"] == "case.step_not_yours"
    unseen = client.post("/api/v1/cases/steps", json=asked, headers=signed_in("fire1")).json["cases"]
    assert (unseen[0]["problem"], unseen[0]["row"]) == ("not_found", None)


def test_a_step_with_fields_is_taken_case_by_case(client: FlaskClient, signed_in: SignedIn) -> None:
    asked = {"step": "decline", "cases": [{"id": "00000000-0000-4000-8000-000000000000", "version": 1}]}
    answer = client.post("/api/v1/cases/steps", json=asked, headers=signed_in("leader"))
    assert (answer.status_code, answer.json["code"]) == (400, "cases.batch")
