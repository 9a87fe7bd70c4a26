"""What follows a report: more photos by the code without signal; a letter that the desk enters for somebody."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESK, NewBrowser
from tests.e2e.test_story import SOON, choose_files, find, install, sign_in

TEXT = "锅炉房的安全阀一直在漏气,晚上没有人值班"
LATER = "今天又去看了,安全阀还在漏"
BY_ITSELF = "管锅炉的人说下周才修"
LETTER = "来信人说,新华加油站的卸油口没有接静电线,卸油时有人抽烟"
expect.set_options(timeout=20_000)


def code_on(page: Page) -> str:
    code = "".join(re.findall(r"^[2-9A-Z]{4}$", page.locator("main").inner_text(), re.MULTILINE))
    assert len(code) == 20
    return code


def read_by_code(page: Page, code: str) -> None:
    page.get_by_test_id("progress").click()
    read_code(page, code)


def read_code(page: Page, code: str) -> None:
    page.get_by_test_id("code").fill(code)
    page.get_by_test_id("look").click()


def test_more_photos_without_signal_then_an_objection_to_the_answer(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    citizen = browser("citizen")
    page = install(citizen, f"{home}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill(TEXT)
    page.get_by_label("用文字说明地点").fill("县医院后院")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text(re.compile("已收到，编号"))).to_be_visible(timeout=SOON)
    code = code_on(page)
    page.get_by_role("button", name="我已记下").click()

    # Days later, in a place without signal: the code is taken, words and a photo wait on the phone.
    citizen.set_offline(True)
    read_by_code(page, code)
    later = page.get_by_test_id("later")
    later.get_by_test_id("message").fill(LATER)
    choose_files(later, "相册", [photos["gas_cylinders"]])
    expect(later.locator(".media-strip img")).to_have_count(1)
    later.get_by_test_id("send-message").click()
    expect(page.get_by_text("1 条待发")).to_be_visible()

    # Signal returns: it joins the report once, the letter of the typed code opens by itself, and the desk sees it.
    citizen.set_offline(False)
    expect(page.get_by_text("1 条待发")).to_be_hidden(timeout=SOON)
    letter = page.get_by_test_id("letter")
    expect(letter.get_by_text(LATER)).to_have_count(1, timeout=SOON)
    expect(letter.get_by_text("附了 1 个照片或视频")).to_be_visible()

    # Written into the open letter without signal: it appears there by itself once it was sent.
    citizen.set_offline(True)
    letter.get_by_test_id("message").fill(BY_ITSELF)
    letter.get_by_test_id("send-message").click()
    expect(page.get_by_text("1 条待发")).to_be_visible()
    expect(letter.get_by_text(BY_ITSELF)).to_have_count(0)
    citizen.set_offline(False)
    expect(letter.get_by_text(BY_ITSELF)).to_have_count(1, timeout=SOON)

    desk = sign_in(browser("desk", DESK), home, "desk")
    find(desk, "安全阀一直在漏气")
    report = desk.get_by_role("region", name="线索内容")
    expect(report.get_by_text(LATER)).to_be_visible()
    expect(report.locator(".conversation img")).to_have_count(1)

    # The desk refuses it. Whoever reported is not content, and another person looks again.
    case_id = desk.url.rpartition("/")[2].partition("?")[0]
    desk.goto(f"{home}/staff/cases/{case_id}")
    desk.get_by_role("button", name="不予受理").first.click()
    refusal = desk.get_by_role("dialog")
    refusal.get_by_role("button", name="没有明确对象或事实").click()
    refusal.get_by_label("具体说明").fill("没有说清是哪一台锅炉,请补充。")
    refusal.get_by_role("button", name="不予受理").click()
    expect(refusal).to_be_hidden()
    expect(desk.get_by_role("button", name=re.compile("撤销"))).to_be_hidden(timeout=SOON)
    expect(desk.locator(".undo .bar")).to_have_count(0, timeout=SOON)  # it has been sent
    page.reload()
    read_code(page, code)
    expect(page.get_by_test_id("reply")).to_contain_text("没有说清是哪一台锅炉")
    page.get_by_test_id("unsatisfied").click()
    page.get_by_test_id("reason").fill("后院只有一台锅炉,照片也发了")
    expect(page.get_by_test_id("objection")).to_be_checked()
    page.get_by_test_id("send-unsatisfied").click()
    expect(page.get_by_text("会由另一个人重新核查")).to_be_visible()

    desk.goto(f"{home}/staff/cases/{case_id}")
    expect(desk.locator(".history").get_by_text("后院只有一台锅炉")).to_be_visible()
    expect(desk.get_by_role("button", name="维持")).to_have_count(0)  # who refused does not judge
    leader = sign_in(browser("leader", DESK), home, "leader")
    leader.goto(f"{home}/staff/cases/{case_id}")
    leader.get_by_role("button", name=re.compile("维持")).first.click()
    verdict = leader.get_by_role("dialog")
    verdict.get_by_label("答复内容").fill("已重新看过:县医院锅炉由特种设备部门办理,已转告他们。")
    verdict.get_by_role("button", name=re.compile("维持")).click()
    expect(verdict).to_be_hidden()
    page.reload()
    read_code(page, code)
    expect(page.get_by_test_id("reply")).to_contain_text("已重新看过")


def test_the_desk_enters_a_letter_and_reads_the_code_out(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    office = browser("desk", DESK)
    desk = sign_in(office, home, "desk")
    desk.get_by_role("link", name="录入来信来电来访").click()
    desk.get_by_role("button", name="来信", exact=True).click()
    desk.get_by_label("反映的内容").fill(LETTER)
    desk.get_by_label("单位名称").fill("新华加油站")
    choose_files(desk, "从相册选", [photos["wires"]])  # the letter itself
    expect(desk.locator(".media-strip img")).to_have_count(1)
    desk.get_by_role("button", name="实名", exact=True).click()
    desk.get_by_label("姓名").fill("索南")
    desk.get_by_label("电话").fill("13909750000")
    office.set_offline(True)  # the line breaks while it is entered
    desk.get_by_test_id("enter").click()
    expect(desk.get_by_text("没有信号，已存在这台电脑里")).to_be_visible()
    code = code_on(desk)
    office.set_offline(False)
    expect(desk.get_by_test_id("arrival")).to_contain_text("已收到，编号", timeout=SOON)
    desk.get_by_test_id("told").click()
    expect(desk.get_by_test_id("told")).to_be_hidden()
    desk.goto(f"{home}/staff/outbox")
    expect(desk.get_by_text("看举报码")).to_be_hidden()

    # Whoever wrote reads where it stands with the code that they were told.
    page = browser("writer").pages[0]
    page.goto(f"{home}/tip/")
    read_by_code(page, code)
    expect(page.get_by_test_id("letter")).to_contain_text("收到")

    # The desk finds it with its channel; the name is nowhere.
    desk.goto(f"{home}/staff/desk/new")
    desk.locator(".pane.list").get_by_text(re.compile("卸油口没有接静电线")).first.click()
    report = desk.get_by_role("region", name="线索内容")
    expect(report.get_by_text(re.compile("来信，由.+录入"))).to_be_visible()
    assert "索南" not in desk.content()
