"""Uploads that go on where they stopped: received in pieces, one object each, then joined and hashed by the
worker.

An upload belongs to one submission (its owner) and is known by the SHA-256 of the whole. The row's offset is
the only truth about how far it is: a piece counts once `UPDATE … WHERE offset = :seen` is committed with it.
Everything here can be killed at any point: what no row names is swept, and what was not committed is sent or
joined again.
"""

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from storage.blobs import BlobStore, Reader, StoreUnavailable

PIECE_SIZE = 2 * 1024 * 1024
"""The most bytes held in memory and written as one object."""

READ_SIZE = 16 * 1024
"""The first bite of a body, and each one of a slow line: what a reset connection can cost."""

FAST_BITE_S = 0.02
"""A line that gave a bite in this time may be asked for four times as much: servers copy what waits with each bite."""

PIECES = "pieces/"
SWEEP_BATCH = 500
CHECKSUMS: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
"""Checksums of one body that are taken: SHA-1 because tus demands it, SHA-256 for our phones."""

log = logging.getLogger(__name__)


class StorageBase(DeclarativeBase):
    """The tables of storage, with MetaData of their own."""

    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: sa.DateTime(timezone=True),
            uuid.UUID: sa.Uuid(),
            str: sa.Text(),
            int: sa.BigInteger(),
        },
    )


class UploadState(StrEnum):
    """How far an upload is; only `joined` means that the bytes are the declared ones."""

    OPEN = "open"
    RECEIVED = "received"
    JOINED = "joined"
    MISMATCH = "mismatch"


