"""Ringing: few jobs for many tasks, none forgotten, and what waits for nobody gives way."""

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.orm import Session, sessionmaker

from server import worker
from server.app import Gridwatch
from server.core import tasks
from server.core.bell import AT_A_TIME, LATER_QUEUE, MOST_WAITING, QUEUE, QUEUES, queue
from server.core.parts import Parts
from server.core.tasks import Job


@pytest.fixture
def done(app: Gridwatch, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the worker has done, by the letter of the task; a task may name one to be written when it is done."""
    letters: list[str] = []

    def job(work: tasks.Work, payload: dict[str, str]) -> None:
        letters.append(payload["letter"])
        if "then" in payload:
            tasks.add(work.session, payload["then"], {"letter": "then"})

    jobs: dict[str, Job] = {"test.job": job, "triage.assess": job}
    monkeypatch.setattr(worker, "JOBS", jobs)
    monkeypatch.setattr(worker, "_app", lambda: app)
    app.extensions["parts"].queue.flushdb()
    return letters


def ring(sessions: sessionmaker[Session], parts: Parts, kind: str, *payloads: dict[str, str]) -> None:
    with sessions() as session:
        session.info["bell"] = parts.bell
        for payload in payloads:
            tasks.add(session, kind, payload)
            session.commit()
            parts.bell.flush()


def work(parts: Parts) -> None:
    """One worker, until nothing is rung for."""
    queues = [queue(parts.queue, name) for name in QUEUES]
    SimpleWorker(queues, connection=parts.queue, serializer=JSONSerializer).work(burst=True)


def test_many_tasks_need_few_jobs_and_each_is_done_once(
    sessions: sessionmaker[Session], parts: Parts, done: list[str]
) -> None:
    letters = [str(n) for n in range(120)]
    ring(sessions, parts, "test.job", *({"letter": letter} for letter in letters))
    assert queue(parts.queue, QUEUE).count == MOST_WAITING
    work(parts)
    assert done == letters
    assert not any(parts.bell.waits(name) for name in QUEUES)


def test_what_follows_on_a_task_is_done_by_the_same_worker(
    sessions: sessionmaker[Session], parts: Parts, done: list[str]
) -> None:
    ring(sessions, parts, "test.job", {"letter": "first", "then": "test.job"})
    work(parts)
    assert done == ["first", "then"]


def test_what_may_wait_gives_way(sessions: sessionmaker[Session], parts: Parts, done: list[str]) -> None:
    later = [{"letter": str(n)} for n in range(3 * AT_A_TIME)]
    later[0]["then"] = "test.job"
    ring(sessions, parts, "triage.assess", *later)
    assert parts.bell.waits(LATER_QUEUE)
    work(parts)
    assert done.index("then") == AT_A_TIME
    assert len(done) == len(later) + 1
