"""The processes of a running Gridwatch and what must be there before they start."""

import os
import sys
from pathlib import Path

import click
import redis
import sqlalchemy as sa
from rq import Queue, SimpleWorker
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.orm import Session

from server.core.bell import QUEUE
from server.core.clock import SystemClock
from server.migrations import differences, upgrade, write_revision
from server.settings import ROOT, load_settings

JOBS_PER_WORKER = 2000
"""A worker ends after so many and is started afresh, which bounds what a leak can cost."""
SWEEP_SECONDS = 5
SWEEP_UPLOADS_SECONDS = 3600


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
    # Everything is imported before the first task, and hostile media have a process of their own (storage.media),
    # so tasks run in this one and keep its connections.
    import server.worker  # noqa: F401

    SimpleWorker([QUEUE], connection=_queue_connection(), serializer=JSONSerializer).work(
        logging_level="WARNING", max_jobs=JOBS_PER_WORKER
    )


class JsonCronJob(CronJob):
    """rq's own would put a pickle into the queue."""

    def enqueue(self, connection: redis.Redis) -> Job:
        """Ring; a ring that nobody heard until the next one is dropped."""
        queue = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return queue.enqueue(self.func_name, result_ttl=0, failure_ttl=0, ttl=self.interval)


@click.command()
def cron() -> None:
    """The clock: rings for what is due; one of it is enough, several do no harm."""
    scheduler = CronScheduler(_queue_connection(), logging_level="WARNING")
    for name, seconds in (("sweep", SWEEP_SECONDS), ("sweep_uploads", SWEEP_UPLOADS_SECONDS)):
        scheduler.get_jobs().append(JsonCronJob(QUEUE, func_name=f"server.worker.{name}", interval=seconds))
    scheduler.start()  # type: ignore[no-untyped-call]


@click.command()
@click.option("--new", metavar="WHY", help="Write a new revision from the difference to the models.")
@click.option("--check", is_flag=True, help="Only tell whether models and schema agree.")
def migrate(new: str | None, check: bool) -> None:
    """Bring the schema to the newest revision."""
    engine = sa.create_engine(load_settings().database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)
    if new:
        write_revision(engine, new)
    if check and (found := differences(engine)):
        raise click.ClickException("models and migrations differ:\n" + "\n".join(found))


@click.command()
def keys() -> None:
    """Create the keys that are missing in KEYS_DIR; existing ones are never touched."""
    folder = Path(os.environ.get("KEYS_DIR") or ROOT / "var" / "keys")
    _create_keys(folder)
    click.echo(f"keys are in {folder}: copy them to a safe place, nothing sealed to them opens without")


@click.command()
@click.option("--demo/--no-demo", default=False, help="Fill an empty database with the demo county.")
def prepare(demo: bool) -> None:
    """What must be there before the first request: keys (not in production), schema, bucket."""
    settings = load_settings()
    if not settings.production:
        _create_keys(settings.keys_dir)
    engine = sa.create_engine(settings.database_url.get_secret_value(), poolclass=sa.NullPool)
    upgrade(engine)

    from server.wiring import build_parts

    build_parts(settings, engine).blobs.ensure_bucket()
    if demo:
        _seed_when_empty(engine)


@click.command()
def seed() -> None:
    """Fill an empty database with the demo county: Maqin's areas and units, invented enterprises and reports."""
    settings = load_settings()
    engine = sa.create_engine(settings.database_url.get_secret_value(), poolclass=sa.NullPool)
    if not _seed_when_empty(engine):
        raise click.ClickException("the database already holds a county")


UNFINISHED = "the demo county is being loaded"


def _seed_when_empty(engine: sa.Engine) -> bool:
    """Whether the demo county was loaded. A load that was cut short, which the database remembers, begins again."""
    from server.demo import services as demo
    from server.wiring import JOBS, SUBSCRIPTIONS, build_parts

    with Session(engine) as session:
        if _note(session) == UNFINISHED:
            _empty(session)
        if not demo.is_empty(session):
            return False
        _set_note(session, UNFINISHED)
        session.commit()
        click.echo("filling the database with the demo county, which takes a minute …")
        pooled = sa.create_engine(engine.url)
        demo.seed(build_parts(load_settings(), pooled), SystemClock(), JOBS, SUBSCRIPTIONS)
        pooled.dispose()
        _set_note(session, None)
        session.commit()
        return True


def _note(session: Session) -> str | None:
    """The comment on the database."""
    statement = (
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    note: str | None = session.scalar(sa.text(statement))
    return note


def _set_note(session: Session, note: str | None) -> None:
    text = "NULL" if note is None else f"'{note}'"
    session.execute(sa.text(f'COMMENT ON DATABASE "{session.get_bind().url.database}" IS {text}'))  # type: ignore[union-attr]


def _empty(session: Session) -> None:
    """Remove every row: all of them came from a demo that was cut short."""
    from server.migrations.tables import TABLES

    names = ", ".join(f'"{table.name}"' for metadata in TABLES for table in metadata.tables.values())
    session.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def _create_keys(folder: Path) -> None:
    from storage.sealing import Keyring
    from sync.signing import SigningKeys

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    Keyring(folder).create_missing()
    SigningKeys(folder).create()


def _queue_connection() -> redis.Redis:
    return redis.Redis.from_url(load_settings().redis_url.get_secret_value())
