"""Assess a report: earlier ones of the same matter, and its sector. What a person judged stays."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.errors import NotFound
from server.core.tasks import emit
from server.enterprises.models import Enterprise
from server.identity.models import Area, Unit
from server.identity.rules import Actor, Role
from server.intake.models import Medium, Report
from server.triage import keys, rules, store
from server.triage.experience import Experience
from server.triage.model import PairModel, shipped
from server.triage.models import (
    Digest,
    DuplicateSuggestion,
    HazardType,
    LearnedModel,
    Sector,
    SectorProposal,
    SectorUnit,
    TriageCosts,
)
from server.triage.reading import Place, Told
from server.triage.rules import Costs, Verdict
from server.triage.sectors import READ_CHARS, propose_sector
from server.triage.words import company_name

PHOTOS_SOUGHT = 8
LEARNT_OF = 5000
LEARNT_HOLDS = timedelta(hours=1)


def assess(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Propose sectors and earlier reports of the same matter. Doing it again gives the same."""
    report = _report(session, report_id)
    propose_sector(session, clock, report)
    compare(session, clock, report_id)


def compare(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Keep what the report says, and suggest it with earlier ones, and to later ones that could not see it yet.

    The second happens when two are assessed at once or out of order, and when a photo comes after its report.
    """
    report = _report(session, report_id)
    known = _experience(session, clock)
    told = known.understand(_told(session, report).understood())
    connection = session.connection()
    _lock_keys(connection, keys.own_keys(told) | keys.sought_keys(told).keys())
    told, rows = store.look_around(connection, report_id, told)
    others = store.read(rows)
    store.keep(connection, report_id, told)
    model, costs = model_in_use(session), _costs(session, report)
    judged = rules.judge(told, list(others.values()), model, costs)
    verdicts = dict(zip(others, judged, strict=True))
    before = {i: v for i, v in verdicts.items() if rules.comparable(told, others[i])}
    _store(session, clock, report_id, before, model.version)
    suggested_to = set(
        session.scalars(
            sa.select(DuplicateSuggestion.report_id).where(DuplicateSuggestion.other_id == report_id)
        )
    )
    for later_id, verdict in verdicts.items():
        if rules.comparable(others[later_id], told) and (verdict.suggested or later_id in suggested_to):
            _store(session, clock, later_id, {report_id: verdict}, model.version)
    again = store.candidates(
        connection, report_id, told, keys.sought_keys(told), store.CLOSED_WITHIN_A_YEAR, store.AGAIN_MOST
    )
    closed = store.read(again)
    came_back = [
        (other_id, (told.received_at - closed[other_id].received_at).days, verdict)
        for other_id, verdict in zip(
            closed, rules.judge(told, list(closed.values()), model, costs), strict=True
        )
        if verdict.suggested and rules.recurrence(told, closed[other_id])
    ]
    _store_recurrence(session, clock, report_id, came_back, model.version)


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


def suggestion_of(session: Session, report_id: uuid.UUID, other_id: uuid.UUID) -> DuplicateSuggestion | None:
    """What is known of this pair."""
    pair = (DuplicateSuggestion.report_id == report_id, DuplicateSuggestion.other_id == other_id)
    return session.scalar(sa.select(DuplicateSuggestion).where(*pair))


def sectors_for(session: Session, report_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, SectorProposal]:
    """The proposed sectors of each report that has been assessed."""
    rows = session.scalars(sa.select(SectorProposal).where(SectorProposal.report_id.in_(list(report_ids))))
    return {row.report_id: row for row in rows}


def mark_closed(session: Session, report_ids: Iterable[uuid.UUID], at: datetime | None) -> None:
    """Their matter was closed, or opened again (None): what is closed is compared for 30 days only."""
    store.mark_closed(session.connection(), report_ids, at)


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
    """Whose desk it is where both were reported: nobody judges what they may not read.

    What has no place is the county's.
    """
    pair = (suggestion.report_id, suggestion.other_id)
    county = sa.select(Area.id).where(Area.parent_id.is_(None)).limit(1).scalar_subquery()
    where = sa.func.coalesce(Report.area_id, county)
    paths = sa.select(Area.path).select_from(Report).outerjoin(Area, Area.id == where)
    return all(
        actor.may(Role.DESK, area_path=path) for path in session.scalars(paths.where(Report.id.in_(pair)))
    )


def _told(session: Session, report: Report) -> Told:
    """What the report says, with its enterprise's registered names and the pictures that can be seen."""
    seen = sa.select(Medium.dhash).where(
        Medium.submission_id == report.submission_id, Medium.state == "ready", Medium.dhash.is_not(None)
    )
    photos = sorted(dhash for dhash in session.scalars(seen) if dhash)[:PHOTOS_SOUGHT]
    places = session.scalars(sa.select(Area.name).where(Area.kind.in_(("county", "town")))).all()
    enterprise = session.get(Enterprise, report.enterprise_id) if report.enterprise_id else None
    registered = (enterprise.name, enterprise.short_name or "") if enterprise else ()
    names = (company_name(name, places) for name in registered)
    kind = session.get(HazardType, report.hazard_type) if report.hazard_type else None
    closed = session.scalar(sa.select(Digest.closed_at).where(Digest.report_id == report.id))
    return Told(
        seq=report.seq,
        received_at=report.received_at,
        text=report.text[:READ_CHARS],
        place=_place(report),
        place_words=report.place_words[:READ_CHARS],
        enterprise_id=report.enterprise_id,
        company=company_name(report.enterprise_words[:READ_CHARS], places),
        companies=tuple(name for name in names if name),
        hazard_type=kind.code if kind else None,
        sector_no=kind.sector_no if kind else None,
        photos=frozenset(photos),
        closed=closed is not None,
    )


def _place(report: Report) -> Place | None:
    if report.lat is None or report.lng is None:
        return None
    return Place(report.lat, report.lng, report.accuracy_m)


def _lock_keys(connection: sa.Connection, wanted: Iterable[str]) -> None:
    """Reports that may be one matter are assessed one after the other, so that neither misses the other.

    Sorted, as two that lock in other orders could wait for each other for ever.
    """
    numbers = sa.func.unnest(sa.literal(keys.numbered(wanted), sa.ARRAY(sa.BigInteger())))
    locks = sa.select(numbers.column_valued("lock")).cte("locks").prefix_with("MATERIALIZED")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(locks.c.lock)))


