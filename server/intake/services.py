"""Reports arrive: taken once, opened in one place, numbered, and handed on."""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, lazyload, undefer

from server.audit.services import record
from server.core.calendar import day_of
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import NotFound
from server.core.parts import Parts
from server.core.tasks import emit, planned, ring_after_commit, with_its_cause
from server.enterprises.models import Enterprise
from server.identity import services as identity
from server.identity.models import Area, Person
from server.identity.rules import OF_A_UNIT, Actor, Role
from server.intake.models import Addition, Medium, NumberCounter, Report, ReporterChannel
from server.intake.rules import Bounds, ReportFields, read_more, read_report, report_number
from server.notices import services as notices
from storage.sealing import CannotOpen, Purpose
from storage.uploads import Upload, UploadStatus
from sync import envelope as envelopes
from sync import ledger
from sync.ledger import Arrival, Submission, SubmissionMedium

log = structlog.get_logger()

TAKE = ledger.taking(
    expected="""
        INSERT INTO medium (id, submission_id, sha256, position, state, flags)
        SELECT gen_random_uuid(), taken.id, medium.sha256, medium.number - 1, 'expected', '[]'
        FROM taken, unnest(CAST(:hashes AS text[])) WITH ORDINALITY AS medium (sha256, number)
    """,
    # Two tips with one receipt are not possible by chance (94 bits); the first keeps it.
    channel="""
        INSERT INTO reporter_channel (receipt_hash, submission_id)
        SELECT told.receipt, taken.id FROM taken, (SELECT CAST(:receipt AS text) AS receipt) AS told
        WHERE told.receipt IS NOT NULL ON CONFLICT DO NOTHING
    """,
    todo=with_its_cause(ledger.TAKEN),
)
"""An envelope with its expected media, its receipt's channel and the task to open it."""

# Those of every report and photo are built once, as that one.
TO_OPEN = (
    sa.select(Submission)
    .where(Submission.id == sa.bindparam("id"))
    .options(undefer(Submission.envelope), lazyload(Submission.media))
    .with_for_update()
    .execution_options(populate_existing=True)
)
DECLARED = (
    sa.select(
        Submission.sender_id,
        sa.exists()
        .where(Upload.owner == Submission.id, Upload.sha256 == SubmissionMedium.sha256)
        .label("begun"),
    )
    .join(SubmissionMedium, SubmissionMedium.submission_id == Submission.id)
    .where(
        Submission.id == sa.bindparam("submission_id"),
        SubmissionMedium.sha256 == sa.bindparam("sha256"),
        SubmissionMedium.size == sa.bindparam("size"),
    )
)
MARK = """
    UPDATE submission_medium SET state = :state WHERE submission_id = :submission_id AND sha256 = :sha256
"""
MARKED = sa.text(MARK)
STORED = sa.text(f"WITH marked AS ({MARK} RETURNING 1) {with_its_cause('marked')}")
OPENED = sa.text(f"""
    WITH marked AS ({MARK}), kept AS (
        UPDATE medium SET sealed_key = :sealed_key
        WHERE submission_id = :submission_id AND sha256 = :sha256 RETURNING id
    ) {with_its_cause("kept", "jsonb_build_object('medium_id', kept.id)")}
""")  # noqa: S608 - of our own words
DECLARE = sa.text("""
    UPDATE medium SET original = told.original, kind = coalesce(medium.kind, told.kind),
        mime = coalesce(medium.mime, told.type), captured_at = coalesce(medium.captured_at, told.captured_at)
    FROM jsonb_to_recordset(CAST(:told AS jsonb))
        AS told (sha256 text, original boolean, kind text, type text, captured_at timestamptz)
    WHERE medium.submission_id = :submission_id AND medium.sha256 = told.sha256
""")
TIE = sa.text("UPDATE reporter_channel SET report_id = :report_id WHERE submission_id = :submission_id")
COUNT = (
    insert(NumberCounter)
    .values(series=sa.bindparam("series"), year=sa.bindparam("year"), last=1)
    .on_conflict_do_update(
        index_elements=[NumberCounter.series, NumberCounter.year], set_={"last": NumberCounter.last + 1}
    )
    .returning(NumberCounter.last)
)

ON_PATROL = (Role.INSPECTOR, Role.GRID_HEAD)


