"""The ledger of submissions: what arrived, in which order, and how much of it is there (PROTOCOL.md §3, §4)."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sync.envelope import Envelope

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class SyncBase(DeclarativeBase):
    """Tables of the protocol; mounted by intake."""

    metadata = metadata


class Submission(SyncBase):
    """One envelope, byte for byte as it came."""

    __tablename__ = "submission"
    __table_args__ = (sa.CheckConstraint("state IN ('accepted', 'opened', 'unopenable')", name="state"),)

    id: Mapped[uuid.UUID] = mapped_column(sa.Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    """Order of arrival; never changed."""
    kind: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[str] = mapped_column(sa.Text)
    envelope: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    sender_id: Mapped[uuid.UUID | None] = mapped_column(sa.Uuid)
    received_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    state: Mapped[str] = mapped_column(sa.Text, server_default="accepted")
    number: Mapped[str | None] = mapped_column(sa.Text)
    media: Mapped[list["SubmissionMedium"]] = relationship(
        order_by="SubmissionMedium.position", lazy="selectin"
    )


class SubmissionMedium(SyncBase):
    """One line of a submission's manifest and what became of it."""

    __tablename__ = "submission_medium"
    __table_args__ = (
        sa.CheckConstraint("state IN ('expected', 'stored', 'opened', 'unopenable')", name="state"),
    )

    submission_id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, sa.ForeignKey("submission.id"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    position: Mapped[int] = mapped_column(sa.Integer)
    state: Mapped[str] = mapped_column(sa.Text, server_default="expected")


TAKEN = "taken"
"""The row that `accept` has written, by this name, for the statements that go along: none when the id was there."""

_TAKE = """
    INSERT INTO submission (id, kind, digest, envelope, sender_id, received_at, state)
    VALUES (:id, :kind, :digest, :envelope, :sender_id, :received_at, 'accepted')
    ON CONFLICT (id) DO NOTHING RETURNING id, seq
"""
_DECLARE = """
    INSERT INTO submission_medium (submission_id, sha256, size, position, state)
    SELECT taken.id, medium.sha256, medium.size, medium.number - 1, 'expected'
    FROM taken, unnest(CAST(:hashes AS text[]), CAST(:sizes AS bigint[]))
        WITH ORDINALITY AS medium (sha256, size, number)
"""


class Arrival(StrEnum):
    """What an envelope was when it came."""

    NEW = "new"
    SAME = "same"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Accepted:
    """How an envelope was taken, and the submission that holds its id now; a new one belongs to no session."""

    arrival: Arrival
    submission: Submission


def taking(**along: str) -> sa.TextClause:
    """The statement that takes an envelope; `along` are inserts, by name, that happen with it and select from TAKEN.

    One statement, as this is the way of every report: each round trip would cost as much as all of it.
    """
    parts = {TAKEN: _TAKE, "declared": _DECLARE} | along
    written = ", ".join(f"{name} AS ({statement})" for name, statement in parts.items())
    return sa.text(f"WITH {written} SELECT seq FROM {TAKEN}")  # noqa: S608 - of our own words


def accept(
    session: Session,
    submission_id: uuid.UUID,
    raw: bytes,
    digest: str,
    envelope: Envelope,
    sender_id: uuid.UUID | None,
    now: datetime,
    statement: sa.TextClause,
    **values: Any,
) -> Accepted:
    """Take an envelope exactly once; concurrent copies wait for the first and see it.

    `statement` is from `taking`, `values` are for what goes along.
    """
    row = {
        "id": submission_id,
        "kind": envelope.kind,
        "digest": digest,
        "envelope": raw,
        "sender_id": sender_id,
        "received_at": now,
    }
    manifest = {
        "hashes": [medium.sha256 for medium in envelope.media],
        "sizes": [medium.size for medium in envelope.media],
    }
    seq = session.connection().scalar(statement, row | manifest | values)
    if seq is None:
        held = session.get_one(Submission, submission_id)
        return Accepted(Arrival.SAME if held.digest == digest else Arrival.DIFFERS, held)
    # Not read back: what was just written is known.
    media = [
        SubmissionMedium(sha256=medium.sha256, size=medium.size, state="expected")
        for medium in envelope.media
    ]
    return Accepted(Arrival.NEW, Submission(seq=seq, number=None, state="accepted", media=media, **row))


def state_of(submission: Submission) -> str:
    """`complete` once the body and every declared medium are opened, else `accepted`."""
    opened = submission.state == "opened" and all(medium.state == "opened" for medium in submission.media)
    return "complete" if opened else "accepted"


def payload(
    submission: Submission,
    now: datetime,
    offsets: Mapping[str, int],
    *,
    digest: str | None = None,
    differs: bool = False,
) -> bytes:
    """The exact bytes of a verdict. `offsets` tells the bytes held of media that are not stored yet."""
    verdict: dict[str, Any] = _verdict(submission.id, digest or submission.digest, now)
    verdict.update(
        state="differs" if differs else state_of(submission),
        seq=submission.seq,
        number=submission.number,
        received_at=_time(submission.received_at),
        reason="unopenable" if submission.state == "unopenable" else None,
        media=[
            {
                "sha256": medium.sha256,
                "state": medium.state,
                "offset": offsets.get(medium.sha256, 0) if medium.state == "expected" else medium.size,
            }
            for medium in submission.media
        ],
    )
    if differs:
        verdict["held_digest"] = submission.digest
    return _bytes(verdict)


def refusal(submission_id: uuid.UUID, digest: str, reason: str, now: datetime) -> bytes:
    """The bytes of a `refused` verdict."""
    return _bytes({**_verdict(submission_id, digest, now), "state": "refused", "reason": reason})


def unknown(submission_id: uuid.UUID, now: datetime) -> bytes:
    """The bytes of an `unknown` verdict."""
    return _bytes(_verdict(submission_id, "", now))


def find(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Submission]:
    """The submissions with these ids, by id."""
    return {found.id: found for found in session.scalars(sa.select(Submission).where(Submission.id.in_(ids)))}


def _verdict(submission_id: uuid.UUID, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "id": str(submission_id),
        "digest": digest,
        "state": "unknown",
        "seq": None,
        "number": None,
        "received_at": None,
        "time": _time(now),
        "reason": None,
        "media": [],
        "proof": None,
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bytes(verdict: dict[str, Any]) -> bytes:
    return json.dumps(verdict, separators=(",", ":"), ensure_ascii=False).encode()
