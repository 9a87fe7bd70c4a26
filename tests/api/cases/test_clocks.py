"""Clock rules and the calendar over the API: who changes them, and what follows."""

from datetime import UTC, datetime

import sqlalchemy as sa
from flask.testing import FlaskClient

from server.audit.models import AuditEntry
from server.cases.models import CaseClock
from server.cases.rules import Step
from tests.api.conftest import SignedIn
from tests.factories.county import County

RULE = {
    "term": "decide",
    "urgent": None,
    "amount": 5,
    "days": "working",
    "warn_share": 0.2,
    "climb_hours": 24,
    "extend_amount": 0,
    "extend_times": 0,
    "extend_by": None,
    "pausable": True,
    "source": "县安委办〔2026〕3号",
    "valid_from": "2026-01-01",
}
YEAR = {"days": [{"day": "2027-01-01", "working": False, "name": "元旦"}]}


def test_an_administrator_adds_a_rule_and_ends_it(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    admin = signed_in("admin")
    assert client.post("/api/v1/clock-rules", json=RULE, headers=signed_in("desk")).status_code == 403
    added = client.post("/api/v1/clock-rules", json=RULE, headers=admin)
    assert (added.status_code, added.json["amount"]) == (200, 5)
    told = client.get("/api/v1/clock-rules", headers=signed_in("leader")).json
    assert [row["id"] for row in told["own"]] == [added.json["id"]]
    assert {row["term"] for row in told["defaults"]} >= {"decide", "sign", "sign_for", "handle"}
    assert {row["term"]: row["source"] for row in told["defaults"]}["handle"] == "安监总财〔2018〕19号"
    ended = client.delete(f"/api/v1/clock-rules/{added.json['id']}", headers=admin)
    assert ended.json["valid_to"] == "2026-11-22"
    case = office.case()
    clock = office.session.scalars(sa.select(CaseClock).where(CaseClock.case_id == case.id)).one()
    assert clock.rule["amount"] == 15
    audited = sa.select(AuditEntry.action).where(AuditEntry.entity == "clock_rule")
    assert sorted(office.session.scalars(audited)) == ["clock_rule.add", "clock_rule.end"]


def test_a_running_clock_is_put_under_the_rule_of_today_by_a_leader(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case()
    office.session.commit()
    client.post("/api/v1/clock-rules", json=RULE, headers=signed_in("admin"))
    path = f"/api/v1/cases/{case.id}/clocks/decide/rebase"
    assert client.post(path, headers=signed_in("desk")).status_code == 403
    rebased = client.post(path, headers=signed_in("leader"))
    assert rebased.json["due_at"].startswith("2026-11-30T15:59:59")
    missing = client.post(f"/api/v1/cases/{case.id}/clocks/handle/rebase", headers=signed_in("leader"))
    assert (missing.status_code, missing.json["code"]) == (409, "clock.not_rebased")


def test_a_year_that_is_told_starts_what_waited_for_it(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    case = office.case("to_sign")
    office.clock.at = datetime(2026, 12, 30, 2, 0, tzinfo=UTC)
    office.step(case, Step.SIGN, "leader")
    office.session.commit()
    admin = signed_in("admin")
    unknown = client.get("/api/v1/calendar/2027", headers=admin)
    assert (unknown.status_code, unknown.json["code"]) == (404, "calendar.unknown_year")
    half = client.put(
        "/api/v1/calendar/2027", json={"days": [{"day": "2027-05-01", "working": False}]}, headers=admin
    )
    assert (half.status_code, half.json["code"]) == (400, "calendar.half_year")
    assert client.put("/api/v1/calendar/2027", json=YEAR, headers=signed_in("desk")).status_code == 403
    told = client.put("/api/v1/calendar/2027", json=YEAR, headers=admin)
    assert told.json == YEAR
    page = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json
    due = {clock["name"]: clock["due_at"] for clock in page["clocks"] if not clock["ended_at"]}
    assert due["sign_for"].startswith("2027-01-04T15:59:59")


def test_years_are_told_by_a_table_whole_or_not_at_all(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    admin = signed_in("admin")
    bad = client.post(
        "/api/v1/calendar", json={"csv": "日期,上班,名称\n2027-05-01,休,劳动节\n"}, headers=admin
    )
    assert (bad.status_code, bad.json["code"]) == (400, "calendar.rows")
    (row,) = bad.json["rows"]
    assert (row["line"], row["code"], row["params"]) == (None, "half_year", {"year": 2027})
    assert "2027 lacks 1 January" in row["reason"]
    table = {"csv": "日期,上班,名称\n2027-01-01,休,元旦\n2027-01-03,班,元旦\n"}
    assert client.post("/api/v1/calendar", json=table, headers=signed_in("desk")).status_code == 403
    assert client.post("/api/v1/calendar", json=table, headers=admin).status_code == 204
    days = client.get("/api/v1/calendar/2027", headers=admin).json["days"]
    assert [(day["day"], day["working"]) for day in days] == [("2027-01-01", False), ("2027-01-03", True)]
    audited = sa.select(AuditEntry.actor_name).where(AuditEntry.action == "calendar.import")
    assert office.session.scalars(audited).all() == ["人员 admin"]
