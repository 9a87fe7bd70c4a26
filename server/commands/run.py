"""The processes of a running Gridwatch: web, worker, clock."""

import os
import sys
from pathlib import Path

import click
import redis

from server.settings import ROOT, load_settings

JOBS_PER_WORKER = 2000
"""A worker ends after so many and is started afresh, which bounds what a leak can cost."""


@click.command()
def serve() -> None:
    """The web process (gunicorn): HOST, PORT, WEB_WORKERS, WEB_THREADS."""
    config = Path(__file__).with_name("gunicorn_settings.py")
    gunicorn = str(Path(sys.prefix) / "bin" / "gunicorn")
    os.chdir(ROOT)
    os.execv(gunicorn, [gunicorn, "--config", str(config), "server.app:create_app()"])


@click.command()
def worker() -> None:
    """One worker of the queue; start more for more at a time."""
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    # Everything is imported before the first task, and hostile media have a process of their own (storage.media),
    # so tasks run in this one and keep its connections.
    import server.worker  # noqa: F401
    from server.core.bell import QUEUE

    SimpleWorker([QUEUE], connection=_queue_connection(), serializer=JSONSerializer).work(
        logging_level="WARNING", max_jobs=JOBS_PER_WORKER
    )


@click.command()
def cron() -> None:
    """The clock: rings for what is due; one of it is enough, several do no harm."""
    from server.commands.clock import build_clock

    build_clock(_queue_connection()).start()  # type: ignore[no-untyped-call]


def _queue_connection() -> redis.Redis:
    return redis.Redis.from_url(load_settings().redis_url.get_secret_value())