@dataclass(frozen=True)
class Opened:
    """A submission and what was in its seal. `body` is empty when it was not a JSON object."""

    submission: Submission
    body: Facts
    contact: bytes | None = None
    """Where the sender wants to be told, still sealed to the notice key."""


def accept(
    session: Session,
    clock: Clock,
    submission_id: uuid.UUID,
    raw: bytes,
    envelope: envelopes.Envelope,
    sender_id: uuid.UUID | None,
) -> ledger.Accepted:
    """Take an envelope once, with its expected media, its receipt's channel and the task to open it."""
    digest = envelopes.digest_of(raw)
    values, rings = planned(session, "submission.accepted", submission_id=submission_id)
    values["receipt"] = envelope.receipt
    taken = ledger.accept(
        session, submission_id, raw, digest, envelope, sender_id, clock.now(), TAKE, **values
    )
    if taken.arrival is Arrival.NEW:
        ring_after_commit(session, rings)
    return taken


def open_body(session: Session, parts: Parts, submission_id: uuid.UUID) -> Opened:
    """Open what the phone sealed; the one place where that happens. Raises CannotOpen."""
    submission = session.get_one(Submission, submission_id)
    limits = parts.settings.limits
    envelope = envelopes.parse(submission.envelope, limits.media_count, limits.sealed_bytes)
    plain = parts.keyring.open(Purpose.INTAKE, envelope.body)
    try:
        body = json.loads(plain)
    except ValueError:
        body = None
    return Opened(submission, body if isinstance(body, dict) else {}, envelope.contact)


def open_submission(session: Session, clock: Clock, parts: Parts, submission_id: uuid.UUID) -> None:
    """Open a submission, number it and hand it on by its kind. Doing it again changes nothing.

    A seal that cannot be opened raises an alarm in the log and leaves the phone with its bytes (PROTOCOL.md §4).
    """
    submission = session.scalar(TO_OPEN, {"id": submission_id})
    if submission is None or submission.state == "opened":
        return
    try:
        opened = open_body(session, parts, submission_id)
    except CannotOpen:
        submission.state = "unopenable"
        log.error("submission.unopenable", kind=submission.kind, seq=submission.seq)
        return
    if submission.kind == "more":
        submission.state = "opened"
        _keep_addition(session, opened)
        return
    series = "tip" if submission.kind == "entry" else submission.kind
    submission.number, submission.state = next_number(session, clock, parts, series), "opened"
    if submission.kind in ("tip", "entry", "hazard"):
        _register_report(session, clock, parts, opened)
    else:
        emit(session, f"{submission.kind}.opened", submission_id=submission_id)


def next_number(session: Session, clock: Clock, parts: Parts, kind: str) -> str:
    """The next number of a series in this year, without gaps: the counter's row is locked until the commit."""
    year = clock.now().astimezone(ZoneInfo(parts.settings.time_zone)).year
    return _counted(session, parts.settings.county_code, kind, year)


def number_like(session: Session, clock: Clock, number: str, kind: str) -> str:
    """The next number of a series, in the county that gave the other number."""
    return _counted(session, number.partition("-")[0], kind, day_of(clock.now()).year)


def _counted(session: Session, county: str, kind: str, year: int) -> str:
    count = session.connection().execute(COUNT, {"series": kind, "year": year}).scalar_one()
    return report_number(county, kind, year, count)


def media_of(session: Session, submission_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Medium]]:
    """The media of each submission, in the sender's order."""
    found: dict[uuid.UUID, list[Medium]] = defaultdict(list)
    statement = (
        sa.select(Medium).where(Medium.submission_id.in_(list(submission_ids))).order_by(Medium.position)
    )
    for medium in session.scalars(statement):
        found[medium.submission_id].append(medium)
    return found


def county_bounds(session: Session) -> Bounds | None:
    """The box around all areas; None while no area has a polygon."""
    corners = session.execute(
        sa.select(
            sa.func.min(Area.min_lng),
            sa.func.min(Area.min_lat),
            sa.func.max(Area.max_lng),
            sa.func.max(Area.max_lat),
        )
    ).one()
    min_lng, min_lat, max_lng, max_lat = corners
    if min_lng is None or min_lat is None or max_lng is None or max_lat is None:
        return None
    return Bounds(min_lng, min_lat, max_lng, max_lat)


