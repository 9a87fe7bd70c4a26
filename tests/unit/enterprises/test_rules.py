"""A change made without signal meets the file: nothing is lost, and nobody is overruled."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.enterprises.rules import EDITABLE, FieldEdit, area_paths, merge, read_edit

NAMES = sorted(EDITABLE)
VALUES = st.sampled_from(["甲", "乙", "丙", None, True])
FILES = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


@st.composite
def edits(draw: st.DrawFn) -> list[FieldEdit]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return [FieldEdit(name, draw(VALUES), draw(VALUES)) for name in names]


@given(FILES, edits())
def test_each_field_has_exactly_one_fate(held: dict[str, Any], told: list[FieldEdit]) -> None:
    merged = merge(held, told)
    fates = [*merged.changes, *merged.same, *(one.name for one in merged.conflicts)]
    assert sorted(fates) == sorted(one.name for one in told)
    for one in told:
        after = held | merged.changes
        assert after[one.name] == one.now or one in merged.conflicts
        assert one.name in merged.changes or after[one.name] == held[one.name]


@given(FILES, edits())
def test_what_saw_the_file_as_it_is_always_applies(held: dict[str, Any], told: list[FieldEdit]) -> None:
    seen = [FieldEdit(one.name, held[one.name], one.now) for one in told]
    assert merge(held, seen).conflicts == ()


@given(FILES, edits())
def test_twice_is_once(held: dict[str, Any], told: list[FieldEdit]) -> None:
    once = held | merge(held, told).changes
    assert merge(once, told).changes == {}


@given(
    FILES,
    st.lists(st.sampled_from(NAMES), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    VALUES,
)
def test_two_who_saw_the_same_merge_in_either_order(
    held: dict[str, Any], mine: list[str], theirs: list[str], value: Any
) -> None:
    one = [FieldEdit(name, held[name], value) for name in mine if name not in theirs]
    other = [FieldEdit(name, held[name], "另一个") for name in theirs if name not in mine]

    def in_turn(first: list[FieldEdit], second: list[FieldEdit]) -> dict[str, Any]:
        after = held | merge(held, first).changes
        merged = merge(after, second)
        assert merged.conflicts == ()
        return after | merged.changes

    assert in_turn(one, other) == in_turn(other, one)


def test_an_edit_is_read_and_what_cannot_be_is_named() -> None:
    edit = read_edit(
        {
            "topic": "enterprise",
            "id": "01900000-0000-7000-8000-000000000001",
            "seen_version": 3,
            "fields": {
                "contact_phone": {"was": "1", "now": " 2 "},
                "place": {"was": None, "now": {"lat": 34.5, "lng": 100}},
                "active": {"was": True, "now": "no"},
                "address": {"was": "甲", "now": " "},
                "uscc": {"was": "1", "now": "2"},
                "short_name": "甲",
            },
        }
    )
    assert edit.seen_version == 3
    assert edit.fields == (
        FieldEdit("contact_phone", "1", "2"),
        FieldEdit("place", None, {"lat": 34.5, "lng": 100.0}),
    )
    assert edit.unreadable == ("active", "address", "uscc", "short_name")


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists))
)
def test_nothing_that_is_sealed_makes_reading_fail(body: dict[str, Any]) -> None:
    read_edit(body)
    read_edit({"topic": "enterprise", "fields": body})
    read_edit({"fields": {"place": {"was": None, "now": body}}})


def test_an_area_lies_in_all_above_it() -> None:
    assert area_paths("C/T/V") == ["C", "C/T", "C/T/V"]
