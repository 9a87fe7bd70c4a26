"""Changes for phones: the latest state per (stream, topic, key), in an order that loses nobody (PROTOCOL.md §7)."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from sync.ledger import SyncBase

PAGE = 500
_THIS_TRANSACTION = sa.text("(pg_current_xact_id()::text::bigint)")
_SETTLED = sa.text("(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)")
_SEQUENCE = sa.Sequence("change_seq", metadata=SyncBase.metadata)


class Change(SyncBase):
    """The latest state of one thing in one stream."""

    __tablename__ = "change"
    __table_args__ = (
        sa.Index("ix_change_order", "stream", "xid", "seq"),
        sa.Index("ix_change_topic_key", "topic", "key"),
    )

    stream: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    topic: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    key: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    xid: Mapped[int] = mapped_column(sa.BigInteger, server_default=_THIS_TRANSACTION)
    """The transaction that wrote it (xid8 as bigint)."""
    seq: Mapped[int] = mapped_column(sa.BigInteger, _SEQUENCE, server_default=_SEQUENCE.next_value())
    data: Mapped[Any] = mapped_column(JSONB)
    deleted: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false())


class Epoch(SyncBase):
    """The life of this database; a restored backup gets a new one."""

    __tablename__ = "epoch"

    value: Mapped[str] = mapped_column(sa.Text, primary_key=True)


@dataclass(frozen=True)
class Page:
    """One answer of `GET /changes`."""

    epoch: str
    streams: tuple[str, ...]
    changes: tuple[Change, ...]
    cursor: str
    more: bool


def publish(session: Session, stream: str, topic: str, key: str, data: dict[str, Any]) -> None:
    """Tell the followers of `stream` the latest state of a thing, in this transaction."""
    _write(session, [_row(stream, topic, key, data)])


def publish_many(session: Session, topic: str, told: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
    """Tell many things of a topic at once: (stream, key, data)."""
    _write(session, [_row(stream, topic, key, data) for stream, key, data in told])


def withdraw(session: Session, stream: str, topic: str, key: str) -> None:
    """Tell the followers of `stream` to drop a thing."""
    _write(session, [_row(stream, topic, key, None)])


def streams_of(session: Session, topic: str, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Where these things are told now: (stream, key)."""
    held = sa.select(Change.stream, Change.key).where(
        Change.topic == topic, Change.key.in_(keys), ~Change.deleted
    )
    return [(stream, key) for stream, key in session.execute(held)]


def read(session: Session, streams: Sequence[str], cursor: str | None, limit: int = PAGE) -> Page:
    """What changed in `streams` since `cursor`; a cursor of another epoch, or no cursor, starts from the beginning.

    Raises ValueError when the cursor is not one of ours.
    """
    epoch = session.scalars(sa.select(Epoch.value)).one()
    positions = _positions(cursor, epoch)
    settled = session.execute(sa.select(_SETTLED)).scalar_one()
    rows: list[Change] = []
    for stream in streams:
        after = positions.get(stream, (0, 0))
        rows += session.scalars(
            sa.select(Change)
            .where(
                Change.stream == stream,
                sa.tuple_(Change.xid, Change.seq) > after,
                Change.xid < settled,
            )
            .order_by(Change.xid, Change.seq)
            .limit(limit + 1 - len(rows))
        )
        if len(rows) > limit:
            break
    told, more = rows[:limit], len(rows) > limit
    kept = {stream: positions[stream] for stream in streams if stream in positions}
    kept.update({row.stream: (row.xid, row.seq) for row in told})
    return Page(epoch, tuple(streams), tuple(told), _cursor(epoch, kept), more)


_WRITE = insert(Change)
_REPLACE = _WRITE.on_conflict_do_update(
    index_elements=[Change.stream, Change.topic, Change.key],
    set_={
        "data": _WRITE.excluded.data,
        "deleted": _WRITE.excluded.deleted,
        "xid": _THIS_TRANSACTION,
        "seq": _SEQUENCE.next_value(),
    },
)


def _row(stream: str, topic: str, key: str, data: Any) -> dict[str, Any]:
    return {"stream": stream, "topic": topic, "key": key, "data": data, "deleted": data is None}


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(_REPLACE, rows)


def _cursor(epoch: str, positions: dict[str, tuple[int, int]]) -> str:
    return base64.urlsafe_b64encode(json.dumps([epoch, positions]).encode()).decode()


def _positions(cursor: str | None, epoch: str) -> dict[str, tuple[int, int]]:
    if not cursor:
        return {}
    try:
        told, positions = json.loads(base64.urlsafe_b64decode(cursor))
        parsed = {str(stream): (int(xid), int(seq)) for stream, (xid, seq) in positions.items()}
    except (ValueError, TypeError, AttributeError) as fault:
        raise ValueError("the cursor is not one of this server's") from fault
    return parsed if told == epoch else {}
