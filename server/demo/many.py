"""A county's decades of cases at once, straight into the tables: what queues and searches are measured on.

Made up from a few phrases, the same for the same number; the ways of the cases are those of the table of steps.
"""

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from server.cases.models import Case, CaseClock, CaseEvent, CaseReport
from server.cases.rules import (
    BY_STEP,
    CLOSED,
    NO_MERGE_INTO,
    STAGE,
    WITH_THE_UNIT,
    Finding,
    Ground,
    Reward,
    Risk,
    State,
    Step,
    Term,
)
from server.core.ids import new_id
from server.demo.pictures import SCENES, picture
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person
from server.identity.rules import Actor, Role
from server.identity.services import actor_of
from server.intake.models import Medium, Report
from server.intake.rules import report_number
from server.reports.models import DeskRow
from server.routing.models import RoutingProposal
from server.triage.models import DuplicateSuggestion, HazardType, Sector, SectorProposal
from storage.blobs import BlobStore

Row = dict[str, Any]
AT_ONCE = 20_000
"""Cases whose rows are made before they are copied."""
SPAN = timedelta(days=8 * 365)
PROCESSES = 2
"""Making the rows is Python's work, and one process has one core for it."""

MAIN_WAY = (
    Step.ACCEPT,
    Step.SIGN,
    Step.SIGN_FOR,
    Step.VERIFY,
    Step.PLAN,
    Step.RECTIFY,
    Step.RECHECK_PASS,
    Step.STRIKE_OFF,
    Step.REPLY,
    Step.ARCHIVE,
)
WAYS: tuple[tuple[int, tuple[Step, ...]], ...] = (
    (480, MAIN_WAY),
    (70, (Step.REFUSE, Step.ARCHIVE)),
    (30, (Step.REDIRECT, Step.ARCHIVE)),
    (60, (Step.MERGE,)),
    (40, ()),
    (15, MAIN_WAY[:1]),
    (40, MAIN_WAY[:2]),
    (5, (*MAIN_WAY[:2], Step.RETURN)),
    (80, MAIN_WAY[:3]),
    (30, MAIN_WAY[:4]),
    (90, MAIN_WAY[:5]),
    (20, MAIN_WAY[:6]),
    (10, MAIN_WAY[:7]),
    (15, MAIN_WAY[:8]),
    (10, MAIN_WAY[:9]),
    (5, (*MAIN_WAY[:9], Step.OBJECT)),
)
"""Of a thousand cases so many have come so far. Far more are open than in any county: a queue of 300,000 must work."""

WEIGHTS, EACH_WAY = zip(*WAYS, strict=True)

WRITTEN: dict[Step, Row] = {
    Step.REFUSE: {"ground": Ground.NO_FACTS, "reason": "没有说清是哪里"},
    Step.REDIRECT: {"authority": "县市场监督管理局", "reason": "属于产品质量问题"},
    Step.RETURN: {"reason": "不属于本单位职责"},
    Step.VERIFY: {
        "finding": Finding.SUBSTANTIATED,
        "account": "两人到现场核查,情况属实。",
        "verifiers": ["马建军", "李文华"],
    },
    Step.PLAN: {
        "responsible_person": "才旦",
        "measures": "清理并张贴标识",
        "money": 30_000,
        "contingency": "整改期间专人看守",
    },
    Step.RECTIFY: {"done": "已按方案整改完毕", "signature": {"name": "才旦", "strokes": []}},
    Step.RECHECK_PASS: {"account": "复查合格"},
    Step.REPLY: {"reward": Reward.LATER},
    Step.OBJECT: {"reason": "问题又出现了"},
}
"""What was written in each step; what differs from case to case is added."""

DAYS: dict[Term, int] = {Term.DECIDE: 15, Term.SIGN: 3, Term.HANDLE: 60}
USUAL_DAYS = 7

