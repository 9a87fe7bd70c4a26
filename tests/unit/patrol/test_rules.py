"""An inspection as it comes from a phone, honest or hostile."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.patrol.rules import compare_with_checklist, read_inspection
from server.patrol.services import CHECKLISTS

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "v": 1,
    "kind": "inspection",
    "visit_id": str(uuid.uuid4()),
    "enterprise_id": str(uuid.uuid4()),
    "checklist_id": str(uuid.uuid4()),
    "answers": [{"item_id": "fire.exits_open", "answer": "no", "note": "东侧出口上锁", "media": ["a" * 64]}],
    "hazards": [str(uuid.uuid4())],
    "signatures": [{"name": "王强", "role": "enterprise"}],
    "started_at": (NOW - timedelta(hours=1)).isoformat(),
    "ended_at": NOW.isoformat(),
}


def flags(**changed: Any) -> set[str]:
    return {flag["code"] for flag in read_inspection(GOOD | changed, NOW).flags}


def test_an_honest_inspection_has_no_flag() -> None:
    fields = read_inspection(GOOD, NOW)
    assert fields.flags == []
    assert fields.answers == [
        {"item_id": "fire.exits_open", "answer": "no", "note": "东侧出口上锁", "media": ["a" * 64]}
    ]
    assert fields.hazards == GOOD["hazards"]
    assert fields.started_at == NOW - timedelta(hours=1)


def test_what_is_wrong_is_flagged_and_the_rest_is_kept() -> None:
    assert flags(visit_id="7") == {"wrong_id"}
    assert flags(answers=[{"item_id": "x", "answer": "maybe"}]) == {"unknown_choice"}
    assert flags(ended_at=(NOW - timedelta(hours=2)).isoformat()) == {"ends_before_start"}
    assert flags(ended_at="2031-01-01T00:00:00Z") == {"time_in_future"}
    assert flags(signatures=[]) == {"unsigned"}
    assert flags(hazards=[5]) == {"wrong_id"}
    kept = read_inspection(GOOD | {"hazards": [5, GOOD["hazards"][0]]}, NOW)
    assert kept.hazards == GOOD["hazards"]


def test_answers_are_compared_with_the_checklist() -> None:
    given_answers = [{"item_id": "a"}, {"item_id": "a"}, {"item_id": "z"}]
    codes = {flag["code"]: flag["detail"] for flag in compare_with_checklist(given_answers, ["a", "b", "c"])}
    assert codes == {"unknown_items": "z", "answered_twice": None, "unanswered": "2"}
    assert compare_with_checklist([{"item_id": "a"}], ["a"]) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_nothing_a_client_can_send_stops_the_reading(body: dict[str, Any]) -> None:
    fields = read_inspection(body, NOW)
    json.dumps(fields.flags).encode("utf-8")
    assert all(answer["answer"] in ("yes", "no", "none", None) for answer in fields.answers)


def test_every_checklist_is_complete_in_both_languages() -> None:
    paths = sorted(CHECKLISTS.glob("*.json"))
    assert "general" in [path.stem for path in paths]
    for path in paths:
        told = json.loads(path.read_text("utf-8"))
        assert told["code"] == path.stem
        assert told["title"]
        assert told["title_en"]
        ids = [item["id"] for item in told["items"]]
        assert len(set(ids)) == len(ids)
        assert 8 <= len(ids) <= 14
        for item in told["items"]:
            assert item.keys() == {"id", "text", "text_en", "clause"}
            assert item["text"]
            assert item["text_en"]
            assert item["text"] != item["text_en"]