class Upload(StorageBase):
    """One file on its way; `offset` is how many bytes are stored without a gap, `length` how many are
    declared.
    """

    __tablename__ = "upload"
    __table_args__ = (
        sa.UniqueConstraint("owner", "sha256"),
        sa.CheckConstraint('length > 0 AND "offset" BETWEEN 0 AND length', name="offset_within"),
        sa.CheckConstraint("state IN ('open', 'received', 'joined', 'mismatch')", name="state"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        sa.Index(
            "ix_upload_expires", "expires_at", postgresql_where=sa.text("state IN ('open', 'mismatch')")
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner: Mapped[uuid.UUID]
    sha256: Mapped[str]
    length: Mapped[int]
    offset: Mapped[int]
    state: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    object_key: Mapped[str | None]
    """The one piece that is the whole; None when the pieces are, or will be, joined."""


class UploadPiece(StorageBase):
    """A run of bytes that is stored as one object and counted in the upload's offset."""

    __tablename__ = "upload_piece"

    upload_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True
    )
    offset: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    object_key: Mapped[str] = mapped_column(unique=True)


# Statements of every photo are built once: building and keying them costs as much as what PostgreSQL does with them.
_CREATE = sa.text("""
    INSERT INTO upload (id, owner, sha256, length, "offset", state, created_at, expires_at)
    VALUES (:id, :owner, :sha256, :length, 0, 'open', :now, :expires_at)
    ON CONFLICT (owner, sha256) DO UPDATE SET expires_at = :expires_at
    RETURNING *
""")
_COUNT = sa.text("""
    WITH moved AS (
        UPDATE upload SET
            "offset" = "offset" + :size,
            state = CASE WHEN "offset" + :size = length THEN 'received' ELSE 'open' END,
            expires_at = :expires_at
        WHERE id = :id AND "offset" = :seen AND "offset" + :size <= length AND state IN ('open', 'mismatch')
        RETURNING *
    ), counted AS (
        INSERT INTO upload_piece (upload_id, "offset", size, object_key)
        SELECT moved.id, piece."offset", piece.size, piece.key
        FROM moved, unnest(CAST(:offsets AS bigint[]), CAST(:sizes AS bigint[]), CAST(:keys AS text[]))
            AS piece ("offset", size, key)
    )
    SELECT * FROM moved
""")
"""Pieces count, and the offset moves, if nobody was faster."""

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:number)")
_LOOK = sa.text("""
    SELECT upload.*, ARRAY(
        SELECT object_key FROM upload_piece WHERE upload_id = upload.id ORDER BY "offset"
    ) AS keys
    FROM upload WHERE id = :id
""")
"""An upload, and the objects of its pieces in the order of their bytes."""
_JOINED = sa.text("""
    UPDATE upload SET state = :state, "offset" = :offset, object_key = :object_key WHERE id = :id RETURNING *
""")


class UploadMissing(Exception):
    """No such upload: never made, taken back or expired. The phone makes it anew."""


class OffsetConflict(Exception):
    """The sender's offset is not ours; `offset` is where to go on (two senders, or a lost answer)."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the next byte is {offset}")
        self.offset = offset


class TooManyBytes(Exception):
    """More bytes than were declared for the upload."""


class LengthDiffers(Exception):
    """The same content was declared with another length before."""


class ChecksumMismatch(Exception):
    """The body is not what its checksum says; nothing of it was kept."""


class NotYours(Exception):
    """Received in full: it can no longer be taken back."""


class BodyCut(Exception):
    """Raised by a reader whose sender went away; what was read before counts."""


@dataclass(frozen=True)
class Checksum:
    """Digest of one body, not of the whole file; algorithm is a key of CHECKSUMS."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True)
class UploadStatus:
    """A look at an upload."""

    id: uuid.UUID
    owner: uuid.UUID
    sha256: str
    length: int
    offset: int
    state: UploadState
    expires_at: datetime
    sealed_key: str
    """Where the whole lies once the state is `joined`."""

    @property
    def may_expire(self) -> bool:
        """What is received in full stays."""
        return self.state in (UploadState.OPEN, UploadState.MISMATCH)


@dataclass(frozen=True)
class Swept:
    """What a sweep removed."""

    uploads: int
    objects: int


OnReceived = Callable[[Session, UploadStatus], None]
"""Called in the transaction that commits the last byte; what it raises undoes that byte."""


@dataclass(frozen=True)
class _Piece:
    offset: int
    size: int
    key: str


class UploadStore:
    """All that can be done with uploads. Each method runs transactions of its own on `sessions`."""

    def __init__(
        self,
        sessions: Callable[[], Session],
        blobs: BlobStore,
        lifetime: timedelta = timedelta(days=14),
        piece_size: int = PIECE_SIZE,
    ) -> None:
        """`sessions` makes a new session per call (a sessionmaker); an upload expires `lifetime` after its
        last byte.
        """
        self._sessions = sessions
        self._blobs = blobs
        self._lifetime = lifetime
        self._piece_size = piece_size

    def create(
        self,
        owner: uuid.UUID,
        sha256: str,
        length: int,
        now: datetime,
        allow: Callable[[Session], None] = lambda _: None,
    ) -> UploadStatus:
        """Begin an upload, or return the one begun before with how far it is. Raises LengthDiffers.

        `allow` is called first, in the same transaction; what it raises comes through.
        """
        with self._sessions() as session, session.begin():
            allow(session)
            # Version 4: whoever knows the id may write, and a version 7 would tell the moment of the tap.
            values = {"id": uuid.uuid4(), "owner": owner, "sha256": sha256, "length": length}
            values |= {"now": now, "expires_at": now + self._lifetime}
            upload = session.connection().execute(_CREATE, values).one()
            if upload.length != length:
                raise LengthDiffers(f"{upload.length} bytes were declared before, {length} now")
            return _status(upload)

    def status(self, upload_id: uuid.UUID, now: datetime) -> UploadStatus:
        """How far the upload is. Raises UploadMissing."""
        with self._sessions() as session:
            return self._look(session, upload_id, now)

    def append(
        self,
        upload_id: uuid.UUID,
        offset: int,
        body: Reader,
        *,
        declared: int | None,
        checksum: Checksum | None,
        now: datetime,
        on_received: OnReceived,
        before: UploadStatus | None = None,
    ) -> UploadStatus:
        """Store what `body` holds from `offset` on and return how far the upload then is.

        `before` is a look at the upload taken just now, where the caller has one. `declared` is the length of
        the body where the sender told it. Without a checksum each piece is committed as it comes, so a body cut
        short counts as far as it came; with one all pieces are committed at the end, or none. Raises
        UploadMissing, OffsetConflict, TooManyBytes, ChecksumMismatch, StoreUnavailable.
        """
        before = before or self.status(upload_id, now)
        if offset != before.offset:
            raise OffsetConflict(before.offset)
        if declared is not None and offset + declared > before.length:
            raise TooManyBytes(f"{before.length - offset} bytes are missing, {declared} were announced")
        digest = CHECKSUMS[checksum.algorithm]() if checksum else None
        body_end = before.length if declared is None else offset + declared
        waiting: list[_Piece] = []
        at, cut, last = offset, False, before
        try:
            while at < body_end and not cut:
                data, cut = _read_piece(body, min(self._piece_size, body_end - at))
                if not data:
                    break
                if declared is None and at + len(data) == before.length and _has_more(body):
                    raise TooManyBytes(f"only {before.length - offset} bytes were missing")
                if digest:
                    digest.update(data)
                # A key that nobody else writes: two senders of the same bytes never touch each other's
                # object.
                piece = _Piece(at, len(data), f"{PIECES}{upload_id}/{at:012}-{uuid.uuid4().hex}")
                waiting.append(piece)
                self._blobs.put(piece.key, data)
                at += piece.size
                if not digest:
                    last = self._commit(upload_id, waiting, now, on_received)
                    waiting = []
            if checksum and digest and digest.digest() != checksum.digest:
                raise ChecksumMismatch(f"the {checksum.algorithm} of the body differs")
            if waiting:
                last, waiting = self._commit(upload_id, waiting, now, on_received), []
        finally:
            if waiting:
                self._drop(piece.key for piece in waiting)
        return last

    def terminate(self, upload_id: uuid.UUID, now: datetime) -> None:
        """Take an unfinished upload back. Raises UploadMissing, NotYours."""
        with self._sessions() as session, session.begin():
            upload = session.get(Upload, upload_id, with_for_update=True)
            if upload is None:
                raise UploadMissing(str(upload_id))
            if not _status(upload).may_expire:
                raise NotYours("received in full")
            keys = _keys(session, [upload_id])
            session.delete(upload)
        self._drop(keys)

    def join(self, upload_id: uuid.UUID, into: IO[bytes]) -> UploadStatus:
        """Write the whole into an empty file and keep it as one object, if its hash is the declared one.

        State `joined`: the object lies at `sealed_key`; a piece that is the whole stays where it is. State
        `mismatch`: the bytes were others, the pieces are gone and the offset is 0, so that the phone sends
        again. Any other state: not all bytes are here, nothing was done. Doing it again changes nothing.
        Raises UploadMissing, StoreUnavailable, BlobMissing (a stored object is lost: a fault of the object
        store, which a person has to look at).
        """
        with self._sessions() as session, session.begin():
            # An advisory lock, not a row lock: it takes no transaction id, so a long join does not hold back
            # the readers of the change feed, which stop at the oldest one.
            database = session.connection()
            database.execute(_LOCK, {"number": _lock_number(upload_id)})
            upload = database.execute(_LOOK, {"id": upload_id}).one_or_none()
            if upload is None:
                raise UploadMissing(str(upload_id))
            status = _status(upload)
            if status.state == UploadState.JOINED:
                self._gather([status.sealed_key], into)
            if status.state != UploadState.RECEIVED:
                return status
            keys, whole = upload.keys, None
            if self._gather(keys, into) != status.sha256:
                state, offset = UploadState.MISMATCH, 0
            else:
                state, offset = UploadState.JOINED, status.offset
                if len(keys) == 1:
                    (whole,), keys = keys, []
                else:
                    into.seek(0)
                    self._blobs.put(status.sealed_key, into, status.length)
            if keys:
                session.execute(sa.delete(UploadPiece).where(UploadPiece.object_key.in_(keys)))
            values = {"id": upload_id, "state": state, "offset": offset, "object_key": whole}
            status = _status(database.execute(_JOINED, values).one())
        self._drop(keys)
        return status

    def sweep(self, now: datetime, grace: timedelta = timedelta(hours=6)) -> Swept:
        """Clear expired uploads, and pieces and half-written objects older than `grace` that no row names.

        `grace` must be longer than the longest request: with a checksum, pieces wait unnamed for their body's
        end.
        """
        uploads = objects = 0
        while expired := self._expire_some(now):
            uploads += expired
        batch: list[str] = []
        for blob in self._blobs.list(PIECES):
            if blob.modified < now - grace:
                batch.append(blob.key)
            if len(batch) == SWEEP_BATCH:
                objects += self._drop_unnamed(batch)
                batch = []
        objects += self._blobs.abort_unfinished(now - grace)
        return Swept(uploads, objects + self._drop_unnamed(batch))

    def _gather(self, keys: Sequence[str], into: IO[bytes]) -> str:
        """Write objects one after the other into a file and return the SHA-256 of all."""
        digest = hashlib.sha256()
        for key in keys:
            with self._blobs.open(key) as stream:
                for part in stream:
                    digest.update(part)
                    into.write(part)
        return digest.hexdigest()

    def _commit(
        self, upload_id: uuid.UUID, pieces: Sequence[_Piece], now: datetime, on_received: OnReceived
    ) -> UploadStatus:
        """Count stored pieces, in one transaction. Raises OffsetConflict, UploadMissing."""
        values = {
            "id": upload_id,
            "seen": pieces[0].offset,
            "size": sum(piece.size for piece in pieces),
            "expires_at": now + self._lifetime,
            "offsets": [piece.offset for piece in pieces],
            "sizes": [piece.size for piece in pieces],
            "keys": [piece.key for piece in pieces],
        }
        with self._sessions() as session, session.begin():
            upload = session.connection().execute(_COUNT, values).one_or_none()
            if upload is None:
                raise OffsetConflict(self._look(session, upload_id, now).offset)
            status = _status(upload)
            if status.state == UploadState.RECEIVED:
                on_received(session, status)
        return status

    def _look(self, session: Session, upload_id: uuid.UUID, now: datetime) -> UploadStatus:
        upload = session.get(Upload, upload_id)
        if upload is None:
            raise UploadMissing(str(upload_id))
        status = _status(upload)
        if status.may_expire and status.expires_at <= now:
            raise UploadMissing(f"{upload_id} expired")
        return status

    def _expire_some(self, now: datetime) -> int:
        with self._sessions() as session, session.begin():
            ids = session.scalars(
                sa.select(Upload.id)
                .where(Upload.state.in_((UploadState.OPEN, UploadState.MISMATCH)), Upload.expires_at <= now)
                .limit(SWEEP_BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            keys = _keys(session, ids)
            session.execute(sa.delete(Upload).where(Upload.id.in_(ids)))
        self._drop(keys)
        return len(ids)

    def _drop_unnamed(self, keys: Sequence[str]) -> int:
        """Delete those of the objects that no row names, and tell how many."""
        with self._sessions() as session:
            named = set(
                session.scalars(sa.select(UploadPiece.object_key).where(UploadPiece.object_key.in_(keys)))
            )
        orphans = [key for key in keys if key not in named]
        self._blobs.delete_many(orphans)
        return len(orphans)

    def _drop(self, keys: Iterable[str]) -> None:
        """Delete objects that no row names (any more); what fails now is left to the sweeper."""
        try:
            self._blobs.delete_many(keys)
        except StoreUnavailable as error:
            log.warning("pieces left to the sweeper: %s", error)


def uploads_of(session: Session, owners: Iterable[uuid.UUID]) -> list[UploadStatus]:
    """The uploads of these submissions, in the caller's transaction; for answers about how far they are."""
    rows = session.scalars(
        sa.select(Upload).where(Upload.owner.in_(list(owners))).order_by(Upload.owner, Upload.id)
    )
    return [_status(upload) for upload in rows]


def _read_piece(body: Reader, size: int) -> tuple[bytes, bool]:
    """At most `size` bytes, and whether the sender went away; fewer than `size` means that the body ended."""
    bites: list[bytes] = []
    missing, bite, cut = size, READ_SIZE, False
    while missing and not cut:
        asked = time.monotonic()
        try:
            data = body.read(min(bite, missing))
        except (BodyCut, OSError):
            data = b""
        bites.append(data)
        missing -= len(data)
        cut = not data
        if time.monotonic() - asked < FAST_BITE_S:
            bite *= 4
    # As bytes: the object store's client would copy anything else twice.
    return b"".join(bites), cut


def _has_more(body: Reader) -> bool:
    try:
        return bool(body.read(1))
    except (BodyCut, OSError):
        return False


def _keys(session: Session, upload_ids: Sequence[uuid.UUID]) -> Sequence[str]:
    """The objects of these uploads."""
    return session.scalars(
        sa.select(UploadPiece.object_key).where(UploadPiece.upload_id.in_(upload_ids))
    ).all()


def _lock_number(upload_id: uuid.UUID) -> int:
    """A signed 64-bit number for PostgreSQL's advisory locks; two uploads sharing one would only wait for
    each other.
    """
    return int.from_bytes(upload_id.bytes[:8], "big", signed=True)


def _status(upload: Upload | sa.Row[Any]) -> UploadStatus:
    """Of an object, or of a row with the columns of one."""
    return UploadStatus(
        upload.id,
        upload.owner,
        upload.sha256,
        upload.length,
        upload.offset,
        UploadState(upload.state),
        upload.expires_at,
        upload.object_key or f"sealed/{upload.owner}/{upload.sha256}",
    )
