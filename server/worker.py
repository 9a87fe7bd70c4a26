"""What RQ calls: do tasks, or ring again for those whose bell was lost."""

import uuid
from functools import cache

import structlog

from server.app import Gridwatch, create_app
from server.cases.clocks import sweep as sweep_cases
from server.core import tasks
from server.core.bell import AT_A_TIME, MOST_TOGETHER, QUEUES, Bell
from server.core.db import db
from server.core.web import clock, parts
from server.notices.services import tidy
from server.wiring import JOBS

BATCHES = 50
"""Of one sweep of the clocks: the next follows in a minute, and an RQ job has three."""

log = structlog.get_logger()


@cache
def _app() -> Gridwatch:
    return create_app()


def answer(name: str) -> None:
    """Do what is rung for in a queue, and what follows on it, until nothing is left or others should have a turn."""
    bell: Bell = _app().extensions["parts"].bell
    for _ in range(MOST_TOGETHER // AT_A_TIME):
        task_ids = bell.take(name)
        if not task_ids:
            return
        run_tasks(task_ids)
        bell.flush()  # what they have led to need not wait for the thread
        if any(bell.waits(first) for first in QUEUES[: QUEUES.index(name)]):
            break
    bell.wake(name)


def run_tasks(task_ids: list[str]) -> None:
    """Do tasks. A failure is in the task's row with the time of the next try, so nothing is raised to RQ."""
    for task_id in task_ids:
        with _app().app_context():
            try:
                tasks.run(db.session(), clock(), parts(), JOBS, uuid.UUID(task_id))
            except Exception:
                log.exception("task.failed", task=task_id)


def sweep() -> None:
    """Ring for every task that is due."""
    with _app().app_context():
        overdue = tasks.due(db.session(), clock())
        db.session.commit()
        parts().bell(overdue)


def sweep_clocks() -> None:
    """Warn of what runs out and climb with what did, batch by batch."""
    with _app().app_context():
        for _ in range(BATCHES):
            found = sweep_cases(db.session(), clock())
            db.session.commit()
            if not found:
                break


def tidy_notices() -> None:
    """Remove what nobody needs any more: ways to reporters of closed matters, old notices."""
    with _app().app_context():
        tidy(db.session(), clock())
        db.session.commit()


def sweep_uploads() -> None:
    """Clear expired uploads and pieces that no row names."""
    with _app().app_context():
        swept = parts().uploads.sweep(clock().now())
        log.info("uploads.swept", uploads=swept.uploads, objects=swept.objects)
