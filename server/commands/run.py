"""The processes of a running Gridwatch: web, worker, clock."""

import os
import sys
import tempfile
from pathlib import Path

import click
import redis

from server.commands.gunicorn_settings import memory_folder
from server.settings import ROOT, load_settings

JOBS_PER_WORKER = 2000
"""A worker ends after so many and is started afresh, which bounds what a leak can cost."""


@click.command()
def serve() -> None:
    """The web processes (gunicorn): HOST, PORT, WEB_WORKERS (one per core, at most four), WEB_THREADS."""
    os.environ.setdefault("WEB_WORKERS", str(min(os.cpu_count() or 1, 4)))
    # glibc gives every thread a heap of its own, and each keeps what a photo once needed there.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    # What each process counts lies here, so that /metrics tells of all of them. gunicorn removes it at its end.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
        prefix="gridwatch-metrics-", dir=memory_folder()
    )
    config = Path(__file__).with_name("gunicorn_settings.py")
    gunicorn = str(Path(sys.prefix) / "bin" / "gunicorn")
    os.chdir(ROOT)
    os.execv(gunicorn, [gunicorn, "--config", str(config), "server.app:create_app()"])


@click.command()
@click.option(
    "--only",
    type=click.Choice(["quick", "slow"]),
    help="Slow is cleaning photos; otherwise everything, quick first.",
)
def worker(only: str | None) -> None:
    """One worker of the queues; start more for more at a time."""
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    # Everything is imported before the first task, and hostile media have a process of their own (storage.media),
    # so tasks run in this one and keep its connections.
    import server.worker  # noqa: F401
    from server.core.bell import QUEUES, SLOW_QUEUE

    os.chdir(ROOT)  # where the process that looks at media finds what it loads beforehand
    queues = [name for name in QUEUES if only is None or (name == SLOW_QUEUE) == (only == "slow")]
    SimpleWorker(queues, connection=_queue_connection(), serializer=JSONSerializer).work(
        logging_level="WARNING", max_jobs=JOBS_PER_WORKER
    )


@click.command()
def cron() -> None:
    """The clock: rings for what is due; one of it is enough, several do no harm."""
    from server.commands.clock import build_clock

    build_clock(_queue_connection()).start()  # type: ignore[no-untyped-call]


def _queue_connection() -> redis.Redis:
    return redis.Redis.from_url(load_settings().redis_url.get_secret_value())
