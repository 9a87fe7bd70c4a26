"""Before a reply is sent: the warning, which tells nobody the reporter's words, and the templates."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.audit.models import AuditEntry
from server.cases.rules import Finding, Step
from server.feedback.throttle import LOOKS
from tests.factories.county import MATTER, SECRET_WORDS, County

SignedIn = Callable[[str], dict[str, str]]
QUOTE = "食堂的小李，后门一直锁着"


class TestPreview:
    def test_a_unit_learns_that_it_quotes_but_not_what(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        case = office.case("to_reply", office.report())
        unit = signed_in("fire1")
        answer = client.post(
            f"/api/v1/cases/{case.id}/preview", json={"text": f"经查：{QUOTE}。"}, headers=unit
        )
        told = {part["hint"]: part["start"] for part in answer.json["parts"]}
        assert told["quotes"] is None
        assert told["name"] == 6  # found in the unit's own text, and so no secret
        assert answer.json["compared"]
        assert SECRET_WORDS not in answer.text
        marks = sa.select(AuditEntry.entity_id).where(AuditEntry.action == "reply.quotes")
        assert office.session.scalars(marks).all() == [case.id]

    def test_the_desk_is_shown_the_place(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        case = office.case(report=office.report())
        answer = client.post(
            f"/api/v1/cases/{case.id}/preview", json={"text": f"经查：{QUOTE}。"}, headers=signed_in("desk")
        )
        places = [(part["start"], part["end"]) for part in answer.json["parts"] if part["hint"] == "quotes"]
        assert places == [(3, 3 + len(QUOTE))]

    def test_trying_out_words_comes_to_an_end(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        case = office.case("to_reply", office.report())
        unit, desk, url = signed_in("fire1"), signed_in("desk"), f"/api/v1/cases/{case.id}/preview"
        for _ in range(LOOKS):
            assert client.post(url, json={"text": QUOTE}, headers=unit).json["compared"]
        last = client.post(url, json={"text": QUOTE}, headers=unit).json
        assert (last["compared"], [part["hint"] for part in last["parts"]]) == (False, ["name"])
        assert client.post(url, json={"text": QUOTE}, headers=desk).json["compared"]

    def test_what_the_sheet_says_is_no_quotation(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        case = office.case("to_reply", office.report(MATTER))
        answer = client.post(
            f"/api/v1/cases/{case.id}/preview", json={"text": MATTER}, headers=signed_in("fire1")
        )
        assert answer.json["parts"] == []

    @pytest.mark.parametrize("login", ["industry", "other_inspector", "admin", "other_desk"])
    def test_who_does_not_see_the_case_learns_nothing(
        self, client: FlaskClient, office: County, signed_in: SignedIn, login: str
    ) -> None:
        case = office.case("to_reply", office.report())
        url = f"/api/v1/cases/{case.id}/preview"
        assert client.post(url, json={"text": QUOTE}, headers=signed_in(login)).status_code == 404

    def test_the_warning_stays_in_the_history_of_what_was_sent_all_the_same(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        case = office.case(report=office.report())
        office.step(
            case,
            Step.ACCEPT,
            "desk",
            sector_no=6,
            title="后门上锁",
            matter=f"{QUOTE}，请核查。",
            risk="orange",
        )
        office.session.commit()
        seen = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json
        assert seen["history"][-1]["fields"]["gives_away"] == ["name", "quotes"]


class TestTemplates:
    def listed(self, client: FlaskClient, headers: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("/api/v1/reply-templates", headers=headers).get_json()
        return found

    def written(self, client: FlaskClient, key: uuid.UUID, headers: dict[str, str], **changes: Any) -> Any:
        body = {"unit_id": None, "title": "本单位常用", "text": "您好！情况{finding}。{measures}"} | changes
        return client.put(f"/api/v1/reply-templates/{key}", json=body, headers=headers)

    def test_a_county_begins_with_one_for_each_finding(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        found = self.listed(client, signed_in("fire1"))
        assert {row["finding"] for row in found} == {str(finding) for finding in Finding}
        assert not any(row["mine"] for row in found)

    def test_a_unit_has_its_own_which_no_other_sees(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        fire, industry = signed_in("fire1"), signed_in("industry")
        key, unit_id = uuid.uuid4(), str(office.units["fire"].id)
        for _ in range(2):  # sent again after a lost answer
            assert self.written(client, key, fire, unit_id=unit_id).status_code == 200
        first = self.listed(client, signed_in("fire2"))[0]
        assert (first["id"], first["mine"]) == (str(key), True)
        assert str(key) not in client.get("/api/v1/reply-templates", headers=industry).text
        assert self.written(client, key, industry, unit_id=unit_id).status_code == 403
        assert (
            self.written(client, key, industry, unit_id=str(office.units["industry"].id)).status_code == 404
        )
        assert client.delete(f"/api/v1/reply-templates/{key}", headers=industry).status_code == 403
        assert client.delete(f"/api/v1/reply-templates/{key}", headers=fire).status_code == 204
        assert str(key) not in client.get("/api/v1/reply-templates", headers=fire).text

    def test_the_countys_desk_changes_a_common_one_and_can_go_back(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        desk, fire = signed_in("desk"), signed_in("fire1")
        common = self.listed(client, desk)[0]
        assert common["mine"]
        assert self.written(client, common["id"], fire).status_code == 403
        assert self.written(client, common["id"], desk, text="我们已经看过了。{account}").status_code == 200
        found = self.listed(client, fire)
        assert [row["text"] for row in found if row["id"] == common["id"]] == ["我们已经看过了。{account}"]
        assert len(found) == len(Finding)
        assert client.delete(f"/api/v1/reply-templates/{common['id']}", headers=desk).status_code == 204
        again = self.listed(client, fire)
        assert [row["text"] for row in again if row["id"] == common["id"]] == [common["text"]]

    def test_a_placeholder_that_nothing_fills_is_not_taken(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        answer = self.written(client, uuid.uuid4(), signed_in("desk"), text="您好，{reporter}，情况属实。")
        assert (answer.status_code, answer.json["code"]) == (400, "template.placeholder")
        assert "reporter" in answer.json["fields"]["text"]
