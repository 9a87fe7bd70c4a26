"""Pictures of every screen in the states that matter: docs/screens/. `make screens` starts a demo county of its own;
`URL=http://localhost:8000 make screens` looks at one that runs, and leaves one tip and its answer in it."""

import io
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from PIL import Image
from playwright.sync_api import (
    APIResponse,
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from server.commands.processes import free_port
from server.core.calendar import day_of
from server.demo.county import PASSWORD
from server.demo.pictures import SCENES, picture
from server.demo.stories import SIGNATURE
from tests.conftest import CHROMIUM, FLAGS
from tests.e2e.conftest import COUNTY_SEAT
from tests.e2e.test_story import choose_files, install, sign_in

ROOT = Path(__file__).parents[2]
OUT = Path(os.environ.get("OUT", ROOT / "docs" / "screens"))
VIEWPORTS = {360: (360, 740), 768: (768, 1024), 1440: (1440, 900)}
LOOKS: dict[str, dict[str, str]] = {
    "dark": {"theme": "dark"},
    "sun": {"theme": "sun"},
    "elder": {"size": "elder"},
    "english": {"locale": "en"},
}
TEXT = "二楼安全出口被铁链锁住，门口堆着纸箱，里面有很多人。"
LONG = "仓库里的消防通道被货物堵死，" * 200
LONG_NAME = "果洛藏族自治州玛沁县阿尼玛卿雪域高原绿色畜产品精深加工与冷链物流产业园有限责任公司大武镇分公司"
MATTER = "请核查该商场二楼安全出口是否被锁闭、堵塞，并督促整改。"
REPLY = (
    "您反映的情况我们到现场核实了，属实。二楼安全出口的铁链已经拆除，纸箱已经清走，商场负责人被当场责令整改，"
    "并于今日复查通过。谢谢您的提醒。"
)
WALK: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("leader", "sign", {}),
    ("fire", "sign_for", {}),
    (
        "fire",
        "verify",
        {
            "finding": "substantiated",
            "account": "两人到现场，出口上锁、堆物，情况属实。",
            "verifiers": ["马建军", "李文华"],
        },
    ),
    (
        "fire",
        "plan",
        {
            "responsible_person": "才旦",
            "measures": "拆除铁链，清理纸箱。",
            "money": 30_000,
            "deadline": (day_of(datetime.now(UTC)) + timedelta(days=20)).isoformat(),
            "contingency": "整改期间专人看守出口。",
        },
    ),
    (
        "fire",
        "rectify",
        {"done": "已拆除铁链，清理纸箱。", "signature": {"name": "才旦", "strokes": SIGNATURE}},
    ),
    ("desk", "recheck_pass", {"account": "现场复查，出口畅通。"}),
    ("desk", "strike_off", {}),
    ("fire", "reply", {"text": REPLY, "reward": "qualifies"}),
)
"""How the gallery's own tip comes to its answer, after the desk has accepted it."""
RULES = """名称,行业序号,牵头单位,责任单位
消防的归消防队,6,县消防救援大队,
燃气的归住建局,9,县住房和城乡建设局,
"""
SOON = 60_000


