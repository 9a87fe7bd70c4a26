"""The bell, the inbox, and a phone that is woken without a word of a case."""

import json
import re

import sqlalchemy as sa
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from server.core.clock import SystemClock
from server.identity.models import Person
from server.notices.models import Notice
from server.notices.services import notify
from tests.conftest import Services
from tests.e2e.conftest import NewBrowser
from tests.e2e.test_story import sign_in


def test_a_notice_reaches_the_phone_is_read_there_and_wakes_it_without_words(
    home: str, browser: NewBrowser, stack: Services
) -> None:
    url = sa.make_url(stack.database_url).set(database="e2e")
    engine = sa.create_engine(url)
    context = browser("desk phone")
    context.grant_permissions(["notifications"], origin=home)
    page = sign_in(context, home, "desk")
    page.goto(f"{home}/staff/me")
    with Session(engine) as session:
        desk = session.scalars(sa.select(Person.id).where(Person.login == "desk")).one()
        params = {
            "number": "C-1",
            "title": "安全出口上锁",
            "term": "decide",
            "due_at": "2026-12-05T15:59:59+00:00",
        }
        notify(session, SystemClock(), [desk], "clock_overdue", params)
        session.commit()

    page.reload()
    page.get_by_role("link", name=re.compile("条未读消息")).click()
    said = page.get_by_text("已超期：安全出口上锁")
    expect(said).to_be_visible()
    said.click()
    expect(page.get_by_role("heading", name="已读")).to_be_visible()
    with Session(engine) as session:
        for _ in range(50):
            session.expire_all()
            if session.scalar(sa.select(Notice.read_at).where(Notice.code == "clock_overdue")):
                break
            page.wait_for_timeout(200)
        else:
            raise AssertionError("the server never heard that it was read")
    engine.dispose()

    devtools = context.new_cdp_session(page)
    registrations: list[dict[str, str]] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda told: registrations.extend(told["registrations"])
    )
    page.evaluate("navigator.serviceWorker.ready")
    devtools.send("ServiceWorker.enable")
    shown = """async () => {
      const found = await (await navigator.serviceWorker.ready).getNotifications();
      return found.map((one) => [one.title, one.body]);
    }"""
    for _ in range(60):
        page.wait_for_timeout(500)
        staff = next((one for one in registrations if one["scopeURL"].endswith("/staff/")), None)
        if staff is None:
            continue
        # Again, when a busy machine dropped it: a later one takes the place of the one before.
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": home,
                "registrationId": staff["registrationId"],
                "data": json.dumps({"v": 1, "lang": "en"}),
            },
        )
        page.wait_for_timeout(500)
        if page.evaluate(shown):
            break
    assert page.evaluate(shown) == [["Gridwatch", "There is something new. Open to read it."]]
