"""The offline protocol over HTTP: keys, submissions and changes (sync/PROTOCOL.md)."""

import uuid

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from server.core.db import Facts
from server.core.errors import Forbidden, Invalid, TooLarge
from server.core.web import clock, parts, session
from server.enterprises.rules import EDITORS
from server.identity.access import current_actor
from server.identity.rules import Role
from server.intake import services
from server.intake.schemas import (
    ChangesSchema,
    CursorSchema,
    KeysSchema,
    StatusQuerySchema,
    VerdictSchema,
    VerdictsSchema,
)
from server.intake.throttle import count_submission
from storage.sealing import Purpose
from storage.uploads import uploads_of
from sync import changes, envelope, ledger

blueprint = Blueprint("intake", __name__, url_prefix="/api/v1", description="How reports arrive")

SENDERS: dict[str, tuple[Role, ...]] = {
    "hazard": (Role.INSPECTOR, Role.GRID_HEAD),
    "inspection": (Role.INSPECTOR, Role.GRID_HEAD),
    "entry": (Role.DESK,),
    "step": (Role.HANDLER, Role.INSPECTOR, Role.GRID_HEAD),
    "edit": EDITORS,
}
"""Who may send what; a tip, and more to it, need nobody to be signed in."""

STATUS = {ledger.Arrival.NEW: 201, ledger.Arrival.SAME: 200, ledger.Arrival.DIFFERS: 409}


@blueprint.get("/keys")
@blueprint.response(200, KeysSchema)
def keys() -> Facts:
    """Public keys: what phones seal to, and the chain that signs verdicts"""
    recipients = {purpose.value: vars(parts().keyring.recipient(purpose)) for purpose in Purpose}
    return recipients | {"signing": parts().signing.published()}


@blueprint.put("/submissions/<uuid:submission_id>")
@blueprint.doc(
    parameters=[{"in": "header", "name": "Content-Digest", "required": True, "schema": {"type": "string"}}],
    requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
)
@blueprint.response(201, VerdictSchema)
@blueprint.alt_response(200, schema=VerdictSchema, description="The same again")
@blueprint.alt_response(409, schema=VerdictSchema, description="Another content holds this id")
@blueprint.alt_response(422, schema=VerdictSchema, description="Can never be taken")
def put_submission(submission_id: uuid.UUID) -> Response:
    """Take a sealed submission, once"""
    raw = _whole_body()
    limits = parts().settings.limits
    try:
        parsed = envelope.parse(raw, limits.media_count, limits.sealed_bytes)
    except envelope.Refused as refused:
        refusal = ledger.refusal(submission_id, envelope.digest_of(raw), refused.reason, clock().now())
        return _signed(refusal, 422)
    sender = None
    if parsed.kind in envelope.PUBLIC_KINDS:
        count_submission(parts(), request.remote_addr, len(raw))
    else:
        sender = _sender(parsed.kind)
    taken = services.accept(session(), clock(), submission_id, raw, parsed, sender)
    payload = _payload(taken.submission, digest=envelope.digest_of(raw), arrival=taken.arrival)
    return _signed(payload, STATUS[taken.arrival])


@blueprint.get("/submissions/<uuid:submission_id>")
@blueprint.response(200, VerdictSchema)
def get_submission(submission_id: uuid.UUID) -> Facts:
    """How far a submission is"""
    return _verdicts([submission_id])[0]


@blueprint.post("/submissions/status")
@blueprint.arguments(StatusQuerySchema)
@blueprint.response(200, VerdictsSchema)
def submissions_status(query: Facts) -> Facts:
    """How far many submissions are"""
    return {"verdicts": _verdicts(query["ids"])}


@blueprint.get("/changes")
@blueprint.arguments(CursorSchema, location="query")
@blueprint.response(200, ChangesSchema)
def get_changes(query: Facts) -> changes.Page:
    """What changed for this person since the cursor"""
    try:
        return changes.read(session(), services.streams_of(session(), current_actor()), query["cursor"])
    except ValueError as fault:
        raise Invalid("changes.cursor", "Start again without a cursor: this one is not ours.") from fault


def _whole_body() -> bytes:
    """The envelope, all of it: gunicorn reads a body cut short without an error, so length and digest decide."""
    told = envelope.parse_content_digest(request.headers.get("Content-Digest", ""))
    if told is None:
        raise Invalid("digest.missing", "Send Content-Digest: sha-256=:…: over the exact bytes of the body.")
    request.max_content_length = limit = parts().settings.limits.envelope_bytes
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge as fault:
        raise TooLarge(
            "envelope.too_large", f"An envelope has at most {limit} bytes; photos go to /uploads."
        ) from fault
    except ClientDisconnected as fault:
        raise Invalid("body.cut_short", "The body ended early; send it again.") from fault
    if request.content_length is not None and len(raw) != request.content_length:
        raise Invalid("body.cut_short", "The body ended early; send it again.")
    if envelope.digest_of(raw) != told:
        raise Invalid(
            "digest.differs", "The bytes that arrived are not those that were sent; send them again."
        )
    return raw


def _sender(kind: str) -> uuid.UUID | None:
    actor = current_actor()
    if not any(actor.has(role) for role in SENDERS[kind]):
        raise Forbidden("submission.not_yours", "Your account cannot send this. Ask your administrator.")
    return actor.person_id


def _verdicts(ids: list[uuid.UUID]) -> list[dict[str, str]]:
    found = ledger.find(session(), ids)
    now = clock().now()
    return [
        parts().signing.sign(_payload(found[asked]) if asked in found else ledger.unknown(asked, now))
        for asked in ids
    ]


def _payload(
    submission: ledger.Submission,
    digest: str | None = None,
    arrival: ledger.Arrival = ledger.Arrival.SAME,
) -> bytes:
    on_the_way = any(medium.state == "expected" for medium in submission.media)
    # Nothing of a new one can have been sent: uploads are taken only for what was declared.
    uploads = (
        uploads_of(session(), [submission.id]) if on_the_way and arrival is not ledger.Arrival.NEW else []
    )
    offsets = {upload.sha256: upload.offset for upload in uploads}
    differs = arrival is ledger.Arrival.DIFFERS
    return ledger.payload(submission, clock().now(), offsets, digest=digest, differs=differs)


def _signed(payload: bytes, status: int) -> Response:
    answer = jsonify(parts().signing.sign(payload))
    answer.status_code = status
    return answer
