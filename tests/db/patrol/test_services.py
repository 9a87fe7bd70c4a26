"""Visits onto phones, inspections back."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.calendar import day_of
from server.core.clock import FixedClock
from server.core.errors import NotFound
from server.core.parts import Parts
from server.intake.services import Opened
from server.patrol.models import Checklist, Inspection, Visit
from server.patrol.services import CHECKLISTS, load_checklists, plan_visit, record_inspection
from sync.changes import Change
from sync.ledger import Submission
from tests.factories.county import County, build_county, enterprise


@pytest.fixture
def county(parts: Parts, session: Session, clock: FixedClock) -> County:
    county = build_county(session, clock, parts)
    load_checklists(session)
    return county


def plan(county: County, sector_no: int = 6, days: int = 0, reason: str = "due") -> Visit:
    firm = enterprise(county, sector_no, name=f"企业 {uuid.uuid4()}")
    due_on = day_of(county.clock.now()) + timedelta(days=days)
    inspector_id = county.people["inspector"].id
    return plan_visit(county.session, county.clock, firm.id, inspector_id, due_on, reason)


def phone(county: County) -> dict[str, dict[str, Any]]:
    """What the inspector's stream holds, by topic and key."""
    county.session.flush()
    county.session.expire_all()
    stream = f"person:{county.people['inspector'].id}"
    rows: dict[str, dict[str, Any]] = {"visit": {}, "enterprise": {}, "checklist": {}}
    for row in county.session.scalars(
        sa.select(Change).where(Change.stream == stream, Change.deleted.is_(False))
    ):
        rows[row.topic][row.key] = row.data
    return rows


def inspect(county: County, login: str = "inspector", **body: Any) -> Inspection:
    submission = Submission(
        id=uuid.uuid4(),
        kind="inspection",
        digest="d",
        envelope=b"{}",
        received_at=county.clock.now(),
        sender_id=county.people[login].id,
        state="opened",
    )
    county.session.add(submission)
    county.session.flush()
    record_inspection(county.session, county.clock, Opened(submission, body))
    return county.session.get_one(Inspection, submission.id)


def good(visit: Visit, checklist: Checklist) -> dict[str, Any]:
    return {
        "visit_id": str(visit.id),
        "enterprise_id": str(visit.enterprise_id),
        "checklist_id": str(checklist.id),
        "answers": [{"item_id": item["id"], "answer": "yes", "note": ""} for item in checklist.items],
        "hazards": [],
        "signatures": [{"name": "王强", "role": "enterprise"}],
    }


class TestChecklists:
    def test_they_are_loaded_once(self, county: County) -> None:
        assert county.session.scalar(sa.select(sa.func.count()).select_from(Checklist)) == len(
            list(CHECKLISTS.glob("*.json"))
        )
        assert load_checklists(county.session) == 0

    def test_a_new_version_leaves_the_old_one_as_it_was(self, county: County, tmp_path: Path) -> None:
        told = json.loads((CHECKLISTS / "fire.json").read_text("utf-8"))
        changed = told | {"version": 2, "items": told["items"][:8]}
        (tmp_path / "fire.json").write_text(json.dumps(changed), "utf-8")
        assert load_checklists(county.session, tmp_path) == 1
        visit = plan(county, sector_no=6)
        assert county.session.get_one(Checklist, visit.checklist_id).version == 2
        old = county.session.scalars(
            sa.select(Checklist).where(Checklist.code == "fire", Checklist.version == 1)
        )
        assert old.one().items == told["items"]

    def test_a_sector_without_its_own_gets_the_general_one(self, county: County) -> None:
        visit = plan(county, sector_no=3)
        assert county.session.get_one(Checklist, visit.checklist_id).code == "chemicals"
        visit = plan(county, sector_no=15)
        assert county.session.get_one(Checklist, visit.checklist_id).code == "general"

    def test_without_checklists_nothing_can_be_planned(self, county: County) -> None:
        county.session.execute(sa.delete(Checklist))
        with pytest.raises(NotFound):
            plan(county)


