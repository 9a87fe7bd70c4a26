"""Work to do is a row, written in the transaction of its cause. RQ only rings the bell.

A worker claims the task, does the work idempotently and finishes the row in the work's own transaction. With the queue
wiped nothing is lost: the sweeper rings again for every row that is due.

The claim is an advisory lock and not a row lock: a row lock takes a transaction id, and while a video is opened for a
minute that id would hold back everybody who reads changes (sync/changes.py).

A try is counted and committed before the work begins, so that work which kills its worker is counted too. After
MOST_DEATHS of these, or MOST_TRIES failures, a task is set aside for a person (`./manage.py tasks`).
"""

import json
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from server.core.bell import Ring
from server.core.clock import Clock
from server.core.db import Base, Facts, Identified
from server.core.ids import new_id
from server.core.parts import Parts

FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=10)
MOST_DEATHS = 5
"""A worker may be killed for reasons of its own; five times in the middle of the same task is the task's fault."""
MOST_TRIES = 100
"""Three quarters of a day: longer than a night without the object store."""
BELL_TAKES = timedelta(seconds=5)
RING_AGAIN = timedelta(minutes=2)
"""Until a task that still waits is rung for once more; a long queue must not become longer by ringing."""
RING_KEY = "tasks to ring"

log = structlog.get_logger()


class Task(Identified, Base):
    """One piece of work; `done_at` says that its effect is committed."""

    __tablename__ = "task"
    __table_args__ = (
        sa.Index("ix_task_due", "due_at", postgresql_where=sa.text("done_at IS NULL")),
        sa.Index("ix_task_set_aside", "set_aside_at", postgresql_where=sa.text("set_aside_at IS NOT NULL")),
    )

    kind: Mapped[str]
    payload: Mapped[Facts]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    """Tries that were begun."""
    begun_at: Mapped[datetime | None]
    """When the present try began; left behind by a worker that died."""
    deaths: Mapped[int] = mapped_column(server_default=sa.text("0"))
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    set_aside_at: Mapped[datetime | None]
    """Given up until a person looks at it."""


_OPEN = (Task.done_at.is_(None), Task.set_aside_at.is_(None))

# The way of every task: built once, as building and keying statements costs more than PostgreSQL does with these.
_BEGIN = sa.text("""
    UPDATE task
    SET attempts = attempts + 1, deaths = deaths + (begun_at IS NOT NULL)::int, begun_at = :now
    WHERE id = :id AND done_at IS NULL AND set_aside_at IS NULL AND pg_try_advisory_xact_lock(:number)
    RETURNING deaths, set_config('synchronous_commit', 'off', true)
""")
"""Losing a count with the power is no harm, so that it need not wait for the disk."""
_CLAIM = sa.text("""
    SELECT kind, payload FROM task
    WHERE id = :id AND done_at IS NULL AND set_aside_at IS NULL AND pg_try_advisory_xact_lock(:number)
""")
_FINISH = sa.text("UPDATE task SET done_at = :now, error = NULL WHERE id = :id AND done_at IS NULL")
"""Finds no row when somebody finished it between the look and the lock of _CLAIM: then this work is undone."""


@dataclass(frozen=True)
class Work:
    """What a job may use."""

    session: Session
    clock: Clock
    parts: Parts


Job = Callable[[Work, Facts], None]


_WRITE = """
    INSERT INTO task (id, kind, payload, attempts)
    SELECT todo.id, todo.kind, CAST(:task_payload AS jsonb){more}, 0
    FROM unnest(CAST(:task_ids AS uuid[]), CAST(:task_kinds AS text[])) AS todo (id, kind){cause}
"""
_WRITE_THEM = sa.text(_WRITE.format(more="", cause=""))


def with_its_cause(cause: str, more: str = "") -> str:
    """An insert for a statement that writes its tasks itself, if `cause`, a part of it, has a row.

    Values are those of `planned`; `more`: what the payload says besides, as jsonb.
    """
    return _WRITE.format(more=more and f" || {more}", cause=f", {cause}")


def emit(session: Session, event: str, **payload: Any) -> None:
    """Write one task per subscriber of `event` (the table in wiring.py) into this transaction.

    UUIDs and datetimes in the payload become strings. Unknown events are a programming error: KeyError.
    """
    values, rings = planned(session, event, **payload)
    if rings:
        session.connection().execute(_WRITE_THEM, values)
        ring_after_commit(session, rings)


def planned(session: Session, event: str, **payload: Any) -> tuple[Facts, list[Ring]]:
    """What `emit` would write, as values for `with_its_cause`, and what to ring for when it was written."""
    rings = [(new_id(), kind) for kind in session.info["subscriptions"][event]]
    return {
        "task_payload": json.dumps({name: _plain(value) for name, value in payload.items()}),
        "task_ids": [task_id for task_id, _ in rings],
        "task_kinds": [kind for _, kind in rings],
    }, rings


def add(session: Session, kind: str, payload: Facts, due_at: datetime | None = None) -> Task:
    """Write a task; its bell rings after the commit."""
    task = Task(kind=kind, payload=payload)
    if due_at is not None:
        task.due_at = due_at
    session.add(task)
    session.flush()
    if due_at is None:
        ring_after_commit(session, [(task.id, kind)])
    return task


