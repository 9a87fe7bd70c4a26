"""What stands on a paper."""

from datetime import UTC, datetime, timedelta

import pytest

from server.cases.rules import STEPS, Side, State
from server.papers.rules import day, letter_number, moment, said, span, strokes, word


def test_every_state_step_and_side_has_its_word_of_the_staff_app() -> None:
    for state in State:
        assert word("state", state) != state
    for row in STEPS:
        assert word("stepDone", row.step) != row.step
        for field in row.fields:
            assert word("field", field.name) != field.name, field.name
            for choice in field.choices:
                if field.name != "risk":
                    assert word(f"choice.{field.name}", choice) != choice
    for side in Side:
        assert word("side", side) != side
    assert word("state", None) == ""
    assert word("state", "of_tomorrow") == "of_tomorrow"


def test_a_letter_has_its_number_in_the_year() -> None:
    assert letter_number("632621-2026-L000012") == "督办函〔2026〕12号"
    assert letter_number("something else") == "something else"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=7, seconds=40), "7分钟"),
        (timedelta(hours=1), "1小时"),
        (timedelta(days=2), "2天"),
        (timedelta(days=2, hours=3, minutes=59), "2天3小时"),
    ],
)
def test_how_long_is_said_in_days_and_hours(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_moments_are_written_as_in_china() -> None:
    night = datetime(2026, 11, 25, 17, 5, tzinfo=UTC)
    assert moment(night) == "2026年11月26日 01:05"
    assert day(night) == "2026年11月26日"


def test_what_was_written_stands_there_in_words_and_no_id_does() -> None:
    fields = {
        "finding": "partly",
        "verifiers": ["才让", "卓玛"],
        "money": 30_050,
        "stays": True,
        "risk": "red",
        "signature": {"name": "王强", "strokes": [[1, 2, 3, 4], [5, 6]]},
        "unit_id": "0190",
        "into": "0191",
        "reason": "",
        "number": "632621-2026-L000012",
    }
    assert said(fields) == [
        ("核查结论", "部分属实"),
        ("核查人（两人以上）", "才让、卓玛"),
        ("整改资金（元）", "300.50"),
        ("原案也保留这条线索", "是"),
        ("风险", "重大"),
        ("责任人签字", "王强"),
        ("文号", "督办函〔2026〕12号"),
    ]
    assert strokes(fields) == [[1, 2, 3, 4]]
    assert strokes({}) == []
