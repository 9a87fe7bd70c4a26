"""The county's own rules, changed by clicking: what was saved is there for whoever looks next."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from server.core.calendar import day_of
from tests.e2e.conftest import DESK, NewBrowser
from tests.e2e.test_story import sign_in


def test_an_administrator_saves_a_year_and_what_mistakes_cost(home: str, browser: NewBrowser) -> None:
    page = sign_in(browser("admin", DESK), home, "admin")
    year = day_of(datetime.now(UTC)).year + 3
    asked = page.get_by_role("dialog")

    # A year that nobody has told yet: New Year's Day is off, and one day more.
    page.goto(f"{home}/staff/calendar")
    for coming in range(year - 2, year + 1):
        page.get_by_role("button", name="下一年").click()
        expect(page.get_by_role("heading", name=f"{coming} 年")).to_be_visible()
    page.get_by_role("button", name="录入这一年").click()
    october = page.locator("table").nth(9)
    october.get_by_role("button", name="1", exact=True).click()
    asked.get_by_role("button", name="放假").click()
    asked.get_by_label("名称").fill("国庆节")
    asked.get_by_role("button", name="好", exact=True).click()
    page.get_by_role("button", name="存下 2 处改动").click()
    expect(asked).to_contain_text("国庆节")
    asked.get_by_role("button", name="确认存下").click()
    expect(asked).to_be_hidden()

    # A file with faults: told by row and column, and nothing of it is kept.
    page.locator("input[type=file]").set_input_files(
        {
            "name": "日历.csv",
            "mimeType": "text/csv",
            "buffer": f"日期,上班\n{year}-01-01,放假\n{year}年5月1日,放假\n{year}-05-02,也许\n".encode(),
        }
    )
    told = page.get_by_role("alert").get_by_role("listitem")
    expect(told).to_have_text(
        [
            f"第 3 行：“日期”要写成 2026-10-01 这样的日期，现在是 “{year}年5月1日”",
            "第 4 行：“上班”要写“是”或“否”，现在是 “也许”",
        ]
    )
    page.reload()
    for coming in range(year - 2, year + 1):
        page.get_by_role("button", name="下一年").click()
        expect(page.get_by_role("heading", name=f"{coming} 年")).to_be_visible()
    expect(october.get_by_text("国庆节")).to_be_attached()
    expect(page.locator("button.day.off")).to_have_count(2)

    # What mistakes cost in one town, and back to what the county says.
    page.goto(f"{home}/staff/triage-costs")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="给一个区域另定").click()
    asked.get_by_label("区域").select_option(index=2)
    town = asked.get_by_label("区域").locator("option:checked").inner_text()
    asked.get_by_label("系统并错一件").fill("77")
    asked.get_by_role("button", name="存好", exact=True).click()
    expect(asked).to_be_hidden()
    page.reload()
    own = page.get_by_role("article").filter(has=page.get_by_role("heading", name=town, exact=True))
    expect(own).to_contain_text("77")
    own.get_by_role("button", name="修改").click()
    asked.get_by_role("button", name="不另定了，随上级").click()
    asked.get_by_role("button", name="确认不另定").click()
    expect(own).to_have_count(0)
