"""What of a text gives away who reported."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.giveaway import QUOTE_LENGTH, Hint, parts

THEIRS = "我在食堂后厨洗碗，后门一直用铁链锁着没有人管，里面有三十多个人吃饭。"
HANZI = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=60)
ANY = st.text(max_size=80)


def hints(text: str, own: list[str] | None = None, known: list[str] | None = None) -> set[Hint]:
    return {part.hint for part in parts(text, own or [], known or [])}


@pytest.mark.parametrize(
    ("text", "hint", "part"),
    [
        ("经核查，举报人反映的问题属实。", Hint.REPORTER, "举报人"),
        ("根据你厂员工提供的照片。", Hint.ROLE, "你厂员工"),
        ("据邻居说，夜里也在生产。", Hint.ROLE, "邻居"),
        ("经车间工人反映，锅炉超压。", Hint.ROLE, "工人反映"),
        ("王师傅提到的配电箱已更换。", Hint.NAME, "王师傅"),
        ("小李说的情况属实。", Hint.NAME, "小李"),
        ("已电话13912345678核实。", Hint.CONTACT, "13912345678"),
        ("车辆青A12345已离开。", Hint.CONTACT, "青A12345"),
        ("多名群众反映的问题属实。", Hint.COUNT, "多名群众反映"),
        ("我局再次接到举报后核查。", Hint.COUNT, "再次接到举报"),
        ("11月3日接到举报后，我们到场。", Hint.TIME, "11月3日接到举报"),
        ("编号632621-2026-T000042已办结。", Hint.NUMBER, "632621-2026-T000042"),
    ],
)
def test_what_points_to_a_person_is_found_in_its_place(text: str, hint: Hint, part: str) -> None:
    found = [text[one.start : one.end] for one in parts(text, [], []) if one.hint is hint]
    assert found == [part]


@pytest.mark.parametrize(
    "text",
    [
        "您反映的安全出口问题属实，铁链已拆除，通道已清理。谢谢您。",
        "11月25日两名执法人员现场核查，该店员工未戴安全帽。",
        "某仓库一楼安全出口上锁，内有员工作业，请核查。",
        "该厂3个灭火器过期，群众反映属实。",
        "小区老旧，居民楼楼道堆物，已责令整改。",
    ],
)
def test_a_plain_reply_gives_nobody_away(text: str) -> None:
    assert hints(text) == set()


@given(st.integers(0, len(THEIRS)), st.integers(0, len(THEIRS)), HANZI, HANZI)
def test_a_quotation_is_found_wherever_it_stands(one: int, other: int, before: str, after: str) -> None:
    quoted = THEIRS[min(one, other) : max(one, other)]
    text = f"{before}。{quoted}。{after}"
    if len(re.findall(r"\w", quoted)) >= QUOTE_LENGTH:
        inside = [part for part in parts(text, [THEIRS], []) if part.hint is Hint.QUOTES]
        assert any(part.start < len(before) + 1 + len(quoted) and part.end > len(before) for part in inside)
    elif not set(before + after) & set(THEIRS):
        assert Hint.QUOTES not in hints(text, [THEIRS])


def test_commas_spaces_and_case_hide_no_quotation() -> None:
    assert Hint.QUOTES in hints("后门，一直 用、铁链锁着", [THEIRS])
    english = "The back door of the canteen is chained every night"
    assert Hint.QUOTES in hints("the BACK door, of the canteen is chained every day", [english])
    assert Hint.QUOTES not in hints("the back door of the canteen", [english])


@given(ANY, ANY)
def test_what_the_reader_knows_is_no_quotation(text: str, known: str) -> None:
    assert Hint.QUOTES not in hints(text + THEIRS, [THEIRS], [known, text + THEIRS])


@given(ANY, st.lists(ANY, max_size=3), st.lists(ANY, max_size=3))
def test_parts_lie_in_the_text_in_order_and_those_of_a_kind_do_not_overlap(
    text: str, own: list[str], known: list[str]
) -> None:
    found = parts(text, own, known)
    assert all(0 <= part.start < part.end <= len(text) for part in found)
    assert [part.start for part in found] == sorted(part.start for part in found)
    for hint in Hint:
        row = [part for part in found if part.hint is hint]
        assert all(a.end < b.start for a, b in itertools.pairwise(row))
