"""The county's own routing rules: loaded as a set, tried on last month's reports, switched on by a person."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BeforeValidator
from sqlalchemy.orm import Session, aliased

from server.audit.services import record
from server.core.clock import Clock
from server.core.errors import NotFound
from server.core.tables import Code, Columns, Fault, Name, Row, Titles, listed, read_rows, refuse
from server.enterprises.models import Enterprise
from server.identity.models import Area, Unit
from server.identity.rules import Actor
from server.intake.models import Report
from server.routing.models import RoutingRule, RuleSet
from server.routing.services import ground_of, judged, set_in_use
from server.triage.imports import BY_PLACE, by_place, name_key
from server.triage.models import HazardType, Sector

TRIED = timedelta(days=31)
MOST_TRIED = 5000
"""The newest; more would keep whoever asks waiting."""
MOST_TOLD = 200


class RuleColumns(Columns):
    """A row of a rule set; an empty cell means any."""

    name: Annotated[Name, Titles("规则名", "名称")]
    area_code: Annotated[Code | None, Titles("区域代码", "区域编码")] = None
    sector_no: Annotated[int | None, Titles("行业序号", "序号")] = None
    hazard_type: Annotated[str | None, Titles("隐患类型", "隐患类型编码")] = None
    enterprise: Annotated[str | None, Titles("企业", "统一社会信用代码")] = None
    unit: Annotated[Name, Titles("牵头单位", "单位")]
    responsible_units: Annotated[tuple[Name, ...], BeforeValidator(listed), Titles("责任单位")] = ()
    enforcement_unit: Annotated[str | None, Titles("执法单位")] = None


@dataclass(frozen=True)
class Moved:
    """A report that would go to another unit."""

    number: str
    received_at: datetime
    before: str
    after: str
    rule: str
    rule_name: str | None


@dataclass(frozen=True)
class Trial:
    """What a set would have done with last month's reports."""

    set_number: int
    tried: int
    moved: int
    rows: list[Moved]
    """At most MOST_TOLD, newest first."""


def import_set(session: Session, clock: Clock, actor: Actor, data: bytes, note: str) -> RuleSet:
    """Keep a table of rules as a new set, not in use. Raises BadTable, which tells every bad row."""
    rows, _ = read_rows(data, RuleColumns)
    known = _known(session)
    refuse([fault for row in rows for fault in _faults(row, known)])
    number = (session.scalar(sa.select(sa.func.max(RuleSet.number))) or 0) + 1
    rule_set = RuleSet(number=number, note=note, made_at=clock.now(), used_from=None, used_until=None)
    session.add(rule_set)
    session.flush()
    units, areas = known["unit"], known["area_code"]
    for position, row in enumerate((row.value for row in rows), 1):
        session.add(
            RoutingRule(
                set_id=rule_set.id,
                position=position,
                name=row.name,
                area_id=areas[row.area_code] if row.area_code else None,
                sector_no=row.sector_no,
                hazard_type=row.hazard_type,
                enterprise_id=known["enterprise"][row.enterprise] if row.enterprise else None,
                unit_id=None if by_place(row.unit) else units[name_key(row.unit)],
                responsible=[str(units[name_key(name)]) for name in row.responsible_units],
                enforcement_unit_id=units[name_key(row.enforcement_unit)] if row.enforcement_unit else None,
            )
        )
    session.flush()
    record(
        session, clock, actor, "routing.import_set", "rule_set", rule_set.id, number=number, rules=len(rows)
    )
    return rule_set


def sets(session: Session) -> list[tuple[RuleSet, int]]:
    """All sets with the number of their rules, the newest first."""
    counted = (
        sa.select(RuleSet, sa.func.count(RoutingRule.position))
        .outerjoin(RoutingRule, RoutingRule.set_id == RuleSet.id)
        .group_by(RuleSet.id)
        .order_by(RuleSet.number.desc())
    )
    return [(rule_set, rules) for rule_set, rules in session.execute(counted)]


def find_set(session: Session, number: int) -> RuleSet:
    """The set of this number. Raises NotFound."""
    found = session.scalar(sa.select(RuleSet).where(RuleSet.number == number))
    if found is None:
        raise NotFound("routing.no_set", f"There is no rule set {number}.")
    return found


