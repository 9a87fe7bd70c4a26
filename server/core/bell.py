"""The bell: tells the workers that a task is there. Losing a ring loses nothing, the sweeper rings again."""

import uuid
from collections.abc import Callable, Sequence

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

QUEUE = "gridwatch"
RESULT_SECONDS = 0
"""Results are in PostgreSQL; RQ keeps none."""

LONGEST_SECONDS = 15 * 60
"""A video of half an hour is opened in less."""

log = structlog.get_logger()

Bell = Callable[[Sequence[uuid.UUID]], None]


def queue(connection: redis.Redis) -> Queue:
    """The queue of tasks to run."""
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def build_bell(connection: redis.Redis) -> Bell:
    """A function that rings for tasks and never fails: without a queue it only says so in the log."""

    def ring(task_ids: Sequence[uuid.UUID]) -> None:
        try:
            jobs = [
                Queue.prepare_data(
                    "server.worker.run_task",
                    args=(str(task_id),),
                    timeout=LONGEST_SECONDS,
                    result_ttl=RESULT_SECONDS,
                )
                for task_id in task_ids
            ]
            queue(connection).enqueue_many(jobs)
        except redis.RedisError as fault:
            log.warning("bell.silent", tasks=len(task_ids), fault=type(fault).__name__)

    return ring
