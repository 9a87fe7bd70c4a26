"""Assess a report: earlier ones of the same matter, and its sector. What a person judged stays."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.errors import NotFound
from server.enterprises.models import Enterprise
from server.identity.models import Area, Unit
from server.identity.rules import Actor, Role
from server.intake.models import Medium, Report
from server.triage import rules
from server.triage.models import (
    BlockingKey,
    DuplicateSuggestion,
    HazardType,
    Sector,
    SectorProposal,
    SectorUnit,
)
from server.triage.rules import Place, Told, Verdict
from server.triage.sectors import READ_CHARS, propose_sector
from server.triage.words import company_name

PER_KEY = 40
PHOTOS_SOUGHT = 8


def assess(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Propose sectors and earlier reports of the same matter. Doing it again gives the same."""
    report = _report(session, report_id)
    propose_sector(session, clock, report)
    compare(session, clock, report_id)


def compare(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Keep the report's keys, and suggest it with earlier ones, and to later ones that could not see it yet.

    The second happens when two are assessed at once or out of order, and when a photo comes after its report.
    """
    report = _report(session, report_id)
    places = _place_names(session)
    told = _told(session, [report_id], places)[report_id]
    own, sought = rules.own_keys(told), rules.sought_keys(told)
    _lock_keys(session, own | sought)
    _keep_keys(session, report, own)
    found = _candidates(session, report, sought, told.photos)
    others = _told(session, found, places)
    verdicts = {
        other_id: rules.judge_pair(told, other)
        for other_id, other in others.items()
        if rules.comparable(told, other)
    }
    _store(session, clock, report_id, verdicts)
    suggested_to = set(
        session.scalars(
            sa.select(DuplicateSuggestion.report_id).where(DuplicateSuggestion.other_id == report_id)
        )
    )
    for later_id, later in others.items():
        if rules.comparable(later, told):
            verdict = rules.judge_pair(later, told)
            if verdict.suggested or later_id in suggested_to:
                _store(session, clock, later_id, {report_id: verdict})


def compare_photo(session: Session, clock: Clock, submission_id: uuid.UUID) -> None:
    """A picture can be seen now: compare its report again. One not registered yet will see it by itself."""
    report_id = session.scalar(sa.select(Report.id).where(Report.submission_id == submission_id))
    if report_id is not None:
        compare(session, clock, report_id)


def judge(
    session: Session, clock: Clock, actor: Actor, suggestion_id: uuid.UUID, same: bool
) -> DuplicateSuggestion:
    """A person's word on a pair; only a person can change it. Raises NotFound to whoever has no say here."""
    suggestion = session.get(DuplicateSuggestion, suggestion_id, with_for_update=True)
    if suggestion is None or not _may_judge(session, actor, suggestion):
        raise NotFound()
    word = "same" if same else "different"
    if suggestion.judged != word:
        record(
            session,
            clock,
            actor,
            "triage.judge",
            "duplicate_suggestion",
            suggestion.id,
            judged=word,
            before=suggestion.judged,
            score=suggestion.score,
            model=suggestion.model,
        )
        suggestion.judged, suggestion.judged_by, suggestion.judged_at = word, actor.person_id, clock.now()
        session.flush()
    return suggestion


def sectors_for(session: Session, report_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, SectorProposal]:
    """The proposed sectors of each report that has been assessed."""
    rows = session.scalars(sa.select(SectorProposal).where(SectorProposal.report_id.in_(list(report_ids))))
    return {row.report_id: row for row in rows}


def mark_closed(session: Session, report_ids: Iterable[uuid.UUID], at: datetime | None) -> None:
    """Their matter was closed, or opened again (None): what is closed is compared for 30 days only."""
    session.execute(
        sa.update(BlockingKey).where(BlockingKey.report_id.in_(list(report_ids))).values(closed_at=at)
    )


def sectors(session: Session) -> list[tuple[Sector, Unit, list[tuple[SectorUnit, Unit | None]]]]:
    """The county's table: each sector with its lead unit and its responsible units in their order."""
    units: dict[int, list[tuple[SectorUnit, Unit | None]]] = {}
    rows = sa.select(SectorUnit, Unit).outerjoin(Unit, Unit.id == SectorUnit.unit_id)
    for row, unit in session.execute(rows.order_by(SectorUnit.sector_no, SectorUnit.position)):
        units.setdefault(row.sector_no, []).append((row, unit))
    leads = sa.select(Sector, Unit).join(Unit, Unit.id == Sector.lead_unit_id).order_by(Sector.no)
    return [(sector, lead, units.get(sector.no, [])) for sector, lead in session.execute(leads)]


def hazard_types(session: Session) -> list[HazardType]:
    """All kinds of hazards, the chips first, then by sector."""
    order = (HazardType.chip_order.nulls_last(), HazardType.sector_no, HazardType.code)
    return list(session.scalars(sa.select(HazardType).order_by(*order)))


def _report(session: Session, report_id: uuid.UUID) -> Report:
    report = session.get(Report, report_id)
    if report is None:
        raise NotFound("report.not_found", f"There is no report {report_id}.")
    return report


def _may_judge(session: Session, actor: Actor, suggestion: DuplicateSuggestion) -> bool:
    path = session.scalar(
        sa.select(Area.path).join(Report, Report.area_id == Area.id).where(Report.id == suggestion.report_id)
    )
    return actor.may(Role.DESK, area_path=path)


def _place_names(session: Session) -> tuple[str, ...]:
    return tuple(session.scalars(sa.select(Area.name).where(Area.kind.in_(("county", "town")))))


def _told(session: Session, report_ids: Sequence[uuid.UUID], places: Sequence[str]) -> dict[uuid.UUID, Told]:
    """What the reports say, with their enterprises' registered names and the pictures that can be seen."""
    photos: dict[uuid.UUID, set[str]] = {}
    seen = sa.select(Report.id, Medium.dhash).join(Medium, Medium.submission_id == Report.submission_id)
    seen = seen.where(Report.id.in_(report_ids), Medium.state == "ready", Medium.dhash.is_not(None))
    for report_id, dhash in session.execute(seen):
        photos.setdefault(report_id, set()).add(dhash or "")
    closed = set(
        session.scalars(
            sa.select(BlockingKey.report_id).where(
                BlockingKey.report_id.in_(report_ids), BlockingKey.closed_at.is_not(None)
            )
        )
    )
    rows = (
        sa.select(Report, Enterprise, HazardType.sector_no)
        .outerjoin(Enterprise, Enterprise.id == Report.enterprise_id)
        .outerjoin(HazardType, HazardType.code == Report.hazard_type)
        .where(Report.id.in_(report_ids))
    )
    told: dict[uuid.UUID, Told] = {}
    for report, enterprise, sector_no in session.execute(rows):
        registered = (enterprise.name, enterprise.short_name or "") if enterprise else ()
        names = (company_name(name, places) for name in registered)
        told[report.id] = Told(
            seq=report.seq,
            received_at=report.received_at,
            text=report.text[:READ_CHARS],
            place=_place(report),
            place_words=report.place_words[:READ_CHARS],
            enterprise_id=report.enterprise_id,
            company=company_name(report.enterprise_words[:READ_CHARS], places),
            companies=tuple(name for name in names if name),
            hazard_type=report.hazard_type if sector_no is not None else None,
            sector_no=sector_no,
            photos=frozenset(photos.get(report.id, ())),
            closed=report.id in closed,
        )
    return told


def _place(report: Report) -> Place | None:
    if report.lat is None or report.lng is None:
        return None
    return Place(report.lat, report.lng, report.accuracy_m)


def _texts(values: Iterable[str]) -> sa.ColumnElement[list[str]]:
    """An array whose type PostgreSQL can tell."""
    return sa.literal(sorted(values), sa.ARRAY(sa.Text()))


def _lock_keys(session: Session, keys: Iterable[str]) -> None:
    """Reports that may be one matter are assessed one after the other, so that neither misses the other.

    Sorted, as two that lock in other orders could wait for each other for ever.
    """
    numbers = sa.select(sa.func.unnest(_texts(keys), type_=sa.Text()).label("key")).subquery()
    ordered = sa.select(sa.func.hashtextextended(numbers.c.key, 0).label("lock")).distinct().order_by("lock")
    locks = ordered.cte("locks").prefix_with("MATERIALIZED", dialect="postgresql")
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(locks.c.lock)))


