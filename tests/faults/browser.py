"""The same runs in Chromium: the real app, its real database, and SIGKILL for the tab and for the browser."""

import io
import os
import re
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests.conftest import CHROMIUM, FLAGS
from tests.faults.ground import GIVE_UP_S, HOUR_MS, PARTS, Ground, Job, NotAtRest, Phone
from tests.faults.proxy import Exchange, Proxy, Trouble, troubles
from tests.faults.runs import SHARE_OF_TROUBLE, Told, check, held

PATIENCE_MS = 20_000
KILLED = ("tab", "browser", *PARTS)
LOOK = """async () => {
  const known = await indexedDB.databases();
  if (!known.some(({ name }) => name === 'gridwatch-tip')) return null;
  const asked = (request) => new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const database = await asked(indexedDB.open('gridwatch-tip'));
  const tx = database.transaction(['items', 'drafts', 'media', 'chunks', 'copies']);
  const [items, drafts, media, chunks, copies] = await Promise.all([
    asked(tx.objectStore('items').getAll()), asked(tx.objectStore('drafts').getAll()),
    asked(tx.objectStore('media').count()), asked(tx.objectStore('chunks').count()),
    asked(tx.objectStore('copies').count()),
  ]);
  database.close();
  return {
    items: items.map(({ id, order, seq, number, complete, media, digest, envelope }) => ({
      id, label: String(order - 1), seq, number, digest,
      state: complete ? 'complete' : 'open', sealed: envelope !== null,
      media: media.map(({ sha256, size, sent, state }) => ({ sha256, size, sent, state })),
    })),
    photos: drafts.map((draft) => draft.media.length),
    media, chunks, copies,
  };
}"""


