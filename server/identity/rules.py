"""Who may do what, where (roles, their scope, the actor); when a session ends; the area of a point."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

ACCESS_LASTS = timedelta(minutes=10)
REFRESH_LASTS = timedelta(days=30)
GRACE = timedelta(minutes=10)
"""How long a replaced refresh token still works: an answer lost on the way signs nobody out."""


class Role(StrEnum):
    """What somebody is for. A citizen has no account and so no role."""

    INSPECTOR = "inspector"
    """网格员"""
    GRID_HEAD = "grid_head"
    """网格长"""
    DESK = "desk"
    """受理员: supervisor at the desk"""
    LEADER = "leader"
    """值班领导: duty leader who signs"""
    HANDLER = "handler"
    """责任单位经办人"""
    UNIT_HEAD = "unit_head"
    """责任单位负责人: hears of what runs late with the unit, and grants what a handler may not"""
    REWARD_OFFICER = "reward_officer"
    """奖励经办人"""
    ADMIN = "admin"
    """系统管理员"""


OF_A_UNIT = frozenset({Role.HANDLER, Role.UNIT_HEAD})
"""Roles that hold for a unit, and see what lies with it."""


@dataclass(frozen=True)
class Grant:
    """A role within an area (with all below it) or a unit; both None means the whole county."""

    role: Role
    area_path: str | None = None
    unit_id: uuid.UUID | None = None

    def covers(self, area_path: str | None, unit_id: uuid.UUID | None) -> bool:
        """Whether a thing in `area_path` that lies with `unit_id` is within this grant."""
        if self.unit_id is not None and self.unit_id != unit_id:
            return False
        if self.area_path is None:
            return True
        return area_path is not None and (area_path + "/").startswith(self.area_path + "/")


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a signed-in person, or the system itself (`SYSTEM`)."""

    person_id: uuid.UUID | None
    name: str
    grants: tuple[Grant, ...]

    def has(self, role: Role) -> bool:
        """Holds the role somewhere."""
        return any(grant.role == role for grant in self.grants)

    def may(self, role: Role, area_path: str | None = None, unit_id: uuid.UUID | None = None) -> bool:
        """Holds the role for this place and unit."""
        return any(grant.role == role and grant.covers(area_path, unit_id) for grant in self.grants)


SYSTEM = Actor(None, "system", ())


class Refresh(StrEnum):
    """What a refresh token that is shown is worth."""

    WORKS = "works"
    REUSED = "reused"
    """Replaced long ago: somebody has a copy, so the whole family ends."""
    VOID = "void"
    """Ended or run out: sign in again."""


def judge_refresh(
    now: datetime, expires_at: datetime, replaced_at: datetime | None, ended_at: datetime | None
) -> Refresh:
    """Whether a refresh token may be exchanged for its successor."""
    if ended_at is not None or expires_at <= now:
        return Refresh.VOID
    if replaced_at is not None and replaced_at + GRACE <= now:
        return Refresh.REUSED
    return Refresh.WORKS


@dataclass(frozen=True)
class Pace:
    """How attempts at one counter slow down: some are free, then the wait doubles up to a longest."""

    free: int
    first_wait_s: int
    longest_wait_s: int

    def wait_s(self, attempts: int) -> int:
        """Seconds until the next attempt is looked at, after this many without success."""
        beyond = attempts - self.free
        return 0 if beyond <= 0 else min(self.first_wait_s * 2 ** min(beyond - 1, 30), self.longest_wait_s)


PER_LOGIN = Pace(free=5, first_wait_s=2, longest_wait_s=900)
"""One login from one address, or from one device that signed in before."""
PER_ADDRESS = Pace(free=50, first_wait_s=1, longest_wait_s=60)
"""All logins from one address: slower, because a whole office may share it."""


class PlaceRule(StrEnum):
    """By which rule an area was chosen for a point."""

    INSIDE = "inside"
    """Inside of the only polygon at the deepest level of the tree."""
    BORDER = "border"
    """On the line between several: the lowest code."""
    OVERLAP = "overlap"
    """Inside of several that overlap: the smallest polygon, then the lowest code."""


@dataclass(frozen=True)
class AreaShape:
    """An area's place in the tree and its polygon (shapely, degrees)."""

    code: str
    path: str
    polygon: Any


def smallest_area(lat: float, lng: float, shapes: Iterable[AreaShape]) -> tuple[str, PlaceRule] | None:
    """The code of the smallest area that holds the point, and the rule that decided; None when none holds it.

    Deeper in the tree is smaller. Among equals, one that holds the point goes before one that touches it.
    """
    import shapely  # here, as web processes place nothing and are the smaller by NumPy

    point = shapely.Point(lng, lat)
    hits = [shape for shape in shapes if shape.polygon.covers(point)]
    if not hits:
        return None
    deepest = max(hit.path.count("/") for hit in hits)
    hits = [hit for hit in hits if hit.path.count("/") == deepest]
    inside = [hit for hit in hits if hit.polygon.contains(point)]
    if len(hits) == 1 or len(inside) == 1:
        return (inside or hits)[0].code, PlaceRule.INSIDE
    if inside:
        return min(inside, key=lambda hit: (hit.polygon.area, hit.code)).code, PlaceRule.OVERLAP
    return min(hit.code for hit in hits), PlaceRule.BORDER
