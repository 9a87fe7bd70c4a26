"""Photos and videos to people: streamed through the web process after a look at the case they belong to."""

import uuid
from enum import StrEnum

import sqlalchemy as sa
from flask import Response
from sqlalchemy.orm import Session
from werkzeug.http import parse_range_header

from server.cases import rules
from server.cases.models import Case, CaseEvent, CaseReport
from server.cases.services import facts_of
from server.cases.sheet import UNIT_HISTORY, for_units
from server.core.errors import NotFound, Problem
from server.identity.rules import Actor
from server.intake.models import Medium, Report
from server.intake.services import report_with
from storage.blobs import BlobMissing, BlobStore

KEPT_SECONDS = 3600


class Size(StrEnum):
    """Which form of a medium."""

    THUMB = "thumb"
    PREVIEW = "preview"
    CLEAN = "clean"


class RangeNotSatisfiable(Problem):
    """The bytes asked for are not there."""

    status = 416
    title = "No such range"


def key_of(session: Session, actor: Actor, medium_id: uuid.UUID, size: Size) -> str:
    """The object of this form, when the actor sees a case with this medium. Raises NotFound."""
    medium = session.get(Medium, medium_id)
    seen = _sight(session, actor, medium) if medium is not None else None
    if medium is None or medium.state != "ready" or seen is None:
        raise NotFound()
    silent = medium.kind == "video" and seen is rules.Sight.UNIT
    clean = medium.silent_key if silent else medium.clean_key
    keys = {Size.THUMB: medium.thumb_key, Size.PREVIEW: medium.preview_key, Size.CLEAN: clean}
    key = keys[size]
    if key is None:
        raise NotFound()
    return key


def stream(blobs: BlobStore, key: str, asked: str | None, only_if: str | None) -> Response:
    """The whole object, or with a Range header (and an If-Range that still holds) the one range asked for.

    Raises NotFound when the store lost it, RangeNotSatisfiable, StoreUnavailable.
    """
    etag = f'"{key}"'  # what lies under a key never changes
    try:
        stored = blobs.stat(key)
    except BlobMissing as fault:
        raise NotFound() from fault
    start, end, partial = 0, stored.size, False
    wanted = parse_range_header(asked) if asked and only_if in (None, etag) else None
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1:
        span = wanted.range_for_length(stored.size)
        if span is None:
            raise RangeNotSatisfiable("media.range", f"The file has {stored.size} bytes.", size=stored.size)
        start, end, partial = span[0], span[1], True
    response = Response(
        blobs.open(key, start, end - start),
        206 if partial else 200,
        content_type=stored.content_type or "application/octet-stream",
        direct_passthrough=True,
    )
    response.headers.update(
        {
            "Accept-Ranges": "bytes",
            "Content-Length": str(end - start),
            "Content-Disposition": "inline",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": f"private, max-age={KEPT_SECONDS}",
            "ETag": etag,
        }
    )
    if partial:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    return response


def _sight(session: Session, actor: Actor, medium: Medium) -> rules.Sight | None:
    """How the actor sees this medium: all of it, also of what the history shows them; of a report's as a unit may."""
    report_cases = (
        sa.select(Case, sa.literal(None))
        .join(CaseReport, CaseReport.case_id == Case.id)
        .join(Report, Report.id == CaseReport.report_id)
        .where(Report.id.in_(report_with(medium.submission_id)), CaseReport.left_at.is_(None))
    )
    step_cases = (
        sa.select(Case, CaseEvent.step)
        .join(CaseEvent, CaseEvent.case_id == Case.id)
        .where(CaseEvent.submission_id == medium.submission_id)
    )
    as_unit = False
    for statement in (report_cases, step_cases):
        for case, step in session.execute(statement):
            seen = rules.sight(facts_of(session, case), actor)
            if seen is rules.Sight.FULL or (seen and step in UNIT_HISTORY):
                return rules.Sight.FULL
            as_unit |= seen is not None and step is None and for_units(medium)
    return rules.Sight.UNIT if as_unit else None
