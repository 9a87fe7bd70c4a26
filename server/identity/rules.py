"""Who may do what, where: roles, their scope, and the actor that services receive."""

import uuid
from dataclasses import dataclass
from enum import StrEnum


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
    REWARD_OFFICER = "reward_officer"
    """奖励经办人"""
    ADMIN = "admin"
    """系统管理员"""


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
