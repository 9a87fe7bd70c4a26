"""The tree of areas and the units, for whoever is signed in; the county, for anybody."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from server.identity.models import Area, Person, Unit
from server.identity.passwords import hash_password
from server.triage.models import HazardType, Sector

SQUARE = {"type": "Polygon", "coordinates": [[[100, 34], [101, 34], [101, 35], [100, 34]]]}


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """What is committed here the application sees."""
    with sessions() as session:
        yield session


@pytest.fixture
def county(session: Session) -> None:
    """A county with one town, a sector with two kinds of hazards, and somebody with an account."""
    top = Area(
        code="C",
        name="玛沁县",
        kind="county",
        path="C",
        polygon=SQUARE,
        min_lng=100,
        min_lat=34,
        max_lng=101,
        max_lat=35,
    )
    unit = Unit(code="U", name="县应急管理局")
    session.add_all([top, unit, Person(login="x1", name="甲", password_hash=hash_password("a password"))])
    session.flush()
    session.add_all(
        [
            Area(code="T", name="大武镇", kind="town", path="C/T", parent_id=top.id),
            Sector(no=6, title="消防", lead_unit_id=unit.id, keywords=[]),
        ]
    )
    session.flush()
    kinds = [("a", None), ("b", 2), ("c", 1)]
    session.add_all(
        HazardType(code=code, sector_no=6, name=code, name_en=code, keywords=[], chip_order=order)
        for code, order in kinds
    )
    session.commit()


@pytest.fixture
def headers(client: FlaskClient, county: None) -> dict[str, str]:
    """Somebody signed in, without any role."""
    answer = client.post("/api/v1/auth/sign-in", json={"login": "x1", "password": "a password"})
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def test_areas_come_after_their_parents_and_with_boundaries_when_asked(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    plain = client.get("/api/v1/areas", headers=headers).get_json()
    assert [area["path"] for area in plain] == ["C", "C/T"]
    assert "polygon" not in plain[0]
    drawn = client.get("/api/v1/areas?polygons=1", headers=headers).get_json()
    assert drawn[0]["polygon"] == SQUARE
    assert drawn[1]["polygon"] is None


def test_units_are_for_people_signed_in(client: FlaskClient, headers: dict[str, str]) -> None:
    assert [unit["name"] for unit in client.get("/api/v1/units", headers=headers).get_json()] == [
        "县应急管理局"
    ]
    assert client.get("/api/v1/units").status_code == 401


def test_the_county_is_public_and_may_be_cached(app: Flask, county: None) -> None:
    stranger = app.test_client()
    answer = stranger.get("/api/v1/public/county")
    assert answer.get_json()["center"] == [100.5, 34.5]
    assert answer.get_json()["bounds"] == [100, 34, 101, 35]
    assert [area["code"] for area in answer.get_json()["areas"]] == ["C", "T"]
    assert [(kind["code"], kind["chip"]) for kind in answer.get_json()["hazard_types"]] == [
        ("c", True),
        ("b", True),
        ("a", False),
    ]
    assert answer.get_json()["limits"]["media_count"] == 20
    assert answer.get_json()["tiles"] is None
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers
    again = stranger.get("/api/v1/public/county", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_an_empty_county_has_no_centre(client: FlaskClient, session: Session) -> None:
    answer = client.get("/api/v1/public/county")
    assert answer.status_code == 200
    assert (answer.get_json()["center"], answer.get_json()["bounds"], answer.get_json()["areas"]) == (
        None,
        None,
        [],
    )
