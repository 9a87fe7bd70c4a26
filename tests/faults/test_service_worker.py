"""A failed install of the public app activates nothing; Enketo's worker activates and leaves an empty cache."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright

from server.settings import ROOT
from tests.conftest import CHROMIUM, FLAGS
from tests.faults.ground import Ground
from tests.faults.proxy import Decide, Exchange, Proxy, Trouble

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
    """A page of the app's origin that registers nothing by itself."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{proxy.base}/healthz")
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