_learnt_at: tuple[datetime, Experience] | None = None


def _experience(session: Session, clock: Clock) -> Experience:
    """What the newest reports teach; gathered once an hour in each process."""
    global _learnt_at
    now = clock.now()
    if _learnt_at is None or abs(now - _learnt_at[0]) > LEARNT_HOLDS:
        known = Experience()
        newest = sa.select(Digest.seq, Digest.received_at, Digest.facts).order_by(Digest.received_at.desc())
        for seq, at, facts in reversed(session.execute(newest.limit(LEARNT_OF)).all()):
            known.add(Told.from_stored(seq, at, False, facts))
        _learnt_at = now, known
    return _learnt_at[1]


_models: dict[str, PairModel] = {}


def model_in_use(session: Session) -> PairModel:
    """The model that a person switched on last, or the shipped one."""
    used = (
        sa.select(LearnedModel.version)
        .where(LearnedModel.used_since.is_not(None))
        .order_by(LearnedModel.used_since.desc())
    )
    version = session.scalar(used.limit(1))
    if version is None:
        return shipped()
    if version not in _models:
        _models[version] = PairModel.from_facts(session.get_one(LearnedModel, version).facts)
    return _models[version]


def _costs(session: Session, report: Report) -> Costs:
    """What mistakes cost where the report belongs: of the smallest area that has a row of its own."""
    path = session.scalar(sa.select(Area.path).where(Area.id == report.area_id)) if report.area_id else None
    if path is None:
        return Costs()
    above = sa.or_(Area.path == path, sa.literal(path).startswith(Area.path + "/"))
    rows = sa.select(TriageCosts).join(Area).where(above).order_by(sa.func.length(Area.path).desc()).limit(1)
    row = session.scalar(rows)
    return Costs(row.missed, row.interrupted, row.wrong_merge) if row else Costs()


def _store(
    session: Session, clock: Clock, report_id: uuid.UUID, verdicts: dict[uuid.UUID, Verdict], version: str
) -> None:
    """Keep the three likeliest of what was known and what is new. What a person judged is left as it is."""
    rows = session.scalars(
        sa.select(DuplicateSuggestion)
        .where(DuplicateSuggestion.report_id == report_id, DuplicateSuggestion.outcome != "recurrence")
        .order_by(DuplicateSuggestion.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # locked, so that a judgement made at this moment is not lost
    known = {row.other_id: row for row in rows}
    open_scores = {
        other_id: Verdict(row.score, row.reasons, row.row, row.outcome == "automatic")
        for other_id, row in known.items()
        if row.judged is None and row.model == version
    }
    judged = {other_id for other_id, row in known.items() if row.judged is not None}
    fresh = {other_id: verdict for other_id, verdict in verdicts.items() if other_id not in judged}
    kept = dict(rules.best((open_scores | fresh).items()))
    for other_id, row in known.items():
        if other_id not in judged and other_id not in kept:
            session.delete(row)
    for other_id, verdict in kept.items():
        row = known.get(other_id) or DuplicateSuggestion(report_id=report_id, other_id=other_id)
        if other_id not in known:
            row.created_at = clock.now()
            session.add(row)
            if verdict.automatic:
                emit(session, "report.same_matter", report_id=report_id, other_id=other_id)
        row.score, row.reasons, row.row, row.model = verdict.score, verdict.reasons, verdict.row, version
        row.outcome = "automatic" if verdict.automatic else "suggested"
    session.flush()


def _store_recurrence(
    session: Session,
    clock: Clock,
    report_id: uuid.UUID,
    again: list[tuple[uuid.UUID, int, Verdict]],
    version: str,
) -> None:
    """Keep the likeliest closed matter that this one brings back; what a person said of one stays."""
    known = sa.select(DuplicateSuggestion).where(
        DuplicateSuggestion.report_id == report_id, DuplicateSuggestion.outcome == "recurrence"
    )
    if not again or session.scalar(known.limit(1)) is not None:
        return
    other_id, days, verdict = max(again, key=lambda found: found[2].score)
    row = DuplicateSuggestion(
        report_id=report_id,
        other_id=other_id,
        outcome="recurrence",
        score=verdict.score,
        reasons=[{"code": "came_again", "params": {"days": days}}, *verdict.reasons],
        row=verdict.row,
        model=version,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
