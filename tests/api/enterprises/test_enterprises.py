"""Who may look up which enterprise."""

import uuid
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.passwords import hash_password
from server.identity.rules import Role

PASSWORD_HASH = hash_password("a password")


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """What is committed here the application sees."""
    with sessions() as session:
        yield session


@pytest.fixture
def county(session: Session) -> dict[str, uuid.UUID]:
    """Two towns with an enterprise each, a closed one, and people with every kind of scope."""
    top = Area(code="C", name="玛沁县", kind="county", path="C")
    session.add(top)
    session.flush()
    dawu = Area(code="C1", name="大武镇", kind="town", path="C/C1", parent_id=top.id)
    lajia = Area(code="C10", name="拉加镇", kind="town", path="C/C10", parent_id=top.id)
    session.add_all([dawu, lajia])
    session.flush()
    town = Unit(code="DW", name="大武镇人民政府", area_id=dawu.id, is_town=True)
    office = Unit(code="YJ", name="县应急管理局", area_id=top.id)
    session.add_all([town, office])
    session.flush()
    facts = {"address": "团结路_1 号", "sector_no": 3}
    gas = Enterprise(
        name="雪山气站", uscc="91110000101623741K", area_id=dawu.id, lat=34.5, lng=100.2, risk="red", **facts
    )
    shop = Enterprise(name="河边小卖部 100%", area_id=lajia.id, lat=34.6, lng=100.9, risk="blue", **facts)
    gone = Enterprise(name="雪山旧站", area_id=dawu.id, risk="blue", active=False, **facts)
    session.add_all([gas, shop, gone])
    for login, role, area, unit in (
        ("desk", Role.DESK, None, None),
        ("inspector", Role.INSPECTOR, dawu, None),
        ("town", Role.HANDLER, None, town),
        ("office", Role.HANDLER, None, office),
        ("rewards", Role.REWARD_OFFICER, None, None),
    ):
        person = Person(login=login, name=login, password_hash=PASSWORD_HASH)
        session.add(person)
        session.flush()
        session.add(
            RoleGrant(
                person_id=person.id,
                role=role,
                area_id=area.id if area else None,
                unit_id=unit.id if unit else None,
            )
        )
    session.commit()
    return {"gas": gas.id, "shop": shop.id, "gone": gone.id}


def _as(client: FlaskClient, login: str) -> dict[str, str]:
    answer = client.post("/api/v1/auth/sign-in", json={"login": login, "password": "a password"})
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def _names(client: FlaskClient, login: str, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/enterprises?{query}", headers=_as(client, login))
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.get_json()]


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("desk", ["河边小卖部 100%", "雪山气站"]),
        ("inspector", ["雪山气站"]),
        ("town", ["雪山气站"]),
        ("office", []),
    ],
)
def test_one_sees_the_enterprises_of_the_own_areas_or_town(
    client: FlaskClient, county: dict[str, uuid.UUID], login: str, names: list[str]
) -> None:
    assert _names(client, login) == names


def test_every_word_must_occur_somewhere_and_wildcards_are_plain_characters(
    client: FlaskClient, county: dict[str, uuid.UUID]
) -> None:
    assert _names(client, "desk", "q=气站+团结路") == ["雪山气站"]
    assert _names(client, "desk", "q=气站+红旗路") == []
    assert _names(client, "desk", "q=3741k") == ["雪山气站"]
    assert _names(client, "desk", "q=100%25") == ["河边小卖部 100%"]
    assert _names(client, "desk", "q=%25气") == []
    assert _names(client, "desk", "area=C10") == ["河边小卖部 100%"]
    assert _names(client, "desk", "area=nowhere") == []
    assert _names(client, "desk", "limit=1") == ["河边小卖部 100%"]


def test_the_nearest_come_first_with_their_distance(
    client: FlaskClient, county: dict[str, uuid.UUID]
) -> None:
    rows = client.get("/api/v1/enterprises?lat=34.5&lng=100.201", headers=_as(client, "desk")).get_json()
    assert [row["name"] for row in rows] == ["雪山气站", "河边小卖部 100%"]
    assert rows[0]["distance_m"] == pytest.approx(91.6, abs=0.5)


@pytest.mark.parametrize("query", ["lat=34", "lat=99&lng=100", "limit=0", "limit=x", f"q={'x' * 101}"])
def test_a_query_with_a_fault_is_named(client: FlaskClient, county: dict[str, uuid.UUID], query: str) -> None:
    answer = client.get(f"/api/v1/enterprises?{query}", headers=_as(client, "desk"))
    assert answer.status_code == 422
    assert answer.get_json()["fields"]


def test_the_file_of_an_enterprise_is_there_for_those_who_may_see_it(
    client: FlaskClient, county: dict[str, uuid.UUID]
) -> None:
    path = f"/api/v1/enterprises/{county['gas']}"
    facts = client.get(path, headers=_as(client, "inspector")).get_json()
    assert (facts["uscc"], facts["area_name"], facts["active"]) == ("91110000101623741K", "大武镇", True)
    hidden = client.get(f"/api/v1/enterprises/{county['shop']}", headers=_as(client, "inspector"))
    nothing = client.get(f"/api/v1/enterprises/{uuid.uuid4()}", headers=_as(client, "inspector"))
    assert hidden.status_code == nothing.status_code == 404
    assert hidden.get_json() == nothing.get_json()
    assert client.get(path, headers=_as(client, "rewards")).status_code == 403
    assert client.get(path).status_code == 401
