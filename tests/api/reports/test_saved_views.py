"""/desk/views, and the filters of /desk/cases."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.factories.county import County

SignedIn = Callable[[str], dict[str, str]]
VIEW = {"name": "大武镇的消防", "shared": False, "query": {"queue": "new", "sector_no": 6, "text": "出口"}}


def test_a_view_is_kept_shared_and_removed_by_its_owner(client: FlaskClient, signed_in: SignedIn) -> None:
    desk, other = signed_in("desk"), signed_in("other_desk")
    own = client.post("/api/v1/desk/views", json=VIEW, headers=desk)
    shared = client.post("/api/v1/desk/views", json=VIEW | {"name": "全部", "shared": True}, headers=desk)
    assert (own.status_code, shared.status_code) == (201, 201)
    assert own.json["query"]["queue"] == "new"
    assert own.json["query"]["sector_no"] == 6
    assert [(view["name"], view["mine"]) for view in _views(client, desk)] == [
        ("全部", True),
        ("大武镇的消防", True),
    ]
    assert [(view["name"], view["mine"]) for view in _views(client, other)] == [("全部", False)]
    path = f"/api/v1/desk/views/{shared.json['id']}"
    assert client.delete(path, headers=other).status_code == 404
    assert client.delete(path, headers=desk).status_code == 204
    assert [view["name"] for view in _views(client, desk)] == ["大武镇的消防"]


def _views(client: FlaskClient, headers: dict[str, str]) -> list[dict[str, object]]:
    views: list[dict[str, object]] = client.get("/api/v1/desk/views", headers=headers).json["views"]
    return views


@pytest.mark.parametrize("login", ["fire1", "inspector"])
def test_views_and_search_are_for_desk_and_leaders(
    client: FlaskClient, signed_in: SignedIn, login: str
) -> None:
    headers = signed_in(login)
    assert client.get("/api/v1/desk/views", headers=headers).status_code == 403
    assert client.post("/api/v1/desk/views", json=VIEW, headers=headers).status_code == 403
    assert client.get("/api/v1/desk/cases?text=出口", headers=headers).status_code == 403


def test_a_search_keeps_to_ones_area(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    office.case(report=office.report("油罐车旁抽烟"))
    mine = office.case(report=office.report("油罐车漏油", area_id=office.areas["other_town"].id))
    office.session.commit()
    found = client.get("/api/v1/desk/cases?text=油罐", headers=signed_in("other_desk")).json["items"]
    assert [row["number"] for row in found] == [mine.number]


def test_a_search_that_nothing_could_be_found_by_is_told(client: FlaskClient, signed_in: SignedIn) -> None:
    answer = client.get("/api/v1/desk/cases?text=a", headers=signed_in("desk"))
    assert (answer.status_code, answer.json["code"]) == (400, "cases.text")
