"""A small county to test in: two towns, two units, somebody for each role, and reports as intake leaves them."""

import hashlib
import itertools
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from server.cases import services as cases
from server.cases.models import Case
from server.cases.rules import Step
from server.core.clock import FixedClock
from server.core.parts import Parts
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.rules import Actor, Role
from server.identity.services import actor_of
from server.intake.models import Medium, Report, ReporterChannel
from server.triage.models import Sector

SECRET_WORDS = "我是食堂的小李，后门一直锁着"
"""What a reporter wrote; no unit may ever read it."""
MATTER = "某仓库一楼安全出口上锁，内有员工作业，请核查。"

ACCEPT = {"sector_no": 6, "title": "安全出口上锁", "matter": MATTER, "risk": "orange"}
VERIFY = {
    "finding": "substantiated",
    "account": "现场核查，一楼东侧出口上锁属实。",
    "verifiers": ["才让", "卓玛"],
}
PLAN = {
    "responsible_person": "王强",
    "measures": "拆除门锁，培训员工",
    "money": 120_000,
    "deadline": "2026-12-15",
    "contingency": "整改期间专人看守出口",
}
RECTIFY = {"done": "门锁已经拆除", "signature": {"name": "王强", "strokes": [[10, 20, 30, 40]]}}
REPLY = {"text": "您反映的问题属实，门锁已经拆除，感谢您的举报。", "reward": "qualifies"}

GOOD: dict[str, Any] = {
    **ACCEPT,
    **VERIFY,
    **PLAN,
    **RECTIFY,
    **REPLY,
    "reason": "需要进一步说明",
    "ground": "no_facts",
    "authority": "县公安局",
    "officers": ["才让", "卓玛"],
    "organiser": "县政府安委办",
    "note": "补充现场照片",
    "days": "15",
    "demand": "请于限期内完成整改并书面答复。",
    "answer": "已按要求完成整改，现予答复。",
    "published_at": "县政府网站",
}
"""A right value for each field that names nothing in the database."""

WAY: list[tuple[str, Step, str, dict[str, Any]]] = [
    ("to_sign", Step.ACCEPT, "desk", ACCEPT),
    ("transferred", Step.SIGN, "leader", {}),
    ("signed_for", Step.SIGN_FOR, "fire1", {}),
    ("to_plan", Step.VERIFY, "fire1", VERIFY),
    ("rectifying", Step.PLAN, "fire1", PLAN),
    ("to_recheck", Step.RECTIFY, "fire1", RECTIFY),
    ("to_strike_off", Step.RECHECK_PASS, "fire2", {"account": "出口已经畅通"}),
    ("to_reply", Step.STRIKE_OFF, "fire2", {}),
    ("replied", Step.REPLY, "fire1", REPLY),
    ("archived", Step.ARCHIVE, "desk", {}),
]
"""The straight way of a case that turns out to be true: state reached, step, who, fields."""


