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
from server.notices.words import words
from tests.conftest import Services
from tests.db.notices.conftest import Gateway
from tests.e2e.conftest import DESK, NewBrowser
from tests.e2e.test_reporter import code_on, read_code
from tests.e2e.test_story import SOON, install, sign_in

TEXT = "粮库的配电箱没有门,下雨天冒火花"


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


def test_a_number_left_in_the_form_is_told_that_there_is_news_until_it_is_taken_back(
    home: str, browser: NewBrowser, sms: Gateway
) -> None:
    page = install(browser("citizen"), f"{home}/tip/report")
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill(TEXT)
    page.get_by_label("用文字说明地点").fill("大武镇粮库")
    page.get_by_test_id("tell-me").check()
    page.get_by_test_id("ways-to").fill("12")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("这个号码不像手机号码")).to_be_visible()
    page.get_by_test_id("ways-to").fill("139 0975 1234")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text(re.compile("已收到，编号"))).to_be_visible(timeout=SOON)
    code = code_on(page)

    desk = sign_in(browser("desk", DESK), home, "desk")
    desk.locator(".pane.list").get_by_text(re.compile("粮库的配电箱")).first.click()
    desk.get_by_label("问举报人，或告诉他进展").fill("请问是粮库哪一边的配电箱？")
    desk.get_by_role("button", name="发出").click()
    for _ in range(100):
        if sms.requests:
            break
        page.wait_for_timeout(300)
    ((_, _, body),) = sms.requests
    told = json.loads(body)
    assert (told["to"], told["text"]) == ("13909751234", words("zh-CN")["reporterText"])

    page.goto(f"{home}/tip/progress")
    read_code(page, code)
    expect(page.get_by_text("已经登记了")).to_be_visible()
    page.get_by_test_id("ways-off").click()
    expect(page.get_by_test_id("ways-save")).to_be_visible()
