"""Work is a row: done once, retried after a failure, found again when the bell was lost."""

import multiprocessing
import os
import signal
import uuid
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.core import tasks
from server.core.clock import FixedClock
from server.core.db import Facts
from server.core.parts import Parts
from server.core.tasks import Job, Task, Work
from server.settings import Settings

PARTS = cast(Parts, None)
"""These jobs use none."""


def write(sessions: sessionmaker[Session]) -> uuid.UUID:
    with sessions() as session:
        task = tasks.add(session, "test.job", {"n": 1})
        session.commit()
        return task.id


def test_a_task_is_done_once(sessions: sessionmaker[Session], clock: FixedClock) -> None:
    done: list[Facts] = []
    jobs: dict[str, Job] = {"test.job": lambda work, payload: done.append(payload)}
    task_id = write(sessions)
    with sessions() as session:
        assert tasks.run(session, clock, PARTS, jobs, task_id)
        assert not tasks.run(session, clock, PARTS, jobs, task_id)
    assert done == [{"n": 1}]


def test_two_workers_do_not_take_the_same_task(sessions: sessionmaker[Session], clock: FixedClock) -> None:
    task_id = write(sessions)
    with sessions() as first, sessions() as second:
        assert tasks.claim(first, task_id) is not None
        assert tasks.claim(second, task_id) is None


def test_a_failure_undoes_the_work_and_is_tried_again_later(
    sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    def fail(work: Work, payload: Facts) -> None:
        work.session.add(Task(kind="half done", payload={}))
        work.session.flush()
        raise ValueError("the store is away")

    task_id = write(sessions)
    with sessions() as session:
        with pytest.raises(ValueError, match="away"):
            tasks.run(session, clock, PARTS, {"test.job": fail}, task_id)
        task = session.get_one(Task, task_id)
        assert (task.attempts, task.done_at) == (1, None)
        assert "the store is away" in (task.error or "")
        assert task.due_at == clock.now() + tasks.next_try(1)
        assert session.scalar(sa.select(sa.func.count()).where(Task.kind == "half done")) == 0
        assert (task_id, "test.job") not in tasks.due(session, clock)
        clock.advance(timedelta(minutes=1))
        assert (task_id, "test.job") in tasks.due(session, clock)
        assert (task_id, "test.job") not in tasks.due(session, clock)


def kill_its_worker(work: Work, payload: Facts) -> None:
    """As the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def work_in_this_process(url: str, task_id: uuid.UUID, at: datetime) -> None:
    with Session(sa.create_engine(url)) as session:
        tasks.run(session, FixedClock(at), PARTS, {"test.job": kill_its_worker}, task_id)


def test_a_task_that_kills_its_worker_is_set_aside_and_can_be_tried_again(
    sessions: sessionmaker[Session], clock: FixedClock, settings: Settings
) -> None:
    task_id = write(sessions)
    spawn = multiprocessing.get_context("spawn")
    for _ in range(tasks.MOST_DEATHS):
        worker = spawn.Process(
            target=work_in_this_process, args=(settings.database_url.get_secret_value(), task_id, clock.now())
        )
        worker.start()
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
    done: list[Facts] = []
    jobs: dict[str, Job] = {"test.job": lambda work, payload: done.append(payload)}
    clock.advance(timedelta(days=1))
    with sessions() as session:
        assert not tasks.run(session, clock, PARTS, jobs, task_id)
        assert (task_id, "test.job") not in tasks.due(session, clock)
        (task,) = tasks.set_aside(session)
        assert (task.id, task.deaths, done) == (task_id, tasks.MOST_DEATHS, [])
        assert "died 5 times" in (task.error or "")
        assert tasks.retry(session, clock, [task_id]) == 1
        session.commit()
        assert tasks.run(session, clock, PARTS, jobs, task_id)
        assert (done, tasks.set_aside(session)) == ([{"n": 1}], [])


def test_a_task_that_always_fails_is_set_aside_in_the_end(
    sessions: sessionmaker[Session], clock: FixedClock
) -> None:
    def fail(work: Work, payload: Facts) -> None:
        raise ValueError("never")

    task_id = write(sessions)
    with sessions() as session:
        for _ in range(tasks.MOST_TRIES):
            with pytest.raises(ValueError, match="never"):
                tasks.run(session, clock, PARTS, {"test.job": fail}, task_id)
        assert [task.id for task in tasks.set_aside(session)] == [task_id]
        assert not tasks.run(session, clock, PARTS, {"test.job": fail}, task_id)


def test_bells_ring_only_after_the_commit(sessions: sessionmaker[Session]) -> None:
    rung: list[Any] = []
    with sessions() as session:
        session.info["bell"] = rung.extend
        tasks.add(session, "test.job", {})
        assert rung == []
        session.rollback()
        session.commit()
        assert rung == []
        task = tasks.add(session, "test.job", {})
        session.commit()
        assert rung == [(task.id, "test.job")]


def test_an_event_nobody_knows_is_a_fault_of_ours(sessions: sessionmaker[Session]) -> None:
    with sessions() as session, pytest.raises(KeyError):
        tasks.emit(session, "no.such.event")
