"""Load the demo county and play two weeks of it through the real services, with a clock that is moved on."""

import base64
import csv
import hashlib
import io
import itertools
import json
import random
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyrage
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.cases import services as cases
from server.cases.models import Case
from server.cases.rules import Step
from server.core import tasks
from server.core.calendar import day_of
from server.core.clock import Clock, FixedClock
from server.core.parts import Parts
from server.core.tasks import Job, Task
from server.demo import county, stories
from server.demo.pictures import picture
from server.demo.stories import Story
from server.enterprises.models import Enterprise
from server.feedback.services import judge_answer
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.rules import Actor, Role
from server.identity.services import actor_of
from server.imports import load_table
from server.intake import services as intake
from server.intake.models import Report
from server.notices.models import Notice
from server.notices.services import mark_read
from server.patrol.services import load_checklists, plan_visit
from server.routing.models import RoutingProposal
from server.triage.models import Sector
from server.triage.sectors import HAZARD_TYPES
from storage.sealing import Purpose
from storage.uploads import UploadStore
from sync import envelope as envelopes

TABLES: dict[str, Callable[[], list[county.Row]]] = {
    "areas": county.areas,
    "units": county.units,
    "routing": county.routing,
    "enterprises": county.enterprises,
    "people": county.people,
}
VISITS_A_DAY = 6
LONGEST_WALK = 14
"""Days that a story takes at most from its report to where it ends."""
UNREAD = 8
"""Notices that each person of the demo still has to read."""
SEALED_PHOTO = "image/jpeg"


def is_empty(session: Session) -> bool:
    """Whether nothing was loaded yet, neither a demo nor a county's own tables."""
    return session.scalar(sa.select(Area.id).limit(1)) is None


def load_county(session: Session, clock: Clock) -> None:
    """Load the demo county's tables, as a county would load its own, and today's walks; no reports yet."""
    for kind, rows in TABLES.items():
        load_table(session, clock, kind, _as_csv(rows()))
    load_table(session, clock, "hazard-types", HAZARD_TYPES.read_bytes())
    load_checklists(session)
    _plan_patrols(session, clock)


def seed(parts: Parts, clock: Clock, jobs: dict[str, Job], subscriptions: dict[str, list[str]]) -> None:
    """Fill an empty database with the demo county. Raises ValueError when it is not empty."""
    sessions = sessionmaker(parts.engine, info={"subscriptions": subscriptions})
    with sessions() as session:
        if not is_empty(session):
            raise ValueError("the database already holds a county")
        load_county(session, clock)
        session.commit()
        play = _Play(
            session, FixedClock(clock.now()), replace(parts, uploads=UploadStore(sessions, parts.blobs)), jobs
        )
        play.all(clock.now())


