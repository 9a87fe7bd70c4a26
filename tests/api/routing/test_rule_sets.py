"""The county's own rules over HTTP: the desk sees and tries them, the administrator changes them."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.factories.county import County

SignedIn = Callable[[str], dict[str, str]]
CSV = "name,sector_no,unit\n商场归产业,6,单位 industry\n"


def test_an_administrator_keeps_a_set_and_switches_it_on(
    client: FlaskClient, office: County, signed_in: SignedIn
) -> None:
    admin, desk = signed_in("admin"), signed_in("desk")
    refused = client.post("/api/v1/routing/sets", json={"csv": CSV}, headers=desk)
    assert refused.status_code == 403
    made = client.post("/api/v1/routing/sets", json={"csv": CSV, "note": "试"}, headers=admin)
    assert (made.status_code, made.json["rules"], made.json["in_use"]) == (201, 1, False)
    number = made.json["number"]
    rules = client.get(f"/api/v1/routing/sets/{number}/rules", headers=desk)
    assert rules.json[0]["unit"] == "单位 industry"
    office.case()
    office.session.commit()
    trial = client.get(f"/api/v1/routing/sets/{number}/trial", headers=desk)
    assert trial.json["tried"] >= 1
    assert client.post(f"/api/v1/routing/sets/{number}/use", headers=desk).status_code == 403
    assert client.post(f"/api/v1/routing/sets/{number}/use", headers=admin).status_code == 204
    assert client.get("/api/v1/routing/sets", headers=desk).json[0]["in_use"] is True


def test_a_bad_table_is_told_row_by_row(client: FlaskClient, signed_in: SignedIn) -> None:
    answer = client.post(
        "/api/v1/routing/sets",
        json={"csv": "name,sector_no,unit\n甲,,没有的单位\n乙,99,单位 industry\n"},
        headers=signed_in("admin"),
    )
    assert (answer.status_code, answer.json["code"]) == (400, "routing.rows")
    reason = "no unit is called 没有的单位"
    assert answer.json["rows"] == [
        {"line": 2, "code": "no_unit", "params": {"found": "没有的单位"}, "reason": reason},
        {
            "line": 3,
            "code": "not_stored",
            "params": {"column": "sector_no", "found": "“99”"},
            "reason": "sector_no 99 is not stored",
        },
    ]
