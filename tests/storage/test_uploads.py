"""Uploads in pieces: whatever happens on the way, the joined bytes are the original or nothing."""

import contextlib
import hashlib
import io
import itertools
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from storage.blobs import BlobMissing, BlobStore, Reader, StoreUnavailable
from storage.uploads import (
    PIECES,
    BodyCut,
    Checksum,
    ChecksumMismatch,
    LengthDiffers,
    NotYours,
    OffsetConflict,
    OnReceived,
    TooManyBytes,
    Upload,
    UploadMissing,
    UploadPiece,
    UploadState,
    UploadStatus,
    UploadStore,
    uploads_of,
)
from tests.storage.conftest import NOW, PIECE_SIZE

ORIGINAL = bytes(n * n % 251 for n in range(5 * PIECE_SIZE + 777))


class Cut:
    """A body whose sender goes away after some bytes."""

    def __init__(self, data: bytes, error: type[Exception] | None = BodyCut) -> None:
        self._data = io.BytesIO(data)
        self._error = error

    def read(self, size: int, /) -> bytes:
        data = self._data.read(size)
        if not data and self._error:
            raise self._error
        return data


def ignore(session: Session, upload: UploadStatus) -> None:
    """Nobody waits for the last byte."""


def begin(uploads: UploadStore, data: bytes = ORIGINAL) -> UploadStatus:
    return uploads.create(uuid.uuid4(), hashlib.sha256(data).hexdigest(), len(data), NOW)


def send(
    uploads: UploadStore,
    upload: UploadStatus,
    offset: int,
    body: bytes | Reader,
    *,
    declared: int | None = None,
    checksum: Checksum | None = None,
    now: datetime = NOW,
) -> UploadStatus:
    if isinstance(body, bytes):
        declared = len(body) if declared is None else declared
        body = io.BytesIO(body)
    return uploads.append(
        upload.id, offset, body, declared=declared, checksum=checksum, now=now, on_received=ignore
    )


def join(uploads: UploadStore, upload_id: uuid.UUID) -> UploadStatus:
    """As the worker does, into a file that must then hold the whole."""
    into = io.BytesIO()
    status = uploads.join(upload_id, into)
    if status.state is UploadState.JOINED:
        assert hashlib.sha256(into.getvalue()).hexdigest() == status.sha256
    return status


def pieces_of(sessions: sessionmaker[Session], upload: UploadStatus) -> list[tuple[int, int]]:
    with sessions() as session:
        rows = session.scalars(
            sa.select(UploadPiece).where(UploadPiece.upload_id == upload.id).order_by(UploadPiece.offset)
        )
        return [(row.offset, row.size) for row in rows]


def objects_of(blobs: BlobStore, upload: UploadStatus) -> list[str]:
    return [blob.key for blob in blobs.list(f"{PIECES}{upload.id}/")]


def test_one_body_becomes_pieces_then_one_object(
    uploads: UploadStore, sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    upload = begin(uploads)
    got = send(uploads, upload, 0, ORIGINAL)
    assert (got.offset, got.state) == (len(ORIGINAL), UploadState.RECEIVED)
    assert pieces_of(sessions, upload) == [(n * PIECE_SIZE, PIECE_SIZE) for n in range(5)] + [
        (5 * PIECE_SIZE, 777)
    ]
    joined = join(uploads, upload.id)
    assert joined.state is UploadState.JOINED
    assert joined.sealed_key == f"sealed/{upload.owner}/{upload.sha256}"
    assert blobs.get(joined.sealed_key) == ORIGINAL
    assert pieces_of(sessions, upload) == []
    assert objects_of(blobs, upload) == []
    assert join(uploads, upload.id) == joined
    assert blobs.get(joined.sealed_key) == ORIGINAL


def test_a_piece_that_is_the_whole_is_not_copied(
    uploads: UploadStore, sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    small = ORIGINAL[:1000]
    upload = begin(uploads, small)
    send(uploads, upload, 0, small)
    joined = join(uploads, upload.id)
    assert [joined.sealed_key] == objects_of(blobs, upload)
    assert uploads.sweep(datetime.now(UTC) + timedelta(hours=7)).objects == 0
    assert blobs.get(joined.sealed_key) == small
    assert join(uploads, upload.id) == joined


def test_the_same_creation_leads_to_the_same_upload(uploads: UploadStore) -> None:
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL[:100])
    again = uploads.create(upload.owner, upload.sha256, len(ORIGINAL), NOW)
    assert (again.id, again.offset) == (upload.id, 100)
    with pytest.raises(LengthDiffers):
        uploads.create(upload.owner, upload.sha256, len(ORIGINAL) + 1, NOW)
    other = uploads.create(uuid.uuid4(), upload.sha256, len(ORIGINAL), NOW)
    assert (other.id != upload.id, other.offset) == (True, 0)


def test_creation_by_many_at_once_makes_one(uploads: UploadStore, sessions: sessionmaker[Session]) -> None:
    owner = uuid.uuid4()
    sha256 = hashlib.sha256(ORIGINAL).hexdigest()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: uploads.create(owner, sha256, 10, NOW), range(16)))
    assert len({upload.id for upload in made}) == 1
    with sessions() as session:
        assert [upload.id for upload in uploads_of(session, [owner])] == [made[0].id]