@dataclass
class _Play:
    """Tells the stories; time is the story's own."""

    session: Session
    clock: FixedClock
    parts: Parts
    jobs: dict[str, Job]

    def all(self, now: datetime) -> None:
        """Oldest first, so that the order of arrival is that of the days."""
        numbered = sorted(enumerate(stories.STORIES), key=lambda pair: -pair[1].days_ago)
        for number, story in numbered:
            self.clock.at = now - timedelta(days=story.days_ago)
            self.tell(number, story)
        self.clock.at = now
        self._read()

    def tell(self, number: int, story: Story) -> None:
        """One matter: its reports, and the steps until where it ended."""
        enterprise = self._enterprise(number, story)
        reports = []
        for turn, text in enumerate(story.texts):
            reports.append(self._report(number, turn, story, enterprise, text))
            self.clock.advance(timedelta(hours=3 * (turn + 1) * min(story.days_ago, 1) / 4))
        if story.ends != "registered" and not story.fixed_on_spot:
            self._walk(story, enterprise, reports[0])

    def _read(self) -> None:
        """Everybody has read what came in these weeks, but for the last few."""
        newest: dict[uuid.UUID, list[uuid.UUID]] = {}
        for person_id, id_ in self.session.execute(
            sa.select(Notice.person_id, Notice.id).order_by(Notice.at.desc(), Notice.id.desc())
        ):
            newest.setdefault(person_id, []).append(id_)
        for person_id, ids in newest.items():
            mark_read(self.session, self.clock, person_id, ids[UNREAD:])
        self.session.commit()

    def _enterprise(self, number: int, story: Story) -> Enterprise:
        """Always the same one for a story, in the county seat where there is one."""
        seat = sa.case((Enterprise.address.contains("大武镇"), 0), else_=1)
        found = self.session.scalars(
            sa.select(Enterprise)
            .where(Enterprise.sector_no == story.sector if story.sector > 2 else sa.true())
            .order_by(seat, Enterprise.name)
        ).all()
        return found[(number if story.at is None else story.at) * 7 % min(len(found), 12)]

    def _report(self, number: int, turn: int, story: Story, enterprise: Enterprise, text: str) -> Report:
        chance = random.Random(number * 100 + turn)  # noqa: S311
        photos = [picture(story.scene, number * 100 + turn * 10 + i) for i in range(story.photos)]
        sealed = [self._sealed(photo) for photo in photos]
        at = self.clock.now()
        body: dict[str, Any] = {
            "v": 1,
            "kind": story.kind,
            "captured_at": (at - timedelta(minutes=chance.randint(2, 90))).isoformat(),
            "text": text,
            "hazard_type": story.hazard_type if turn == 0 else None,
            "place": self._place(enterprise, chance),
            "place_words": "" if turn else enterprise.address,
            "enterprise_words": "" if turn else enterprise.name,
            "named": story.named,
            "wants_notice": False,
            "media": [
                {"sha256": digest, "kind": "photo", "type": SEALED_PHOTO, "captured_at": at.isoformat()}
                for digest, _ in sealed
            ],
        }
        sender = None
        if story.kind == "hazard":
            sender = self._person(Role.INSPECTOR, enterprise)
            body |= {
                "enterprise_id": str(enterprise.id),
                "level": story.level,
                "fixed_on_spot": story.fixed_on_spot,
            }
        return self._send(body, sealed, sender)

    def _send(
        self, body: dict[str, Any], sealed: list[tuple[str, bytes]], sender: uuid.UUID | None
    ) -> Report:
        """What a phone does: envelope first, then the media; then the worker's part."""
        submission_id = uuid.uuid4()
        envelope = {
            "v": 1,
            "kind": body["kind"],
            "body": base64.b64encode(self._seal(json.dumps(body).encode())).decode(),
            "receipt": secrets.token_hex(32) if sender is None else None,
            "identity": self._identity() if body["named"] else None,
            "contact": None,
            "media": [{"sha256": digest, "size": len(content)} for digest, content in sealed],
        }
        raw = json.dumps(envelope).encode()
        limits = self.parts.settings.limits
        parsed = envelopes.parse(raw, limits.media_count, limits.sealed_bytes)
        intake.accept(self.session, self.clock, submission_id, raw, parsed, sender)
        self.session.commit()
        for digest, content in sealed:
            upload = self.parts.uploads.create(submission_id, digest, len(content), self.clock.now())
            self.parts.uploads.append(
                upload.id,
                0,
                io.BytesIO(content),
                declared=len(content),
                checksum=None,
                now=self.clock.now(),
                on_received=intake.on_received,
            )
        self._work()
        return self.session.scalars(sa.select(Report).where(Report.submission_id == submission_id)).one()

    def _work(self) -> None:
        """Do all tasks that are waiting, as the worker would."""
        while waiting := list(
            self.session.scalars(sa.select(Task.id).where(Task.done_at.is_(None)).order_by(Task.id))
        ):
            for task_id in waiting:
                tasks.run(self.session, self.clock, self.parts, self.jobs, task_id)

    def _walk(self, story: Story, enterprise: Enterprise, report: Report) -> None:
        case = cases.case_of(self.session, report.id)
        if case is None:
            raise LookupError(f"the report {report.number} has no case")
        hours = itertools.chain(
            [4, 10], itertools.repeat(max(min(story.days_ago, LONGEST_WALK) * 24 - 30, 2) / 8)
        )
        for step, who, fields in self._steps(story, enterprise, report):
            self.clock.advance(timedelta(hours=next(hours)))
            cases.take_step(self.session, self.clock, self._actor(who, case), case.id, step, fields, None)
            self.session.commit()
        if story.ends == "archived":
            judge_answer(self.session, self.clock, report.id, True, "")
            self.session.commit()

    def _steps(
        self, story: Story, enterprise: Enterprise, report: Report
    ) -> list[tuple[Step, Role, dict[str, Any]]]:
        """The steps that lead to where the story ended."""
        if story.ends == "refused":
            reason = "反映的是邻里纠纷,不属于安全生产事项,请向社区反映。"
            return [(Step.REFUSE, Role.DESK, {"ground": "not_safety", "reason": reason})]
        if story.ends == "redirected":
            reason = "拖欠工资由劳动监察部门受理。"
            return [(Step.REDIRECT, Role.DESK, {"authority": "县人力资源和社会保障局", "reason": reason})]
        unit = self._unit(report, story.sector)
        accept = {
            "sector_no": story.sector,
            "unit_id": str(unit.id),
            "title": story.title,
            "matter": f"反映{enterprise.name}存在{story.title}问题,请到现场核查处理。",
            "risk": story.risk,
        }
        way: list[tuple[str, Step, Role, dict[str, Any]]] = [
            ("to_sign", Step.ACCEPT, Role.DESK, accept),
            ("transferred", Step.SIGN, Role.LEADER, {}),
            ("signed_for", Step.SIGN_FOR, Role.HANDLER, {}),
            (
                "to_plan",
                Step.VERIFY,
                Role.HANDLER,
                {"finding": "substantiated", "account": stories.ACCOUNT, "verifiers": ["马建军", "李文华"]},
            ),
            (
                "rectifying",
                Step.PLAN,
                Role.HANDLER,
                {
                    "responsible_person": enterprise.contact_name or "负责人",
                    "measures": stories.MEASURES,
                    "money": 300_000,
                    "deadline": (day_of(self.clock.now()) + timedelta(days=20)).isoformat(),
                    "contingency": stories.CONTINGENCY,
                },
            ),
            (
                "to_recheck",
                Step.RECTIFY,
                Role.HANDLER,
                {
                    "done": stories.DONE,
                    "signature": {"name": enterprise.contact_name or "负责人", "strokes": stories.SIGNATURE},
                },
            ),
            ("to_strike_off", Step.RECHECK_PASS, Role.INSPECTOR, {"account": stories.RECHECK}),
            ("to_reply", Step.STRIKE_OFF, Role.DESK, {}),
            ("replied", Step.REPLY, Role.HANDLER, {"text": stories.REPLY, "reward": "qualifies"}),
            ("archived", Step.ARCHIVE, Role.DESK, {}),
        ]
        if story.ends == "returned":
            taken = way[:2]
            last = [(Step.RETURN, Role.HANDLER, {"reason": stories.RETURN_REASON})]
        else:
            taken = way[: [state for state, *_ in way].index(story.ends) + 1]
            last = []
        return [(step, who, fields) for _, step, who, fields in taken] + last

    def _unit(self, report: Report, sector_no: int) -> Unit:
        """The proposed unit; the sector's lead where none was proposed."""
        proposed = self.session.scalar(
            sa.select(RoutingProposal.unit_id).where(RoutingProposal.report_id == report.id)
        )
        lead = self.session.get_one(Sector, sector_no).lead_unit_id
        unit = self.session.get_one(Unit, proposed or lead)
        handled = self.session.scalar(sa.select(RoleGrant.id).where(RoleGrant.unit_id == unit.id).limit(1))
        return unit if handled else self.session.get_one(Unit, lead)

    def _actor(self, role: Role, case: Case) -> Actor:
        self.session.refresh(case)
        if role is Role.HANDLER:
            person = self.session.scalars(
                sa.select(RoleGrant.person_id)
                .where(RoleGrant.role == role, RoleGrant.unit_id == case.unit_id)
                .limit(1)
            ).one()
        elif role is Role.INSPECTOR:
            person = self._person(role, self.session.get_one(Enterprise, case.enterprise_id))
        else:
            person = self.session.scalars(sa.select(Person.id).where(Person.login == role.value)).one()
        actor = actor_of(self.session, person)
        if actor is None:
            raise LookupError(f"nobody is {role}")
        return actor

    def _person(self, role: Role, enterprise: Enterprise) -> uuid.UUID:
        """Whoever holds the role where the enterprise is."""
        path = self.session.get_one(Area, enterprise.area_id).path
        return self.session.scalars(
            sa.select(RoleGrant.person_id)
            .join(Area, Area.id == RoleGrant.area_id)
            .where(RoleGrant.role == role, sa.literal(path + "/").startswith(Area.path + "/"))
            .limit(1)
        ).one()

    def _place(self, enterprise: Enterprise, chance: random.Random) -> dict[str, Any] | None:
        if enterprise.lat is None or enterprise.lng is None:
            return None
        lat, lng = enterprise.lat + chance.gauss(0, 0.0003), enterprise.lng + chance.gauss(0, 0.0003)
        return {"lat": lat, "lng": lng, "accuracy_m": chance.randint(5, 40), "source": "gps"}

    def _sealed(self, content: bytes) -> tuple[str, bytes]:
        sealed = self._seal(content)
        return hashlib.sha256(sealed).hexdigest(), sealed

    def _seal(self, content: bytes, purpose: Purpose = Purpose.INTAKE) -> bytes:
        recipient = pyrage.x25519.Recipient.from_str(self.parts.keyring.recipient(purpose).recipient)
        sealed: bytes = pyrage.encrypt(content, [recipient])
        return sealed

    def _identity(self) -> str:
        who = json.dumps({"name": "扎西", "phone": "13897550000"}).encode()
        return base64.b64encode(self._seal(who, Purpose.IDENTITY)).decode()


def _as_csv(rows: list[county.Row]) -> bytes:
    out = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(out, list(columns))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _plan_patrols(session: Session, clock: Clock) -> None:
    """For every inspector the riskiest enterprises of the own area, a few of them pushed or due for a second look."""
    holders = session.execute(
        sa.select(RoleGrant.person_id, Area.path)
        .join(Area, Area.id == RoleGrant.area_id)
        .where(RoleGrant.role == Role.INSPECTOR)
    ).all()
    order = sa.case({"red": 0, "orange": 1, "yellow": 2, "blue": 3}, value=Enterprise.risk)
    for person_id, path in holders:
        found = session.scalars(
            sa.select(Enterprise)
            .join(Area, Area.id == Enterprise.area_id)
            .where((Area.path + "/").startswith(path + "/"))
            .order_by(order, Enterprise.name)
            .limit(VISITS_A_DAY)
        ).all()
        today = clock.now().date()
        for number, enterprise in enumerate(found):
            reason = {1: "recheck", 3: "pushed"}.get(number, "due")
            plan_visit(session, clock, enterprise.id, person_id, today - timedelta(days=number == 0), reason)