WHERE = [
    "一楼",
    "二楼",
    "地下室",
    "后门",
    "东侧围墙边",
    "仓库里",
    "楼顶",
    "院子里",
    "车间门口",
    "3号楼",
    "12号楼",
    "配电室旁",
]
WHAT = [
    "安全出口",
    "消防通道",
    "气瓶",
    "电线",
    "灭火器",
    "脚手架",
    "基坑",
    "起重机",
    "油罐车",
    "锅炉",
    "叉车",
    "配电箱",
    "防护栏",
    "煤气管道",
    "消火栓",
    "液氨罐",
    "施工电梯",
    "卸料平台",
    "爆竹",
    "危化品",
]
WRONG = [
    "被铁链锁住了",
    "堆满了货物",
    "没有人管",
    "老化裸露",
    "过期了好几年",
    "没有护栏",
    "漏得厉害",
    "超载使用",
    "有人在旁边抽烟",
    "没有检验合格证",
    "被车挡住",
    "冒火花",
    "晃得厉害",
    "泡在水里",
    "私拉乱接",
]
AND = [
    "里面有很多人",
    "孩子们天天从那里走",
    "说过几次都不改",
    "晚上还在开工",
    "夜班的人都知道",
    "昨天差点出事",
    "希望快点来看看",
    "下大雪那天就这样了",
    "老板说检查完再恢复",
]
RARE = ["鼎盛", "瑞丰", "兴旺", "昆仑", "江源", "格桑", "雪莲", "牧歌", "玛域", "岗龙", "鹰嘴", "羊曲"]
DONE = ["已拆除并清理", "已更换并张贴标识", "已停用并封存", "已加装护栏", "已培训全部员工"]


@dataclass(frozen=True)
class _Pools:
    """What the cases are dealt from."""

    enterprises: list[tuple[uuid.UUID, uuid.UUID, str, float | None, float | None, int]]
    leads: dict[int, uuid.UUID]
    hazards: dict[int, list[tuple[str, str]]]
    paths: dict[uuid.UUID, str]
    """Of each area."""
    people: list[Actor]
    pictures: list[str]
    recent: list[tuple[uuid.UUID, uuid.UUID]]
    """The last reports with their cases: what a duplicate is one of."""
    held: dict[tuple[Role, uuid.UUID, uuid.UUID | None], list[Actor]] = field(default_factory=dict)

    def holders(self, role: Role, area_id: uuid.UUID, unit_id: uuid.UUID | None) -> list[Actor]:
        """Who holds the role for a case of this area and unit."""
        key = role, area_id, unit_id
        if key not in self.held:
            path = self.paths[area_id]
            self.held[key] = [actor for actor in self.people if actor.may(role, path, unit_id)]
        return self.held[key]

    def who_may(self, step: Step, area_id: uuid.UUID, unit_id: uuid.UUID | None) -> list[Actor]:
        """The people whose step it is for such a case: of the first role of the row that somebody holds there."""
        return next(found for role in BY_STEP[step].roles if (found := self.holders(role, area_id, unit_id)))


