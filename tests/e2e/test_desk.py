"""The desk without a mouse: twenty reports worked through by keyboard alone, and what was decided arrives."""

import re
import time
import uuid
from collections import Counter
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from server.demo.county import PASSWORD
from tests.e2e.conftest import DESK, NewBrowser
from tests.e2e.test_story import SOON, sign_in
from tests.factories.phone import Phone, tip_body

WORDS = "键盘测试"
"""What the desk searches for: other tests' reports lie in the same queue."""
SENT = [
    "仓库安全出口被铁链锁住",
    "饭店后厨煤气罐漏气",
    "工地塔吊吊着钢筋从人头上过",
    "加油站卸油的时候有人抽烟",
    "幼儿园门口的配电箱冒火花",
    "面粉厂粉尘很大没有通风",
    "井下作业没有人测氧气",
    "客运车超员还把灭火器拆了",
    "屠宰场液氨管子结霜有味道",
    "楼道里停满充电的电动车",
    "化肥店里偷偷卖爆竹",
    "宾馆烟感报警器全被胶带缠上",
    "采石场放炮不拉警戒线",
    "电梯困人三次了没有检验标志",
    "锅炉房的安全阀坏了用铁丝绑着",
    "河边倒了好多桶废机油",
    "脚手架上的人不系安全带",
    "尾矿库坝上裂了一道口子",
]
"""Each another matter at another place."""
TWICE = {3: "我看见加油站里卸油，旁边就有人抽烟", 7: "那辆客运车又超员了，灭火器也拆掉了"}
"""Two of them once more, in other words and by somebody else: suggested, and a person decides."""
TWENTY = [*enumerate(SENT), *TWICE.items()]


class Office:
    """The server as the desk's own program would ask it, to compare with what the screens showed."""

    def __init__(self, home: str) -> None:
        self.client = httpx.Client(base_url=f"{home}/api/v1", timeout=60)
        answer = self.client.post("/auth/sign-in", json={"login": "desk", "password": PASSWORD}).json()
        self.client.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def found(self) -> dict[str, dict[str, Any]]:
        """The cases of this test by number; those that were merged have no words of their own any more."""
        rows = self.client.get(f"/desk/cases?limit=200&text={WORDS}").json()["items"]
        return {row["number"]: row for row in rows}

    def wait(self, **wanted: int) -> dict[str, dict[str, Any]]:
        """The cases once so many of them are in these states."""
        for _ in range(120):
            rows = self.found()
            states = Counter(row["state"] for row in rows.values())
            if all(states[state] == amount for state, amount in wanted.items()):
                return rows
            time.sleep(1)
        raise AssertionError(f"{states}, not {wanted}")

    def case(self, case_id: str) -> Any:
        return self.client.get(f"/cases/{case_id}").json()


class _Answer:
    """httpx with the names of Flask's test client."""

    def __init__(self, answer: httpx.Response) -> None:
        self.get_json = answer.json


