"""What a phone sends, and what it does with it while nobody is signed in: nothing is lost, and it asks."""

import hashlib
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from server.demo.county import PASSWORD
from server.intake.models import Medium, Report
from storage.sealing import Purpose
from tests.e2e.conftest import NewBrowser, Running
from tests.e2e.test_story import SOON, choose_files, install, sign_in

WAITING = """() => new Promise((done, failed) => {
  const opening = indexedDB.open('gridwatch-staff');
  opening.onerror = () => failed(opening.error);
  opening.onsuccess = () => {
    const all = opening.result.transaction('items').objectStore('items').getAll();
    all.onsuccess = () => {
      opening.result.close();
      done(all.result.map(({ envelope, needsSignIn, seq }) => ({ sealed: envelope !== null, needsSignIn, seq })));
    };
  };
})"""
"""What the staff app's outbox holds, read from a page of its origin."""


def test_the_original_of_a_photo_is_sent_byte_for_byte(
    running: Running, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    words = f"{uuid.uuid4()} 锅炉漏气"
    page = install(browser("citizen"), f"{running.home}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_label("接下来的照片发原图").check()
    choose_files(page, "相册", [photos["boiler"]])
    expect(page.get_by_role("button", name=re.compile("删除第 1"))).to_be_visible()
    page.get_by_label("接下来的照片发原图").uncheck()
    choose_files(page, "相册", [photos["wires"]])
    expect(page.get_by_role("button", name=re.compile("删除第 2"))).to_be_visible()
    page.get_by_label("说一句就行").fill(words)
    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("您的举报码").first).to_be_visible()
    page.goto(f"{running.home}/tip/outbox")
    expect(page.get_by_text("全部收到")).to_be_visible(timeout=SOON)

    parts = running.parts
    with parts.engine.connect() as connection:
        keys = connection.scalars(
            sa.select(Medium.sealed_key)
            .join(Report, Report.submission_id == Medium.submission_id)
            .where(Report.text == words)
            .order_by(Medium.position)
        ).all()
    opened = [parts.keyring.open(Purpose.INTAKE, parts.blobs.get(key)) for key in keys if key]
    original, reduced = (hashlib.sha256(data).hexdigest() for data in opened)
    assert original == hashlib.sha256(photos["boiler"].read_bytes()).hexdigest()
    assert reduced != hashlib.sha256(photos["wires"].read_bytes()).hexdigest()


def sign_out_elsewhere(home: str, login: str) -> None:
    """End all sessions of a person, as from another device."""
    api = f"{home}/api/v1/auth"
    token = httpx.post(f"{api}/sign-in", json={"login": login, "password": PASSWORD}).json()["access_token"]
    answer = httpx.post(f"{api}/sign-out-everywhere", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204


def report(page: Page, home: str, words: str, photo: Path | None = None) -> None:
    """A hazard outside of a visit, stored on the phone."""
    page.goto(f"{home}/staff/hazards/new")
    if photo:
        choose_files(page, "从相册选", [photo])
        expect(page.get_by_role("button", name=re.compile("删除第 1"))).to_be_visible()
    page.get_by_label("一句话说明").fill(words)
    page.get_by_role("button", name="一般隐患").click()
    page.get_by_role("button", name="7 天内").click()
    page.get_by_role("button", name="提交隐患").click()
    expect(page.get_by_text("隐患已存好，有信号会自动发出")).to_be_visible()


def sign_in_again(page: Page, login: str) -> None:
    page.get_by_role("link", name=re.compile("登录过期了")).click(timeout=SOON)
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("button", name="登录")).to_be_hidden()


def signed_out_unaware(home: str, browser: NewBrowser, login: str) -> tuple[BrowserContext, Page]:
    """A phone without signal that has not heard that its sign-in has ended."""
    phone = browser("inspector")
    page = sign_in(phone, home, login)
    expect(page.get_by_role("link", name="发件箱")).to_be_visible(timeout=SOON)
    phone.set_offline(True)
    sign_out_elsewhere(home, login)
    return phone, page


def arrived(running: Running, words: str) -> int:
    with running.parts.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(Report.text == words)) or 0