class TestPlanning:
    def test_a_visit_brings_all_that_is_needed_without_signal(self, county: County) -> None:
        visit = plan(county, reason="pushed")
        held = phone(county)
        told = held["visit"][str(visit.id)]
        assert (told["state"], told["reason"], told["due_on"]) == ("planned", "pushed", "2026-11-23")
        firm = held["enterprise"][told["enterprise_id"]]
        assert (firm["area_name"], firm["risk"], firm["lat"]) == ("grid", "red", 34.47)
        assert len(held["checklist"][told["checklist_id"]]["items"]) >= 8

    def test_planning_the_same_again_plans_nothing(self, county: County) -> None:
        visit = plan(county)
        again = plan_visit(
            county.session, county.clock, visit.enterprise_id, visit.inspector_id, visit.due_on, "due"
        )
        assert again is visit

    def test_what_was_done_leaves_the_phone_the_day_after(self, county: County) -> None:
        visit = plan(county)
        inspect(county, visit_id=str(visit.id))
        assert phone(county)["visit"][str(visit.id)]["state"] == "done"
        county.clock.advance(timedelta(days=1))
        tomorrow = plan(county)
        assert phone(county)["visit"].keys() == {str(tomorrow.id)}


class TestInspections:
    def test_an_inspection_is_kept_and_its_visit_done(self, county: County) -> None:
        visit = plan(county)
        checklist = county.session.get_one(Checklist, visit.checklist_id)
        kept = inspect(county, **good(visit, checklist))
        assert kept.flags == []
        assert (kept.visit_id, kept.enterprise_id) == (visit.id, visit.enterprise_id)
        assert (visit.state, visit.done_at) == ("done", county.clock.now())

    def test_recording_again_changes_nothing(self, county: County) -> None:
        visit = plan(county)
        kept = inspect(county, visit_id=str(visit.id))
        submission = county.session.get_one(Submission, kept.submission_id)
        county.clock.advance(timedelta(hours=1))
        record_inspection(county.session, county.clock, Opened(submission, {"visit_id": "other"}))
        marks = sa.select(sa.func.count()).where(AuditEntry.action == "inspection.record")
        assert county.session.scalar(marks) == 1
        assert county.session.get_one(Inspection, submission.id).visit_id == visit.id

    def test_what_names_nothing_known_is_kept_and_flagged(self, county: County) -> None:
        strange = {name: str(uuid.uuid4()) for name in ("visit_id", "enterprise_id", "checklist_id")}
        kept = inspect(county, **strange, answers=[{"item_id": "x", "answer": "no"}])
        assert {flag["code"] for flag in kept.flags} == {
            "unknown_visit",
            "unknown_enterprise",
            "unknown_checklist",
            "unsigned",
        }
        assert (kept.visit_id, kept.enterprise_id, kept.checklist_id) == (None, None, None)
        assert kept.answers == [{"item_id": "x", "answer": "no", "note": "", "media": []}]

    def test_a_colleagues_visit_and_another_enterprise_are_flagged(self, county: County) -> None:
        visit = plan(county)
        other = enterprise(county, name="另一家")
        kept = inspect(county, "other_inspector", visit_id=str(visit.id), enterprise_id=str(other.id))
        codes = {flag["code"] for flag in kept.flags}
        assert {"visit_of_somebody_else", "other_enterprise"} <= codes
        assert kept.inspector_id == county.people["other_inspector"].id
        assert visit.state == "done"

    def test_items_left_open_are_counted(self, county: County) -> None:
        visit = plan(county)
        checklist = county.session.get_one(Checklist, visit.checklist_id)
        body = good(visit, checklist)
        kept = inspect(county, **body | {"answers": body["answers"][2:]})
        assert kept.flags == [{"code": "unanswered", "field": "answers", "detail": "2"}]
