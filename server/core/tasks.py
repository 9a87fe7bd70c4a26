"""Work to do is a row, written in the transaction of its cause. RQ only rings the bell.

A worker claims the task, does the work idempotently and finishes the row in the work's own transaction. With the queue
wiped nothing is lost: the sweeper rings again for every row that is due.

The claim is an advisory lock and not a row lock: a row lock takes a transaction id, and while a video is opened for a
minute that id would hold back everybody who reads changes (sync/changes.py).
"""

import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from server.core.clock import Clock
from server.core.db import Base, Facts, Identified
from server.core.parts import Parts

FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=10)
BELL_TAKES = timedelta(seconds=5)
RING_KEY = "tasks to ring"


class Task(Identified, Base):
    """One piece of work; `done_at` says that its effect is committed."""

    __tablename__ = "task"
    __table_args__ = (sa.Index("ix_task_due", "due_at", postgresql_where=sa.text("done_at IS NULL")),)

    kind: Mapped[str]
    payload: Mapped[Facts]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Work:
    """What a job may use."""

    session: Session
    clock: Clock
    parts: Parts


Job = Callable[[Work, Facts], None]


def emit(session: Session, event: str, **payload: Any) -> None:
    """Write one task per subscriber of `event` (the table in wiring.py) into this transaction.

    UUIDs and datetimes in the payload become strings. Unknown events are a programming error: KeyError.
    """
    facts = {name: _plain(value) for name, value in payload.items()}
    for kind in session.info["subscriptions"][event]:
        add(session, kind, facts)


def add(session: Session, kind: str, payload: Facts, due_at: datetime | None = None) -> Task:
    """Write a task; its bell rings after the commit."""
    task = Task(kind=kind, payload=payload)
    if due_at is not None:
        task.due_at = due_at
    session.add(task)
    session.flush()
    if due_at is None:
        session.info.setdefault(RING_KEY, []).append(task.id)
    return task


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


def claim(session: Session, task_id: uuid.UUID) -> Task | None:
    """The task, this transaction's own until it ends; None when it is done, gone, or somebody else has it."""
    if not session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_lock_number(task_id)))):
        return None
    # Read after the lock: whoever had it before has committed.
    statement = sa.select(Task).where(Task.id == task_id, Task.done_at.is_(None))
    return session.scalar(statement.execution_options(populate_existing=True))


def run(session: Session, clock: Clock, parts: Parts, jobs: Mapping[str, Job], task_id: uuid.UUID) -> bool:
    """Do one task and commit; True when it was done now. A failure is recorded with the time of the next try."""
    task = claim(session, task_id)
    if task is None:
        session.rollback()
        return False
    try:
        jobs[task.kind](Work(session, clock, parts), task.payload)
        task.done_at = clock.now()
        task.attempts += 1
        task.error = None
        session.commit()
        return True
    except Exception:
        session.rollback()
        _record_failure(session, clock, task_id, traceback.format_exc(limit=-8))
        raise


def due(session: Session, clock: Clock, limit: int = 1000) -> list[uuid.UUID]:
    """The tasks whose time has come and whose bell nobody answered, oldest first; for the sweeper."""
    statement = (
        sa.select(Task.id)
        .where(Task.done_at.is_(None), Task.due_at <= clock.now() - BELL_TAKES)
        .order_by(Task.due_at)
        .limit(limit)
    )
    return list(session.scalars(statement))


def next_try(attempts: int) -> timedelta:
    """How long to wait after `attempts` failures: doubles, at most ten minutes."""
    wait: timedelta = FIRST_RETRY * 2 ** min(attempts, 20)
    return min(wait, LONGEST_RETRY)


def _lock_number(task_id: uuid.UUID) -> int:
    """64 bits of the id, signed as PostgreSQL wants them; two tasks with one number only wait for each other."""
    return int.from_bytes(task_id.bytes[8:], signed=True)


def _record_failure(session: Session, clock: Clock, task_id: uuid.UUID, error: str) -> None:
    task = session.get(Task, task_id)
    if task is not None:
        task.attempts += 1
        task.error = error
        task.due_at = clock.now() + next_try(task.attempts)
    session.commit()


def _plain(value: Any) -> Any:
    return (
        str(value)
        if isinstance(value, uuid.UUID)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
    )