@dataclass
class County:
    """Built once per test; `people`, `units` and `areas` by short names."""

    session: Session
    clock: FixedClock
    parts: Parts
    areas: dict[str, Area] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    _seq: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def actor(self, login: str) -> Actor:
        """The person as services see them."""
        actor = actor_of(self.session, self.people[login].id)
        assert actor is not None
        return actor

    def report(self, text: str = SECRET_WORDS, **columns: Any) -> Report:
        """A registered report that has no case yet; a tip in the first town unless told otherwise."""
        seq = next(self._seq)
        given: dict[str, Any] = {
            "submission_id": uuid.uuid4(),
            "number": f"T-{seq:06}",
            "kind": "tip",
            "channel": "app",
            "seq": seq,
            "received_at": self.clock.now(),
            "text": text,
            "lat": 34.47,
            "lng": 100.24,
            "accuracy_m": 12.0,
            "place_source": "gps",
            "place_words": "食堂后门左手第二间",
            "area_id": self.areas["grid"].id,
            "enterprise_words": "大武商贸城",
            "named": True,
            "wants_notice": False,
            "fixed_on_spot": False,
            "flags": [],
        }
        report = Report(**given | columns)
        self.session.add(report)
        self.session.flush()
        return report

    def receipt(self, report: Report) -> str:
        """Give the report a channel; returns the access key that opens it."""
        access_key = hashlib.sha256(report.id.bytes).hexdigest()
        self.session.add(
            ReporterChannel(
                receipt_hash=hashlib.sha256(access_key.encode()).hexdigest(),
                submission_id=report.submission_id,
                report_id=report.id,
            )
        )
        self.session.flush()
        return access_key

    def photo(self, submission_id: uuid.UUID, content: bytes | None = None) -> Medium:
        """A photo that the worker has opened; with `content` its three forms are in the store."""
        medium = Medium(
            submission_id=submission_id,
            position=0,
            sha256=uuid.uuid4().hex * 2,
            state="ready",
            kind="photo",
            mime="image/jpeg",
            width=1600,
            height=1200,
            flags=[],
        )
        self.session.add(medium)
        self.session.flush()
        for size in ("clean", "preview", "thumb"):
            setattr(medium, f"{size}_key", f"{size}/{medium.id}")
            if content is not None:
                self.parts.blobs.put(f"{size}/{medium.id}", content, content_type="image/jpeg")
        self.session.flush()
        return medium

    def case(self, until: str = "registered", report: Report | None = None) -> Case:
        """The case of a report, walked to a state by the people whose steps these are."""
        case = cases.open_case(self.session, self.clock, self.parts, report or self.report())
        names = [state for state, *_ in WAY]
        for _, step, login, fields in WAY[: names.index(until) + 1 if until in names else 0]:
            self.step(case, step, login, **fields)
        return case

    def step(self, case: Case, step: Step, login: str, **fields: Any) -> Case:
        """One step, an hour after the last."""
        self.clock.advance(timedelta(hours=1))
        if step in (Step.ACCEPT, Step.TRANSFER_AT_ONCE):
            fields = {"unit_id": str(self.units["fire"].id)} | fields
        return cases.take_step(self.session, self.clock, self.actor(login), case.id, step, fields, None)


def build_county(session: Session, clock: FixedClock, parts: Parts) -> County:
    """Write the county into the session."""
    county = County(session, clock, parts)
    for name, parent, kind in (
        ("county", None, "county"),
        ("town", "county", "town"),
        ("grid", "town", "grid"),
        ("other_town", "county", "town"),
    ):
        above = county.areas[parent] if parent else None
        code = f"6326-{name}"
        county.areas[name] = area = Area(
            code=code,
            name=name,
            kind=kind,
            parent_id=above.id if above else None,
            path=f"{above.path}/{code}" if above else code,
        )
        session.add(area)
        session.flush()
    for name in ("fire", "industry", "coordinating"):
        county.units[name] = Unit(
            code=name,
            name=f"单位 {name}",
            enforces=True,
            is_town=False,
            is_coordinating=name == "coordinating",
        )
    session.add_all(county.units.values())
    session.flush()
    session.add_all(
        Sector(no=no, title=f"行业 {no}", lead_unit_id=county.units["fire"].id, keywords=[]) for no in (3, 6)
    )
    people: dict[str, list[tuple[Role, str | None, str | None]]] = {
        "desk": [(Role.DESK, "county", None)],
        "other_desk": [(Role.DESK, "other_town", None)],
        "leader": [(Role.LEADER, None, None)],
        "fire1": [(Role.HANDLER, None, "fire")],
        "fire2": [(Role.HANDLER, None, "fire")],
        "industry": [(Role.HANDLER, None, "industry")],
        "inspector": [(Role.INSPECTOR, "grid", None)],
        "other_inspector": [(Role.INSPECTOR, "other_town", None)],
        "reward": [(Role.REWARD_OFFICER, None, None)],
        "admin": [(Role.ADMIN, None, None)],
    }
    for login, grants in people.items():
        county.people[login] = person = Person(
            login=login,
            name=f"人员 {login}",
            password_hash="no password",
            active=True,
            sessions_valid_from=clock.now() - timedelta(days=1),
        )
        session.add(person)
        session.flush()
        session.add_all(
            RoleGrant(
                person_id=person.id,
                role=role,
                area_id=county.areas[area_name].id if area_name else None,
                unit_id=county.units[unit].id if unit else None,
            )
            for role, area_name, unit in grants
        )
    session.flush()
    return county


def enterprise(county: County, sector_no: int = 6, name: str = "大武商贸城") -> Enterprise:
    """An enterprise in the grid."""
    found = Enterprise(
        name=name,
        area_id=county.areas["grid"].id,
        address="大武镇黄河路 1 号",
        sector_no=sector_no,
        risk="red",
        lat=34.47,
        lng=100.24,
        active=True,
    )
    county.session.add(found)
    county.session.flush()
    return found
