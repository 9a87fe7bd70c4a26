"""Inbox marks, browsers to be woken, and what a reporter may switch on with the code."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pyrage
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.core.parts import Parts
from server.notices import services
from server.notices.models import Notice, PushSubscription, ReporterContact
from storage.sealing import Purpose
from tests.api.conftest import SignedIn
from tests.factories.county import County

BROWSER = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc",
    "p256dh": "B" + "A" * 86,
    "auth": "A" * 22,
    "lang": "zh-CN",
}


def test_the_inbox_comes_with_the_changes_and_is_marked_read(
    client: FlaskClient, office: County, signed_in: SignedIn, settle: Callable[[], None]
) -> None:
    desk = office.people["desk"].id
    services.notify(office.session, office.clock, [desk], "clock_warn", {"number": "C-1"})
    office.session.commit()
    headers = signed_in("desk")

    def inbox() -> list[dict[str, Any]]:
        settle()
        told = client.get("/api/v1/changes", headers=headers).json["changes"]
        return [change["data"] for change in told if change["topic"] == "notice"]

    [notice] = inbox()
    assert (notice["code"], notice["params"], notice["read_at"]) == ("clock_warn", {"number": "C-1"}, None)
    read = {"ids": [notice["id"]]}
    assert client.post("/api/v1/notices/read", json=read, headers=signed_in("leader")).status_code == 204
    assert inbox()[0]["read_at"] is None, "only the own notices"
    assert client.post("/api/v1/notices/read", json=read, headers=headers).status_code == 204
    assert inbox()[0]["read_at"] is not None
    assert office.session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 1


def test_a_browser_of_staff_comes_and_goes(client: FlaskClient, office: County, signed_in: SignedIn) -> None:
    headers = signed_in("desk")
    for _ in range(2):
        assert client.put("/api/v1/notices/browser", json=BROWSER, headers=headers).status_code == 204
    assert len(office.session.scalars(sa.select(PushSubscription)).all()) == 1
    inward = BROWSER | {"endpoint": "https://10.0.0.1/x"}
    refused = client.put("/api/v1/notices/browser", json=inward, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (400, "push.unknown_service")
    gone = {"endpoint": BROWSER["endpoint"]}
    client.delete("/api/v1/notices/browser", json=gone, headers=signed_in("leader"))
    assert len(office.session.scalars(sa.select(PushSubscription)).all()) == 1, "only the own browser"
    assert client.delete("/api/v1/notices/browser", json=gone, headers=headers).status_code == 204
    office.session.expire_all()
    assert office.session.scalars(sa.select(PushSubscription)).all() == []


def test_a_reporter_switches_ways_on_and_off_with_the_code(
    client: FlaskClient, office: County, parts: Parts
) -> None:
    case_report = office.report()
    key = office.receipt(case_report)
    office.case(report=case_report)
    office.session.commit()
    headers = {"Authorization": f"Receipt {key}"}
    assert client.get("/api/v1/receipt/ways", headers=headers).json == {"contact": False, "push": False}
    recipient = pyrage.x25519.Recipient.from_str(parts.keyring.recipient(Purpose.NOTICE).recipient)
    contact = {"v": 1, "kind": "sms", "to": "13912345678", "lang": "zh-CN"}
    sealed = base64.b64encode(pyrage.encrypt(json.dumps(contact).encode(), [recipient])).decode()
    on = client.put("/api/v1/receipt/contact", json={"sealed": sealed}, headers=headers)
    assert on.json == {"contact": True, "push": False}
    open_words = base64.b64encode(b"13912345678").decode()
    assert (
        client.put("/api/v1/receipt/contact", json={"sealed": open_words}, headers=headers).status_code == 422
    )
    both = client.put("/api/v1/receipt/browser", json=BROWSER, headers=headers)
    assert both.json == {"contact": True, "push": True}
    client.put("/api/v1/receipt/contact", json={"sealed": None}, headers=headers)
    off = client.delete("/api/v1/receipt/browser", headers=headers)
    assert off.json == {"contact": False, "push": False}
    assert office.session.scalars(sa.select(ReporterContact)).all() == []
    assert client.get("/api/v1/receipt/ways", headers={"Authorization": "Receipt 00"}).status_code == 404


def test_the_county_offers_only_ways_that_it_has(client: FlaskClient, office: County) -> None:
    told = client.get("/api/v1/public/county").json["notices"]
    assert (told["sms"], told["mail"], told["push"]) == (False, False, True)
    assert len(base64.urlsafe_b64decode(told["push_key"] + "=")) == 65
