"""Loading the county's table of sectors and their units, and the hazard types below them (docs/import.md)."""

import unicodedata
import uuid
from difflib import get_close_matches
from typing import Annotated

import sqlalchemy as sa
from pydantic import BeforeValidator, Field, StringConstraints
from sqlalchemy.orm import Session

from server.core.tables import (
    Columns,
    Fault,
    Name,
    Outcome,
    Row,
    Titles,
    assign,
    listed,
    read_rows,
    refuse,
    repeated,
)
from server.identity.models import Unit
from server.triage.models import HazardType, Sector, SectorUnit

BY_PLACE = "各乡镇党委、政府"
"""Stands for the town where the report is."""


class SectorColumns(Columns):
    """A row of the table of tasks."""

    sector_no: Annotated[int, Field(ge=1, le=999), Titles("序号", "行业序号")]
    sector_title: Annotated[Name, Titles("行业领域", "任务")]
    lead_unit: Annotated[Name, Titles("牵头单位")]
    responsible_units: Annotated[tuple[Name, ...], BeforeValidator(listed), Titles("责任单位")] = ()
    keywords: Annotated[tuple[Name, ...], BeforeValidator(listed), Titles("关键词")] = ()
    duties: Annotated[str, Titles("任务内容")] = ""


class HazardTypeColumns(Columns):
    """A kind of hazard in plain words."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$"), Titles("编码", "代码")]
    sector_no: Annotated[int, Field(ge=1, le=999), Titles("行业序号", "序号")]
    name: Annotated[Name, Titles("名称", "隐患类型")]
    name_en: Annotated[Name, Titles("英文名称")]
    keywords: Annotated[tuple[Name, ...], BeforeValidator(listed), Titles("关键词")] = ()
    chip_order: Annotated[int | None, Field(ge=1, le=99), Titles("首页顺序")] = None
    clause: Annotated[str | None, Titles("条款", "依据")] = None


def import_routing(session: Session, data: bytes) -> Outcome:
    """Load sectors with their lead unit, responsible units and keywords."""
    rows, warnings = read_rows(data, SectorColumns)
    outcome = Outcome(warnings=warnings)
    units = {name_key(name): unit_id for name, unit_id in session.execute(sa.select(Unit.name, Unit.id))}
    refuse(
        repeated(rows, lambda row: row.sector_no, "sector_no"),
        [fault for row in rows for fault in _unit_faults(row, units)],
    )
    stored = {sector.no: sector for sector in session.scalars(sa.select(Sector))}
    for row in rows:
        new = row.value.sector_no not in stored
        sector = stored.setdefault(row.value.sector_no, Sector(no=row.value.sector_no))
        facts = {
            "title": row.value.sector_title,
            "keywords": list(row.value.keywords),
            "duties": row.value.duties,
        }
        changed = assign(sector, **facts, lead_unit_id=units[name_key(row.value.lead_unit)])
        session.add(sector)
        session.flush()
        changed |= _set_units(session, row.value, units)
        outcome.count(new, changed)
    session.flush()
    return outcome


def import_hazard_types(session: Session, data: bytes) -> Outcome:
    """Load the kinds of hazards below the sectors."""
    rows, warnings = read_rows(data, HazardTypeColumns)
    outcome = Outcome(warnings=warnings)
    numbers = set(session.scalars(sa.select(Sector.no)))
    stored = {kind.code: kind for kind in session.scalars(sa.select(HazardType))}
    in_file = {row.value.code for row in rows}
    orders = {
        kind.chip_order
        for kind in stored.values()
        if kind.chip_order is not None and kind.code not in in_file
    }
    refuse(
        repeated(rows, lambda row: row.code, "code"),
        repeated(rows, lambda row: row.chip_order, "chip_order"),
        [
            r.fault(f"there is no sector {r.value.sector_no}")
            for r in rows
            if r.value.sector_no not in numbers
        ],
        [
            r.fault(f"chip_order {r.value.chip_order} belongs to another one")
            for r in rows
            if r.value.chip_order in orders
        ],
    )
    for row in rows:
        new = row.value.code not in stored
        kind = stored.setdefault(row.value.code, HazardType(code=row.value.code))
        facts = row.value.model_dump(exclude={"code"}) | {"keywords": list(row.value.keywords)}
        outcome.count(new, assign(kind, **facts))
        session.add(kind)
    session.flush()
    return outcome


def name_key(name: str) -> str:
    """The same for names that differ only in full-width characters or spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def _unit_faults(row: Row[SectorColumns], units: dict[str, uuid.UUID]) -> list[Fault]:
    named = [row.value.lead_unit, *(name for name in row.value.responsible_units if not by_place(name))]
    faults = []
    for name in named:
        if name_key(name) not in units:
            close = get_close_matches(name_key(name), units, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            faults.append(row.fault(f"no unit is called {name}{meant}"))
    keys = [name_key(name) for name in row.value.responsible_units]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    return faults + [row.fault(f"{key} is responsible twice") for key in twice]


def _set_units(session: Session, row: SectorColumns, units: dict[str, uuid.UUID]) -> bool:
    """Replace the responsible units by those of the row, in its order."""
    wanted = [None if by_place(name) else units[name_key(name)] for name in row.responsible_units]
    held = (
        sa.select(SectorUnit.unit_id)
        .where(SectorUnit.sector_no == row.sector_no)
        .order_by(SectorUnit.position)
    )
    if list(session.scalars(held)) == wanted:
        return False
    session.execute(sa.delete(SectorUnit).where(SectorUnit.sector_no == row.sector_no))
    session.add_all(
        SectorUnit(sector_no=row.sector_no, position=position, unit_id=unit_id, by_place=unit_id is None)
        for position, unit_id in enumerate(wanted, 1)
    )
    return True


def by_place(name: str) -> bool:
    """Whether the town where the report is is meant."""
    return name_key(name) == name_key(BY_PLACE)