def mark_medium(session: Session, submission_id: uuid.UUID, sha256: str, state: str) -> None:
    """Note how far a declared medium is: `expected`, `stored`, `opened` or `unopenable`."""
    session.connection().execute(MARKED, _mark(submission_id, sha256, state))


def _mark(submission_id: uuid.UUID, sha256: str, state: str) -> Facts:
    return {"submission_id": submission_id, "sha256": sha256, "state": state}


def _register_report(session: Session, clock: Clock, parts: Parts, opened: Opened) -> None:
    submission = opened.submission
    bounds = county_bounds(session) if opened.body.get("place") else None
    fields = read_report(opened.body, submission.kind, submission.received_at, bounds)
    report = _report(session, submission, fields)
    session.add(report)
    session.flush()
    session.connection().execute(TIE, {"report_id": report.id, "submission_id": submission.id})
    if opened.contact is not None:
        notices.keep_contact(session, clock, submission.id, opened.contact)
    _note_declared_media(session, submission.id, fields.media)
    if report.entered_by_id is not None:
        person = session.get_one(Person, report.entered_by_id)
        actor = Actor(person.id, person.name, ())
        record(session, clock, actor, "report.enter", "report", report.id, channel=report.channel)
    emit(session, "report.registered", report_id=report.id)


def _keep_addition(session: Session, opened: Opened) -> None:
    submission, fields = opened.submission, read_more(opened.body)
    if fields.receipt_hash is None:
        log.warning("addition.without_receipt", seq=submission.seq)
        return
    session.add(
        Addition(
            submission_id=submission.id,
            receipt_hash=fields.receipt_hash,
            message_id=fields.message_id or uuid.uuid4(),
            received_at=submission.received_at,
            text=fields.text,
        )
    )
    session.flush()
    _note_declared_media(session, submission.id, fields.media)
    emit(session, "more.opened", submission_id=submission.id)


def additions_of(session: Session, report_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Addition]]:
    """What the reporters sent later, by report, in the order of arrival."""
    found: dict[uuid.UUID, list[Addition]] = defaultdict(list)
    statement = (
        sa.select(ReporterChannel.report_id, Addition)
        .join(Addition, Addition.receipt_hash == ReporterChannel.receipt_hash)
        .where(ReporterChannel.report_id.in_(list(report_ids)))
        .order_by(Addition.received_at, Addition.submission_id)
    )
    for report_id, addition in session.execute(statement):
        if report_id is not None:
            found[report_id].append(addition)
    return found


def evidence_of(session: Session, reports: Iterable[Report]) -> list[Medium]:
    """All media of these reports, those that were sent later after the first ones."""
    rows = list(reports)
    later = additions_of(session, [report.id for report in rows])
    ids = [id_ for row in rows for id_ in (row.submission_id, *(one.submission_id for one in later[row.id]))]
    media = media_of(session, ids)
    return [medium for id_ in ids for medium in media[id_]]