def _keep_keys(session: Session, report: Report, keys: Iterable[str]) -> None:
    closed_at = session.scalar(
        sa.select(sa.func.max(BlockingKey.closed_at)).where(BlockingKey.report_id == report.id)
    )
    rows = [
        {"report_id": report.id, "key": key, "received_at": report.received_at, "closed_at": closed_at}
        for key in sorted(keys)
    ]
    if rows:
        session.execute(insert(BlockingKey).values(rows).on_conflict_do_nothing())


def _candidates(session: Session, report: Report, sought: set[str], photos: Iterable[str]) -> list[uuid.UUID]:
    """At most 50 other reports that share a key and are open or came within 30 days; most shared keys first.

    Each key gives its newest 40 open and 40 recent ones by index, so the work does not grow with the store.
    """
    keys = dict.fromkeys(sought, True) | {
        key: False for photo in sorted(photos)[:PHOTOS_SOUGHT] for key in rules.photo_bands_near(photo)
    }
    if not keys:
        return []
    wanted = sa.func.unnest(_texts(keys), type_=sa.Text()).table_valued("key").render_derived("wanted")
    window = (report.received_at - rules.WINDOW, report.received_at + rules.WINDOW)

    def newest(condition: sa.ColumnElement[bool]) -> sa.Select[uuid.UUID]:
        return (
            sa.select(BlockingKey.report_id)
            .where(BlockingKey.key == wanted.c.key, condition)
            .order_by(BlockingKey.received_at.desc())
            .limit(PER_KEY)
            .correlate(wanted)
        )

    opened = newest(BlockingKey.closed_at.is_(None)).subquery()
    recent = newest(BlockingKey.received_at.between(*window)).subquery()
    both = sa.union(sa.select(opened.c.report_id), sa.select(recent.c.report_id)).lateral("both")
    statement = (
        sa.select(both.c.report_id)
        .select_from(wanted.join(both, sa.true()))
        .where(both.c.report_id != report.id)
        .group_by(both.c.report_id)
        .order_by(sa.func.count().desc(), both.c.report_id.desc())
        .limit(rules.CANDIDATES)
    )
    return list(session.scalars(statement))


