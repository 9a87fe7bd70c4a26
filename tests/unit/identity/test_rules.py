"""Scopes, sessions, waits and the area of a point, without any machine around."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from server.identity.rules import (
    GRACE,
    PER_ADDRESS,
    PER_LOGIN,
    Actor,
    AreaShape,
    Grant,
    PlaceRule,
    Refresh,
    Role,
    judge_refresh,
    smallest_area,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
UNIT = uuid.UUID(int=1)


def test_a_grant_for_a_town_covers_what_lies_below_it_and_not_a_town_whose_code_begins_alike() -> None:
    actor = Actor(uuid.UUID(int=9), "韩梅", (Grant(Role.INSPECTOR, "632621/6326211"),))
    assert actor.may(Role.INSPECTOR, "632621/6326211/1")
    assert actor.may(Role.INSPECTOR, "632621/6326211")
    assert not actor.may(Role.INSPECTOR, "632621/63262110")
    assert not actor.may(Role.INSPECTOR, "632621")
    assert not actor.may(Role.INSPECTOR, None)
    assert not actor.may(Role.DESK, "632621/6326211")


def test_a_handler_covers_only_what_lies_with_the_own_unit() -> None:
    actor = Actor(uuid.UUID(int=9), "才让", (Grant(Role.HANDLER, None, UNIT),))
    assert actor.may(Role.HANDLER, "632621", UNIT)
    assert not actor.may(Role.HANDLER, "632621", uuid.UUID(int=2))
    assert not actor.may(Role.HANDLER, "632621", None)


@pytest.mark.parametrize(
    ("replaced", "ended", "verdict"),
    [
        (None, None, Refresh.WORKS),
        (NOW - GRACE + timedelta(seconds=1), None, Refresh.WORKS),
        (NOW - GRACE, None, Refresh.REUSED),
        (None, NOW, Refresh.VOID),
        (NOW - timedelta(days=1), NOW, Refresh.VOID),
    ],
)
def test_a_replaced_refresh_token_works_for_ten_minutes(
    replaced: datetime | None, ended: datetime | None, verdict: Refresh
) -> None:
    assert judge_refresh(NOW, NOW + timedelta(days=1), replaced, ended) is verdict


def test_a_refresh_token_that_ran_out_is_void_and_no_sign_of_theft() -> None:
    assert judge_refresh(NOW, NOW, NOW - timedelta(days=9), None) is Refresh.VOID


@given(st.integers(0, 10_000))
def test_the_wait_never_shrinks_and_never_exceeds_its_longest(attempts: int) -> None:
    for pace in (PER_LOGIN, PER_ADDRESS):
        wait = pace.wait_s(attempts)
        assert (wait == 0) == (attempts <= pace.free)
        assert wait <= pace.wait_s(attempts + 1) <= pace.longest_wait_s


def _square(code: str, path: str, west: float, south: float, size: float) -> AreaShape:
    return AreaShape(code, path, shapely.box(west, south, west + size, south + size))


COUNTY = _square("1", "1", 100, 34, 2)
WEST = _square("11", "1/11", 100, 34, 1)
EAST = _square("12", "1/12", 101, 34, 1)
GRID = _square("111", "1/11/111", 100.2, 34.2, 0.1)


def test_the_smallest_area_is_the_deepest_that_holds_the_point() -> None:
    shapes = [COUNTY, EAST, WEST, GRID]
    assert smallest_area(34.25, 100.25, shapes) == ("111", PlaceRule.INSIDE)
    assert smallest_area(34.5, 100.5, shapes) == ("11", PlaceRule.INSIDE)
    assert smallest_area(35.5, 100.5, shapes) == ("1", PlaceRule.INSIDE)
    assert smallest_area(40, 100.5, shapes) is None


def test_on_a_border_the_lowest_code_has_it_whatever_the_order() -> None:
    assert smallest_area(34.5, 101, [COUNTY, WEST, EAST]) == ("11", PlaceRule.BORDER)
    assert smallest_area(34.5, 101, [EAST, WEST, COUNTY]) == ("11", PlaceRule.BORDER)


def test_where_two_overlap_the_smaller_has_it() -> None:
    small = _square("19", "1/19", 100.4, 34.4, 0.2)
    assert smallest_area(34.5, 100.5, [COUNTY, WEST, small]) == ("19", PlaceRule.OVERLAP)


@given(st.floats(100, 102), st.floats(34, 36), st.permutations([COUNTY, WEST, EAST, GRID]))
def test_every_point_of_the_county_has_exactly_one_area(
    lng: float, lat: float, shapes: list[AreaShape]
) -> None:
    hit = smallest_area(lat, lng, shapes)
    assert hit is not None
    assert hit == smallest_area(lat, lng, [COUNTY, WEST, EAST, GRID])
