"""The bell: tells the workers that tasks are there. Losing a ring loses nothing, the sweeper rings again."""

import atexit
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping

import redis
import structlog
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

QUEUE = "gridwatch"
LATER_QUEUE = "gridwatch-later"
"""Proposals: a worker looks here only when no report and no photo waits to be opened."""
SLOW_QUEUE = "gridwatch-slow"
"""What takes a second or more, such as cleaning a photo: a worker looks here when the others are empty."""
QUEUES = (QUEUE, LATER_QUEUE, SLOW_QUEUE)

RESULT_SECONDS = 0
"""Results are in PostgreSQL; RQ keeps none."""

LONGEST_SECONDS = 15 * 60
"""A video of half an hour is cleaned in less."""

GATHER_S = 0.05
"""Short for a person; in a rush a job then holds several tasks, and a job costs a worker as much as a small task."""
MOST_TOGETHER = 50

log = structlog.get_logger()

Ring = tuple[uuid.UUID, str]
"""A task and its kind."""

Ringer = Callable[[Iterable[Ring]], None]


def queue(connection: redis.Redis, name: str = QUEUE) -> Queue:
    """A queue of tasks to run."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


class Bell:
    """Rings for tasks and never fails: without a queue it only says so in the log.

    A thread gathers what is rung within GATHER_S into one job, so that a request pays nothing for it and a worker
    starts one job for many small tasks. Of the slow ones each has a job of its own.
    """

    def __init__(self, connection: redis.Redis, queue_of: Mapping[str, str]) -> None:
        """`queue_of` tells the queue of a kind that is not for QUEUE."""
        self._connection = connection
        self._queue_of = queue_of
        self._rung: deque[Ring] = deque()
        self._something = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, rings: Iterable[Ring]) -> None:
        """Ring soon; returns at once."""
        self._rung.extend(rings)
        self._something.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    atexit.register(self.flush)
                    self._thread = threading.Thread(target=self._keep_ringing, name="bell", daemon=True)
                    self._thread.start()

    def flush(self) -> None:
        """Ring now for all that was told so far."""
        rung: dict[str, list[str]] = defaultdict(list)
        with self._lock:  # at the end of the process two threads do this
            while self._rung:
                task_id, kind = self._rung.popleft()
                rung[self._queue_of.get(kind, QUEUE)].append(str(task_id))
        try:
            for name, ids in rung.items():
                most = 1 if name == SLOW_QUEUE else MOST_TOGETHER
                jobs = [_job(ids[at : at + most]) for at in range(0, len(ids), most)]
                queue(self._connection, name).enqueue_many(jobs)
        except redis.RedisError as fault:
            log.warning("bell.silent", tasks=sum(map(len, rung.values())), fault=type(fault).__name__)

    def _keep_ringing(self) -> None:
        while True:
            self._something.wait()
            time.sleep(GATHER_S)
            self._something.clear()
            self.flush()


def _job(task_ids: list[str]) -> EnqueueData:
    return Queue.prepare_data(
        "server.worker.run_tasks", args=(task_ids,), timeout=LONGEST_SECONDS, result_ttl=RESULT_SECONDS
    )
