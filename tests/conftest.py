"""The stack that tests run on: started once for a run, one database and one bucket per worker of it."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.commands.stack import throwaway
from server.core.clock import FixedClock
from server.migrations import upgrade
from server.notices.vapid import create_vapid
from server.settings import Settings, load_settings
from storage.sealing import Keyring
from sync.signing import SigningKeys

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from playwright.sync_api import Playwright

    from server.app import Gridwatch
    from server.core.parts import Parts

# `pytest --hypothesis-profile=thorough`: 10,000 walks over the table of steps and 200 through the database.
hypothesis.settings.register_profile("thorough", max_examples=10_000, deadline=None)
hypothesis.settings.register_profile("usual", deadline=None)
# `make mutants` runs each test many times in one process, and wants to know only whether it fails.
hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.differing_executors],
)
hypothesis.settings.load_profile("usual")

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in the county, a Monday."""

_run = ExitStack()
_environ = pytest.StashKey[dict[str, str]]()


@dataclass(frozen=True)
class Services:
    """Addresses of the running services, as the drivers want them; the database is an empty one."""

    environ: dict[str, str]

    @property
    def database_url(self) -> str:
        """For SQLAlchemy; may create databases."""
        return self.environ["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """The queue, database 0."""
        return self.environ["REDIS_URL"]

    @property
    def s3_endpoint(self) -> str:
        """Host and port, without TLS."""
        return self.environ["S3_ENDPOINT"]

    @property
    def s3_access_key(self) -> str:
        """May create buckets."""
        return self.environ["S3_ACCESS_KEY"]

    @property
    def s3_secret_key(self) -> str:
        """The secret to it."""
        return self.environ["S3_SECRET_KEY"]


def pytest_configure_node(node: object) -> None:
    """With xdist, the process that leads the run owns the stack: a worker may end before the others do."""
    config = node.config  # type: ignore[attr-defined]
    if _environ not in config.stash:
        config.stash[_environ] = _run.enter_context(throwaway()).environ()
    node.workerinput["stack"] = config.stash[_environ]  # type: ignore[attr-defined]


def pytest_unconfigure() -> None:
    """End the stack that this process started."""
    _run.close()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Services:
    """PostgreSQL, Valkey and SeaweedFS."""
    given = getattr(request.config, "workerinput", {}).get("stack")
    return Services(given or _run.enter_context(throwaway()).environ())


@pytest.fixture(scope="session")
def settings(stack: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of this worker: a database, a bucket, a queue and keys of its own."""
    name = f"tests_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(stack.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    keys_dir = tmp_path_factory.mktemp("keys")
    Keyring(keys_dir).create_missing()
    SigningKeys(keys_dir).create()
    create_vapid(keys_dir)
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    given = {variable.lower(): value for variable, value in stack.environ.items()}
    given |= {
        "database_url": sa.make_url(stack.database_url)
        .set(database=name)
        .render_as_string(hide_password=False),
        "redis_url": f"{stack.redis_url.rpartition('/')[0]}/{number % 16}",
        "s3_bucket": name.replace("_", "-"),
        "keys_dir": str(keys_dir),
    }
    yield load_settings(**given)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """The migrated database of this worker."""
    engine = sa.create_engine(settings.database_url.get_secret_value())
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until a test moves it."""
    return FixedClock(NOW)


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    """A session whose writes, commits too, are undone after the test. Events are written, bells do not ring."""
    from server.wiring import SUBSCRIPTIONS

    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(
            connection, join_transaction_mode="create_savepoint", info={"subscriptions": SUBSCRIPTIONS}
        ) as session:
            yield session
        transaction.rollback()


@pytest.fixture(scope="session")
def _app(settings: Settings, engine: sa.Engine) -> "Gridwatch":
    from server.app import create_app

    app = create_app(settings)
    app.extensions["parts"].blobs.ensure_bucket()
    return app


@pytest.fixture
def app(_app: "Gridwatch", engine: sa.Engine, clock: FixedClock) -> Iterator["Gridwatch"]:
    """The application on the standing clock; every row and every queued bell is gone after the test."""
    _app.extensions["clock"] = clock
    yield _app
    _app.extensions["parts"].queue.flushdb()
    _empty(engine)


@pytest.fixture
def client(app: "Gridwatch") -> "FlaskClient":
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def parts(app: "Gridwatch") -> "Parts":
    """What the application is built of."""
    parts: Parts = app.extensions["parts"]
    return parts


@pytest.fixture
def settle(engine: sa.Engine) -> Callable[[], None]:
    """Wait until what is committed may be read as changes: an open transaction of any database holds readers back."""

    def wait() -> None:
        give_up = time.monotonic() + 120
        horizon = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            now: int = connection.execute(sa.text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
            while connection.execute(horizon).scalar_one() <= now:
                assert time.monotonic() < give_up, "somebody keeps a transaction open"
                time.sleep(0.02)

    return wait


@pytest.fixture
def sessions(app: "Gridwatch", engine: sa.Engine) -> sessionmaker[Session]:
    """Sessions that really commit, to prepare what `client` then sees; emptied after the test."""
    from server.wiring import SUBSCRIPTIONS

    return sessionmaker(engine, info={"subscriptions": SUBSCRIPTIONS})


@pytest.fixture
def run_tasks(app: "Gridwatch") -> "RunTasks":
    """Do what the worker would do now, until nothing is due; returns how many tasks were done."""
    return RunTasks(app)


@dataclass(frozen=True)
class RunTasks:
    """The worker, in this process and on this thread."""

    app: "Gridwatch"

    def __call__(self) -> int:
        """Raises what a task raises."""
        from server.core import tasks
        from server.core.db import db
        from server.wiring import JOBS

        done = 0
        clock, parts = self.app.extensions["clock"], self.app.extensions["parts"]
        with self.app.app_context():
            while due := db.session.scalars(
                sa.select(tasks.Task.id).where(tasks.Task.done_at.is_(None))
            ).all():
                for task_id in due:
                    done += tasks.run(db.session(), clock, parts, JOBS, task_id)
        return done


def _empty(engine: sa.Engine) -> None:
    """Truncate the tables that hold rows; looking is cheaper than truncating all of them."""
    from server.migrations.tables import TABLES

    names = [table.name for metadata in TABLES for table in metadata.tables.values() if table.name != "epoch"]
    with engine.begin() as connection:
        asked = sa.text(
            " UNION ALL ".join(f"SELECT '{n}' WHERE EXISTS (SELECT 1 FROM \"{n}\")" for n in names)
        )
        if full := connection.scalars(asked).all():
            quoted = ", ".join(f'"{name}"' for name in full)
            connection.execute(sa.text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))  # append-only
            connection.execute(sa.text(f"TRUNCATE {quoted} RESTART IDENTITY CASCADE"))
            connection.execute(sa.text("ALTER TABLE audit_entry ENABLE TRIGGER USER"))


@pytest.fixture(scope="session")
def chromium() -> Iterator["Playwright"]:
    """The driver of Debian's Chromium; one for a run, as two in one thread do not start."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of this clone."""
    return Path(__file__).resolve().parent.parent
