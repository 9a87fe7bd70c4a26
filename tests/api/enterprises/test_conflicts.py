"""A file mended without signal travels like every submission, and a conflict is decided over the API."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Headers
from tests.factories.county import County, enterprise
from tests.factories.phone import Phone


@pytest.fixture
def shop(office: County) -> dict[str, Any]:
    shop = enterprise(office)
    shop.contact_phone = "138"
    office.session.commit()
    return {"id": str(shop.id), "seen_version": shop.version}


def mend(client: FlaskClient, headers: Headers, shop: dict[str, Any], phone: str) -> None:
    sender = Phone(client, headers["Authorization"].removeprefix("Bearer "))
    fields = {"contact_phone": {"was": "138", "now": phone}}
    body = {"v": 1, "kind": "edit", "topic": "enterprise", "fields": fields} | shop
    assert sender.put(uuid.uuid4(), sender.envelope(body)).status_code == 201


def test_two_edits_of_one_field_become_a_choice(
    client: FlaskClient,
    shop: dict[str, Any],
    signed_in: Callable[[str], Headers],
    run_tasks: Callable[[], int],
    settle: Callable[[], None],
) -> None:
    inspector, desk = signed_in("inspector"), signed_in("desk")
    for sender, phone in ((inspector, "139"), (desk, "137")):
        mend(client, sender, shop, phone)
        run_tasks()
    file = client.get(f"/api/v1/enterprises/{shop['id']}", headers=desk).get_json()
    assert (file["contact_phone"], file["version"]) == ("139", 2)
    (found,) = client.get("/api/v1/enterprises/conflicts", headers=desk).get_json()
    assert (found["was"], found["held"], found["wanted"], found["reason"]) == ("138", "139", "137", "changed")
    settle()
    changes = client.get("/api/v1/changes", headers=inspector).get_json()
    told = [one["data"] for one in changes["changes"] if one["topic"] == "enterprise"]
    assert [line["contact_phone"] for line in told] == ["139"]

    decision = f"/api/v1/enterprises/conflicts/{found['id']}/decision"
    assert client.post(decision, json={"take": True}, headers=inspector).status_code == 403
    assert client.post(decision, json={"take": True}, headers=desk).get_json() == []
    again = client.post(decision, json={"take": False}, headers=desk)
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict.decided")
    settle()
    later = client.get(
        "/api/v1/changes", query_string={"cursor": changes["cursor"]}, headers=inspector
    ).get_json()
    assert [one["data"]["contact_phone"] for one in later["changes"]] == ["137"]


def test_a_unit_mends_no_files(
    client: FlaskClient, shop: dict[str, Any], signed_in: Callable[[str], Headers]
) -> None:
    sender = Phone(client, signed_in("fire1")["Authorization"].removeprefix("Bearer "))
    answer = sender.put(uuid.uuid4(), sender.envelope({"v": 1, "kind": "edit", "fields": {}} | shop))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "submission.not_yours")