class Gallery:
    """The browser, and where its pictures go."""

    def __init__(self, playwright: Playwright, home: str, photos: list[Path]) -> None:
        self.playwright, self.home, self.photos = playwright, home, photos
        self.browser: Browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        self.taken: list[str] = []
        self.widths = tuple(VIEWPORTS)

    @contextmanager
    def screen(self, width: int, scale: float = 1, **options: Any) -> Iterator[BrowserContext]:
        """A device of that width with one page; phones and tablets are touched."""
        size = dict(zip(("width", "height"), VIEWPORTS[width], strict=True))
        context = self.browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            geolocation=COUNTY_SEAT,  # type: ignore[arg-type]
            permissions=["geolocation"],
            has_touch=width < 1000,
            is_mobile=width < 1000,
            device_scale_factor=scale,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(SOON)
        context.new_page()
        try:
            yield context
        finally:
            context.close()

    def take(self, page: Page, name: str, whole: bool = False) -> None:
        """The picture `name`.png, of 256 colours; `whole` also shows what is below the fold."""
        page.wait_for_timeout(350)  # pictures decode and panes settle after the last word is there
        size = page.viewport_size
        if whole and size:  # a taller device, so that bars stay at the edges
            height = max(size["height"], page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": size["width"], "height": height})
            page.wait_for_timeout(200)
        # Without a GPU a sticky bar may still be drawn where it was before it grew: a nudge draws it anew.
        page.evaluate("() => { scrollBy(0, 1); scrollBy(0, -1); }")
        page.screenshot()
        wide = page.evaluate("document.documentElement.scrollWidth")
        if size and wide > size["width"]:
            raise AssertionError(f"{name} is {wide} px wide")
        image = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
        if whole and size:
            page.set_viewport_size(size)
        image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            OUT / f"{name}.png", optimize=True
        )
        if not name.startswith("readme"):
            self.taken.append(name)
        click.echo(name)

    def looks(self, page: Page, name: str, width: int, *names: str, settled: Locator) -> None:
        """The same screen in other looks, and back to the usual one."""
        for look in names:
            dress(page, LOOKS[look])
            page.reload()
            expect(settled).to_be_visible()
            self.take(page, f"{name}-{look}-{width}")
        dress(page, {})
        page.reload()


def dress(page: Page, appearance: dict[str, str]) -> None:
    page.evaluate(
        "(chosen) => localStorage.setItem('gridwatch.appearance', JSON.stringify(chosen))", appearance
    )


def hold(route: Route) -> None:
    """Never answers: what the screen shows while it waits."""


def fail(route: Route) -> None:
    """The server has a fault."""
    body = {"code": "fault", "title": "fault", "status": 500, "detail": ""}
    route.fulfill(status=500, json=body, content_type="application/problem+json")


def forty(route: Route) -> None:
    """A long queue of rows with much in them."""
    answer = route.fetch().json()
    rows = [
        row
        | {
            "id": row["id"] if number < len(answer["items"]) else str(uuid.uuid4()),
            "enterprise": LONG_NAME,
            "text": LONG[:120],
            "urgent": number % 3 == 0,
        }
        for number, row in enumerate(answer["items"] * 3)
    ]
    route.fulfill(json=answer | {"items": rows[:40]})


# ---- public app


def write_report(page: Page, gallery: Gallery, text: str = TEXT, enterprise: str = "雪域购物中心") -> None:
    choose_files(page, "相册", gallery.photos[:2])
    page.get_by_label("说一句就行").fill(text)
    page.get_by_label("单位名称").fill(enterprise)
    expect(page.get_by_text("已定位")).to_be_visible()
    expect(page.get_by_text("正在处理")).to_have_count(0)