class _Client:
    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str) -> _Answer:
        return _Answer(self.client.get(path))

    def put(self, path: str, data: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.client.put(path, content=data, headers=headers)


def send(home: str, office: Office) -> None:
    """Phones at eighteen places report, and the worker makes its proposals."""
    with httpx.Client(base_url=home, timeout=60) as client:
        phone = Phone(_Client(client))  # type: ignore[arg-type]
        for n, text in TWENTY:
            place = {"lat": 34.2 + n * 0.02, "lng": 99.6 + n * 0.02, "accuracy_m": 15, "source": "gps"}
            body = tip_body(text=WORDS + text, place=place, place_words=f"第{n}个院子")
            assert phone.put(uuid.uuid4(), phone.envelope(body)).status_code == 201
    for _ in range(60):
        cases = [office.case(row["id"]) for row in office.found().values()]
        suspected = [case for case in cases if case["suggestions"]]
        if len(cases) == 20 and len(suspected) >= 4 and all(case["proposed"] for case in cases):
            return
        time.sleep(2)
    raise AssertionError(f"{len(cases)} cases, {len(suspected)} of them suspected: the worker did not end")


def shown(page: Page) -> str:
    """The number of the case that is open."""
    return page.get_by_role("region", name="线索内容").locator(".head .soft").inner_text()


def tab_to(page: Page, words: str) -> None:
    """Tab until the focus is on the control with these words."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if words in page.evaluate(
            "() => (document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent ?? ''"
        ):
            return
    raise AssertionError(f"{words} is not reached by Tab")


def refuse(page: Page) -> None:
    """With its ground and a reason that the reporter reads."""
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    tab_to(page, "没有明确对象或事实")
    page.keyboard.press("Space")
    tab_to(page, "具体说明")
    page.keyboard.type("没有说清是哪里的院子")
    tab_to(page, "不予受理")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()


def give_to_another(page: Page) -> str:
    """Choose the next unit of the list, and accept from within the form; the unit's name."""
    page.keyboard.press("u")
    unit = page.get_by_label("责任单位", exact=True)
    expect(unit).to_be_focused()
    before = unit.locator("option:checked").inner_text()
    page.keyboard.press("ArrowDown")
    expect(unit.locator("option:checked")).not_to_have_text(before)
    chosen = unit.locator("option:checked").inner_text()
    page.keyboard.press("Control+Enter")
    return chosen


def test_twenty_reports_by_keyboard_alone(home: str, browser: NewBrowser) -> None:
    office = Office(home)
    send(home, office)
    context = browser("desk", DESK)
    desk = sign_in(context, home, "desk")
    accept = desk.get_by_role("button", name=re.compile("受理，报签批"))
    content = desk.get_by_role("region", name="线索内容")
    press = desk.keyboard.press
    expect(desk.locator(".pane.list .row").first).to_be_visible(timeout=SOON)

    # Search; the address bar has it, and a colleague's tab could be given it.
    press("/")
    desk.keyboard.type(WORDS)
    press("Enter")
    expect(desk).to_have_url(re.compile("text="))
    expect(accept).to_be_visible(timeout=SOON)
    press("?")
    expect(desk.get_by_role("dialog")).to_contain_text("撤销刚才那一步")
    press("Escape")
    expect(desk.get_by_role("dialog")).to_be_hidden()

    # To the next and back.
    first = shown(desk)
    press("j")
    expect(content.get_by_text(first)).to_have_count(0)
    press("k")
    expect(content.get_by_text(first)).to_be_visible()

    # What was just done is taken back.
    press("a")
    expect(desk.get_by_text(re.compile("撤销（"))).to_be_visible()
    expect(content.get_by_text(first)).to_have_count(0)
    press("z")
    expect(desk.get_by_text(re.compile("撤销（"))).to_be_hidden()
    expect(content.get_by_text(first)).to_be_visible()

    did: dict[str, str] = {}
    unit = ""
    for turn in range(20):
        expect(accept).to_be_visible(timeout=SOON)
        number = shown(desk)
        assert number not in did
        suspicions = desk.locator(".suggestion")
        if suspicions.count() and TWICE[7] in suspicions.first.inner_text():
            press("s")
            did[number] = "same"
        elif suspicions.count():
            while left := suspicions.count():
                press("d")
                expect(suspicions).to_have_count(left - 1)
            press("a")
            did[number] = "different"
        elif turn % 5 == 4:
            refuse(desk)
            did[number] = "refused"
        elif not unit:
            unit = give_to_another(desk)
            did[number] = "routed"
        else:
            press("a")
            did[number] = "accepted"
        expect(content.get_by_text(number)).to_have_count(0, timeout=SOON)
        if turn == 9:
            # The tab is closed while the last steps wait for their ten seconds: they are sent on its way out.
            query = desk.url.partition("?")[2]
            elsewhere = context.new_page()
            desk.close()
            office.wait(registered=10)
            desk, press = elsewhere, elsewhere.keyboard.press
            desk.goto(f"{home}/staff/desk/new?{query}")
            accept = desk.get_by_role("button", name=re.compile("受理，报签批"))
            content = desk.get_by_role("region", name="线索内容")
            expect(desk.locator(".pane.list .row")).to_have_count(10, timeout=SOON)
    expect(desk.get_by_text("没有符合的")).to_be_visible(timeout=SOON)

    # The whole browser ends: nothing is sent on the way out, and the next start sends what waits.
    context.close()
    again = browser("desk", DESK).pages[0]
    again.goto(f"{home}/staff/")
    rows = office.wait(registered=0)
    states = {number: row["state"] for number, row in rows.items()}
    to_state = {"refused": "refused", "accepted": "to_sign", "routed": "to_sign", "different": "to_sign"}
    assert states == {number: to_state[what] for number, what in did.items() if what != "same"}
    by_what = {what: number for number, what in did.items()}
    assert by_what.keys() == {"accepted", "different", "refused", "routed", "same"}
    assert rows[by_what["routed"]]["unit_name"] == unit
    pages = [office.case(row["id"]) for row in rows.values()]
    # Two that are one matter lie in one case; the two that are not know that they were compared.
    assert sorted(len(page["reports"]) for page in pages) == [1] * 18 + [2]
    judged = [one["judged"] for page in pages for one in page["suggestions"]]
    assert len(judged) >= 2
    assert set(judged) == {"different"}

    # What was refused is filed: one taken back, then all of them.
    refused = sorted(number for number, what in did.items() if what == "refused")
    again.goto(f"{home}/staff/desk/to_archive?text={WORDS}")
    content = again.get_by_role("region", name="线索内容")
    for turn, _ in enumerate([*refused, ""]):
        expect(content.locator(".head .soft")).to_be_visible(timeout=SOON)
        number = shown(again)
        assert number in refused
        again.keyboard.press("e")
        expect(content.get_by_text(number)).to_have_count(0)
        if turn == 0:
            again.keyboard.press("z")
            expect(content.get_by_text(number)).to_be_visible()
    expect(again.get_by_text("没有符合的")).to_be_visible(timeout=SOON)
    archived = office.wait(refused=0, archived=len(refused))
    assert sorted(number for number, row in archived.items() if row["state"] == "archived") == refused
