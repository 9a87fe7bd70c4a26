"""Notices go out: once, sealed, without a word of the case, and a refusal is seen by somebody."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from server.cases.rules import Step
from server.core.errors import Invalid
from server.core.parts import Parts
from server.core.tasks import Task, Work
from server.intake.models import Report
from server.notices import services
from server.notices.gateways import NotNow
from server.notices.jobs import deliver
from server.notices.models import Delivery, Notice, PushSubscription, ReporterContact
from server.notices.vapid import public_key
from server.settings import MailGateway, SmsGateway
from storage.sealing import Purpose
from sync.changes import Change
from tests.db.notices.conftest import Browser, Gateway, Letters
from tests.factories.county import ACCEPT, SECRET_WORDS, County

NUMBER = "13912345678"


def with_settings(parts: Parts, **changes: Any) -> Parts:
    return replace(parts, settings=parts.settings.model_copy(update=changes))


def sms_settings(gateway: Gateway) -> SmsGateway:
    return SmsGateway(url=f"{gateway.url}/send", token=SecretStr("the token"))


def work(county: County, parts: Parts, times: int = 1) -> None:
    """Do all deliveries that wait, as the worker would; again when told to, as after a crash."""
    county.session.flush()
    tasks = county.session.scalars(
        sa.select(Task).where(Task.kind == services.DELIVER, Task.done_at.is_(None))
    )
    for task in list(tasks):
        for _ in range(times):
            deliver(Work(county.session, county.clock, parts), task.payload)
        task.done_at = county.clock.now()


def states(county: County) -> list[tuple[str, str]]:
    county.session.flush()
    rows = county.session.execute(sa.select(Delivery.channel, Delivery.state).order_by(Delivery.id))
    return [(channel, state) for channel, state in rows]


def seal(parts: Parts, **contact: str) -> bytes:
    recipient = pyrage.x25519.Recipient.from_str(parts.keyring.recipient(Purpose.NOTICE).recipient)
    return bytes(pyrage.encrypt(json.dumps({"v": 1, **contact}).encode(), [recipient]))


def reporter(county: County, parts: Parts, **contact: str) -> Report:
    report = county.report()
    sealed = seal(parts, **contact)
    services.keep_contact(county.session, county.clock, report.submission_id, sealed)
    return report


class TestInbox:
    def test_it_is_on_the_persons_phone_with_its_marks(self, county: County) -> None:
        fire1 = county.people["fire1"].id
        services.notify(county.session, county.clock, [fire1, fire1], "clock_warn", {"number": "C-1"})
        notice = county.session.scalars(sa.select(Notice)).one()

        def on_phone() -> Any:
            county.session.flush()
            county.session.expire_all()
            return county.session.get_one(Change, (f"person:{fire1}", "notice", str(notice.id))).data

        assert (on_phone()["code"], on_phone()["read_at"]) == ("clock_warn", None)
        other = county.people["fire2"].id
        assert services.mark_read(county.session, county.clock, other, [notice.id]) == 0
        assert services.mark_read(county.session, county.clock, fire1, [notice.id]) == 1
        assert on_phone()["read_at"] is not None
        assert services.mark_read(county.session, county.clock, fire1, [notice.id]) == 0

    def test_old_notices_go_from_the_phone_too(self, county: County) -> None:
        services.notify(county.session, county.clock, [county.people["desk"].id], "clock_warn")
        county.clock.advance(services.INBOX_KEEPS + timedelta(days=1))
        services.tidy(county.session, county.clock)
        county.session.flush()
        assert county.session.scalars(sa.select(Notice)).all() == []
        assert county.session.scalars(sa.select(Change.deleted).where(Change.topic == "notice")).all() == [
            True
        ]


class TestPush:
    @pytest.fixture
    def parts(self, parts: Parts, push: Gateway) -> Parts:
        return with_settings(parts, push_hosts=("127.0.0.1",))

    def subscribe(self, county: County, parts: Parts, browser: Browser) -> None:
        services.subscribe(
            county.session,
            county.clock,
            parts.settings,
            browser.facts,
            person_id=county.people["desk"].id,
        )

    def test_a_browser_is_woken_once_with_nothing_of_the_case(
        self, county: County, parts: Parts, push: Gateway
    ) -> None:
        browser = Browser(f"{push.url}/browser/1")
        self.subscribe(county, parts, browser)
        self.subscribe(county, parts, browser)
        params = {"title": "安全出口上锁"}
        services.notify(county.session, county.clock, [county.people["desk"].id], "clock_warn", params)
        work(county, parts, times=2)
        key = public_key(parts.settings.keys_dir) or ""
        assert browser.read(push, key) == [{"v": 1, "lang": "zh-CN"}]
        assert states(county) == [("push", "sent")]

    def test_a_browser_that_is_gone_is_forgotten(self, county: County, parts: Parts, push: Gateway) -> None:
        self.subscribe(county, parts, Browser(f"{push.url}/browser/1"))
        push.answer = 410
        services.notify(county.session, county.clock, [county.people["desk"].id], "clock_warn")
        work(county, parts)
        assert states(county) == [("push", "failed")]
        assert county.session.scalars(sa.select(PushSubscription)).all() == []

    def test_a_busy_service_is_asked_again_until_it_is_no_news_any_more(
        self, county: County, parts: Parts, push: Gateway
    ) -> None:
        self.subscribe(county, parts, Browser(f"{push.url}/browser/1"))
        push.answer = 503
        services.notify(county.session, county.clock, [county.people["desk"].id], "clock_warn")
        with pytest.raises(NotNow):
            work(county, parts)
        assert states(county) == [("push", "waiting")]
        county.clock.advance(timedelta(days=3))
        work(county, parts)
        assert states(county) == [("push", "failed")]
        admin = sa.select(Notice).where(Notice.person_id == county.people["admin"].id)
        assert county.session.scalars(admin).one().code == "delivery_failed"

    def test_only_known_services_are_called(self, county: County, parts: Parts) -> None:
        for endpoint in (
            "http://10.0.0.1/internal",
            "https://fcm.googleapis.com.evil.example/x",
            "https://127.0.0.1.evil.example/x",
            "https://user@127.0.0.1/x",
            "file:///etc/passwd",
        ):
            with pytest.raises(Invalid):
                self.subscribe(county, parts, Browser(endpoint))


class TestReporter:
    def test_the_number_is_opened_only_to_send_and_the_text_says_nothing(
        self, county: County, parts: Parts, sms: Gateway, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        parts = with_settings(parts, sms=sms_settings(sms))
        case = county.case(report=reporter(county, parts, kind="sms", to=NUMBER, lang="zh-CN"))
        county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        work(county, parts, times=2)
        (path, headers, body) = sms.requests[0]
        sent = json.loads(body)
        assert len(sms.requests) == 1
        assert (path, sent["to"], headers["authorization"]) == ("/send", NUMBER, "Bearer the token")
        assert headers["idempotency-key"] == sent["key"]
        for word in (SECRET_WORDS, case.number, str(ACCEPT["title"]), "举报"):
            assert word not in sent["text"]
        assert states(county) == [("contact", "sent")]
        assert NUMBER not in caplog.text
        kept = county.session.scalars(sa.select(ReporterContact)).one()
        assert NUMBER.encode() not in kept.sealed
        everything = county.session.scalars(sa.select(Task.payload)).all()
        assert NUMBER not in json.dumps(everything)

    def test_mail_goes_the_same_way(self, county: County, parts: Parts, letters: tuple[Letters, int]) -> None:
        taken, port = letters
        gateway = MailGateway(host="127.0.0.1", port=port, sender="net@county.example", security="none")
        parts = with_settings(parts, mail=gateway)
        case = county.case(report=reporter(county, parts, kind="mail", to="a@example.org", lang="en"))
        county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        county.people["leader"].email = "leader@county.example"
        services.notify(county.session, county.clock, [county.people["leader"].id], "clock_warn")
        work(county, parts)
        assert [to for to, _ in taken.taken] == ["a@example.org", "leader@county.example"]
        assert all(case.number not in content for _, content in taken.taken)

    def test_without_a_gateway_nothing_is_sent_and_nothing_fails(self, county: County, parts: Parts) -> None:
        case = county.case(report=reporter(county, parts, kind="sms", to=NUMBER))
        county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        work(county, parts)
        assert states(county) == [("contact", "void")]

    def test_a_contact_that_nobody_can_open_is_told_to_the_administrators(
        self, county: County, parts: Parts
    ) -> None:
        stranger = pyrage.x25519.Identity.generate().to_public()
        report = county.report()
        sealed = bytes(pyrage.encrypt(b"{}", [stranger]))
        services.keep_contact(county.session, county.clock, report.submission_id, sealed)
        for _ in range(2):
            services.tell_reporters(county.session, county.clock, [report.submission_id])
        work(county, parts)
        assert states(county) == [("contact", "failed")] * 2
        assert county.session.scalars(sa.select(Notice.code)).all() == ["delivery_failed"]

    def test_each_reporter_of_a_merged_case_hears_by_the_own_way(
        self, county: County, parts: Parts, sms: Gateway
    ) -> None:
        parts = with_settings(parts, sms=sms_settings(sms))
        into = county.case(report=reporter(county, parts, kind="sms", to="13900000001"))
        case = county.case(report=reporter(county, parts, kind="sms", to="13900000002"))
        county.step(case, Step.MERGE, "desk", into=str(into.id))
        county.step(into, Step.ACCEPT, "desk", **ACCEPT)
        work(county, parts)
        assert sorted(json.loads(body)["to"] for *_, body in sms.requests) == ["13900000001", "13900000002"]

    def test_what_a_reporter_left_ends_with_the_case(
        self, county: County, parts: Parts, sms: Gateway
    ) -> None:
        parts = with_settings(parts, sms=sms_settings(sms), push_hosts=("127.0.0.1",))
        report = reporter(county, parts, kind="sms", to=NUMBER)
        browser = Browser(f"{sms.url}/browser/9").facts
        services.subscribe(
            county.session, county.clock, parts.settings, browser, submission_id=report.submission_id
        )
        case = county.case(report=report)
        county.step(case, Step.REFUSE, "desk", ground="not_safety", reason="不属于安全生产")
        services.tidy(county.session, county.clock)
        work(county, parts)
        assert sorted(states(county)) == [("contact", "sent"), ("push", "sent")], (
            "the last news still arrives"
        )
        county.clock.advance(timedelta(days=2))
        services.tidy(county.session, county.clock)
        assert services.ways_of(county.session, report.submission_id) == {"contact": False, "push": False}

    def test_switched_off_is_off_at_once(self, county: County, parts: Parts, sms: Gateway) -> None:
        parts = with_settings(parts, sms=sms_settings(sms))
        report = reporter(county, parts, kind="sms", to=NUMBER)
        services.tell_reporters(county.session, county.clock, [report.submission_id])
        services.keep_contact(county.session, county.clock, report.submission_id, None)
        work(county, parts)
        assert (states(county), sms.requests) == ([("contact", "void")], [])
