"""The whole of it as `make up` runs it, on the run's own services, and real browsers on it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zlib import crc32

import pytest
import sqlalchemy as sa
from minio import Minio
from playwright.sync_api import BrowserContext, Playwright
from sqlalchemy.orm import Session

from server.commands.processes import free_port
from server.core.clock import SystemClock
from server.core.parts import Parts
from server.demo.pictures import SCENES, picture
from server.demo.services import load_county
from server.settings import load_settings
from server.wiring import build_parts
from tests.conftest import CHROMIUM, FLAGS, Services
from tests.db.notices.conftest import Gateway, serving

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1440, "height": 900}
COUNTY_SEAT = {"latitude": 34.477, "longitude": 100.242, "accuracy": 12.0}

NewBrowser = Callable[..., BrowserContext]


@dataclass(frozen=True)
class Running:
    """The running system: where it answers, and what it was started with."""

    home: str
    environ: dict[str, str]

    @cached_property
    def parts(self) -> Parts:
        """Connections of our own to its database, store and keys."""
        settings = load_settings(**{name.lower(): value for name, value in self.environ.items()})
        return build_parts(settings, sa.create_engine(settings.database_url.get_secret_value()))


@pytest.fixture(scope="session")
def home(running: Running) -> str:
    """Where the running system answers; it holds the demo county's tables and no reports."""
    return running.home


@pytest.fixture(scope="session")
def sms() -> Iterator[Gateway]:
    """The county's SMS gateway: what it was sent."""
    with serving() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def running(
    stack: Services, repository: Path, tmp_path_factory: pytest.TempPathFactory, sms: Gateway
) -> Iterator[Running]:
    """The system as `make up` runs it."""
    var = tmp_path_factory.mktemp("e2e")
    port = free_port(None)
    server = sa.create_engine(stack.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE e2e"))
    url = sa.make_url(stack.database_url).set(database="e2e").render_as_string(hide_password=False)
    Minio(stack.s3_endpoint, stack.s3_access_key, stack.s3_secret_key, secure=False).make_bucket("e2e")
    own = stack.environ | {"DATABASE_URL": url, "S3_BUCKET": "e2e", "KEYS_DIR": str(var / "keys")}
    own |= {"REDIS_URL": f"{stack.redis_url.rpartition('/')[0]}/15"}
    environ = os.environ | own | {"GRIDWATCH_VAR": str(var), "PORT": str(port), "ENVIRONMENT": "test"}
    environ |= {"SMS__URL": sms.url, "SMS__TOKEN": "secret"}
    command = [sys.executable, str(repository / "manage.py"), "up", "--no-demo"]
    running = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if line.strip() == "ready":
                break
        else:
            pytest.fail("".join(said))
        engine = sa.create_engine(url)
        with closing(Session(engine)) as session:
            load_county(session, SystemClock())
            session.commit()
        engine.dispose()
        system = Running(f"http://localhost:{port}", own)
        yield system
        system.parts.engine.dispose()
    finally:
        running.terminate()
        running.wait(60)


@pytest.fixture
def browser(chromium: Playwright, tmp_path: Path) -> Iterator[NewBrowser]:
    """Make browsers with a profile of their own: `browser("name", viewport)`; the same name reopens a killed one."""
    opened: list[BrowserContext] = []

    def new(name: str, viewport: dict[str, int] = PHONE) -> BrowserContext:
        context = chromium.chromium.launch_persistent_context(
            tmp_path / name,
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport=viewport,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            geolocation=COUNTY_SEAT,  # type: ignore[arg-type]
            permissions=["geolocation"],
            has_touch=viewport is PHONE,
            is_mobile=viewport is PHONE,
        )
        context.set_default_timeout(60_000)
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()


@pytest.fixture
def photos(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, Path]:
    """A picture of each scene, this test's own: the same one from the same place would be joined to an earlier case."""
    folder = tmp_path / "photos"
    folder.mkdir()
    seed = crc32(request.node.nodeid.encode())
    for scene in SCENES:
        (folder / f"{scene}.jpg").write_bytes(picture(scene, seed))
    return {path.stem: path for path in folder.iterdir()}