def citizen(gallery: Gallery) -> None:
    """The public app from the first look to the answer."""
    with gallery.screen(360) as context:
        page = install(context, f"{gallery.home}/tip/")
        gallery.take(page, "tip-home-full-360")
        gallery.looks(
            page,
            "tip-home",
            360,
            "dark",
            "sun",
            "elder",
            "english",
            settled=page.get_by_test_id("report"),
        )
        for path in ("settings", "protection", "outbox", "progress"):
            page.goto(f"{gallery.home}/tip/{path}")
            gallery.take(
                page, f"tip-{path}-{'empty' if path in ('outbox', 'progress') else 'full'}-360", whole=True
            )
        page.get_by_test_id("code").fill("ABCD-EFGH-JKMN-PQRS-TUVX")
        page.get_by_test_id("look").click()
        expect(page.get_by_role("alert")).to_be_visible()
        gallery.take(page, "tip-progress-error-360")

        page.goto(f"{gallery.home}/tip/report")
        gallery.take(page, "tip-report-empty-360")
        write_report(page, gallery)
        page.get_by_role("button", name="安全出口", exact=False).first.click()
        page.evaluate("scrollTo(0, 0)")
        gallery.take(page, "tip-report-full-360")
        gallery.take(page, "tip-report-whole-360", whole=True)
        page.get_by_role("button", name="更多").click()
        gallery.take(page, "tip-report-types-360")
        page.get_by_role("dialog").get_by_role("button", name="关闭").click()
        for look in ("dark", "sun", "elder", "english"):
            dress(page, LOOKS[look])
            page.reload()
            expect(page.get_by_test_id("submit")).to_be_visible()
            expect(page.locator("textarea")).to_have_value(TEXT)
            gallery.take(page, f"tip-report-{look}-360", whole=True)
        dress(page, {})
        page.reload()
        page.locator("textarea").fill(LONG)
        page.get_by_label("单位名称").fill(LONG_NAME * 5)
        page.get_by_text("实名", exact=True).click()
        page.get_by_test_id("submit").click()
        page.wait_for_timeout(600)
        gallery.take(page, "tip-report-error-360", whole=True)
        page.locator("textarea").fill(TEXT)
        page.get_by_label("单位名称").fill("雪域购物中心")
        page.get_by_text("匿名", exact=True).click()

        context.set_offline(True)
        page.get_by_test_id("submit").click()
        expect(page.get_by_text("没有信号也算数")).to_be_visible()
        gallery.take(page, "tip-sent-offline-360")
        gallery.take(page, "tip-sent-whole-360", whole=True)
        gallery.looks(
            page,
            "tip-sent",
            360,
            "dark",
            "sun",
            "elder",
            "english",
            settled=page.get_by_test_id("receipt-code"),
        )
        page.get_by_role("button", name="二维码").click()
        gallery.take(page, "tip-sent-qr-360")
        page.get_by_role("dialog").get_by_role("button", name="关闭").click()
        code = "".join(re.findall(r"^[2-9A-Z]{4}$", page.locator("main").inner_text(), re.MULTILINE))
        sent = page.url
        page.goto(f"{gallery.home}/tip/outbox")
        expect(page.get_by_test_id("outbox-item")).to_be_visible()
        gallery.take(page, "tip-outbox-offline-360")
        page.goto(f"{gallery.home}/tip/")
        expect(page.get_by_text("有一个举报码还没记下")).to_be_visible()
        gallery.take(page, "tip-home-offline-360")
        gallery.looks(page, "tip-home", 360, settled=page.get_by_test_id("report"))
        page.goto(sent)
        context.set_offline(False)
        expect(page.get_by_text("照片、视频和文字都到了")).to_be_visible()
        gallery.take(page, "tip-sent-arrived-360")
        number = re.search(r"\d{6}-\d{4}-T\d+", page.locator("main").inner_text())
        if number is None:
            raise LookupError("the tip has no number")
        page.goto(f"{gallery.home}/tip/outbox")
        expect(page.get_by_test_id("outbox-item")).to_be_visible()
        gallery.take(page, "tip-outbox-arrived-360")
        open_letter(page, gallery, code)
        gallery.take(page, "tip-progress-received-360")

    walk(gallery, number[0])
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = context.pages[0]
            open_letter(page, gallery, code)
            gallery.take(page, f"tip-progress-full-{width}")
            if width == 360:
                gallery.take(page, "tip-progress-whole-360", whole=True)
                for look in ("dark", "elder", "english"):
                    dress(page, LOOKS[look])
                    open_letter(page, gallery, code)
                    gallery.take(page, f"tip-progress-{look}-360", whole=True)

    for width in (768, 1440):
        with gallery.screen(width) as context:
            page = install(context, f"{gallery.home}/tip/")
            gallery.take(page, f"tip-home-full-{width}")
            for path in ("settings", "protection", "outbox", "progress", "report"):
                page.goto(f"{gallery.home}/tip/{path}")
                if width == 1440:
                    gallery.take(
                        page,
                        f"tip-{path}-{'full' if path in ('settings', 'protection') else 'empty'}-{width}",
                    )
            write_report(page, gallery)
            page.evaluate("scrollTo(0, 0)")
            gallery.take(page, f"tip-report-full-{width}")
            context.set_offline(True)
            page.get_by_test_id("submit").click()
            expect(page.get_by_text("没有信号也算数")).to_be_visible()
            gallery.take(page, f"tip-sent-offline-{width}")
            page.goto(f"{gallery.home}/tip/outbox")
            expect(page.get_by_test_id("outbox-item")).to_be_visible()
            gallery.take(page, f"tip-outbox-offline-{width}")

    with gallery.screen(360, service_workers="block") as context:
        page = context.pages[0]
        page.route("**/api/v1/receipt", hold)
        page.goto(f"{gallery.home}/tip/progress")
        page.get_by_test_id("code").fill(code)
        page.get_by_test_id("look").click()
        page.wait_for_timeout(1200)
        gallery.take(page, "tip-progress-loading-360")

    with gallery.screen(360, scale=2) as context:
        page = install(context, f"{gallery.home}/tip/report")
        write_report(page, gallery)
        context.set_offline(True)
        page.get_by_test_id("submit").click()
        expect(page.get_by_text("没有信号也算数")).to_be_visible()
        gallery.take(page, "readme-tip")


