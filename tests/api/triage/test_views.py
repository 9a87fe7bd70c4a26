"""Judging pairs and reading the tables over the wire."""

import uuid
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.identity.models import Person, RoleGrant
from server.identity.passwords import hash_password
from server.identity.rules import Role
from server.triage import services
from server.triage.models import DuplicateSuggestion, HazardType
from tests.api.conftest import SignedIn
from tests.factories import reports as make
from tests.factories.county import County

PASSWORD_HASH = hash_password("a password")
EXIT = "后门安全出口用铁链锁着，着火跑不出来"
HERE = {"lat": 34.47, "lng": 100.245}


@dataclass(frozen=True)
class Stored:
    """A suggestion of one report for another, and a sector's lead unit."""

    suggestion_id: uuid.UUID
    report_id: uuid.UUID
    other_id: uuid.UUID
    lead_id: uuid.UUID


@pytest.fixture
def stored(sessions: sessionmaker[Session], clock: FixedClock) -> Stored:
    with sessions() as session:
        lead = make.unit(session, "果洛机场", enforces=False)
        make.sector(session, 2, "主体责任", lead)
        make.sector(session, 13, "民航", lead, make.unit(session, "县公安局"), None)
        session.add(
            HazardType(code="late", sector_no=2, name="没培训", name_en="Training", keywords=["培训"])
        )
        session.add(
            HazardType(code="chip", sector_no=13, name="气球", name_en="Balloons", keywords=[], chip_order=1)
        )
        for login, role in (("desk", Role.DESK), ("inspector", Role.INSPECTOR)):
            person = Person(login=login, name=login, password_hash=PASSWORD_HASH)
            session.add(person)
            session.flush()
            session.add(RoleGrant(person_id=person.id, role=role))
        other, report = make.report(session, EXIT, **HERE), make.report(session, EXIT, **HERE)
        services.assess(session, clock, other.id)
        services.assess(session, clock, report.id)
        (suggestion,) = session.scalars(sa.select(DuplicateSuggestion))
        found = Stored(suggestion.id, report.id, other.id, lead.id)
        session.commit()
    return found


def sign_in(client: FlaskClient, login: str) -> dict[str, str]:
    answer = client.post("/api/v1/auth/sign-in", json={"login": login, "password": "a password"})
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_the_desk_judges_and_it_is_kept(
    client: FlaskClient, sessions: sessionmaker[Session], stored: Stored
) -> None:
    path = f"/api/v1/suggestions/{stored.suggestion_id}/judgement"
    answer = client.post(path, json={"same": True}, headers=sign_in(client, "desk"))
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert (body["report_id"], body["other_id"]) == (str(stored.report_id), str(stored.other_id))
    assert body["judged"] == "same"
    assert body["reasons"]
    with sessions() as session:
        assert session.get_one(DuplicateSuggestion, stored.suggestion_id).judged == "same"


@pytest.mark.parametrize(
    ("login", "suggestion", "body", "status"),
    [
        (None, "stored", {"same": True}, 401),
        ("inspector", "stored", {"same": True}, 403),
        ("desk", "00000000-0000-4000-8000-000000000000", {"same": True}, 404),
        ("desk", "no-uuid", {"same": True}, 404),
        ("desk", "stored", {"same": "perhaps"}, 422),
        ("desk", "stored", {}, 422),
    ],
)
def test_nobody_else_and_nothing_else(
    client: FlaskClient,
    sessions: sessionmaker[Session],
    stored: Stored,
    login: str | None,
    suggestion: str,
    body: dict[str, object],
    status: int,
) -> None:
    name = stored.suggestion_id if suggestion == "stored" else suggestion
    headers = sign_in(client, login) if login else {}
    answer = client.post(f"/api/v1/suggestions/{name}/judgement", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    with sessions() as session:
        assert session.get_one(DuplicateSuggestion, stored.suggestion_id).judged is None


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("path", ["sectors", "hazard-types"])
def test_the_tables_are_for_staff(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401


def test_sectors_come_with_their_units(client: FlaskClient, stored: Stored) -> None:
    duty, aviation = client.get("/api/v1/sectors", headers=sign_in(client, "inspector")).get_json()
    assert (duty["no"], duty["cross_cutting"], aviation["cross_cutting"]) == (2, True, False)
    lead = {"id": str(stored.lead_id), "name": "果洛机场", "by_place": False, "enforces": False}
    assert aviation["lead"] == lead
    assert [(unit["name"], unit["by_place"]) for unit in aviation["units"]] == [
        ("县公安局", False),
        ("各乡镇党委、政府", True),
    ]


@pytest.mark.usefixtures("stored")
def test_the_likeliest_hazard_types_come_first(client: FlaskClient) -> None:
    kinds = client.get("/api/v1/hazard-types", headers=sign_in(client, "inspector")).get_json()
    assert [kind["code"] for kind in kinds] == ["chip", "late"]
    assert kinds[1]["keywords"] == ["培训"]


COSTS = {"missed": 3, "interrupted": 1, "wrong_merge": 20}


class TestCosts:
    def test_an_administrator_sets_them_for_an_area_and_takes_them_back(
        self, client: FlaskClient, office: County, signed_in: SignedIn
    ) -> None:
        admin, path = signed_in("admin"), "/api/v1/triage/costs/6326-town"
        assert client.put(path, json=COSTS, headers=signed_in("desk")).status_code == 403
        for _ in range(2):  # saying it again changes nothing
            told = client.put(path, json=COSTS, headers=admin).json
        assert told["own"] == [
            {
                **COSTS,
                "shown_from": 0.25,
                "joined_from": 0.95,
                "area_code": "6326-town",
                "area_name": "town",
            }
        ]
        assert told["usual"]["shown_from"] == 0.6
        assert client.delete(path, headers=admin).json["own"] == []
        audited = sa.select(AuditEntry.facts).where(AuditEntry.action == "triage.costs")
        kept = office.session.scalars(audited.order_by(AuditEntry.at, AuditEntry.id)).all()
        assert [facts["now"] for facts in kept] == [COSTS, None]

    @pytest.mark.parametrize(
        ("area", "costs", "status"),
        [("nowhere", COSTS, 404), ("6326-town", {**COSTS, "missed": 0}, 422), ("6326-town", {}, 422)],
    )
    @pytest.mark.usefixtures("office")
    def test_nothing_else(
        self, client: FlaskClient, signed_in: SignedIn, area: str, costs: dict[str, float], status: int
    ) -> None:
        answer = client.put(f"/api/v1/triage/costs/{area}", json=costs, headers=signed_in("admin"))
        assert answer.status_code == status