def rows_of(session: Session, number: int) -> list[dict[str, Any]]:
    """The rules of a set as import_set reads them."""
    lead, enforcement = aliased(Unit), aliased(Unit)
    found = session.execute(
        sa.select(RoutingRule, Area.code, Enterprise, lead.name, enforcement.name)
        .outerjoin(Area, Area.id == RoutingRule.area_id)
        .outerjoin(Enterprise, Enterprise.id == RoutingRule.enterprise_id)
        .outerjoin(lead, lead.id == RoutingRule.unit_id)
        .outerjoin(enforcement, enforcement.id == RoutingRule.enforcement_unit_id)
        .where(RoutingRule.set_id == find_set(session, number).id)
        .order_by(RoutingRule.position)
    )
    names = {str(unit_id): name for unit_id, name in session.execute(sa.select(Unit.id, Unit.name))}
    return [
        {
            "name": rule.name,
            "area_code": area_code,
            "sector_no": rule.sector_no,
            "hazard_type": rule.hazard_type,
            "enterprise": (enterprise.uscc or enterprise.name) if enterprise else None,
            "unit": unit or BY_PLACE,
            "responsible_units": ";".join(names[unit_id] for unit_id in rule.responsible),
            "enforcement_unit": enforcing,
        }
        for rule, area_code, enterprise, unit, enforcing in found
    ]


def export_set(session: Session, number: int) -> str:
    """A set as CSV: change it, and import it as a new one."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(RuleColumns.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows_of(session, number))
    return written.getvalue()


def try_set(session: Session, clock: Clock, number: int) -> Trial:
    """Which of last month's reports would go to another unit than by the rules in use; nothing is stored."""
    before, after = ground_of(session, set_in_use(session)), ground_of(session, find_set(session, number))
    recent = sa.select(Report).where(Report.received_at > clock.now() - TRIED)
    moved: list[Moved] = []
    tried = 0
    for report in session.scalars(recent.order_by(Report.received_at.desc(), Report.id).limit(MOST_TRIED)):
        tried += 1
        old, new = judged(session, clock, report, before), judged(session, clock, report, after)
        if old.unit.id != new.unit.id:
            rule_name = new.county_rule.name if new.county_rule else None
            moved.append(
                Moved(
                    report.number, report.received_at, old.unit.name, new.unit.name, new.rule.value, rule_name
                )
            )
    return Trial(number, tried, len(moved), moved[:MOST_TOLD])


def use_set(session: Session, clock: Clock, actor: Actor, number: int | None) -> None:
    """Switch a set on, in place of the one in use; None: none of them. Raises NotFound.

    What is proposed already stays; what is assessed from now on goes by it.
    """
    session.execute(sa.select(RuleSet.id).with_for_update())
    wanted, current = find_set(session, number) if number is not None else None, set_in_use(session)
    if wanted is current:
        return
    if current:
        current.used_until = clock.now()
        record(session, clock, actor, "routing.leave_set", "rule_set", current.id, number=current.number)
    session.flush()
    if wanted:
        wanted.used_from, wanted.used_until, wanted.used_by = clock.now(), None, actor.name
        record(session, clock, actor, "routing.use_set", "rule_set", wanted.id, number=wanted.number)
    session.flush()


def _known(session: Session) -> dict[str, dict[Any, Any]]:
    """What the cells of a table may name."""
    enterprises = session.execute(sa.select(Enterprise.id, Enterprise.uscc, Enterprise.name)).all()
    return {
        "area_code": dict(session.execute(sa.select(Area.code, Area.id)).all()),
        "sector_no": dict.fromkeys(session.scalars(sa.select(Sector.no))),
        "hazard_type": dict.fromkeys(session.scalars(sa.select(HazardType.code))),
        "enterprise": {name: key for key, _, name in enterprises}
        | {uscc: key for key, uscc, _ in enterprises if uscc},
        "unit": {name_key(name): key for name, key in session.execute(sa.select(Unit.name, Unit.id))},
    }


def _faults(row: Row[RuleColumns], known: dict[str, dict[Any, Any]]) -> list[Fault]:
    value = row.value
    faults = [
        row.not_stored(column, cell)
        for column in ("area_code", "sector_no", "hazard_type", "enterprise")
        if (cell := getattr(value, column)) is not None and cell not in known[column]
    ]
    units = [value.enforcement_unit, *value.responsible_units]
    units += [] if by_place(value.unit) else [value.unit]
    return faults + [
        row.fault(f"no unit is called {name}", "no_unit", found=name)
        for name in units
        if name and name_key(name) not in known["unit"]
    ]
