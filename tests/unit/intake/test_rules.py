"""What a phone sealed is read without ever raising; whatever is wrong is flagged."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.intake.rules import Bounds, Place, printable, read_report, report_number

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
COUNTY = Bounds(98.0, 33.5, 101.0, 35.5)
GOOD: dict[str, Any] = {
    "v": 1,
    "kind": "tip",
    "captured_at": "2026-11-23T07:59:00Z",
    "text": "安全出口被锁住",
    "hazard_type": "exit_blocked",
    "place": {"lat": 34.48, "lng": 100.24, "accuracy_m": 12, "source": "gps"},
    "place_words": "大武镇团结路",
    "enterprise_words": "雪山超市",
    "named": False,
    "wants_notice": False,
    "media": [
        {"sha256": "a" * 64, "kind": "photo", "type": "image/jpeg", "captured_at": "2026-11-23T07:58:00Z"}
    ],
}


def codes(body: dict[str, Any]) -> set[str]:
    return {flag["code"] for flag in read_report(body, "tip", NOW, COUNTY).flags}


def test_a_good_tip_has_no_flags() -> None:
    fields = read_report(GOOD, "tip", NOW, COUNTY)
    assert fields.flags == ()
    assert fields.place == Place(34.48, 100.24, 12.0, "gps")
    assert fields.media["a" * 64]["kind"] == "photo"


@pytest.mark.parametrize(
    ("wrong", "flag"),
    [
        ({"text": "", "media": []}, "empty"),
        ({"text": "x" * 5001}, "too_long"),
        ({"text": 7}, "wrong_type"),
        ({"text": "a\x00b"}, "unprintable"),
        ({"enterprise_words": "y" * 200}, "too_long"),
        ({"captured_at": "2031-01-01T00:00:00Z"}, "time_in_future"),
        ({"captured_at": "yesterday"}, "wrong_time"),
        ({"captured_at": "2026-11-23T07:59:00"}, "wrong_time"),
        ({"captured_at": "2019-11-23T07:59:00Z"}, "time_long_ago"),
        ({"place": {"lat": 90, "lng": 0}}, "outside_county"),
        ({"place": {"lat": 91, "lng": 0}, "place_words": "x"}, "out_of_range"),
        ({"place": {"lat": True, "lng": 0}}, "wrong_type"),
        ({"place": None, "place_words": "", "enterprise_words": ""}, "no_place"),
        ({"kind": "hazard"}, "kind_differs"),
        ({"named": "yes"}, "wrong_type"),
        ({"enterprise_id": "12"}, "wrong_id"),
        ({"due_on": "soon"}, "wrong_date"),
        ({"level": "terrible"}, "unknown_choice"),
        ({"media": "none"}, "wrong_type"),
        ({"media": [1, 2]}, "wrong_rows"),
    ],
)
def test_what_a_wrong_field_is_flagged_as(wrong: dict[str, Any], flag: str) -> None:
    assert flag in codes(GOOD | wrong)


def test_too_long_text_is_kept_whole() -> None:
    assert len(read_report(GOOD | {"text": "长" * 6000}, "tip", NOW, COUNTY).text) == 6000


def test_clocks_that_are_a_day_off_are_not_suspicious() -> None:
    assert "time_in_future" not in codes(GOOD | {"captured_at": (NOW + timedelta(hours=20)).isoformat()})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "level", "due_on", "visit_id", "clause"]), json_values))
def test_nothing_a_hostile_client_seals_stops_the_reading(body: dict[str, Any]) -> None:
    fields = read_report(body, "tip", NOW, COUNTY)
    # What is kept can be stored as JSON and as PostgreSQL text.
    stored = json.dumps(
        [*fields.flags, fields.text, fields.place_words, fields.enterprise_words, fields.clause]
    )
    stored.encode()
    assert "\\u0000" not in stored


def test_lone_surrogates_become_spaces() -> None:
    assert printable("a\ud800b") == "a b"


def test_what_is_said_of_a_medium_can_be_stored() -> None:
    rows = [
        {"sha256": "b" * 64, "type": "image/\x00jpeg", "captured_at": "2026-11-23T07:58:00+08:00:00.5"},
        {"sha256": "c" * 64, "captured_at": "0001-01-01T00:00:00+14:00"},
        {"sha256": "\x00", "kind": "photo"},
        {"sha256": "\ud800" * 64, "kind": "photo"},
    ]
    media = read_report(GOOD | {"media": rows}, "tip", NOW, COUNTY).media
    assert set(media) == {"b" * 64, "c" * 64}
    assert media["b" * 64]["type"] == "image/ jpeg"
    assert media["b" * 64]["captured_at"].utcoffset() == timedelta(0)
    assert media["c" * 64]["captured_at"] is None


def test_numbers_tell_county_year_and_kind() -> None:
    assert report_number("632621", "tip", 2026, 42) == "632621-2026-T000042"
