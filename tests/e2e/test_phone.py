"""What a phone does with wrong input, with a tab that dies, and with what it is not allowed to know."""

import base64
import json
import re
import socket
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewBrowser
from tests.e2e.test_story import choose_files, install
from tests.factories.phone import digest_header

NORTH_POLE = {"latitude": 90.0, "longitude": 0.0, "accuracy": 10.0}


@pytest.fixture
def form(home: str, browser: NewBrowser) -> Page:
    """The report page, without photos."""
    page = install(browser("citizen"), f"{home}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_text("没有照片，直接写").click()
    return page


def test_an_empty_report_is_told_what_is_missing(form: Page) -> None:
    form.get_by_test_id("submit").click()
    expect(form.get_by_text("还没有内容。拍一张照片，或者写一句话。")).to_be_visible()
    assert "/sent/" not in form.url


def test_a_name_of_200_characters_is_told_at_the_field(form: Page) -> None:
    form.get_by_label("说一句就行").fill("后门锁着")
    form.get_by_label("单位名称").fill("长" * 200)
    form.get_by_test_id("submit").click()
    expect(form.get_by_text("单位名称写了 200 个字")).to_be_visible()


def test_a_place_at_the_north_pole_is_told_and_can_be_dropped(home: str, browser: NewBrowser) -> None:
    context = browser("citizen")
    context.set_geolocation(NORTH_POLE)  # type: ignore[arg-type]
    page = install(context, f"{home}/tip/")
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill("后门锁着")
    expect(page.get_by_text("已定位")).to_be_visible()
    page.get_by_test_id("submit").click()
    expect(page.get_by_text(re.compile("太远了"))).to_be_visible()
    page.get_by_role("button", name="不用这个位置").click()
    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("您的举报码").first).to_be_visible()


def test_a_photo_of_300_megabytes_is_told_with_its_size(form: Page, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.write(b"\xff\xd8\xff\xe0")
        file.truncate(300 * 1024 * 1024)
    choose_files(form, "相册", [huge])
    expect(form.get_by_text(re.compile("太大了。一个照片最大"))).to_be_visible()


def test_a_draft_survives_a_browser_that_is_killed(
    home: str, browser: NewBrowser, photos: dict[str, Path]
) -> None:
    context = browser("citizen")
    page = install(context, f"{home}/tip/")
    context.set_offline(True)
    page.get_by_text("拍一拍，举报隐患").click()
    choose_files(page, "相册", [photos["boiler"]])
    page.get_by_label("说一句就行").fill("锅炉漏气")
    expect(page.get_by_role("button", name=re.compile("删除第 1"))).to_be_visible()
    page.wait_for_timeout(400)
    context.close()
    context = browser("citizen")
    context.set_offline(True)
    page = context.pages[0]
    page.goto(f"{home}/tip/")
    page.get_by_text("接着写没写完的举报").click()
    expect(page.get_by_label("说一句就行")).to_have_value("锅炉漏气")
    expect(page.get_by_role("button", name=re.compile("删除第 1"))).to_be_visible()


REFUSE = """async () => {
  const envelope = new TextEncoder().encode('{"v": 1}').buffer;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', envelope));
  const digest = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const database = await new Promise((done) => {
    const opening = indexedDB.open('gridwatch-tip');
    opening.onsuccess = () => done(opening.result);
  });
  const items = database.transaction('items', 'readwrite').objectStore('items');
  await new Promise((done) => {
    items.getAll().onsuccess = (event) => {
      items.put({ ...event.target.result[0], envelope, digest });
      items.transaction.oncomplete = done;
    };
  });
  database.close();
}"""
"""Puts an envelope in the place of the waiting one that no server can take."""


def test_a_refused_report_can_be_changed_and_sent_again_where_a_copy_was_kept(
    home: str, browser: NewBrowser
) -> None:
    context = browser("citizen")
    page = install(context, f"{home}/tip/")
    page.goto(f"{home}/tip/settings")
    page.get_by_label("提交后留一份能看的底稿").check()
    context.set_offline(True)
    page.goto(f"{home}/tip/report")
    page.get_by_text("没有照片，直接写").click()
    page.get_by_label("说一句就行").fill("锅炉漏气")
    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("您的举报码").first).to_be_visible()
    page.evaluate(REFUSE)
    page.goto(f"{home}/tip/outbox")
    context.set_offline(False)
    expect(page.get_by_text("没有被收下").first).to_be_visible(timeout=60_000)
    for words in ("原样再发一次", "导出到文件", "清除这条记录"):
        expect(page.get_by_role("button", name=words)).to_be_visible()
    page.get_by_role("button", name="改一改再发").click()
    expect(page.get_by_label("说一句就行")).to_have_value("锅炉漏气")
    page.get_by_label("说一句就行").fill("锅炉漏气，很响")
    page.get_by_test_id("submit").click()
    expect(page.get_by_text("您的举报码").first).to_be_visible()
    page.goto(f"{home}/tip/outbox")
    expect(page.get_by_text("全部收到")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("outbox-item")).to_have_count(1)


def test_the_public_app_holds_no_staff_code(repository: Path, home: str) -> None:
    built = repository / "pwa" / "dist" / "tip"
    told = "".join(path.read_text() for path in built.rglob("*.js"))
    assert "/api/v1/submissions" in told or "/submissions" in told
    for secret in ("/desk/", "/auth/", "/cases/", "待签批", "责任单位经办人"):
        assert secret not in told


def test_a_body_that_is_cut_short_is_not_taken(home: str) -> None:
    """Under gunicorn a view reads a truncated body without an error."""
    where = urlsplit(home)
    path = f"/api/v1/submissions/{uuid.uuid4()}"
    raw = json.dumps({"v": 1, "kind": "tip", "body": "x" * 5000}).encode()
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Digest: {digest_header(raw)}\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.encode() + raw[:1000])
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    assert b" 201 " not in answer
    verdict = httpx.get(f"{home}{path}").json()
    assert verdict["payload"]
    assert json.loads(base64.b64decode(verdict["payload"]))["state"] == "unknown"


def test_every_answer_is_closed_to_others_and_tells_no_address(home: str) -> None:
    for path in ("/tip/", "/staff/", "/api/v1/keys", "/tip/sw.js", "/healthz"):
        headers = httpx.get(home + path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    for path in ("/tip/", "/api/v1/keys", "/api/v1/public/county"):
        assert "set-cookie" not in httpx.get(home + path).headers