@pytest.mark.parametrize("error", [BodyCut, ConnectionResetError, None], ids=["told", "socket", "silent"])
def test_a_body_cut_short_counts_as_far_as_it_came(
    uploads: UploadStore, sessions: sessionmaker[Session], error: type[Exception] | None
) -> None:
    upload = begin(uploads)
    got = send(uploads, upload, 0, Cut(ORIGINAL[: PIECE_SIZE + 50], error), declared=len(ORIGINAL))
    assert (got.offset, got.state) == (PIECE_SIZE + 50, UploadState.OPEN)
    assert pieces_of(sessions, upload) == [(0, PIECE_SIZE), (PIECE_SIZE, 50)]
    got = send(uploads, upload, got.offset, ORIGINAL[got.offset :])
    assert got.state is UploadState.RECEIVED
    assert join(uploads, upload.id).state is UploadState.JOINED


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_with_a_checksum_a_body_counts_whole_or_not_at_all(
    uploads: UploadStore, sessions: sessionmaker[Session], blobs: BlobStore, algorithm: str
) -> None:
    upload = begin(uploads)
    body = ORIGINAL[: 3 * PIECE_SIZE + 5]
    good = Checksum(algorithm, hashlib.new(algorithm, body).digest())
    with pytest.raises(ChecksumMismatch):
        send(uploads, upload, 0, body[:-1] + b"?", checksum=good)
    with pytest.raises(ChecksumMismatch):
        send(uploads, upload, 0, Cut(body[:-1]), declared=len(body), checksum=good)
    assert uploads.status(upload.id, NOW).offset == 0
    assert objects_of(blobs, upload) == []
    assert send(uploads, upload, 0, body, checksum=good).offset == len(body)
    assert len(pieces_of(sessions, upload)) == 4


def test_a_wrong_offset_is_told_the_right_one(uploads: UploadStore) -> None:
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL[:500])
    for offset in (0, 499, 501, len(ORIGINAL)):
        with pytest.raises(OffsetConflict) as conflict:
            send(uploads, upload, offset, b"x")
        assert conflict.value.offset == 500


def test_more_than_declared_is_not_taken(uploads: UploadStore, blobs: BlobStore) -> None:
    upload = begin(uploads, ORIGINAL[:1000])
    with pytest.raises(TooManyBytes):
        send(uploads, upload, 0, ORIGINAL[:1001])
    with pytest.raises(TooManyBytes):
        send(uploads, upload, 0, Cut(ORIGINAL[:1001], None))
    assert uploads.status(upload.id, NOW).offset == 0
    assert objects_of(blobs, upload) == []
    assert send(uploads, upload, 0, Cut(ORIGINAL[:1000], None)).state is UploadState.RECEIVED