def fill(engine: sa.Engine, blobs: BlobStore | None, now: datetime, cases: int, county_code: str) -> None:
    """Add so many cases with their reports, history and clocks to a county's tables.

    Each process makes its share of the years and stores it whole; one that is cut short can only be begun again on an
    empty database. Needs a role that may leave triggers out (`session_replication_role`): the rows are right by their
    making, which the tests check, and asking for each of them would take hours.
    """
    with Session(engine) as session:
        first = (session.scalar(sa.select(sa.func.max(Report.seq))) or 0) + 1
        _go_on_counting(session, first + cases, (now - SPAN).year, now.year)
        session.commit()
    url = engine.url.render_as_string(hide_password=False)
    fixed = url, _pictures(blobs), now, cases, first, county_code
    shares = [(cases * n // PROCESSES, cases * (n + 1) // PROCESSES) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for made in [processes.submit(_make, *fixed, *share) for share in shares]:
            made.result()
    with Session(engine) as session:
        session.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        # An index is built faster than it grows.
        indexes = DeskRow.__table__.indexes  # type: ignore[attr-defined]
        for index in indexes:
            index.drop(session.connection())
        session.execute(sa.text("ANALYZE"))  # else the rows are made as if these tables were nearly empty
        session.execute(sa.text("INSERT INTO desk_row SELECT * FROM desk_row_now ON CONFLICT DO NOTHING"))
        for index in sorted(indexes, key=lambda index: index.name):
            index.create(session.connection())
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tidying:
        tidying.execute(sa.text("VACUUM ANALYZE"))


def _make(
    url: str,
    pictures: list[str],
    now: datetime,
    cases: int,
    first: int,
    county_code: str,
    start: int,
    stop: int,
) -> None:
    """Make and store some of the cases, in a process of its own."""
    with Session(sa.create_engine(url, poolclass=sa.NullPool)) as session:
        pools = _pools(session, pictures)
        connection = session.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        chance = random.Random(f"{cases} {start}")  # noqa: S311
        for begin in range(start, stop, AT_ONCE):
            rows: dict[Any, list[Row]] = {}
            for number in range(begin, min(begin + AT_ONCE, stop)):
                at = now - SPAN * (1 - (number + chance.random()) / cases)
                for model, row in _Story(chance, pools, now, at, first + number, county_code).rows():
                    rows.setdefault(model, []).append(row)
            for model, made in rows.items():
                _copy(connection, model.__table__, made)
        session.commit()


def _pictures(blobs: BlobStore | None) -> list[str]:
    """The keys of stored pictures for the reports; none without a store."""
    if blobs is None:
        return []
    for number, scene in enumerate(SCENES):
        blobs.put(f"demo/{scene}", picture(scene, number), content_type="image/jpeg")
    return [f"demo/{scene}" for scene in SCENES]


def _go_on_counting(session: Session, last: int, first_year: int, this_year: int) -> None:
    """What arrives after these is numbered after them."""
    session.execute(
        sa.text("SELECT setval(pg_get_serial_sequence('submission', 'seq'), :last)"), {"last": last}
    )
    session.execute(
        sa.text(
            "INSERT INTO number_counter (series, year, last)"
            " SELECT series, year, :last FROM unnest(ARRAY['tip', 'hazard', 'case']) series,"
            " generate_series(cast(:first AS int), :this) year"
            " ON CONFLICT (series, year) DO UPDATE SET last = greatest(number_counter.last, excluded.last)"
        ),
        {"last": last, "first": first_year, "this": this_year},
    )


def _pools(session: Session, pictures: list[str]) -> _Pools:
    hazards: dict[int, list[tuple[str, str]]] = {}
    for kind in session.scalars(sa.select(HazardType)):
        hazards.setdefault(kind.sector_no, []).append((kind.code, kind.name))
    ids = session.scalars(sa.select(Person.id).order_by(Person.login))
    people = [actor for actor in (actor_of(session, person_id) for person_id in ids) if actor]
    firms = sa.select(
        Enterprise.id,
        Enterprise.area_id,
        Enterprise.name,
        Enterprise.lat,
        Enterprise.lng,
        Enterprise.sector_no,
    )
    return _Pools(
        list(session.execute(firms.order_by(Enterprise.uscc)).all()),
        dict(session.execute(sa.select(Sector.no, Sector.lead_unit_id)).all()),
        hazards,
        dict(session.execute(sa.select(Area.id, Area.path)).all()),
        people,
        pictures,
        [],
    )


@dataclass
class _Story:
    """One case and what belongs to it."""

    chance: random.Random
    pools: _Pools
    now: datetime
    at: datetime
    seq: int
    county_code: str

    def rows(self) -> Iterator[tuple[Any, Row]]:
        """Rows by their table."""
        chance = self.chance
        firm_id, area_id, firm, lat, lng, sector = chance.choice(self.pools.enterprises)
        code, hazard = chance.choice(self.pools.hazards.get(sector) or [("other", "其他隐患")])
        inspectors = self.pools.holders(Role.INSPECTOR, area_id, None)
        kind = "hazard" if inspectors and chance.random() < 0.3 else "tip"
        inspector = chance.choice(inspectors) if kind == "hazard" else None
        text = "".join(chance.choice(part) for part in (RARE, WHERE, WHAT, WRONG)) + "," + chance.choice(AND)
        report_id, case_id = new_id(), uuid.UUID(int=chance.getrandbits(128), version=4)
        year = self.at.year
        reported: Row = {
            "id": report_id,
            "submission_id": uuid.UUID(int=chance.getrandbits(128), version=4),
            "number": report_number(self.county_code, kind, year, self.seq),
            "kind": kind,
            "channel": "app",
            "seq": self.seq,
            "received_at": self.at,
            "text": text,
            "hazard_type": code,
            "level": chance.choice(("general", "major")) if inspector else None,
            "lat": lat and lat + chance.gauss(0, 0.001),
            "lng": lng and lng + chance.gauss(0, 0.001),
            "accuracy_m": 20.0,
            "place_source": "gps",
            "place_words": chance.choice(WHERE),
            "area_id": area_id,
            "enterprise_id": firm_id,
            "enterprise_words": "",
            "named": chance.random() < 0.2,
            "wants_notice": False,
            "reporter_id": inspector and inspector.person_id,
            "fixed_on_spot": False,
            "flags": [],
        }
        yield Report, reported
        if self.pools.pictures:
            yield Medium, self._picture(reported["submission_id"])
        way = chance.choices(EACH_WAY, WEIGHTS)[0]
        into = chance.choice(self.pools.recent)[1] if Step.MERGE in way and self.pools.recent else None
        if into is None and Step.MERGE in way:
            way = ()
        case: Row = {
            "id": case_id,
            "number": report_number(self.county_code, "case", year, self.seq),
            "state": State.REGISTERED,
            "version": 1 + len(way),
            "kind": kind,
            "title": "",
            "matter": "",
            "area_id": area_id,
            "enterprise_id": firm_id,
            "urgent": False,
            "unsatisfied": False,
            "sides": [],
            "took": {},
            "first_received_at": self.at,
            "merged_into_id": into,
        }
        clocks: list[Row] = []
        self._stage(clocks, case_id, Step.REGISTER, State.REGISTERED, self.at)
        yield CaseEvent, self._event(case_id, Step.REGISTER, None, None, State.REGISTERED, self.at)
        at, told = self.at, f"反映{firm}存在{hazard}问题,请到现场核查处理。"
        for step in way:
            at += timedelta(hours=chance.uniform(1, 60))
            unit_id = self.pools.leads[sector] if case["state"] in WITH_THE_UNIT else None
            actor = chance.choice(self.pools.who_may(step, area_id, unit_id))
            before, after = case["state"], _target(step)
            self._apply(case, step, at, actor.person_id, sector, hazard, told)
            case["state"] = after
            if after in CLOSED:
                case.setdefault("closed_at", at)
            yield CaseEvent, self._event(case_id, step, actor, before, after, at, case)
            self._stage(clocks, case_id, step, after, at)
        running = [
            clock["due_at"] for clock in clocks if clock["ended_at"] is None and clock["name"] == Term.HANDLE
        ]
        case["due_at"] = running[0] if running else None
        yield Case, case
        yield from self._joined(case, report_id, at)
        for clock in clocks:
            yield CaseClock, clock
        if not way:
            yield from self._proposed(report_id, sector)
        if case["state"] not in NO_MERGE_INTO:
            self.pools.recent.append((report_id, case_id))
            del self.pools.recent[:-500]

    def _joined(self, case: Row, report_id: uuid.UUID, at: datetime) -> Iterator[tuple[Any, Row]]:
        """The report in its case; of a merged one in the case that took it in."""
        into = case["merged_into_id"]
        own = {"case_id": case["id"], "report_id": report_id, "joined_at": self.at, "left_at": into and at}
        yield CaseReport, own
        if into:
            yield CaseReport, own | {"case_id": into, "joined_at": at, "left_at": None}

    def _picture(self, submission_id: uuid.UUID) -> Row:
        key = self.chance.choice(self.pools.pictures)
        return {
            "id": uuid.UUID(int=self.chance.getrandbits(128), version=4),
            "submission_id": submission_id,
            "position": 0,
            "sha256": f"{self.chance.getrandbits(256):064x}",
            "state": "ready",
            "kind": "photo",
            "mime": "image/jpeg",
            "width": 1200,
            "height": 900,
            "clean_key": key,
            "preview_key": key,
            "thumb_key": key,
            "flags": [],
        }

    def _apply(
        self, case: Row, step: Step, at: datetime, by: Any, sector: int, hazard: str, told: str
    ) -> None:
        case["took"][step.value] = str(by) if by else None
        match step:
            case Step.ACCEPT:
                case |= {
                    "sector_no": sector,
                    "unit_id": self.pools.leads[sector],
                    "title": hazard,
                    "matter": told,
                    "risk": self.chance.choices(list(Risk), (1, 3, 10, 6))[0],
                    "urgent": self.chance.random() < 0.01,
                    "accepted_at": at,
                }
            case Step.RETURN:
                case["unit_id"] = None
            case Step.VERIFY:
                case["finding"] = Finding.SUBSTANTIATED
            case Step.REPLY:
                case |= {
                    "reply": f"您反映的问题属实,{self.chance.choice(DONE)}。感谢您的举报。",
                    "replied_at": at,
                }
                case["unsatisfied"] = self.chance.random() < 0.02

    def _event(
        self,
        case_id: uuid.UUID,
        step: Step,
        actor: Actor | None,
        before: State | None,
        after: State,
        at: datetime,
        case: Row | None = None,
    ) -> Row:
        fields: Row = WRITTEN.get(step, {})
        if step is Step.ACCEPT and case:
            fields = {"unit_id": str(case["unit_id"])} | {
                name: case[name] for name in ("sector_no", "title", "matter", "risk")
            }
        elif step is Step.PLAN:
            fields = fields | {"deadline": (at + timedelta(days=20)).date().isoformat()}
        elif step is Step.REPLY and case:
            fields = fields | {"text": case["reply"]}
        elif step is Step.MERGE and case:
            fields = {"into": str(case["merged_into_id"])}
        return {
            "id": new_id(),
            "case_id": case_id,
            "at": at,
            "actor_id": actor and actor.person_id,
            "actor_name": actor.name if actor else "system",
            "step": step,
            "from_state": before,
            "to_state": after,
            "fields": fields,
            "late": False,
        }

    def _stage(self, clocks: list[Row], case_id: uuid.UUID, step: Step, state: State, at: datetime) -> None:
        """End the clock of the stage before and begin that of this one; the clock of the whole ends with the reply."""
        closed = STAGE.get(state) is None
        for clock in clocks:
            if clock["ended_at"] is None and (clock["name"] != Term.HANDLE or step is Step.REPLY or closed):
                clock["ended_at"] = at
        terms = [STAGE[state]] if state in STAGE else []
        if step is Step.ACCEPT:
            terms.append(Term.HANDLE)
        # A tenth of the open ones is let slip; the others were begun so that they still have time.
        for term in terms:
            days = DAYS.get(term, USUAL_DAYS)
            late = self.chance.random() < 0.1
            due = at + timedelta(days=days)
            if due < self.now and not late:
                due = self.now + timedelta(hours=self.chance.uniform(1, days * 24))
            clocks.append(
                {
                    "id": new_id(),
                    "case_id": case_id,
                    "name": term,
                    "started_at": at,
                    "due_at": due,
                    "ended_at": None,
                }
            )

    def _proposed(self, report_id: uuid.UUID, sector: int) -> Iterator[tuple[Any, Row]]:
        """What the machine says of a report that nobody has judged."""
        common = {"report_id": report_id, "created_at": self.at}
        ranked = [{"sector_no": sector, "p": 0.8, "reasons": []}]
        yield SectorProposal, {"id": new_id(), **common, "ranked": ranked, "decided": True, "model": "demo"}
        yield (
            RoutingProposal,
            {"id": new_id(), **common, "unit_id": self.pools.leads[sector], "rule": "lead", "reasons": []},
        )
        if self.pools.recent and self.chance.random() < 0.2:
            reasons = [{"code": "distance", "params": {"m": 40}}]
            yield (
                DuplicateSuggestion,
                {
                    "id": new_id(),
                    **common,
                    "other_id": self.chance.choice(self.pools.recent)[0],
                    "score": 0.8,
                    "outcome": "suggested",
                    "row": [],
                    "reasons": reasons,
                    "model": "demo",
                },
            )


def _target(step: Step) -> State:
    target = BY_STEP[step].target
    if isinstance(target, State):
        return target
    assert target is not None
    return target[Finding.SUBSTANTIATED]


def _copy(connection: psycopg.Connection, table: sa.Table, rows: list[Row]) -> None:
    columns = [table.c[name] for name in dict.fromkeys(name for row in rows for name in row)]
    quoted = ", ".join(f'"{column.name}"' for column in columns)
    wires = [(column.name, Jsonb if isinstance(column.type, JSONB) else _same) for column in columns]
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([None if row.get(name) is None else wire(row[name]) for name, wire in wires])


def _same(value: Any) -> Any:
    return value