def report_with(submission_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    """The report that a submission is, or is more to; no row when it is neither."""
    added = (
        sa.select(ReporterChannel.report_id)
        .join(Addition, Addition.receipt_hash == ReporterChannel.receipt_hash)
        .where(Addition.submission_id == submission_id)
    )
    own = Report.submission_id == submission_id
    return sa.select(Report.id).where(sa.or_(own, Report.id.in_(added)))


def _report(session: Session, submission: Submission, fields: ReportFields) -> Report:
    enterprise = _enterprise(session, fields)
    place = fields.place
    flags = list(fields.flags)
    hit = identity.area_at(session, place.lat, place.lng) if place else None
    if fields.enterprise_id is not None and enterprise is None:
        flags.append(
            {"code": "unknown_enterprise", "field": "enterprise_id", "detail": str(fields.enterprise_id)}
        )
    return Report(
        submission_id=submission.id,
        number=submission.number,
        kind="hazard" if submission.kind == "hazard" else "tip",
        channel=fields.channel,
        arrived_on=fields.arrived_on,
        entered_by_id=submission.sender_id if submission.kind == "entry" else None,
        seq=submission.seq,
        received_at=submission.received_at,
        captured_at=fields.captured_at,
        text=fields.text,
        hazard_type=fields.hazard_type,
        level=fields.level,
        clause=fields.clause,
        lat=place.lat if place else None,
        lng=place.lng if place else None,
        accuracy_m=place.accuracy_m if place else None,
        place_source=place.source if place else None,
        place_words=fields.place_words,
        area_id=hit.area.id if hit else enterprise.area_id if enterprise else None,
        enterprise_id=enterprise.id if enterprise else None,
        enterprise_words=fields.enterprise_words,
        named=fields.named,
        wants_notice=fields.wants_notice,
        reporter_id=submission.sender_id if submission.kind == "hazard" else None,
        visit_id=fields.visit_id,
        fixed_on_spot=fields.fixed_on_spot and submission.kind == "hazard",
        due_on=fields.due_on,
        flags=flags,
    )


def _enterprise(session: Session, fields: ReportFields) -> Enterprise | None:
    if fields.enterprise_id is not None:
        return session.get(Enterprise, fields.enterprise_id)
    if fields.enterprise_words:
        named = session.scalars(sa.select(Enterprise).where(Enterprise.name == fields.enterprise_words)).all()
        return named[0] if len(named) == 1 else None
    return None


def _note_declared_media(session: Session, submission_id: uuid.UUID, told: dict[str, Facts]) -> None:
    """What the sender said of each medium; what was found in it already stays."""
    if told:
        rows = [facts | {"sha256": sha256} for sha256, facts in told.items()]
        values = {"submission_id": submission_id, "told": json.dumps(rows, default=datetime.isoformat)}
        session.connection().execute(DECLARE, values)


def received_at_of(session: Session, submission_id: uuid.UUID) -> datetime | None:
    """When a submission was accepted; None when it was not."""
    return session.scalar(sa.select(Submission.received_at).where(Submission.id == submission_id))


def medium_opened(session: Session, submission_id: uuid.UUID, sha256: str, sealed_key: str) -> None:
    """Note that a medium is opened, so that the phone may let go of it, and have it cleaned."""
    values, rings = planned(session, "medium.opened")
    values |= _mark(submission_id, sha256, "opened") | {"sealed_key": sealed_key}
    session.connection().execute(OPENED, values)
    ring_after_commit(session, rings)


def medium_cleaned(session: Session, medium: Medium) -> None:
    """Tell those who look at pictures."""
    emit(session, "medium.ready", medium_id=medium.id, submission_id=medium.submission_id)


def streams_of(session: Session, actor: Actor) -> list[str]:
    """What a phone follows: its person, its units, and the areas in which the person goes on patrol."""
    units = {grant.unit_id for grant in actor.grants if grant.role in OF_A_UNIT and grant.unit_id}
    paths = {grant.area_path for grant in actor.grants if grant.role in ON_PATROL and grant.area_path}
    areas = session.scalars(sa.select(Area.id).where(Area.path.in_(paths))) if paths else ()
    return [
        f"person:{actor.person_id}",
        *sorted(f"area:{area}" for area in areas),
        *sorted(f"unit:{unit}" for unit in units),
    ]


def unopenable(session: Session) -> int:
    """How many submissions and media none of our keys opens."""
    submissions = sa.select(sa.func.count()).where(Submission.state == "unopenable").scalar_subquery()
    media = sa.select(sa.func.count()).where(SubmissionMedium.state == "unopenable").scalar_subquery()
    return session.scalar(sa.select(submissions + media)) or 0


def admit_medium(
    session: Session, submission_id: uuid.UUID, sha256: str, size: int, count: Callable[[int], None]
) -> None:
    """Let an upload begin only for a line of its submission's manifest. Raises NotFound.

    `count` is told the size of what the public begins to send, once; what it raises comes through.
    """
    found = session.execute(
        DECLARED, {"submission_id": submission_id, "sha256": sha256, "size": size}
    ).one_or_none()
    if found is None:
        raise NotFound("upload.undeclared", "Send the submission first; it declares no such file.")
    if found.sender_id is None and not found.begun:
        count(size)


def on_received(session: Session, upload: UploadStatus) -> None:
    """All bytes are there: note it, and have the medium opened. Runs in the transaction of the last byte."""
    values, rings = planned(session, "upload.received", upload_id=upload.id)
    session.connection().execute(STORED, values | _mark(upload.owner, upload.sha256, "stored"))
    ring_after_commit(session, rings)