def test_wrong_bytes_are_dropped_and_sent_again(
    uploads: UploadStore, sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    upload = begin(uploads)
    send(uploads, upload, 0, bytes(len(ORIGINAL)))
    wrong = join(uploads, upload.id)
    assert (wrong.state, wrong.offset) == (UploadState.MISMATCH, 0)
    assert objects_of(blobs, upload) == []
    with pytest.raises(BlobMissing):
        blobs.stat(wrong.sealed_key)
    assert uploads.create(upload.owner, upload.sha256, len(ORIGINAL), NOW).offset == 0
    assert send(uploads, upload, 0, ORIGINAL[:10]).state is UploadState.OPEN
    assert join(uploads, upload.id).state is UploadState.OPEN
    send(uploads, upload, 10, ORIGINAL[10:])
    assert join(uploads, upload.id).state is UploadState.JOINED
    assert blobs.get(upload.sealed_key) == ORIGINAL


def test_the_last_byte_and_what_follows_on_it_are_one_transaction(
    uploads: UploadStore, sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    upload = begin(uploads, b"abcdef")
    seen: list[UploadStatus] = []

    def note(session: Session, received: UploadStatus) -> None:
        row = session.get(Upload, received.id)
        assert row is not None
        assert row.offset == 6
        seen.append(received)

    def fail(session: Session, received: UploadStatus) -> None:
        raise RuntimeError("the queue row cannot be written")

    def append(offset: int, data: bytes, then: OnReceived) -> UploadStatus:
        return uploads.append(
            upload.id, offset, io.BytesIO(data), declared=len(data), checksum=None, now=NOW, on_received=then
        )

    append(0, b"abc", note)
    assert seen == []
    with pytest.raises(RuntimeError):
        append(3, b"def", fail)
    assert uploads.status(upload.id, NOW).offset == 3
    assert len(objects_of(blobs, upload)) == 1
    append(3, b"def", note)
    assert [received.id for received in seen] == [upload.id]
    append(6, b"", note)
    assert len(seen) == 1


def test_taking_back_is_possible_until_it_is_received(uploads: UploadStore, blobs: BlobStore) -> None:
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL[: 2 * PIECE_SIZE])
    uploads.terminate(upload.id, NOW)
    assert objects_of(blobs, upload) == []
    with pytest.raises(UploadMissing):
        uploads.status(upload.id, NOW)
    with pytest.raises(UploadMissing):
        send(uploads, upload, 0, b"x")
    with pytest.raises(UploadMissing):
        join(uploads, upload.id)
    received = begin(uploads)
    send(uploads, received, 0, ORIGINAL)
    with pytest.raises(NotYours):
        uploads.terminate(received.id, NOW)
    assert join(uploads, received.id).state is UploadState.JOINED
    with pytest.raises(NotYours):
        uploads.terminate(received.id, NOW)


def test_sweeping_takes_what_expired_and_what_nobody_names(
    sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    uploads = UploadStore(sessions, blobs, lifetime=timedelta(days=1), piece_size=PIECE_SIZE)
    old, fresh, received, joined = (begin(uploads) for _ in range(4))
    later = NOW + timedelta(hours=30)
    send(uploads, old, 0, ORIGINAL[: 2 * PIECE_SIZE])
    send(uploads, fresh, 0, ORIGINAL[:9], now=NOW + timedelta(hours=23))
    send(uploads, received, 0, ORIGINAL)
    send(uploads, joined, 0, ORIGINAL)
    join(uploads, joined.id)
    orphan = f"{PIECES}{fresh.id}/killed-before-commit"
    blobs.put(orphan, b"bytes that no row names")

    with pytest.raises(UploadMissing):
        uploads.status(old.id, later)
    assert uploads.sweep(NOW, grace=timedelta(days=3)).objects == 0
    assert orphan in objects_of(blobs, fresh)

    swept = uploads.sweep(later, grace=timedelta(hours=1))
    assert swept.uploads >= 1
    assert swept.objects >= 1
    assert objects_of(blobs, old) == []
    assert len(objects_of(blobs, fresh)) == 1
    with sessions() as session:
        assert session.get(Upload, old.id) is None
    assert send(uploads, fresh, 9, ORIGINAL[9:], now=later).state is UploadState.RECEIVED
    for upload in (fresh, received, joined):
        assert blobs.get(join(uploads, upload.id).sealed_key) == ORIGINAL
    assert uploads.sweep(later, grace=timedelta(hours=1)) == replace(swept, uploads=0, objects=0)


def test_an_expired_upload_that_is_not_swept_yet_can_be_begun_again(
    sessions: sessionmaker[Session], blobs: BlobStore
) -> None:
    uploads = UploadStore(sessions, blobs, lifetime=timedelta(days=1))
    upload = begin(uploads)
    later = NOW + timedelta(days=2)
    again = uploads.create(upload.owner, upload.sha256, len(ORIGINAL), later)
    assert uploads.status(again.id, later).expires_at == later + timedelta(days=1)


def test_two_workers_join_one_upload(uploads: UploadStore, blobs: BlobStore) -> None:
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: join(uploads, upload.id).state, range(4)))
    assert states == [UploadState.JOINED] * 4
    assert blobs.get(upload.sealed_key) == ORIGINAL