def _store(session: Session, clock: Clock, report_id: uuid.UUID, verdicts: dict[uuid.UUID, Verdict]) -> None:
    """Keep the three likeliest of what was known and what is new. What a person judged is left as it is."""
    rows = session.scalars(
        sa.select(DuplicateSuggestion)
        .where(DuplicateSuggestion.report_id == report_id)
        .order_by(DuplicateSuggestion.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # locked, so that a judgement made at this moment is not lost
    known = {row.other_id: row for row in rows}
    open_scores = {
        other_id: Verdict(row.score, row.reasons)
        for other_id, row in known.items()
        if row.judged is None and row.model == rules.MODEL
    }
    judged = {other_id for other_id, row in known.items() if row.judged is not None}
    fresh = {other_id: verdict for other_id, verdict in verdicts.items() if other_id not in judged}
    kept = dict(rules.best((open_scores | fresh).items()))
    for other_id, row in known.items():
        if other_id not in judged and other_id not in kept:
            session.delete(row)
    for other_id, verdict in kept.items():
        if other_id in known:
            row = known[other_id]
            row.score, row.reasons, row.model = verdict.score, verdict.reasons, rules.MODEL
        else:
            session.add(
                DuplicateSuggestion(
                    report_id=report_id,
                    other_id=other_id,
                    score=verdict.score,
                    reasons=verdict.reasons,
                    model=rules.MODEL,
                    created_at=clock.now(),
                )
            )
    session.flush()
