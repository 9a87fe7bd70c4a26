"""Which enterprises somebody may look up and mend; how a change that was made without signal meets the file."""

import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.core.db import Facts
from server.identity.rules import Role

BY_AREA = (Role.INSPECTOR, Role.GRID_HEAD, Role.DESK, Role.LEADER, Role.ADMIN)
"""They see the enterprises of the areas that they hold the role for."""
BY_UNIT = (Role.HANDLER, Role.UNIT_HEAD)
"""They see those of their town; departments learn of an enterprise from the case that lies with them."""
EDITORS = (Role.INSPECTOR, Role.GRID_HEAD, Role.DESK, Role.LEADER, Role.ADMIN)
"""They may mend files of their areas."""
DECIDERS = (Role.GRID_HEAD, Role.DESK, Role.LEADER, Role.ADMIN)
"""They choose between two values of a field."""
TEXT_CHARS = 200
METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere."""


def words_of(query: str) -> list[str]:
    """The words to find, at most five: each must occur."""
    return query.split()[:5]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > TEXT_CHARS:
        raise ValueError("not a text")
    return value.strip()


def _needed_text(value: Any) -> str:
    if not (text := _text(value)):
        raise ValueError("empty")
    return text


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value) or None


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _place(value: Any) -> Facts | None:
    """WGS-84 degrees."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"lat", "lng"}:
        raise ValueError("not a place")
    for name, most in (("lat", 90), ("lng", 180)):
        number = value[name]
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError("not a place")
        if abs(number) > most:
            raise ValueError("not on earth")
    return {"lat": float(value["lat"]), "lng": float(value["lng"])}


EDITABLE: Mapping[str, Callable[[Any], Any]] = {
    "short_name": _optional_text,
    "address": _needed_text,
    "contact_name": _optional_text,
    "contact_phone": _optional_text,
    "place": _place,
    "active": _truth,
}
"""What may be mended in the field, and how a value is read; raises ValueError. The rest is the register's."""


@dataclass(frozen=True)
class FieldEdit:
    """One field: what the sender saw and what it should be."""

    name: str
    was: Any
    now: Any


@dataclass(frozen=True)
class Edit:
    """A mended file, as it came; `unreadable` are fields that cannot be what they say."""

    enterprise_id: uuid.UUID | None
    seen_version: int | None
    fields: tuple[FieldEdit, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Merged:
    """What becomes of an edit: new values, fields that say it already, and fields for a person to decide."""

    changes: Facts
    same: tuple[str, ...]
    conflicts: tuple[FieldEdit, ...]


def read_edit(body: Facts) -> Edit:
    """Read an opened edit (shape in docs/architecture.md). Never raises."""
    try:
        enterprise_id = uuid.UUID(str(body.get("id")))
    except ValueError:
        enterprise_id = None
    version = body.get("seen_version")
    told = body.get("fields")
    fields, unreadable = [], []
    for name, change in told.items() if isinstance(told, dict) else ():
        try:
            read = EDITABLE[name]
            fields.append(FieldEdit(name, read(change["was"]), read(change["now"])))
        except (KeyError, TypeError, ValueError):
            unreadable.append(str(name)[:40])
    return Edit(
        enterprise_id if body.get("topic") == "enterprise" else None,
        version if isinstance(version, int) and not isinstance(version, bool) else None,
        tuple(fields),
        tuple(unreadable),
    )


def merge(held: Facts, edits: Iterable[FieldEdit]) -> Merged:
    """Different fields merge; the same field with another value meanwhile is a conflict. Nothing is lost."""
    changes: Facts = {}
    same: list[str] = []
    conflicts: list[FieldEdit] = []
    for edit in edits:
        if held[edit.name] == edit.now:
            same.append(edit.name)
        elif held[edit.name] == edit.was:
            changes[edit.name] = edit.now
        else:
            conflicts.append(edit)
    return Merged(changes, tuple(same), tuple(conflicts))


def area_paths(path: str) -> list[str]:
    """The path of an area and those of all areas that it lies in."""
    parts = path.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