class Dying(BlobStore):
    """The real store, until the process dies at one of its calls: before it or after it."""

    class Died(BaseException):
        """Not an Exception: a killed process handles nothing."""

    def __init__(self, store: BlobStore) -> None:
        self.__dict__.update(store.__dict__)
        self.deadly: tuple[str, bool] | None = None

    def _at(self, name: str, *, after: bool) -> None:
        if self.deadly == (name, after):
            raise self.Died

    def put(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self._at("put", after=False)
        super().put(*args, **kwargs)
        self._at("put", after=True)

    def delete_many(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self._at("delete_many", after=False)
        super().delete_many(*args, **kwargs)
        self._at("delete_many", after=True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("call", "right"),
    [("put", True), ("delete_many", True), ("delete_many", False)],
    ids=["put", "delete_many", "delete_many of wrong bytes"],
)
def test_a_join_killed_at_any_step_is_finished_by_the_next(
    sessions: sessionmaker[Session], blobs: BlobStore, call: str, after: bool, right: bool
) -> None:
    dying = Dying(blobs)
    uploads = UploadStore(sessions, dying, piece_size=PIECE_SIZE)
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL if right else bytes(len(ORIGINAL)))
    dying.deadly = (call, after)
    with pytest.raises(Dying.Died):
        join(uploads, upload.id)
    dying.deadly = None
    done = join(uploads, upload.id)
    assert done.state is (UploadState.JOINED if right else UploadState.MISMATCH)
    uploads.sweep(datetime.now(UTC) + timedelta(hours=7))
    assert objects_of(blobs, upload) == []
    if right:
        assert blobs.get(upload.sealed_key) == ORIGINAL
    else:
        with pytest.raises(BlobMissing):
            blobs.stat(upload.sealed_key)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_web_process_killed_while_writing_a_piece_loses_only_that_piece(
    sessions: sessionmaker[Session], blobs: BlobStore, after: bool
) -> None:
    dying = Dying(blobs)
    uploads = UploadStore(sessions, dying, piece_size=PIECE_SIZE)
    upload = begin(uploads)
    send(uploads, upload, 0, ORIGINAL[:PIECE_SIZE])
    dying.deadly = ("put", after)
    with pytest.raises(Dying.Died):
        send(uploads, upload, PIECE_SIZE, ORIGINAL[PIECE_SIZE:])
    dying.deadly = None
    at = uploads.status(upload.id, NOW).offset
    assert at == PIECE_SIZE
    send(uploads, upload, at, ORIGINAL[at:])
    assert join(uploads, upload.id).state is UploadState.JOINED
    assert blobs.get(upload.sealed_key) == ORIGINAL


def test_with_the_store_away_nothing_is_counted(
    sessions: sessionmaker[Session], uploads: UploadStore
) -> None:
    upload = begin(uploads)
    away = UploadStore(sessions, BlobStore("127.0.0.1:9", "key", "secret", "bucket"))
    with pytest.raises(StoreUnavailable):
        send(away, upload, 0, ORIGINAL)
    assert uploads.status(upload.id, NOW).offset == 0


TO_THE_END = (0, len(ORIGINAL), len(ORIGINAL), False)
"""An attempt that succeeds when nobody else comes between."""


@st.composite
def _attempts(draw: st.DrawFn) -> list[tuple[int, int, int, bool]]:
    """What senders try: (error in the offset, bytes announced, bytes that arrive, with checksum)."""
    size = st.integers(0, 3 * PIECE_SIZE)
    one = st.tuples(st.sampled_from([0, 0, 0, -7, 1, -PIECE_SIZE]), size, size, st.booleans())
    return draw(st.lists(one, min_size=2, max_size=8))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=_attempts(), second=_attempts())
def test_random_cuts_repeats_and_two_senders_end_in_the_original(
    uploads: UploadStore,
    blobs: BlobStore,
    first: list[tuple[int, int, int, bool]],
    second: list[tuple[int, int, int, bool]],
) -> None:
    upload = begin(uploads)
    ready = threading.Barrier(2)

    def sender(attempts: list[tuple[int, int, int, bool]]) -> None:
        ready.wait()
        for error, announced, arriving, checked in itertools.chain(attempts, itertools.repeat(TO_THE_END)):
            at = uploads.status(upload.id, NOW).offset
            offset = min(max(0, at + error), len(ORIGINAL))
            body = ORIGINAL[offset : offset + announced]
            checksum = Checksum("sha256", hashlib.sha256(body).digest()) if checked else None
            with contextlib.suppress(OffsetConflict, ChecksumMismatch):
                send(uploads, upload, offset, Cut(body[:arriving]), declared=len(body), checksum=checksum)
            if uploads.status(upload.id, NOW).state is UploadState.RECEIVED:
                return

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(sender, first), pool.submit(sender, second)]:
            done.result()
    assert join(uploads, upload.id).state is UploadState.JOINED
    assert blobs.get(upload.sealed_key) == ORIGINAL
    assert objects_of(blobs, upload) == []
