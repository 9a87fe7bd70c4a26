"""The service worker in Chromium: a failed install activates nothing (Enketo's leaves an empty cache), and what waits
is sent with no page open.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, Playwright, expect
from sqlalchemy.orm import Session

from server.intake.models import Report
from server.settings import ROOT
from tests.conftest import CHROMIUM, FLAGS
from tests.faults.ground import Ground
from tests.faults.proxy import Decide, Exchange, Proxy, Trouble
from tests.faults.wait import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not (ROOT / "pwa/dist/tip/sw.js").exists(), reason="the web apps are not built"),
]

SETTLED = """async () => {
  const registration = await navigator.serviceWorker.register('/tip/sw.js', { scope: '/tip/' }).catch(() => null);
  const worker = registration && (registration.installing ?? registration.waiting ?? registration.active);
  if (worker) await new Promise((done) => {
    const look = () => { if (['activated', 'redundant'].includes(worker.state)) done(); };
    worker.addEventListener('statechange', look);
    look();
  });
  const now = await navigator.serviceWorker.getRegistration('/tip/');
  return { active: now?.active?.state ?? null, waiting: now?.waiting?.state ?? null };
}"""

ITEMS = """() => new Promise((done, failed) => {
  const opening = indexedDB.open('gridwatch-tip');
  opening.onerror = () => failed(opening.error);
  opening.onsuccess = () => {
    const all = opening.result.transaction('items').objectStore('items').getAll();
    all.onsuccess = () => {
      opening.result.close();
      done(all.result.map((item) => (item.complete ? 'complete' : 'open')));
    };
  };
})"""


@pytest.fixture(scope="module")
def browser(chromium: Playwright) -> Iterator[Browser]:
    browser = chromium.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def proxy(running: Ground) -> Iterator[Proxy]:
    with Proxy(running.port) as proxy:
        yield proxy


@pytest.fixture
def page(browser: Browser, proxy: Proxy) -> Iterator[Page]:
    """A page with the policy of the app that registers nothing by itself."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{proxy.base}/tip/icons/192.png")
    yield page
    context.close()


def fails(part: str, trouble: Trouble) -> Decide:
    """Requests whose path contains `part` do not get through."""

    def decide(exchange: Exchange) -> Trouble | None:
        return trouble if part in exchange.path else None

    return decide


@pytest.mark.parametrize(
    ("part", "trouble"),
    [
        ("/api/v1/keys", Trouble("answer", status=502)),
        ("/api/v1/public/county", Trouble("cut_down")),
        ("/tip/index.html", Trouble("answer", status=503)),
        # Within its body: a cut in the head of an answer is seen by Chromium over TLS only.
        ("/tip/assets/index", Trouble("cut_down", at=5000)),
    ],
    ids=["no keys", "no county", "no shell", "a file cut short"],
)
def test_enketo_a_failed_install_activates_nothing(
    page: Page, proxy: Proxy, part: str, trouble: Trouble
) -> None:
    proxy.decide = fails(part, trouble)
    assert page.evaluate(SETTLED) == {"active": None, "waiting": None}
    assert any(exchange.trouble for exchange in proxy.log), "nothing failed"
    proxy.decide = lambda _: None
    assert page.evaluate(SETTLED) == {"active": "activated", "waiting": None}
    proxy.decide = lambda _: Trouble("cut_down")  # no link at all: the installed app is whole
    page.goto(f"{proxy.base}/tip/")
    page.locator("#app > *").first.wait_for()
    assert page.evaluate("fetch('/api/v1/keys').then((answer) => answer.status)") == 200


def test_background_sync_sends_with_the_tab_closed(page: Page, proxy: Proxy, running: Ground) -> None:
    assert page.evaluate(SETTLED)["active"] == "activated"
    devtools = page.context.new_cdp_session(page)
    told: list[dict[str, Any]] = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: told.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    proxy.decide = lambda _: Trouble("cut_down")  # no link
    words = f"{uuid.uuid4()} 后门锁着"
    tab = page.context.new_page()
    tab.goto(f"{proxy.base}/tip/")
    tab.get_by_text("拍一拍，举报隐患").click()
    tab.get_by_text("没有照片，直接写").click()
    tab.get_by_label("说一句就行").fill(words)
    tab.get_by_label("用文字说明地点").fill("大武镇团结路")
    tab.get_by_test_id("submit").click()
    tab.get_by_text("您的举报码").first.wait_for()
    tab.close()
    asked = len(proxy.log)
    proxy.decide = lambda _: None
    devtools.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": proxy.base,
            "registrationId": next(one["registrationId"] for one in told if not one["isDeleted"]),
            "tag": "outbox",
            "lastChance": False,
        },
    )

    def arrived() -> bool:
        page.wait_for_timeout(100)
        with Session(running.parts.engine) as session:
            return session.scalar(sa.select(Report.id).where(Report.text == words)) is not None

    until(arrived, running)
    until(lambda: page.evaluate(ITEMS) == ["complete"], running)
    # No page was opened for it: the worker asks for its own update, and sends.
    sends = ("/api/v1/submissions", "/api/v1/keys", "/api/v1/public", "/tip/sw.js")
    assert [exchange.path for exchange in proxy.log[asked:] if not exchange.path.startswith(sends)] == []


def test_an_update_waits_for_an_empty_form_and_a_tap_and_the_old_version_still_sends(
    page: Page, proxy: Proxy, running: Ground
) -> None:
    assert page.evaluate(SETTLED)["active"] == "activated"
    newer = (ROOT / "pwa/dist/tip/sw.js").read_bytes() + b"\n// a newer version"
    proxy.decide = fails("/tip/sw.js", Trouble("answer", status=200, body=newer, type="text/javascript"))
    words = f"{uuid.uuid4()} 后门锁着"
    page.goto(f"{proxy.base}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill(words)
    page.evaluate("navigator.serviceWorker.getRegistration('/tip/').then((known) => known.update())")
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration('/tip/').then((known) => known.waiting?.state === 'installed')"
    )
    offer = page.get_by_role("button", name="新版本已就绪")
    text = page.get_by_label("说一句就行")
    text.fill("")
    expect(offer).to_be_visible()
    text.fill(words)
    expect(offer).to_be_hidden()

    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    page.get_by_test_id("submit").click()
    page.get_by_text("您的举报码").first.wait_for()
    until(lambda: page.evaluate(ITEMS) == ["complete"], running)
    expect(offer).to_be_visible()
    offer.click()
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration('/tip/').then((known) => known.active && !known.waiting)"
    )
