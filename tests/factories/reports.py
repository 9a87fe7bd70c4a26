"""Rows as intake would leave them: a small county, its enterprises, reports and pictures."""

import uuid
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from server.core.ids import new_id
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, Unit
from server.identity.rules import Actor, Grant, Role
from server.intake.models import Medium, Report
from server.triage.models import Sector, SectorUnit

NOON = datetime(2026, 11, 3, 4, tzinfo=UTC)
_numbers = count(1)


def area(session: Session, code: str, name: str, kind: str, parent: Area | None = None) -> Area:
    """An area below its parent, without a polygon."""
    path = f"{parent.path}/{code}" if parent else code
    row = Area(code=code, name=name, kind=kind, parent_id=parent.id if parent else None, path=path)
    session.add(row)
    session.flush()
    return row


def unit(session: Session, name: str, **fields: Any) -> Unit:
    """A unit; its code is a running number."""
    row = Unit(code=f"u{next(_numbers)}", name=name, **fields)
    session.add(row)
    session.flush()
    return row


def sector(
    session: Session, no: int, title: str, lead: Unit, *units: Unit | None, keywords: tuple[str, ...] = ()
) -> Sector:
    """A row of the table; None among the units stands for 各乡镇党委、政府."""
    row = Sector(no=no, title=title, lead_unit_id=lead.id, keywords=list(keywords))
    session.add(row)
    session.flush()
    session.add_all(
        SectorUnit(sector_no=no, position=i, unit_id=u.id if u else None, by_place=u is None)
        for i, u in enumerate(units)
    )
    session.flush()
    return row


def enterprise(session: Session, name: str, in_area: Area, sector_no: int = 6, **fields: Any) -> Enterprise:
    """An enterprise of the register."""
    row = Enterprise(name=name, area_id=in_area.id, sector_no=sector_no, address="", risk="blue", **fields)
    session.add(row)
    session.flush()
    return row


def report(session: Session, text: str = "", **fields: Any) -> Report:
    """A tip as intake opened it; later calls arrive later."""
    seq = next(_numbers)
    given = {
        "submission_id": uuid.uuid4(),
        "number": f"T{seq:06}",
        "kind": "tip",
        "seq": seq,
        "received_at": NOON,
        "place_words": "",
        "enterprise_words": "",
    }
    row = Report(text=text, **(given | fields))
    session.add(row)
    session.flush()
    return row


def photo(session: Session, of: Report, dhash: str, **fields: Any) -> Medium:
    """A picture of the report, ready to be seen."""
    given = {"sha256": new_id().hex * 2, "position": 0, "state": "ready", "kind": "photo"}
    row = Medium(submission_id=of.submission_id, dhash=dhash, **(given | fields))
    session.add(row)
    session.flush()
    return row


def person(session: Session, name: str, *grants: Grant) -> Actor:
    """Somebody with an account and these grants, as services receive them."""
    row = Person(login=f"p{next(_numbers)}", name=name, password_hash="-")
    session.add(row)
    session.flush()
    return Actor(row.id, name, grants)


def desk(session: Session, area_path: str | None = None) -> Actor:
    """受理员 of the county or of an area."""
    return person(session, "受理员", Grant(Role.DESK, area_path))
