"""Pictures of every screen in the states that matter: docs/screens/. `make screens` starts a demo county of its own;
`URL=http://localhost:8000 make screens` looks at one that was just begun, and leaves its tips in it."""

import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from playwright.sync_api import BrowserContext, Page, Route, expect, sync_playwright

from server.commands.processes import free_port
from server.demo.county import PASSWORD
from server.demo.pictures import SCENES, picture
from tests.e2e.test_phone import REFUSE
from tests.e2e.test_reporter import code_on
from tests.e2e.test_story import choose_files, install, sign_in
from tests.gallery.camera import LOOKS, Gallery, dress
from tests.gallery.office import EXTENDED, UNTIL_ANSWERED, UNTIL_PLANNED, Office

ROOT = Path(__file__).parents[2]
OUT = Path(os.environ.get("OUT", ROOT / "docs" / "screens"))
TEXT = "二楼安全出口被铁链锁住，门口堆着纸箱，里面有很多人。"
LONG = "仓库里的消防通道被货物堵死，" * 200
LONG_NAME = "果洛藏族自治州玛沁县阿尼玛卿雪域高原绿色畜产品精深加工与冷链物流产业园有限责任公司大武镇分公司"
RULES = """名称,行业序号,牵头单位,责任单位
消防的归消防队,6,县消防救援大队,
燃气的归应急局,9,县应急管理局,
"""
WRONG_RULES = RULES.replace("消防救援大队", "消防大对").replace(",9,", ",九十,")


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


def two_values(route: Route) -> None:
    """A field of an enterprise's file that two people mended at once."""
    row = {
        "id": str(uuid.uuid4()),
        "enterprise_id": str(uuid.uuid4()),
        "enterprise": "大武镇雪域购物中心",
        "field": "contact_phone",
        "reason": "changed",
        "was": "13897550001",
        "held": "13897550002",
        "wanted": "13897550003",
        "sender": "才旦建军",
        "received_at": "2026-11-25T03:00:00+00:00",
    }
    route.fulfill(
        json=[
            row,
            row | {"id": str(uuid.uuid4()), "field": "active", "was": True, "held": True, "wanted": False},
        ]
    )


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
        page.get_by_test_id("tell-me").check()
        page.get_by_test_id("ways-to").fill("13897550123")
        gallery.take(page, "tip-report-contact-360", whole=True)
        page.get_by_test_id("tell-me").uncheck()
        page.get_by_role("button", name="更多").click()
        gallery.take(page, "tip-report-types-360")
        page.get_by_role("dialog").get_by_role("button", name="关闭").click()
        for look in gallery.looks_of("dark", "sun", "elder", "english"):
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
        code = code_on(page)
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
        number = number_on(page)
        page.goto(f"{gallery.home}/tip/outbox")
        expect(page.get_by_test_id("outbox-item")).to_be_visible()
        gallery.take(page, "tip-outbox-arrived-360")
        open_letter(page, gallery, code)
        gallery.take(page, "tip-progress-received-360")

    office = Office(gallery.playwright, gallery.home)
    case = office.case_of(number)
    office.ask_reporter(case)
    office.walk(case["id"], *UNTIL_PLANNED, *EXTENDED)
    with gallery.screen(360) as context:
        page = install(context, f"{gallery.home}/tip/")
        open_letter(page, gallery, code)
        gallery.take(page, "tip-progress-extended-360", whole=True)
        for name, words, step in (
            ("known", "雪域购物中心二楼的门锁着，人出不来。", ("desk", "merge", {"into": case["id"]})),
            (
                "refused",
                "有一家店后门堵了。",
                ("desk", "refuse", {"ground": "no_facts", "reason": "没有说清是哪一家，请补充。"}),
            ),
        ):
            other, its_number = send_words(page, gallery, words)
            office.walk(office.case_of(its_number)["id"], step)
            open_letter(page, gallery, other)
            gallery.take(page, f"tip-progress-{name}-360", whole=True)
        page.get_by_test_id("unsatisfied").click()
        gallery.take(page, "tip-progress-objection-360", whole=True)
        page.get_by_test_id("reason").fill("是团结路的雪域购物中心，照片上有招牌。")
        page.get_by_test_id("send-unsatisfied").click()
        expect(page.get_by_text("会由另一个人重新核查")).to_be_visible()
        gallery.take(page, "tip-progress-objected-360", whole=True)
        open_letter(page, gallery, code)
        page.get_by_test_id("withdraw").click()
        gallery.take(page, "tip-progress-withdraw-360")
    with gallery.screen(360) as context:
        install(context, f"{gallery.home}/tip/")
        refused_outbox(context, gallery)

    office.walk(case["id"], *UNTIL_ANSWERED)
    for width in gallery.widths:
        with gallery.screen(width) as context:
            page = context.pages[0]
            open_letter(page, gallery, code)
            gallery.take(page, f"tip-progress-full-{width}")
            if width == 360:
                gallery.take(page, "tip-progress-whole-360", whole=True)
                for look in gallery.looks_of("dark", "elder", "english"):
                    dress(page, LOOKS[look])
                    open_letter(page, gallery, code)
                    gallery.take(page, f"tip-progress-{look}-360", whole=True)

    for width in gallery.widths[1:]:
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


