"""Loading enterprises from a table (docs/import.md)."""

from collections.abc import Container
from typing import Annotated, Any, Literal, Self

import shapely
import sqlalchemy as sa
from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from sqlalchemy.orm import Session
from stdnum.cn import uscc

from server.core.tables import (
    Code,
    Columns,
    Fault,
    Name,
    Outcome,
    Row,
    Titles,
    YesNo,
    assign,
    read_rows,
    refuse,
    repeated,
    translated,
)
from server.enterprises.models import Enterprise
from server.enterprises.services import tell_phones
from server.identity.models import Area

RISK_WORDS = {
    "红": "red",
    "红色": "red",
    "重大": "red",
    "橙": "orange",
    "橙色": "orange",
    "较大": "orange",
    "黄": "yellow",
    "黄色": "yellow",
    "一般": "yellow",
    "蓝": "blue",
    "蓝色": "blue",
    "低": "blue",
}
"""红 橙 黄 蓝 = 重大 较大 一般 低 (DOMAIN.md §8)."""


class EnterpriseColumns(Columns):
    """A row of the table of enterprises."""

    uscc: Annotated[
        str | None,
        BeforeValidator(lambda cell: uscc.compact(cell).upper() if isinstance(cell, str) else cell),
        StringConstraints(max_length=40),
        Titles("统一社会信用代码"),
    ] = None
    name: Annotated[Name, Titles("名称", "企业名称")]
    short_name: Annotated[Name | None, Titles("简称")] = None
    area_code: Annotated[Code, Titles("区域代码", "区域编码", "网格编码")]
    address: Annotated[Name, Titles("地址")]
    lat: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False), Titles("纬度")] = None
    lng: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False), Titles("经度")] = None
    sector_no: Annotated[int, Titles("行业序号")]
    risk: Annotated[
        Literal["red", "orange", "yellow", "blue"],
        BeforeValidator(translated(RISK_WORDS)),
        Titles("风险等级"),
    ]
    contact_name: Annotated[Name | None, Titles("联系人")] = None
    contact_phone: Annotated[Name | None, Titles("联系电话")] = None
    active: Annotated[YesNo, Titles("在营")] = True

    @model_validator(mode="after")
    def _place(self) -> Self:
        if (self.lat is None) != (self.lng is None):
            raise ValueError("lat and lng go together")
        return self


def import_enterprises(session: Session, data: bytes, sectors: Container[int]) -> Outcome:
    """Load enterprises; `sectors` are the numbers that the routing table knows.

    Found again by uscc, and where the file or the register lacks it, by name; a uscc once known is kept.
    """
    rows, warnings = read_rows(data, EnterpriseColumns)
    outcome = Outcome(warnings=warnings)
    stored_areas = {area.code: area for area in session.scalars(sa.select(Area))}
    by_name_only = {row.value.name for row in rows if not row.value.uscc}
    refuse(
        repeated(rows, lambda row: row.uscc, "uscc"),
        repeated(rows, lambda row: row.name if row.name in by_name_only else None, "without uscc, the name"),
        [r.not_stored("area_code", r.value.area_code) for r in rows if r.value.area_code not in stored_areas],
        [
            r.fault(f"sector_no {r.value.sector_no} is not in the routing table")
            for r in rows
            if r.value.sector_no not in sectors
        ],
    )
    stored = list(session.scalars(sa.select(Enterprise)))
    by_uscc = {enterprise.uscc: enterprise for enterprise in stored if enterprise.uscc}
    by_name = {enterprise.name: enterprise for enterprise in stored}
    told: list[Enterprise] = []
    for row in rows:
        known = by_uscc.get(row.value.uscc or "") or by_name.get(row.value.name)
        if known and known.uscc and row.value.uscc and known.uscc != row.value.uscc:
            known = None  # another enterprise of the same name
        enterprise = known or Enterprise()
        area = stored_areas[row.value.area_code]
        outcome.warnings += _remarks(row, area)
        facts = row.value.model_dump(exclude={"area_code", "uscc"})
        changed = assign(enterprise, **facts, area_id=area.id, uscc=row.value.uscc or enterprise.uscc)
        outcome.count(known is None, changed)
        if known is not None and changed:
            enterprise.version += 1
        if known is None or changed:
            told.append(enterprise)
        session.add(enterprise)
    session.flush()
    tell_phones(session, told)
    return outcome


def _remarks(row: Row[EnterpriseColumns], area: Area) -> list[Fault]:
    """What may well be wrong, but registers are like that."""
    found = []
    if row.value.uscc and not uscc.is_valid(row.value.uscc):
        found.append(row.fault(f"uscc {row.value.uscc} has a wrong check digit or form"))
    if row.value.lat is not None and _outside(row.value.lat, row.value.lng, area.polygon):
        found.append(row.fault(f"{row.value.name} lies outside of {area.name}: are lat and lng right?"))
    return found


def _outside(lat: float, lng: float | None, polygon: dict[str, Any] | None) -> bool:
    return polygon is not None and not shapely.geometry.shape(polygon).covers(shapely.Point(lng, lat))