def open_letter(page: Page, gallery: Gallery, code: str) -> None:
    page.goto(f"{gallery.home}/tip/progress")
    page.get_by_test_id("code").fill(code)
    page.get_by_test_id("look").click()
    expect(page.get_by_test_id("letter")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


def walk(gallery: Gallery, number: str) -> None:
    """Bring the report `number` to its answer, each step by whoever may take it."""
    request = gallery.playwright.request.new_context(base_url=gallery.home)
    tokens: dict[str, str] = {}

    def ask(who: str, method: str, path: str, body: Any = None, version: int | None = None) -> APIResponse:
        if who not in tokens:
            signed = request.post("/api/v1/auth/sign-in", data={"login": who, "password": PASSWORD})
            tokens[who] = signed.json()["access_token"]
        headers = {"Authorization": f"Bearer {tokens[who]}"} | (
            {} if version is None else {"If-Match": f'"{version}"'}
        )
        answer = request.fetch(f"/api/v1{path}", method=method, data=body, headers=headers)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.text()}")
        return answer

    rows = ask("desk", "GET", "/desk/cases?queue=new&limit=100").json()["items"]
    pages = [ask("desk", "GET", f"/cases/{row['id']}").json() for row in rows if row["kind"] == "tip"]
    case = next(page for page in pages if any(report["number"] == number for report in page["reports"]))
    units = ask("desk", "GET", "/units").json()
    fire = next(unit["id"] for unit in units if unit["name"] == "县消防救援大队")
    accept = {
        "sector_no": 6,
        "unit_id": fire,
        "title": "商场安全出口锁闭",
        "matter": MATTER,
        "risk": "orange",
    }
    question = {"id": str(uuid.uuid4()), "text": "请问是商场东侧还是西侧的出口？"}
    ask("desk", "POST", f"/reports/{case['reports'][0]['id']}/messages", question)
    for who, step, fields in (("desk", "accept", accept), *WALK):
        version = ask("desk", "GET", f"/cases/{case['id']}").json()["version"]
        ask(who, "POST", f"/cases/{case['id']}/steps", {"step": step, "fields": fields}, version)
    request.dispose()


# ---- staff app


def gates(gallery: Gallery) -> None:
    """Signing in."""
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = install(context, f"{gallery.home}/staff/")
            gallery.take(page, f"staff-signin-empty-{width}")
            if width == 360:
                page.get_by_role("button", name="登录").click()
                page.get_by_label("账号").fill("nobody")
                page.get_by_label("密码", exact=True).fill("wrong")
                page.get_by_role("button", name="登录").click()
                expect(page.get_by_role("alert")).to_be_visible()
                gallery.take(page, "staff-signin-error-360")
                context.set_offline(True)
                page.reload()
                gallery.take(page, "staff-signin-offline-360")


