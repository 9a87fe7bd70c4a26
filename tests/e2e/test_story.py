"""The main job: from a phone without signal to an answered reporter, on real parts, with the network really cut."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from server.demo.county import PASSWORD
from tests.e2e.conftest import DESK, NewBrowser

TEXT = "二楼安全出口被铁链锁住,门口堆着纸箱,里面有很多人"
MATTER = "请核查该商场二楼安全出口是否被锁闭、堵塞,并督促整改。"
SOON = 60_000
expect.set_options(timeout=20_000)


def install(context: BrowserContext, address: str) -> Page:
    """Open an app and wait until its service worker has all that it needs without signal."""
    page = context.pages[0]
    page.goto(address)
    page.wait_for_function(
        "navigator.serviceWorker.ready.then((ready) => ready.active.state === 'activated')"
    )
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    return page


def sign_in(context: BrowserContext, home: str, login: str) -> Page:
    page = install(context, f"{home}/staff/")
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_label("账号")).to_be_hidden()  # the button says something else meanwhile
    return page


def choose_files(within: Page | Locator, button: str, files: list[Path]) -> None:
    page = within if isinstance(within, Page) else within.page
    with page.expect_file_chooser() as chooser:
        within.get_by_role("button", name=button).first.click()
    chooser.value.set_files(files)


def find(desk: Page, words: str) -> None:
    """Open what says this, of what is new: searched, as only the rows in sight are drawn; what comes later appears."""
    desk.get_by_role("link", name=re.compile("新到")).click()
    desk.keyboard.press("/")
    desk.keyboard.type(words)
    desk.keyboard.press("Enter")
    desk.locator(".pane.list").get_by_text(words).first.click(timeout=SOON)


def sign(pad: Locator) -> None:
    """Draw something with the finger."""
    box = pad.bounding_box()
    assert box is not None
    mouse = pad.page.mouse
    mouse.move(box["x"] + 20, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + 120, box["y"] + 60, steps=5)
    mouse.move(box["x"] + 40, box["y"] + 70, steps=5)
    mouse.up()


def test_from_a_phone_without_signal_to_an_answered_reporter(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    # A citizen opens the address once, and then there is no signal any more.
    citizen = browser("citizen")
    page = install(citizen, f"{home}/")
    assert page.url == f"{home}/tip/"
    citizen.set_offline(True)
    page.reload()
    page.get_by_text("拍一拍，举报隐患").click()
    choose_files(page, "相册", [photos["blocked_exit"], photos["wires"]])
    page.get_by_label("说一句就行").fill(TEXT)
    page.get_by_label("单位名称").fill("雪域购物中心")
    expect(page.get_by_text("已定位")).to_be_visible()
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("没有信号也算数")).to_be_visible()
    code = "".join(re.findall(r"^[2-9A-Z]{4}$", page.locator("main").inner_text(), re.MULTILINE))
    assert len(code) == 20

    # The browser is killed while nothing was sent yet: the outbox still has it, and the code stays.
    citizen.close()
    citizen = browser("citizen")
    citizen.set_offline(True)
    page = citizen.pages[0]
    page.goto(f"{home}/tip/")
    page.get_by_text("有一个举报码还没记下").click()
    expect(page.get_by_text(code[:4])).to_be_visible()

    # Signal returns: it arrives without anybody doing anything.
    citizen.set_offline(False)
    expect(page.get_by_text(re.compile("已收到，编号 632621-2026-T"))).to_be_visible(timeout=SOON)
    expect(page.get_by_text("照片、视频和文字都到了")).to_be_visible(timeout=SOON)
    number = re.search(r"632621-2026-T\d+", page.locator("main").inner_text())
    assert number is not None
    page.get_by_role("button", name="我已记下").click()

    # The desk sees it with pictures, a proposed unit and reasons, and accepts it.
    desk = sign_in(browser("desk", DESK), home, "desk")
    find(desk, "二楼安全出口")
    expect(desk.get_by_role("region", name="线索内容").get_by_text(TEXT)).to_be_visible()
    expect(desk.get_by_label("行业领域").locator("option:checked")).to_have_text(re.compile("消防"))
    expect(desk.get_by_label("责任单位").locator("option:checked")).to_have_text("县消防救援大队")
    desk.get_by_label("标题").fill("商场安全出口锁闭")
    desk.get_by_label("要办的事").fill(MATTER)
    desk.get_by_role("button", name="较大").click()
    desk.get_by_role("button", name="受理，报签批").click()
    expect(desk.locator(".pane.list").get_by_text("二楼安全出口")).to_be_hidden()

    # The leader signs.
    leader = sign_in(browser("leader"), home, "leader")
    expect(leader.get_by_text(MATTER)).to_be_visible(timeout=SOON)
    leader.get_by_role("article").filter(has_text=MATTER).get_by_role("button", name="签批").click()
    expect(leader.get_by_text(MATTER)).to_be_hidden()

    # The unit reads the matter, never the reporter's words; signs for it and works offline in a basement.
    unit_browser = browser("unit")
    unit = sign_in(unit_browser, home, "fire")
    unit.get_by_role("link", name=re.compile("商场安全出口锁闭")).click(timeout=SOON)
    expect(unit.get_by_text(MATTER).first).to_be_visible()
    assert TEXT not in unit.content()
    unit.get_by_role("button", name="签收").click()
    unit.get_by_role("dialog").get_by_role("button", name="签收").click()
    expect(unit.get_by_role("button", name="登记核查结果")).to_be_visible()
    unit_browser.set_offline(True)
    unit.get_by_role("button", name="登记核查结果").click()
    form = unit.get_by_role("dialog")
    form.get_by_role("button", name="属实", exact=True).click()
    form.get_by_label("核查经过").fill("两人到现场,二楼出口上锁、堆物,情况属实。")
    form.get_by_label("第 1 人姓名").fill("马建军")
    form.get_by_label("第 2 人姓名").fill("李文华")
    choose_files(form, "从相册选", [photos["pit"]])
    form.get_by_role("button", name="提交核查结果").click()
    expect(unit.get_by_text("有信号会自动发出").first).to_be_visible()
    unit_browser.set_offline(False)
    # 五落实: who, what, how much, until when, and what if.
    expect(unit.get_by_role("button", name="定整改方案")).to_be_visible(timeout=SOON)
    unit.get_by_role("button", name="定整改方案").click()
    form.get_by_label("整改责任人").fill("才旦")
    form.get_by_label("整改措施").fill("拆除铁链,清理纸箱,张贴标识。")
    form.get_by_label("整改资金").fill("300.5")
    form.get_by_label("期限").fill(form.get_by_label("期限").get_attribute("max") or "")
    form.get_by_label("应急预案").fill("整改期间专人看守出口。")
    form.get_by_role("button", name="提交方案").click()
    expect(unit.get_by_role("button", name="登记整改情况")).to_be_visible(timeout=SOON)
    expect(unit.get_by_text("300.50")).to_be_visible()
    unit.get_by_role("button", name="登记整改情况").click()
    form.get_by_label("整改完成情况").fill("已拆除铁链,清理纸箱,张贴标识。")
    form.get_by_label("责任人签字").fill("才旦")
    sign(form.get_by_role("img", name="在这里签字"))
    choose_files(form, "从相册选", [photos["scaffold"]])
    form.get_by_role("button", name="提交整改情况").click()
    expect(unit.get_by_text("待复查").first).to_be_visible(timeout=SOON)

    # Somebody else re-checks: the inspector of the grid.
    inspector_browser = browser("inspector")
    inspector = sign_in(inspector_browser, home, "inspector")
    inspector.get_by_role("link", name=re.compile("商场安全出口锁闭")).click()
    inspector.get_by_role("button", name="复查合格").first.click()
    recheck = inspector.get_by_role("dialog")
    recheck.get_by_label("核查经过").fill("现场复查,出口畅通。")
    recheck.get_by_role("button", name="提交：合格").click()
    expect(inspector.get_by_role("dialog")).to_be_hidden()

    # It is struck off the list, and the unit replies.
    unit.get_by_role("button", name="销号").click(timeout=SOON)
    form.get_by_role("button", name="销号").click()
    expect(unit.get_by_role("button", name="答复举报人")).to_be_visible(timeout=SOON)
    unit.get_by_role("button", name="答复举报人").click()
    form.get_by_label("答复内容").fill("您反映的安全出口问题属实,铁链已拆除,通道已清理。谢谢您。")
    form.get_by_role("group", name="是否符合奖励条件").get_by_role("button", name="符合", exact=True).click()
    form.get_by_role("button", name="发出答复").click()
    expect(unit.get_by_role("dialog")).to_be_hidden()

    # The citizen reads it with the code on another phone, and answers.
    other = browser("another phone").pages[0]
    other.goto(f"{home}/tip/")
    other.get_by_text("凭码查进度").click()
    other.get_by_test_id("code").fill(code.lower())
    other.get_by_test_id("look").click()
    expect(other.get_by_test_id("reply")).to_contain_text("铁链已拆除")
    expect(other.get_by_test_id("letter")).to_contain_text(number[0])
    other.get_by_test_id("message").fill("谢谢,我去看过了,确实开了。")
    other.get_by_test_id("send-message").click()
    expect(other.get_by_text("确实开了")).to_be_visible()
    other.get_by_test_id("satisfied").click()
    expect(other.get_by_text("您说满意")).to_be_visible()


def test_an_inspector_walks_offline_and_the_hazard_joins_the_same_desk(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    phone = browser("inspector")
    page = sign_in(phone, home, "inspector2")
    expect(page.locator(".stop").first).to_be_visible(timeout=SOON)
    phone.set_offline(True)
    page.reload()
    page.locator(".stop").first.click()
    page.get_by_role("button", name="不符合").first.click()
    page.get_by_role("button", name="发现隐患").click()
    choose_files(page, "从相册选", [photos["gas_cylinders"]])
    page.get_by_label("一句话说明").fill("气瓶与灶台没有隔开")
    page.get_by_role("button", name="重大隐患").click()
    page.get_by_role("button", name="7 天内").click()
    page.get_by_role("button", name="记好了").click()
    expect(page.locator(".item").first).to_be_visible()
    for item in page.locator(".item").all()[1:]:
        item.get_by_role("button", name="符合", exact=True).click()

    expect(page.get_by_role("link", name="结束检查")).to_be_visible()
    page.wait_for_timeout(1000)

    # The phone dies in the middle: what was answered is still there.
    phone.close()
    phone = browser("inspector")
    phone.set_offline(True)
    page = phone.pages[0]
    page.goto(f"{home}/staff/")
    page.locator(".stop").first.click()
    page.get_by_role("link", name="结束检查").click()
    expect(page.get_by_text("气瓶与灶台没有隔开")).to_be_visible()
    page.get_by_label("检查人").fill("多杰")
    page.get_by_role("button", name="提交检查").click()
    expect(page.get_by_text("有信号会自动发出").first).to_be_visible()
    phone.set_offline(False)

    desk = sign_in(browser("desk", DESK), home, "desk")
    find(desk, "气瓶与灶台没有隔开")
    expect(
        desk.get_by_role("region", name="线索内容").get_by_text("气瓶与灶台没有隔开").first
    ).to_be_visible()
    if page.get_by_role("button", name="登录").count():
        pytest.fail("the inspector was signed out by the cut")


def test_a_file_mended_without_signal_meets_another_change(home: str, browser: NewBrowser) -> None:
    phone = browser("inspector")
    page = sign_in(phone, home, "inspector2")
    page.locator(".stop").first.click(timeout=SOON)
    page.locator(".who").click()
    expect(page.get_by_role("link", name="更正档案")).to_be_visible()
    address = page.url
    phone.set_offline(True)
    page.get_by_role("link", name="更正档案").click()
    page.get_by_label("负责人电话").fill("13900000001")
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已存好，正等着发出")).to_be_visible()

    # Meanwhile another phone mends the same field.
    other = sign_in(browser("another phone"), home, "inspector2")
    expect(other.locator(".stop").first).to_be_visible(timeout=SOON)
    other.goto(f"{address}/edit")
    other.get_by_label("负责人电话").fill("13900000002")
    other.get_by_role("button", name="提交更正").click()
    expect(other.get_by_role("link", name=re.compile("打电话给"))).to_have_attribute(
        "href", "tel:13900000002", timeout=SOON
    )
    phone.set_offline(False)

    desk = sign_in(browser("desk", DESK), home, "desk")
    desk.goto(f"{home}/staff/conflicts")
    choice = desk.get_by_role("article").filter(has_text="13900000001")
    for _ in range(15):
        if choice.count():
            break
        desk.wait_for_timeout(2000)
        desk.reload()
    expect(choice).to_contain_text("13900000002")
    choice.get_by_role("button", name="改成新写的").click()
    expect(choice).to_be_hidden()
    call = page.get_by_role("link", name=re.compile("打电话给"))
    expect(call).to_have_attribute("href", "tel:13900000001", timeout=2 * SOON)
