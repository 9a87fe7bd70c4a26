"""Papers of a case: set for real, and read back as text."""

import io
import re
import uuid
import zipfile
from collections.abc import Callable

import pypdf
import pytest
from flask.testing import FlaskClient

from server.cases.models import Case
from server.cases.rules import Step
from tests.factories.county import GOOD, MATTER, SECRET_WORDS, County

SignedIn = Callable[[str], dict[str, str]]
MARKUP = "#panic() $x$ *粗* _斜_ <b>&amp; {{ 7 * 7 }} \\ “引号”"


def text_of(pdf: bytes) -> str:
    """All words of a PDF, without the blanks that setting put between them."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def bare(words: str) -> str:
    return re.sub(r"\s+", "", words)


@pytest.fixture
def case(office: County) -> Case:
    """A case that is being rectified, with a letter about it."""
    report = office.report()
    case = office.case("rectifying", report)
    office.step(case, Step.ISSUE_LETTER, "leader", demand=GOOD["demand"] + MARKUP, deadline="2026-12-20")
    office.session.commit()
    return case


def letter_of(client: FlaskClient, case: Case, headers: dict[str, str]) -> str:
    history = client.get(f"/api/v1/cases/{case.id}", headers=headers).json["history"]
    return str(next(event["id"] for event in history if event["step"] == "issue_letter"))


@pytest.mark.parametrize("login", ["desk", "fire1"])
def test_a_letter_is_numbered_and_says_until_when(
    client: FlaskClient, signed_in: SignedIn, case: Case, login: str
) -> None:
    headers = signed_in(login)
    url = f"/api/v1/cases/{case.id}/letters/{letter_of(client, case, headers)}"
    pdf = client.get(f"{url}.pdf", headers=headers)
    assert (pdf.status_code, pdf.content_type) == (200, "application/pdf")
    words = text_of(pdf.data)
    for part in ("督办函〔2026〕1号", "单位fire", "2026年12月20日", "人员leader", bare(MATTER), bare(MARKUP)):
        assert part in words, part
    docx = client.get(f"{url}.docx", headers=headers)
    assert docx.status_code == 200
    body = zipfile.ZipFile(io.BytesIO(docx.data)).read("word/document.xml").decode()
    for part in (
        "督办函〔2026〕1号",
        "单位 fire",
        "2026年12月20日",
        "{{ 7 * 7 }} \\ “引号”",
        "&lt;b&gt;&amp;amp;",
    ):
        assert part in body, part


def test_the_second_letter_of_a_year_is_number_two(
    client: FlaskClient, signed_in: SignedIn, office: County, case: Case
) -> None:
    other = office.case("transferred")
    office.step(other, Step.ISSUE_LETTER, "leader", demand=GOOD["demand"], deadline="2026-12-20")
    office.session.commit()
    headers = signed_in("leader")
    url = f"/api/v1/cases/{other.id}/letters/{letter_of(client, other, headers)}.pdf"
    assert "督办函〔2026〕2号" in text_of(client.get(url, headers=headers).data)


def test_the_history_says_who_did_what_and_how_long_it_lay_with_whom(
    client: FlaskClient, signed_in: SignedIn, case: Case
) -> None:
    answer = client.get(f"/api/v1/cases/{case.id}/history.pdf", headers=signed_in("desk"))
    words = text_of(answer.data)
    for part in (
        "收到登记",
        "已受理",
        "人员desk",
        "已核查",
        "才让、卓玛",
        "1200.00",
        "待核查",
        "1小时",
        "单位fire",
        "至今",
    ):
        assert part in words, part


def test_a_signature_that_was_drawn_is_drawn_again(
    client: FlaskClient, signed_in: SignedIn, office: County, case: Case
) -> None:
    url = f"/api/v1/cases/{case.id}/history.pdf"
    before = client.get(url, headers=signed_in("desk")).data
    office.step(case, Step.RECTIFY, "fire1", done=GOOD["done"], signature=GOOD["signature"])
    office.session.commit()
    after = client.get(url, headers=signed_in("desk")).data
    assert "责任人签字：王强" in text_of(after)
    assert len(after) > len(before)


@pytest.mark.parametrize("login", ["desk", "fire1"])
def test_the_transfer_sheet_is_the_same_for_all_and_tells_nothing_of_the_reporter(
    client: FlaskClient, signed_in: SignedIn, case: Case, login: str
) -> None:
    words = text_of(client.get(f"/api/v1/cases/{case.id}/sheet.pdf", headers=signed_in(login)).data)
    assert bare(MATTER) in words
    assert "人员leader" in words
    for secret in (SECRET_WORDS, "食堂后门左手第二间", "大武商贸城", "T-0000"):
        assert bare(secret) not in words


def test_a_units_history_tells_nothing_of_the_desk_or_the_reporter(
    client: FlaskClient, signed_in: SignedIn, case: Case
) -> None:
    words = text_of(client.get(f"/api/v1/cases/{case.id}/history.pdf", headers=signed_in("fire1")).data)
    assert "已核查" in words
    for hidden in (SECRET_WORDS, "收到登记", "人员desk", "已受理", "T-0000"):
        assert bare(hidden) not in words


def test_who_does_not_see_the_case_gets_no_paper(
    client: FlaskClient, signed_in: SignedIn, case: Case
) -> None:
    letter = letter_of(client, case, signed_in("desk"))
    for path in ("sheet.pdf", "history.pdf", f"letters/{letter}.pdf", f"letters/{letter}.docx"):
        for login in ("industry", "other_desk", "admin"):
            url = f"/api/v1/cases/{case.id}/{path}"
            assert client.get(url, headers=signed_in(login)).status_code == 404
        assert (
            client.get(f"/api/v1/cases/{uuid.uuid4()}/{path}", headers=signed_in("desk")).status_code == 404
        )
    step = client.get(f"/api/v1/cases/{case.id}", headers=signed_in("desk")).json["history"][0]["id"]
    assert (
        client.get(f"/api/v1/cases/{case.id}/letters/{step}.pdf", headers=signed_in("desk")).status_code
        == 404
    )