def inspector(gallery: Gallery) -> None:
    """The walk, a visit, a hazard."""
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = sign_in(context, gallery.home, "inspector")
            expect(page.locator(".stop").first).to_be_visible()
            gallery.take(page, f"staff-today-full-{width}")
            if width == 360:
                gallery.looks(
                    page,
                    "staff-today",
                    360,
                    "dark",
                    "sun",
                    "elder",
                    "english",
                    settled=page.locator(".stop").first,
                )
                context.set_offline(True)
                page.reload()
            expect(page.locator(".stop").first).to_be_visible()
            if width == 360:
                gallery.take(page, "staff-today-offline-360")
            page.locator(".stop").first.click()
            expect(page.locator(".item").first).to_be_visible()
            gallery.take(page, f"staff-visit-empty-{width}")
            if width == 768:
                continue
            visit = page.url
            page.locator("main .who").click()
            expect(page).to_have_url(re.compile("enterprises"))
            gallery.take(page, f"staff-enterprise-full-{width}")
            page.goto(visit)
            items = page.locator(".item")
            items.nth(0).get_by_role("button", name="符合", exact=True).click()
            items.nth(1).get_by_role("button", name="不符合").click()
            items.nth(2).get_by_role("button", name="无此项").click()
            items.nth(1).locator("textarea").fill("后门的通道堆了三层纸箱，只剩半人宽。")
            choose_files(items.nth(1), "从相册选", [gallery.photos[0]])
            expect(items.nth(1).locator("img")).to_be_visible()
            page.evaluate("scrollTo(0, 0)")
            gallery.take(page, f"staff-visit-full-{width}")
            if width == 360:
                items.nth(1).scroll_into_view_if_needed()
                gallery.take(page, "staff-visit-note-360")
                gallery.looks(
                    page,
                    "staff-visit",
                    360,
                    "dark",
                    "sun",
                    "elder",
                    "english",
                    settled=page.locator(".item").first,
                )
            page.get_by_role("button", name="发现隐患").click()
            expect(page.get_by_role("button", name="记好了")).to_be_visible()
            gallery.take(page, f"staff-hazard-empty-{width}")
            choose_files(page, "从相册选", gallery.photos[2:4])
            page.get_by_label("输几个字找条款").fill("通道")
            expect(page.locator(".hits li button").first).to_be_visible()
            if width == 360:
                gallery.take(page, "staff-hazard-search-360")
            page.locator(".hits li button").first.click()
            page.get_by_label("一句话说明").fill("气瓶与灶台没有隔开，距离不到一米。")
            page.get_by_role("button", name="重大隐患").click()
            page.get_by_role("button", name="7 天内").click()
            page.evaluate("scrollTo(0, 0)")
            gallery.take(page, f"staff-hazard-full-{width}", whole=True)
            if width == 360:
                gallery.looks(
                    page,
                    "staff-hazard",
                    360,
                    "elder",
                    settled=page.get_by_role("button", name="记好了"),
                )
            page.get_by_role("button", name="记好了").click()
            expect(page.get_by_role("link", name="没查完也可以结束")).to_be_visible()
            page.get_by_role("link", name="没查完也可以结束").click()
            expect(page.get_by_label("检查人")).to_be_visible()
            gallery.take(page, f"staff-end-full-{width}", whole=True)
            if width == 360:
                page.get_by_label("检查人").fill("才旦建军")
                page.get_by_role("button", name="提交检查").click()
                expect(page.get_by_text("有信号会自动发出").first).to_be_visible()
                page.goto(f"{gallery.home}/staff/outbox")
                expect(page.get_by_text("等信号").first).to_be_visible()
                gallery.take(page, "staff-outbox-offline-360")
                gallery.looks(page, "staff-outbox", 360, "elder", settled=page.get_by_text("等信号").first)
            page.goto(f"{gallery.home}/staff/me")
            gallery.take(page, f"staff-me-full-{width}", whole=True)
            page.goto(f"{gallery.home}/staff/notices")
            gallery.take(page, f"staff-notices-empty-{width}")


