"""Loading a county's own clock rules (docs/import.md)."""

import uuid
from datetime import date
from typing import Annotated, Literal, Self

import sqlalchemy as sa
from pydantic import BeforeValidator, Field, model_validator
from sqlalchemy.orm import Session

from server.cases.clock_rules import CLIMB_HOURS, LADDER, WARN_SHARE
from server.cases.models import ClockRuleRow
from server.cases.rules import Days, Term
from server.core.tables import (
    Code,
    Columns,
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
from server.identity.models import Area
from server.identity.rules import Role
from server.triage.models import Sector

DAY_WORDS = {"小时": "hours", "自然日": "natural", "日": "natural", "工作日": "working"}
KIND_WORDS = {"举报": "tip", "隐患": "hazard"}
ROLE_WORDS = {"经办人": "handler", "单位负责人": "unit_head", "受理员": "desk", "值班领导": "leader"}


class ClockRuleColumns(Columns):
    """A rule for one term, for an area and matter, from a day on."""

    term: Annotated[Term, Titles("时限", "环节")]
    area_code: Annotated[Code | None, Titles("区域代码", "区域编码")] = None
    kind: Annotated[
        Literal["tip", "hazard"] | None, BeforeValidator(translated(KIND_WORDS)), Titles("类别")
    ] = None
    sector_no: Annotated[int | None, Titles("行业序号")] = None
    hazard_type: Annotated[str | None, Titles("隐患类型")] = None
    urgent: Annotated[YesNo | None, Titles("紧急")] = None
    valid_from: Annotated[date, Titles("生效日期")]
    valid_to: Annotated[date | None, Titles("失效日期")] = None
    amount: Annotated[int, Field(ge=1, le=3660), Titles("数量", "期限")]
    days: Annotated[Days, BeforeValidator(translated(DAY_WORDS)), Titles("单位")]
    warn_share: Annotated[float, Field(ge=0, le=0.9), Titles("预警比例")] = WARN_SHARE
    climb_hours: Annotated[int, Field(ge=1, le=720), Titles("上报间隔小时")] = CLIMB_HOURS
    extend_amount: Annotated[int, Field(ge=0, le=365), Titles("延期上限")] = 0
    extend_times: Annotated[int, Field(ge=0, le=9), Titles("延期次数")] = 0
    extend_by: Annotated[Role | None, BeforeValidator(translated(ROLE_WORDS)), Titles("延期批准人")] = None
    pausable: Annotated[YesNo, Titles("可暂停")] = True
    source: Annotated[Name, Titles("依据")]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        if self.extend_times and (not self.extend_amount or self.extend_by not in LADDER):
            raise ValueError(
                "an extension needs extend_amount and extend_by (handler, unit_head, desk, leader)"
            )
        return self

    @property
    def key(self) -> str:
        """What makes two rows the same rule."""
        matter = f"{self.kind} {self.sector_no} {self.hazard_type} {self.urgent}"
        return f"{self.term} {self.area_code} {matter} {self.valid_from}"


def import_clock_rules(session: Session, data: bytes) -> Outcome:
    """Load rules; one with the same term, area, matter and first day is changed. Running clocks keep theirs."""
    rows, warnings = read_rows(data, ClockRuleColumns)
    outcome = Outcome(warnings=warnings)
    areas = dict(session.execute(sa.select(Area.code, Area.id)).all())
    sectors = set(session.scalars(sa.select(Sector.no)))
    refuse(
        repeated(rows, lambda row: row.key, "rule"),
        [
            row.not_stored("area_code", row.value.area_code)
            for row in rows
            if row.value.area_code and row.value.area_code not in areas
        ],
        [
            row.not_stored("sector_no", row.value.sector_no)
            for row in rows
            if row.value.sector_no is not None and row.value.sector_no not in sectors
        ],
    )
    for row in rows:
        new, changed = _keep(session, row, areas.get(row.value.area_code or ""))
        outcome.count(new, changed)
    session.flush()
    return outcome


def _keep(session: Session, row: Row[ClockRuleColumns], area_id: uuid.UUID | None) -> tuple[bool, bool]:
    scope = row.value.model_dump(include={"term", "kind", "sector_no", "hazard_type", "urgent", "valid_from"})
    stored = session.scalar(
        sa.select(ClockRuleRow).where(
            ClockRuleRow.area_id.is_not_distinct_from(area_id),
            *(getattr(ClockRuleRow, name).is_not_distinct_from(value) for name, value in scope.items()),
        )
    )
    values = row.value.model_dump(exclude={"area_code", *scope})
    if stored is not None:
        return False, assign(stored, **values)
    session.add(ClockRuleRow(**scope, area_id=area_id, **values))
    return True, False
