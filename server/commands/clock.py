"""What rings by the clock, with `rq cron`."""

import redis
from rq import Queue
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer

from server.core.bell import QUEUE

SECONDS_BETWEEN = {
    "server.worker.sweep": 5,
    "server.worker.sweep_clocks": 60,
    "server.worker.sweep_uploads": 3600,
    "server.worker.tidy_notices": 3600,
}


class JsonCronJob(CronJob):
    """rq's own would put a pickle into the queue."""

    def enqueue(self, connection: redis.Redis) -> Job:
        """Ring; a ring that nobody heard until the next one is dropped."""
        queue = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return queue.enqueue(self.func_name, result_ttl=0, failure_ttl=0, ttl=self.interval)


def build_clock(connection: redis.Redis) -> CronScheduler:
    """The scheduler with all of SECONDS_BETWEEN."""
    scheduler = CronScheduler(connection, logging_level="WARNING")
    for function, seconds in SECONDS_BETWEEN.items():
        scheduler.get_jobs().append(JsonCronJob(QUEUE, func_name=function, interval=seconds))
    return scheduler