def send_words(page: Page, gallery: Gallery, words: str) -> tuple[str, str]:
    """A short report; its code and number."""
    page.goto(f"{gallery.home}/tip/report")
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill(words)
    page.get_by_label("单位名称").fill("雪域购物中心")
    page.get_by_test_id("submit").click()
    number = number_on(page)
    code = code_on(page)
    page.get_by_role("button", name="我已记下").click()
    return code, number


def number_on(page: Page) -> str:
    """The number that the report got, as its sender reads it."""
    expect(page.get_by_text(re.compile("已收到，编号"))).to_be_visible()
    number = re.search(r"\d{6}-\d{4}-T\d+", page.locator("main").inner_text())
    if number is None:
        raise LookupError(page.locator("main").inner_text())
    return number[0]


def refused_outbox(context: BrowserContext, gallery: Gallery) -> None:
    """A report that no server can take: nothing is lost, and the person is told."""
    page = context.pages[0]
    context.set_offline(True)
    page.goto(f"{gallery.home}/tip/report")
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill(TEXT)
    page.get_by_label("单位名称").fill("雪域购物中心")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("没有信号也算数")).to_be_visible()
    page.evaluate(REFUSE)
    page.goto(f"{gallery.home}/tip/outbox")
    context.set_offline(False)
    expect(page.get_by_text("没有被收下").first).to_be_visible(timeout=120_000)
    gallery.take(page, "tip-outbox-refused-360", whole=True)


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
            page.get_by_role("link", name="更正档案").click()
            expect(page.get_by_role("button", name="提交更正")).to_be_visible()
            gallery.take(page, f"staff-enterprise-edit-{width}", whole=True)
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
            gallery.take(page, f"staff-notices-inspector-{width}")


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
            page.goto(f"{gallery.home}/staff/notices")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            gallery.take(page, "staff-notices-full-360")
            page.goto(f"{gallery.home}/staff/templates")
            expect(page.get_by_role("heading", name="全县通用")).to_be_visible()
            gallery.take(page, "staff-templates-full-360", whole=True)
            page.get_by_role("button", name="改成本单位的").first.click()
            gallery.take(page, "staff-templates-form-360")
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
            page.locator("a.whole").click()
            expect(page.locator(".title").first).to_be_visible()
            gallery.take(page, "staff-case-desk-1440")
            page.goto(f"{gallery.home}/staff/desk/in_hand")
            rows.first.click()
            page.locator("a.whole").click()
            expect(page.locator(".title").first).to_be_visible()
            gallery.take(page, "staff-case-history-1440", whole=True)
            page.goto(f"{gallery.home}/staff/me")
            gallery.take(page, "staff-me-desk-1440")
            page.goto(f"{gallery.home}/staff/notices")
            gallery.take(page, "staff-notices-full-1440")
            page.goto(f"{gallery.home}/staff/templates")
            expect(page.get_by_role("heading", name="全县通用")).to_be_visible()
            gallery.take(page, "staff-templates-full-1440")
            entry(page, gallery)
            page.goto(f"{gallery.home}/staff/desk/new")
            rows.filter(has_text="地下一层的疏散通道又堆满").first.click()
            expect(page.get_by_role("heading", name=re.compile("又出现"))).to_be_visible()
            gallery.take(page, "staff-desk-again-1440")
            page.locator("a.whole").click()
            expect(page.locator(".again")).to_be_visible()
            gallery.take(page, "staff-case-again-1440")
            page.locator(".side .facts a").click()
            expect(page.get_by_role("heading", name="案件")).to_be_visible()
            gallery.take(page, "staff-enterprise-again-1440")
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
        page.goto(f"{gallery.home}/staff/conflicts")
        expect(page.get_by_text("没有要定的冲突")).to_be_visible()
        gallery.take(page, "staff-conflicts-empty-1440")
        page.route("**/api/v1/enterprises/conflicts", two_values)
        page.reload()
        expect(page.get_by_role("button", name="改成新写的").first).to_be_visible()
        gallery.take(page, "staff-conflicts-full-1440")
        page.set_viewport_size({"width": 360, "height": 740})
        gallery.take(page, "staff-conflicts-full-360")
        page.set_viewport_size({"width": 1440, "height": 900})
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
                    {"name": "规则.csv", "mimeType": "text/csv", "buffer": WRONG_RULES.encode()}
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


