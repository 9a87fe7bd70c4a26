"""Every main screen of both apps by the rules of axe-core: no violation of any impact, in each theme once."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import DESK, NewBrowser
from tests.e2e.test_story import SOON, choose_files, install, sign_in

TEXT = "加油站旁边有人抽烟，油罐车正在卸油。"
AXE = Path(__file__).parents[2] / "pwa/node_modules/axe-core/axe.min.js"
OPTIONS = {"resultTypes": ["violations"]}


def watched(context: BrowserContext) -> BrowserContext:
    """Axe comes with every page; the content security policy lets no script in that is added later."""
    context.add_init_script(AXE.read_text(encoding="utf-8"))
    return context


def check(page: Page, screen: str) -> None:
    page.wait_for_timeout(300)  # a sheet that still fades in has no contrast yet
    found: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(document, options).then((r) => r.violations)", OPTIONS
    )
    said = [
        f"{screen}: {one['id']} ({one['impact']}) {one['help']}\n    "
        + "\n    ".join(
            f"{node['target']} {node['any'][0]['message'] if node['any'] else ''}"
            for node in one["nodes"][:5]
        )
        for one in found
    ]
    if said:
        pytest.fail("\n".join(said))


def dress(page: Page, theme: str) -> None:
    page.evaluate("(theme) => localStorage.setItem('gridwatch.appearance', JSON.stringify({ theme }))", theme)
    page.reload()


def test_no_screen_of_either_app_breaks_a_rule_of_accessibility(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    # The public app, up to an arrived report.
    page = install(watched(browser("citizen")), f"{home}/tip/")
    for theme in ("dark", "sun", "light"):
        dress(page, theme)
        expect(page.get_by_test_id("report")).to_be_visible()
        check(page, f"home {theme}")
    for path in ("settings", "protection", "outbox", "progress"):
        page.goto(f"{home}/tip/{path}")
        expect(page.get_by_role("heading").first).to_be_visible()
        check(page, path)
    page.get_by_test_id("code").fill("ABC")
    page.get_by_test_id("look").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "progress, wrong code")
    page.goto(f"{home}/tip/report")
    check(page, "report, empty")
    choose_files(page, "相册", [photos["gas_cylinders"]])
    expect(page.get_by_text("已定位")).to_be_visible()
    expect(page.locator(".map .leaflet-interactive").first).to_be_attached()
    page.get_by_text("实名", exact=True).click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    check(page, "report, with faults")
    page.get_by_text("匿名", exact=True).click()
    page.get_by_label("说一句就行").fill(TEXT)
    page.get_by_test_id("submit").click()
    expect(page.get_by_text(re.compile("已收到，编号"))).to_be_visible(timeout=SOON)
    check(page, "sent")
    code = "".join(re.findall(r"^[2-9A-Z]{4}$", page.locator("main").inner_text(), re.MULTILINE))
    page.goto(f"{home}/tip/progress")
    page.get_by_test_id("code").fill(code)
    page.get_by_test_id("look").click()
    expect(page.get_by_test_id("letter")).to_be_visible()
    check(page, "progress, letter")

    # The desk.
    desk = sign_in(watched(browser("desk", DESK)), home, "desk")
    desk.locator(".pane.list").get_by_text("油罐车").first.click()
    expect(desk.get_by_role("region", name="线索内容").get_by_text(TEXT)).to_be_visible()
    for theme in ("dark", "sun", "light"):
        dress(desk, theme)
        expect(desk.get_by_role("region", name="线索内容").get_by_text(TEXT)).to_be_visible()
        expect(desk.get_by_role("button", name="受理，报签批")).to_be_visible()
        check(desk, f"desk {theme}")
    desk.get_by_role("button", name="不予受理").click()
    expect(desk.get_by_role("dialog")).to_be_visible()
    check(desk, "desk, refusing")
    desk.keyboard.press("Escape")
    desk.get_by_label("标题").fill("加油站内吸烟")
    desk.get_by_label("要办的事").fill("请核查加油站卸油作业时是否有人吸烟，并督促整改。")
    desk.get_by_role("button", name="重大").click()
    desk.get_by_role("link", name="整个案件").click()
    expect(desk.locator("h2.title")).to_be_visible()
    check(desk, "case")
    desk.go_back()
    unit = desk.get_by_label("责任单位", exact=True)
    expect(unit).to_be_visible()
    unit.select_option(label="县消防救援大队")
    desk.get_by_role("button", name="受理，报签批").click()
    expect(desk.locator(".pane.list").get_by_text("油罐车")).to_be_hidden()

    # The leader, the unit and the inspector on phones.
    leader = sign_in(watched(browser("leader")), home, "leader")
    # What the desk accepted can be taken back for ten seconds.
    expect(leader.get_by_role("button", name="签批").first).to_be_visible(timeout=SOON)
    check(leader, "to sign")
    leader.get_by_role("button", name="签批").first.click()
    expect(leader.get_by_text("都处理完了")).to_be_visible()
    handler = sign_in(watched(browser("unit")), home, "fire")
    case = handler.get_by_role("link", name=re.compile("加油站内吸烟"))
    expect(case).to_be_visible(timeout=SOON)
    check(handler, "inbox")
    case.click()
    expect(handler.get_by_role("button", name="签收")).to_be_visible()
    check(handler, "case of the unit")
    inspector = sign_in(watched(browser("inspector")), home, "inspector")
    expect(inspector.locator(".stop").first).to_be_visible(timeout=SOON)
    check(inspector, "today")
    inspector.locator(".stop").first.click()
    inspector.get_by_role("button", name="不符合").first.click()
    check(inspector, "visit")
    inspector.get_by_role("button", name="发现隐患").click()
    expect(inspector.get_by_role("button", name="记好了")).to_be_visible()
    check(inspector, "hazard")
    for path in ("outbox", "me"):
        inspector.goto(f"{home}/staff/{path}")
        expect(inspector.get_by_role("heading").first).to_be_visible()
        check(inspector, path)
    stranger = install(watched(browser("stranger")), f"{home}/staff/")
    expect(stranger.get_by_role("button", name="登录")).to_be_visible()
    check(stranger, "sign-in")