class Tab(Phone):
    """A phone whose outbox is in Chromium; main thread only, but for `kill_now`."""

    def __init__(self, driver: Playwright, folder: Path, base: str, jobs: list[Job]) -> None:
        super().__init__(Path(), folder, "", jobs)
        self._driver = driver
        self._base = base
        self._jobs = jobs
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._later_ms = 0

    def _open(self) -> Page:
        """The app, in the browser that runs, else in a new one on the same profile."""
        if self._page is not None and not self._page.is_closed():
            with suppress(Error):
                self._page.evaluate("1")
                return self._page
        self.close()
        self._context = self._driver.chromium.launch_persistent_context(
            self.folder / "profile",
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport={"width": 360, "height": 740},
            locale="zh-CN",
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.add_init_script(f"Date.now = ((now) => () => now() + {self._later_ms})(Date.now)")
        self._page = self._context.pages[0]
        self._page.goto(f"{self._base}/tip/")
        self._page.locator("#app > *").first.wait_for()
        return self._page

    def close(self) -> None:
        """End the browser."""
        if self._context is not None:
            with suppress(Error):
                self._context.close()
        self._context = self._page = None

    def kill_now(self, what: str) -> None:
        """SIGKILL to the browser, or to what runs its pages; from any thread."""
        profile = f"--user-data-dir={self.folder / 'profile'}"
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            wanted = (
                any(word.startswith("--type=renderer") for word in words)
                if what == "tab"
                else profile in words
            )
            with suppress(psutil.NoSuchProcess):
                if wanted and (what != "tab" or self._is_ours(process, profile)):
                    os.kill(process.pid, signal.SIGKILL)

    def _is_ours(self, process: psutil.Process, profile: str) -> bool:
        return any(profile in parent.cmdline() for parent in process.parents())

    def look(self) -> None:
        """Learn what it thinks."""
        told = self._open().evaluate(LOOK)
        if told is None:
            return
        self.thinks = told | {
            "drafts": len(told["photos"]) + told["copies"],
            "envelopes": sum(item["sealed"] for item in told["items"]),
            "digests": {item["id"]: item["digest"] for item in told["items"]},
        }
        for item in self.items:
            if item["seq"] is not None:
                self.seqs.setdefault(item["id"], set()).add(item["seq"])

    def sleep_an_hour(self) -> None:
        """The browser is closed, and opened again after an hour."""
        self.close()
        self._later_ms += HOUR_MS
        self.thinks = {}

    def wake(self) -> None:
        """The link is back."""
        self._open().evaluate("window.dispatchEvent(new Event('online'))")

    def report(self, number: int, soon: Callable[[], None]) -> None:
        """Make the report of this number, or go on with it. Raises playwright's Error where something dies."""
        page = self._open()
        self.look()
        if len(self.items) > number:
            return
        job = self._jobs[number]
        page.goto(f"{self._base}/tip/report")
        page.get_by_role("button", name="相册").first.wait_for()
        page.wait_for_timeout(300)  # what is left of it comes back
        there = next(iter(self.thinks.get("photos", [])), 0)
        if missing := job.photos[there:]:
            with page.expect_file_chooser() as chooser:
                page.get_by_role("button", name="相册").first.click()
            soon()
            chooser.value.set_files(missing)
            page.get_by_role("button", name=re.compile(f"删除第 {len(job.photos)} ")).wait_for()
        elif not there:
            with suppress(Error):
                page.get_by_text("没有照片，直接写").click(timeout=1000)
        page.get_by_label("说一句就行").fill(job.text)
        page.get_by_label("用文字说明地点").fill("大武镇团结路")
        soon()
        page.get_by_test_id("submit").click()
        page.wait_for_url("**/sent/**")
        self.promised.add(str(number))

    def is_photo(self, opened: bytes, photo: Path) -> bool:
        """Reduced on the phone: the same size in pixels."""
        return Image.open(io.BytesIO(opened)).size == Image.open(photo).size


def run_in_browser(running: Ground, driver: Playwright, program: Path, photos: list[Path], seed: int) -> Told:
    """A browser and a phone report while things break. Raises AssertionError or NotAtRest, each with the seed."""
    random = Random(f"browser {seed}")
    folder = running.folder / f"browser-{seed}-{uuid.uuid4().hex[:6]}"
    before = held(running)
    jobs = [
        [
            Job(
                f"{uuid.UUID(int=random.getrandbits(128))} 仓库里堆着油漆桶",
                random.sample(photos, random.choice((0, 1, 2))),
            )
            for _ in range(2)
        ]
        for _ in range(2)
    ]
    kills = {random.randint(0, 6): what for what in {KILLED[seed % len(KILLED)], random.choice(KILLED[:2])}}
    killed: list[str] = []
    harm = troubles(random, SHARE_OF_TROUBLE)
    with (
        Proxy(running.port, lambda exchange: decide(exchange)) as proxy,
        Proxy(running.port, troubles(random, SHARE_OF_TROUBLE)) as other,
    ):
        tab = Tab(driver, folder / "tab", proxy.base, jobs[0])
        phone = Phone(program, folder / "phone", f"{other.base}/api/v1", jobs[1])

        def kill(what: str) -> None:
            killed.append(what)
            if what in PARTS:
                running.kill(what)
            else:
                tab.kill_now(what)

        def decide(exchange: Exchange) -> Trouble | None:
            if exchange.method == "GET" or "/api/" not in exchange.path:
                return None  # the app itself has to get there
            asked = sum(one.method != "GET" for one in proxy.log) - 1
            if (what := kills.pop(asked, None)) is not None:
                kill(what)
            return harm(exchange)

        def soon() -> None:
            """Now and then in the middle of what the person is doing."""
            if kills and random.random() < 0.3:
                what = kills.pop(next(iter(kills)))
                threading.Timer(random.uniform(0, 1), kill, [what]).start()

        try:
            phone.start()
            give_up = time.monotonic() + GIVE_UP_S
            while len(tab.promised) < 2 and time.monotonic() < give_up:
                running.revive()
                with suppress(Error):
                    for number in range(2):
                        tab.report(number, soon)
                    break
            proxy.decide = other.decide = lambda _: None
            slept = False
            while True:
                running.revive()
                running.let_time_pass()
                with suppress(Error, sa.exc.OperationalError):
                    tab.wake()
                    phone.wake()
                    tab.look()
                    if tab.content and phone.content and not running.open_tasks():
                        half_written = [one for one in (tab, phone) if one.thinks["chunks"]]
                        if not half_written or slept:
                            break
                        slept = True
                        for one in half_written:
                            one.sleep_an_hour()
                if time.monotonic() > give_up:
                    raise NotAtRest(f"seed {seed}: {tab.thinks} {phone.thinks} {running.open_tasks()}")
                time.sleep(0.2)
            check(running, [tab, phone], [proxy, other], before)
        except AssertionError as fault:
            raise AssertionError(f"seed {seed}, killed {killed}: {fault}") from fault
        finally:
            tab.close()
            phone.kill()
        exchanges = proxy.log + other.log
    shutil.rmtree(folder)
    return Told(
        seed,
        sum(len(mine) for mine in jobs),
        sum(len(job.photos) for mine in jobs for job in mine),
        len(exchanges),
        sum(exchange.trouble is not None for exchange in exchanges),
        tuple(killed),
    )
