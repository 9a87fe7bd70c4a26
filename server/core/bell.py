"""The bell: tells the workers that tasks are there. Losing a ring loses nothing, the sweeper rings again."""

import atexit
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Container, Iterable

import redis
import structlog
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

QUEUE = "gridwatch"
SLOW_QUEUE = "gridwatch-slow"
"""What takes a second or more, such as cleaning a photo: a worker looks here only when the other is empty."""

RESULT_SECONDS = 0
"""Results are in PostgreSQL; RQ keeps none."""

LONGEST_SECONDS = 15 * 60
"""A video of half an hour is cleaned in less."""

GATHER_S = 0.01
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

    A thread gathers what is rung within a hundredth of a second into one job, so that a request pays nothing for it and
    a worker starts one job for many small tasks. Slow kinds have a queue, and each task a job, of their own.
    """

    def __init__(self, connection: redis.Redis, slow: Container[str]) -> None:
        self._connection = connection
        self._slow = slow
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
        quick: list[str] = []
        slow: list[str] = []
        with self._lock:  # at the end of the process two threads do this
            while self._rung:
                task_id, kind = self._rung.popleft()
                (slow if kind in self._slow else quick).append(str(task_id))
        together = [quick[at : at + MOST_TOGETHER] for at in range(0, len(quick), MOST_TOGETHER)]
        try:
            if together:
                queue(self._connection).enqueue_many([_job(some) for some in together])
            if slow:
                queue(self._connection, SLOW_QUEUE).enqueue_many([_job([one]) for one in slow])
        except redis.RedisError as fault:
            log.warning("bell.silent", tasks=len(quick) + len(slow), fault=type(fault).__name__)

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