def handler(gallery: Gallery) -> None:
    """What a unit has to do."""
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = sign_in(context, gallery.home, "fire")
            expect(page.locator(".row").first).to_be_visible()
            gallery.take(page, f"staff-inbox-full-{width}")
            if width == 360:
                gallery.looks(
                    page,
                    "staff-inbox",
                    360,
                    "dark",
                    "sun",
                    "elder",
                    "english",
                    settled=page.locator(".row").first,
                )
                expect(page.locator(".row").first).to_be_visible()
            page.locator(".row").first.click()
            expect(page.get_by_text("要办的事").first).to_be_visible()
            gallery.take(page, f"staff-case-unit-{width}")
            if width != 360:
                continue
            gallery.take(page, "staff-case-whole-360", whole=True)
            gallery.looks(
                page,
                "staff-case",
                360,
                "dark",
                "elder",
                "english",
                settled=page.locator(".title").first,
            )
            page.goto(f"{gallery.home}/staff/inbox")
            page.locator(".row").filter(has_text="待核查").first.click()
            page.get_by_role("button", name="登记核查结果").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            gallery.take(page, "staff-case-step-360")
            page.get_by_role("button", name="提交核查结果").click()
            gallery.take(page, "staff-case-error-360")
            page.goto(f"{gallery.home}/staff/outbox")
            gallery.take(page, "staff-outbox-empty-360")
    with gallery.screen(360) as context:
        page = sign_in(context, gallery.home, "inspector3")
        page.goto(f"{gallery.home}/staff/inbox")
        expect(page.get_by_text("都处理完了")).to_be_visible()
        gallery.take(page, "staff-inbox-empty-360")


def desk(gallery: Gallery) -> None:
    """The queue, the report, the decision; the leader's page."""
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = sign_in(context, gallery.home, "desk")
            rows = page.locator(".pane.list a.row, .pane.list .row")
            expect(rows.first).to_be_visible()
            gallery.take(page, f"staff-desk-queue-{width}")
            if width == 360:
                gallery.looks(page, "staff-desk", 360, "dark", "elder", settled=rows.first)
                rows.filter(has_text="疑似重复").first.click()
                expect(page.get_by_role("heading", name=re.compile("疑似重复"))).to_be_visible()
                gallery.take(page, "staff-desk-report-360", whole=True)
            if width == 768:
                rows.filter(has_text="疑似重复").first.click()
                expect(page.get_by_role("heading", name=re.compile("疑似重复"))).to_be_visible()
                gallery.take(page, "staff-desk-report-768", whole=True)
            if width != 1440:
                continue
            rows.filter(has_text="疑似重复").first.click()
            expect(page.get_by_role("heading", name=re.compile("疑似重复"))).to_be_visible()
            expect(page.locator(".report img").first).to_be_visible()
            page.wait_for_timeout(1500)
            gallery.take(page, "staff-desk-full-1440")
            gallery.take(page, "readme-desk")
            gallery.looks(
                page,
                "staff-desk",
                1440,
                "dark",
                "sun",
                "elder",
                "english",
                settled=page.locator(".report img").first,
            )
            expect(page.locator(".report img").first).to_be_visible()
            page.get_by_role("button", name="并排看").first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            page.wait_for_timeout(1500)
            gallery.take(page, "staff-desk-compare-1440")
            page.keyboard.press("Escape")
            page.get_by_role("button", name="受理，报签批").click()
            gallery.take(page, "staff-desk-error-1440")
            page.get_by_role("button", name="不予受理").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            gallery.take(page, "staff-desk-refuse-1440")
            page.keyboard.press("Escape")
            page.locator(".whole").click()
            expect(page.locator(".title").first).to_be_visible()
            gallery.take(page, "staff-case-desk-1440")
            page.goto(f"{gallery.home}/staff/desk/in_hand")
            rows.first.click()
            page.locator(".whole").click()
            expect(page.locator(".title").first).to_be_visible()
            gallery.take(page, "staff-case-history-1440", whole=True)
            page.goto(f"{gallery.home}/staff/me")
            gallery.take(page, "staff-me-desk-1440")
            page.goto(f"{gallery.home}/staff/notices")
            gallery.take(page, "staff-notices-1440")
    with gallery.screen(1440, service_workers="block") as context:
        page = context.pages[0]
        page.goto(f"{gallery.home}/staff/")
        page.get_by_label("账号").fill("desk2")
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page.locator(".pane.list .row").first).to_be_visible()
        for state, answer in (("loading", hold), ("error", fail)):
            page.route("**/api/v1/desk/cases*", answer)
            page.goto(f"{gallery.home}/staff/desk/new")
            page.wait_for_timeout(1500)
            gallery.take(page, f"staff-desk-{'failed' if state == 'error' else state}-1440")
            page.unroute("**/api/v1/desk/cases*")
        page.route("**/api/v1/desk/cases*", forty)
        page.goto(f"{gallery.home}/staff/desk/in_hand")
        expect(page.locator(".pane.list .row").first).to_be_visible()
        gallery.take(page, "staff-desk-long-1440")
        page.unroute("**/api/v1/desk/cases*")
        page.route("**/api/v1/desk/cases*", lambda route: route.fulfill(json={"items": [], "next": None}))
        page.goto(f"{gallery.home}/staff/desk/new")
        expect(page.get_by_text("都处理完了").first).to_be_visible()
        gallery.take(page, "staff-desk-empty-1440")

    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = sign_in(context, gallery.home, "leader")
            expect(page.locator("article.sheet").first).to_be_visible()
            gallery.take(page, f"staff-tosign-full-{width}")
            if width == 360:
                gallery.looks(
                    page,
                    "staff-tosign",
                    360,
                    "dark",
                    "elder",
                    settled=page.locator("article.sheet h2").first,
                )