def entry(page: Page, gallery: Gallery) -> None:
    """A letter that the desk writes down, and the slip with its code."""
    page.goto(f"{gallery.home}/staff/entry")
    page.get_by_role("button", name="来信", exact=True).click()
    gallery.take(page, "staff-entry-empty-1440", whole=True)
    page.get_by_label("反映的内容").fill("来信人说，新华加油站卸油时有人抽烟。")
    page.get_by_label("单位名称").fill("新华加油站")
    choose_files(page, "从相册选", [gallery.photos[1]])
    expect(page.locator(".media-strip img")).to_have_count(1)
    page.set_viewport_size({"width": 768, "height": 1024})
    gallery.take(page, "staff-entry-full-768", whole=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("arrival")).to_contain_text("已收到，编号")
    gallery.take(page, "staff-entered-full-1440")
    page.get_by_test_id("told").click()


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
        gateways = {"SMS__URL": "http://127.0.0.1:9/", "SMS__TOKEN": "none", "MAIL__HOST": "127.0.0.1"}
        environ = os.environ | {"GRIDWATCH_VAR": var, "PORT": str(port), "MAIL__SENDER": "office@example.org"}
        environ |= gateways  # which answer nothing: the ways are offered, and nobody is written to
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


def drawn(folder: Path) -> list[Path]:
    """Photos to choose from."""
    photos = []
    for number, scene in enumerate(("blocked_exit", "wires", "gas_cylinders", "scaffold")):
        assert scene in SCENES
        photos.append(folder / f"{scene}.jpg")
        photos[-1].write_bytes(picture(scene, 7000 + number))
    return photos


def main() -> None:
    """Take all pictures, or those of the parts named on the command line; 1 when a screen has a fault."""
    chosen = [part for part in PARTS if part.__name__ in sys.argv[1:]] or list(PARTS)
    OUT.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    url = os.environ.get("URL")
    with (
        tempfile.TemporaryDirectory() as folder,
        _given(url) if url else running() as home,
        sync_playwright() as playwright,
    ):
        gallery = Gallery(playwright, home, drawn(Path(folder)), OUT)
        try:
            for part in chosen:
                part(gallery)
        finally:
            gallery.close()
            for fault in gallery.faults:
                click.echo(fault, err=True)
    taken = [name for name in gallery.taken if not name.startswith("readme")]
    if len(chosen) == len(PARTS):
        for old in OUT.glob("*.png"):
            if old.stem not in gallery.taken:
                old.unlink()
        (OUT / "README.md").write_text(index(taken), encoding="utf-8")
    sys.exit(bool(gallery.faults))


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url.rstrip("/")


if __name__ == "__main__":
    main()