def ring_after_commit(session: Session, rings: Sequence[Ring]) -> None:
    """Ring for tasks that were written in this transaction."""
    session.info.setdefault(RING_KEY, []).extend(rings)


@sa.event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    """Ring for the tasks of this commit. `info["bell"]` is absent where nobody should run them (tests, seeds)."""
    written = session.info.pop(RING_KEY, [])
    bell = session.info.get("bell")
    if written and bell is not None:
        bell(written)


@sa.event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(RING_KEY, None)


def claim(session: Session, task_id: uuid.UUID) -> tuple[str, Facts] | None:
    """Kind and payload of the task, this transaction's own until it ends; None when it is done, gone, or somebody
    else has it."""
    values = {"id": task_id, "number": _lock_number(task_id)}
    found = session.connection().execute(_CLAIM, values).one_or_none()
    return (found.kind, found.payload) if found else None


def run(session: Session, clock: Clock, parts: Parts, jobs: Mapping[str, Job], task_id: uuid.UUID) -> bool:
    """Do one task and commit; True when it was done now. A failure is recorded with the time of the next try."""
    task = claim(session, task_id) if _begin(session, clock, task_id) else None
    if task is None:
        session.rollback()
        return False
    kind, payload = task
    try:
        jobs[kind](Work(session, clock, parts), payload)
        session.flush()
        done = session.connection().execute(_FINISH, {"id": task_id, "now": clock.now()})
        if not done.rowcount:
            session.rollback()
            return False
        session.commit()
        return True
    except Exception:
        session.rollback()
        _record_failure(session, clock, task_id, traceback.format_exc(limit=-8))
        raise


def due(session: Session, clock: Clock, limit: int = 1000) -> list[Ring]:
    """The tasks whose time has come and whose bell nobody answered, oldest first; for the sweeper, who rings.

    They are due again after RING_AGAIN: most of them only wait for their turn.
    """
    now = clock.now()
    waiting = (
        sa.select(Task.id).where(*_OPEN, Task.due_at <= now - BELL_TAKES).order_by(Task.due_at).limit(limit)
    )
    statement = (
        sa.update(Task)
        .where(Task.id.in_(waiting.with_for_update(skip_locked=True).scalar_subquery()))
        .values(due_at=now + RING_AGAIN - BELL_TAKES)
        .returning(Task.id, Task.kind)
    )
    return [(task_id, kind) for task_id, kind in session.execute(statement)]


def set_aside(session: Session) -> list[Task]:
    """The tasks that were given up, oldest first."""
    return list(
        session.scalars(sa.select(Task).where(Task.set_aside_at.is_not(None)).order_by(Task.set_aside_at))
    )


def retry(session: Session, clock: Clock, task_ids: Sequence[uuid.UUID]) -> int:
    """Try tasks that were set aside once more, as if they were new; returns how many."""
    statement = (
        sa.update(Task)
        .where(Task.id.in_(task_ids), Task.set_aside_at.is_not(None))
        .values(set_aside_at=None, begun_at=None, attempts=0, deaths=0, due_at=clock.now())
        .returning(Task.id, Task.kind)
    )
    again = [(task_id, kind) for task_id, kind in session.execute(statement)]
    ring_after_commit(session, again)
    return len(again)


def next_try(attempts: int) -> timedelta:
    """How long to wait after `attempts` failures: doubles, at most ten minutes."""
    wait: timedelta = FIRST_RETRY * 2 ** min(attempts, 20)
    return min(wait, LONGEST_RETRY)


def _begin(session: Session, clock: Clock, task_id: uuid.UUID) -> bool:
    """Count a try, durably before the work; False when there is nothing to do, or no longer."""
    values = {"id": task_id, "now": clock.now(), "number": _lock_number(task_id)}
    begun = session.connection().execute(_BEGIN, values).one_or_none()
    if begun is None:
        return False
    if begun.deaths >= MOST_DEATHS:
        task = session.get_one(Task, task_id, populate_existing=True)
        _set_aside(task, clock, f"its worker died {begun.deaths} times in the middle of it")
        session.commit()
        return False
    session.commit()
    return True


def _lock_number(task_id: uuid.UUID) -> int:
    """64 bits of the id, signed as PostgreSQL wants them; two tasks with one number only wait for each other."""
    return int.from_bytes(task_id.bytes[8:], signed=True)


def _record_failure(session: Session, clock: Clock, task_id: uuid.UUID, error: str) -> None:
    task = session.get(Task, task_id)
    if task is not None:
        task.error = error
        task.begun_at = None
        task.due_at = clock.now() + next_try(task.attempts)
        if task.attempts >= MOST_TRIES:
            _set_aside(task, clock, error)
    session.commit()


def _set_aside(task: Task, clock: Clock, error: str) -> None:
    task.set_aside_at, task.error = clock.now(), error
    log.error("task.set_aside", task=str(task.id), kind=task.kind, attempts=task.attempts, deaths=task.deaths)


def _plain(value: Any) -> Any:
    return (
        str(value)
        if isinstance(value, uuid.UUID)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
    )