def rules(gallery: Gallery) -> None:
    """The county's own rules, as the administrator sees and changes them."""
    draft = RULES.encode()
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = sign_in(context, gallery.home, "admin")
            page.goto(f"{gallery.home}/staff/me")
            expect(page.get_by_text("转办规则")).to_be_visible()
            gallery.take(page, f"staff-me-admin-{width}", whole=True)

            page.goto(f"{gallery.home}/staff/calendar")
            expect(page.locator("table")).to_have_count(12)
            gallery.take(page, f"staff-calendar-full-{width}", whole=width == 360)
            page.locator("table").nth(9).locator("button.day:not(.off)").nth(20).click()
            page.get_by_role("dialog").get_by_role("button", name="放假").click()
            gallery.take(page, f"staff-calendar-day-{width}")
            page.get_by_role("button", name="好", exact=True).click()
            page.get_by_role("button", name="存下 1 处改动").click()
            gallery.take(page, f"staff-calendar-sure-{width}")
            page.get_by_role("dialog").get_by_role("button", name="关闭").click()
            page.get_by_role("button", name="不改了").click()
            for _ in range(2):
                page.get_by_role("button", name="下一年").click()
            expect(page.get_by_role("button", name="录入这一年")).to_be_visible()
            gallery.take(page, f"staff-calendar-unknown-{width}")

            page.goto(f"{gallery.home}/staff/clock-rules")
            expect(page.get_by_role("heading", name="受理期限")).to_be_visible()
            gallery.take(page, f"staff-clocks-full-{width}")
            page.get_by_role("button", name="另定").first.click()
            gallery.take(page, f"staff-clocks-form-{width}")
            page.get_by_label("依据").fill("县安委办〔2026〕3号")
            page.get_by_role("button", name="看一遍").click()
            gallery.take(page, f"staff-clocks-sure-{width}")

            page.goto(f"{gallery.home}/staff/triage-costs")
            expect(page.get_by_text("就提示").first).to_be_visible()
            gallery.take(page, f"staff-costs-full-{width}")
            page.get_by_role("button", name="给一个区域另定").click()
            gallery.take(page, f"staff-costs-form-{width}")

            page.goto(f"{gallery.home}/staff/routing-rules")
            if width == gallery.widths[0]:
                expect(page.get_by_text("还没有自己的规则")).to_be_visible()
                gallery.take(page, f"staff-routingrules-empty-{width}")
                page.locator("input[type=file]").set_input_files(
                    {"name": "规则.csv", "mimeType": "text/csv", "buffer": "名称\n一行坏的".encode()}
                )
                expect(page.get_by_role("alert")).to_be_visible()
                gallery.take(page, f"staff-routingrules-error-{width}")
                page.locator("input[type=file]").set_input_files(
                    {"name": "2026 年的规则.csv", "mimeType": "text/csv", "buffer": draft}
                )
            else:
                page.get_by_role("button", name="看规则、试算").first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            gallery.take(page, f"staff-routingrules-draft-{width}")
            page.get_by_role("button", name="试算").last.click()
            expect(page.get_by_text("件会换单位")).to_be_visible()
            gallery.take(page, f"staff-routingrules-trial-{width}")
            if width == gallery.widths[0]:
                page.get_by_role("button", name="启用这一版").click()
                expect(page.get_by_text("正在使用")).to_be_visible()
            else:
                page.get_by_role("dialog").get_by_role("button", name="关闭").click()
            gallery.take(page, f"staff-routingrules-full-{width}")
    with gallery.screen(360) as context:
        page = sign_in(context, gallery.home, "admin")
        page.goto(f"{gallery.home}/staff/routing-rules")
        page.get_by_role("button", name="停用", exact=True).click()
        expect(page.get_by_text("正在使用")).to_be_hidden()
        for path, settled in (("calendar", "1月"), ("clock-rules", "受理期限"), ("triage-costs", "就提示")):
            page.goto(f"{gallery.home}/staff/{path}")
            name = {"clock-rules": "clocks", "triage-costs": "costs"}.get(path, path)
            there = page.get_by_text(settled).first
            gallery.looks(page, f"staff-{name}", 360, "dark", "sun", "elder", settled=there)


