"""The bell: tells the workers that tasks are there. Losing a ring loses nothing, the sweeper rings again."""

import atexit
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import cast

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
"""Short for a person; in a rush several tasks are rung for at once."""
AT_A_TIME = 10
"""Tasks that a worker takes at once: the others are for its neighbours."""
MOST_TOGETHER = 50
"""Tasks of one job; a worker that is told to end does so after its job."""
MOST_WAITING = 4
"""Jobs that wait to be begun: so many workers are woken, and each does what is rung for until nothing is left."""

log = structlog.get_logger()

Ring = tuple[uuid.UUID, str]
"""A task and its kind."""

Ringer = Callable[[Iterable[Ring]], None]


def queue(connection: redis.Redis, name: str = QUEUE) -> Queue:
    """A queue of tasks to run."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


class Bell:
    """Rings for tasks and never fails: without a queue it only says so in the log.

    A thread gathers what is rung within GATHER_S, so that a request pays nothing for it. Ids of tasks go into a list
    of their queue and a job says that something is there, as a job costs a worker as much as a small task. Of the
    slow ones each has a job of its own.
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
        with self._lock:  # the thread and a worker do this at once
            rung: dict[str, list[str]] = defaultdict(list)
            while self._rung:
                task_id, kind = self._rung.popleft()
                rung[self._queue_of.get(kind, QUEUE)].append(str(task_id))
            try:
                for name, ids in rung.items():
                    self._ring(name, ids)
            except redis.RedisError as fault:
                log.warning("bell.silent", tasks=sum(map(len, rung.values())), fault=type(fault).__name__)

    def take(self, name: str) -> list[str]:
        """The next tasks of a queue, no longer rung for; for the worker, who does them."""
        taken = cast(list[bytes] | None, self._connection.lpop(_list(name), AT_A_TIME))
        return [task_id.decode() for task_id in taken or ()]

    def wake(self, name: str) -> None:
        """Wake a worker for a queue. Where enough jobs wait already, the last of them will find what is there now."""
        jobs = queue(self._connection, name)
        if jobs.count < MOST_WAITING:
            jobs.enqueue_many([_job("server.worker.answer", name)])

    def waits(self, name: str) -> bool:
        """Whether something is rung for in a queue."""
        return bool(self._connection.llen(_list(name)) or queue(self._connection, name).count)

    def _ring(self, name: str, task_ids: list[str]) -> None:
        if name == SLOW_QUEUE:
            jobs = [_job("server.worker.run_tasks", [task_id]) for task_id in task_ids]
            queue(self._connection, name).enqueue_many(jobs)
        else:
            self._connection.rpush(_list(name), *task_ids)
            self.wake(name)

    def _keep_ringing(self) -> None:
        while True:
            self._something.wait()
            time.sleep(GATHER_S)
            self._something.clear()
            self.flush()


def _list(name: str) -> str:
    return f"{name}:tasks"


def _job(function: str, argument: str | list[str]) -> EnqueueData:
    return Queue.prepare_data(function, args=(argument,), timeout=LONGEST_SECONDS, result_ttl=RESULT_SECONDS)