def test_a_sign_in_that_ran_out_offline_is_asked_for_and_nothing_waits_for_it_but_sending(
    running: Running, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    home = running.home
    phone, page = signed_out_unaware(home, browser, "inspector")
    first, second = (f"{uuid.uuid4()} 后门锁着" for _ in range(2))
    report(page, home, first, photos["blocked_exit"])

    # Back in the signal it asks; what is written meanwhile is stored and queued as ever.
    phone.set_offline(False)
    expect(page.get_by_role("link", name=re.compile("登录过期了"))).to_be_visible(timeout=SOON)
    report(page, home, second)
    page.goto(f"{home}/staff/outbox")
    expect(page.get_by_text("等登录", exact=True)).to_have_count(2, timeout=SOON)
    assert (arrived(running, first), arrived(running, second)) == (0, 0)

    sign_in_again(page, "inspector")
    page.goto(f"{home}/staff/outbox")
    expect(page.get_by_text("已收妥", exact=True)).to_have_count(2, timeout=SOON)
    assert (arrived(running, first), arrived(running, second)) == (1, 1)


def sync_event(context: BrowserContext, page: Page, origin: str) -> None:
    """The browser's Background Sync, now and not when it sees fit."""
    devtools = context.new_cdp_session(page)
    told: list[dict[str, Any]] = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: told.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    page.wait_for_function("() => true")
    staff = next(one for one in told if one["scopeURL"].endswith("/staff/") and not one["isDeleted"])
    event = {
        "origin": origin,
        "registrationId": staff["registrationId"],
        "tag": "outbox",
        "lastChance": False,
    }
    devtools.send("ServiceWorker.dispatchSyncEvent", event)


def test_a_worker_that_sends_for_somebody_signed_out_keeps_all_and_the_next_opening_asks(
    running: Running, browser: NewBrowser
) -> None:
    home = running.home
    phone, page = signed_out_unaware(home, browser, "inspector2")
    words = f"{uuid.uuid4()} 后门锁着"
    report(page, home, words)

    # The app is closed; a page of its origin that runs nothing looks on.
    looking = phone.new_page()
    page.close()
    phone.set_offline(False)
    looking.goto(f"{home}/staff/icons/192.png")
    sync_event(phone, looking, home)
    for _ in range(100):
        if looking.evaluate(WAITING)[0]["needsSignIn"]:
            break
        looking.wait_for_timeout(200)
    assert looking.evaluate(WAITING) == [{"sealed": True, "needsSignIn": True, "seq": None}]
    assert arrived(running, words) == 0

    page = phone.new_page()
    page.goto(f"{home}/staff/")
    sign_in_again(page, "inspector2")
    page.goto(f"{home}/staff/outbox")
    expect(page.get_by_text("已收妥", exact=True)).to_be_visible(timeout=SOON)
    assert arrived(running, words) == 1


DROP_AND_SUBMIT = """() => {
  const given = new DataTransfer();
  given.items.add(new File(['no picture at all'], 'broken.jpg', { type: 'image/jpeg' }));
  const page = document.querySelector('.page');
  page.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }));
  document.querySelector('[data-testid=submit]').click();
}"""
"""A photo that cannot be read, and *submit* before the phone has found that out."""


def test_a_photo_that_fails_while_the_report_is_submitted_is_told_before(
    home: str, browser: NewBrowser
) -> None:
    page = install(browser("citizen"), f"{home}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill("锅炉漏气")
    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    page.evaluate(DROP_AND_SUBMIT)
    expect(page.get_by_role("alert").filter(has_text="broken.jpg")).to_be_visible()
    assert "/sent/" not in page.url
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("您的举报码").first).to_be_visible()