# ---- all of it


def index(names: list[str]) -> str:
    """README.md of the pictures, by app and screen."""
    lines = [
        "# The screens",
        "",
        "Written by `make screens` (tests/gallery/screens.py); look at them before each finish.",
    ]
    screens: dict[tuple[str, str], list[str]] = {}
    for name in names:
        app, screen, *_ = name.split("-")
        screens.setdefault((app, screen), []).append(name)
    before = None
    for (app, screen), pictures in screens.items():
        if app != before:
            lines += ["", f"## {'Public app `/tip/`' if app == 'tip' else 'Staff app `/staff/`'}"]
            before = app
        links = " · ".join(f"[{name.split('-', 2)[2].replace('-', ' ')}]({name}.png)" for name in pictures)
        lines.append(f"- **{screen}**: {links}")
    return "\n".join(lines) + "\n"


@contextmanager
def running() -> Iterator[str]:
    """A demo county that lives as long as the pictures are taken."""
    port = free_port(None)
    with tempfile.TemporaryDirectory(prefix="gridwatch-screens-") as var:
        environ = os.environ | {"GRIDWATCH_VAR": var, "PORT": str(port)}
        up = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "up"], env=environ, stdout=subprocess.PIPE, text=True
        )
        try:
            said = []
            for line in up.stdout or ():
                said.append(line)
                if line.strip() == "ready":
                    break
            else:
                raise RuntimeError("".join(said))
            yield f"http://localhost:{port}"
        finally:
            up.terminate()
            up.wait(60)


PARTS = (citizen, gates, inspector, handler, desk, rules)


def main() -> None:
    """Take all pictures, or those of the parts named on the command line."""
    chosen = [part for part in PARTS if part.__name__ in sys.argv[1:]] or list(PARTS)
    OUT.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    with tempfile.TemporaryDirectory() as folder:
        photos = []
        for number, scene in enumerate(("blocked_exit", "wires", "gas_cylinders", "scaffold")):
            assert scene in SCENES
            photos.append(Path(folder) / f"{scene}.jpg")
            photos[-1].write_bytes(picture(scene, 7000 + number))
        url = os.environ.get("URL")
        with _given(url) if url else running() as home, sync_playwright() as playwright:
            gallery = Gallery(playwright, home, photos)
            for part in chosen:
                part(gallery)
            gallery.browser.close()
    if len(chosen) == len(PARTS):
        for old in OUT.glob("*.png"):
            if old.stem not in gallery.taken and not old.stem.startswith("readme"):
                old.unlink()
        (OUT / "README.md").write_text(index(gallery.taken), encoding="utf-8")


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url.rstrip("/")


if __name__ == "__main__":
    main()
