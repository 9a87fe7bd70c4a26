"""All of Gridwatch on services of its own, every part of which may be killed, and phones that talk to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

import psutil
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.commands.processes import Child, Program, free_port
from server.commands.stack import Stack, throwaway
from server.core.bell import QUEUES, queue
from server.core.calendar import day_of
from server.core.clock import FixedClock, SystemClock
from server.core.parts import Parts
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, Unit
from server.identity.passwords import hash_password
from server.migrations import upgrade
from server.patrol.models import Checklist
from server.patrol.services import load_checklists, plan_visit
from server.settings import ROOT, load_settings
from server.wiring import SUBSCRIPTIONS, build_parts
from storage.blobs import StoreUnavailable
from storage.sealing import Keyring
from sync.signing import SigningKeys
from tests.factories.county import build_county

DATABASE = "faults"
INSPECTOR = {"login": "inspector", "password": "dawu-town-inspector"}
GIVE_UP_S = 180
"""When something that should come has not come by then, it never will: a hang, told as what is still open."""
HOUR_MS = 60 * 60 * 1000 + 1
"""A phone keeps so long what was half written at a kill."""
OURS = {"web": "serve", "worker": "worker", "cron": "cron"}
PARTS = ("web", "worker", "postgres", "valkey", "seaweedfs")
PWA = ROOT / "pwa"


class NotAtRest(Exception):
    """Something never came to its end; the message tells what."""


def node() -> str:
    """Node from the system, else the one in the project's environment."""
    found = shutil.which("node", path=f"{ROOT / '.venv' / 'node'}:{os.environ.get('PATH', '')}")
    assert found, "Node is missing: make setup-dev"
    return found


class Ground:
    """A running Gridwatch, from `with` to its end. Main thread only."""

    def __init__(self, stack: Stack, web_workers: int = 1) -> None:
        self.stack = stack
        self.port = free_port()
        self.folder = stack.var
        self._web_workers = web_workers
        self._processes: dict[str, Child] = {}

    def __enter__(self) -> Self:
        self.stack.create_database(DATABASE)
        self.environ = self.stack.environ(DATABASE) | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_WORKERS": str(self._web_workers),
            "GRIDWATCH_VAR": str(self.folder),
        }
        self._prepare()
        for name, command in OURS.items():
            program = Program(
                name, [sys.executable, str(ROOT / "manage.py"), command], self.environ, cwd=ROOT, grace_s=15
            )
            self._processes[name] = Child(program, self.stack.run, self.stack.logs)
            self._processes[name].start()
        self._processes["web"].wait_until(self.look)
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._processes.values():
            child.stop()
        self.parts.engine.dispose()

    @cached_property
    def parts(self) -> Parts:
        """This process's own connections to the services."""
        settings = load_settings(**{name.lower(): value for name, value in self.environ.items()})
        engine = sa.create_engine(settings.database_url.get_secret_value(), pool_pre_ping=True)
        return build_parts(settings, engine)

    def _prepare(self) -> None:
        # A throwaway stack gives commits up to a kill of PostgreSQL; the promise is about those.
        with self.parts.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"ALTER DATABASE {DATABASE} SET synchronous_commit = on"))
        self.parts.engine.dispose()
        upgrade(self.parts.engine)
        keys = Path(self.environ["KEYS_DIR"])
        Keyring(keys).create_missing()
        SigningKeys(keys).create()
        self.parts.blobs.ensure_bucket()
        with Session(self.parts.engine, info={"subscriptions": SUBSCRIPTIONS}) as session:
            county = build_county(session, FixedClock(SystemClock().now()), self.parts)
            county.people["inspector"].password_hash = hash_password(INSPECTOR["password"])
            load_checklists(session)
            session.add(Unit(code="AWB", name="县安委会办公室", is_coordinating=True))
            session.commit()

    def plan_visit(self) -> "Visit":
        """A visit that the inspector has not made yet, to an enterprise of its own."""
        with Session(self.parts.engine, info={"subscriptions": SUBSCRIPTIONS}) as session:
            inspector = session.scalars(sa.select(Person).where(Person.login == INSPECTOR["login"])).one()
            area = session.scalars(sa.select(Area).where(Area.kind == "grid")).one()
            place = Enterprise(
                name=f"商店 {uuid.uuid4().hex[:8]}",
                area_id=area.id,
                address="",
                sector_no=6,
                risk="red",
                active=True,
            )
            session.add(place)
            session.flush()
            clock = SystemClock()
            visit = plan_visit(session, clock, place.id, inspector.id, day_of(clock.now()), "due")
            items = tuple(item["id"] for item in session.get_one(Checklist, visit.checklist_id).items)
            planned = Visit(str(visit.id), str(place.id), str(visit.checklist_id), items)
            session.commit()
        return planned

    @property
    def api(self) -> str:
        """The interface, without anything in between."""
        return f"http://127.0.0.1:{self.port}/api/v1"

    def look(self) -> None:
        """Raises while the web process does not answer."""
        urllib.request.urlopen(f"{self.api}/keys", timeout=10).close()  # noqa: S310 - our own address

    def child(self, name: str) -> Child:
        """One of PARTS or `cron`."""
        services = {child.program.name: child for child in self.stack.services}
        return (self._processes | services)[name]

    def kill(self, name: str) -> None:
        """SIGKILL to it and all it started, as the power or the kernel would."""
        child = self.child(name)
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(child.pid).children(recursive=True)
            os.kill(child.pid, signal.SIGKILL)
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            while any(_runs(one) for one in family):
                time.sleep(0.005)
        assert child.process is not None
        child.process.wait()

    def revive(self) -> None:
        """Start what does not run, as `up` does."""
        for name in (*PARTS[2:], *OURS):
            if not self.child(name).alive:
                self.child(name).start()

    def restart(self, *names: str) -> None:
        """Kill these and start them again; they keep nothing."""
        for name in names:
            self.kill(name)
        self.revive()
        self.child("web").wait_until(self.look)

    def let_time_pass(self) -> None:
        """What minutes of waiting would do: retries become due, and the clock's bell rings for them."""
        with suppress(sa.exc.OperationalError), self.parts.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE task SET due_at = now() - interval '10 s'"
                    " WHERE done_at IS NULL AND due_at > now() - interval '5 s'"
                )
            )
        with suppress(Exception):  # the queue may be away just now; that is the point
            # While something is rung for, ringing again for all of it would only lengthen the queue.
            if not any(self.parts.bell.waits(name) for name in QUEUES):
                queue(self.parts.queue).enqueue("server.worker.sweep", result_ttl=0, failure_ttl=0)

    def now(self) -> datetime:
        """The time of the running services."""
        return SystemClock().now()

    def open_tasks(self) -> list[str]:
        """Kinds of the tasks that are not done, with their last error."""
        with self.parts.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT kind, error FROM task WHERE done_at IS NULL"))
            return [f"{kind}: {(error or '')[-300:]}" for kind, error in rows]


def _runs(process: psutil.Process) -> bool:
    """A zombie that nobody buried does nothing any more."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def ground(web_workers: int = 1) -> Iterator[Ground]:
    """A Gridwatch on services of its own, gone at the end."""
    with throwaway() as stack, Ground(stack, web_workers) as running:
        yield running


def build_phone(into: Path) -> Path:
    """The program of a phone, bundled from the sources of the outbox."""
    subprocess.run(
        [
            node(),
            "node_modules/vite/bin/vite.js",
            "build",
            "--config=tests/faults/vite.config.ts",
            f"--outDir={into}",
            "--emptyOutDir",
        ],
        cwd=PWA,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return into / "phone.js"


@dataclass(frozen=True)
class Visit:
    """A planned visit, as it is on an inspector's phone."""

    visit_id: str
    enterprise_id: str
    checklist_id: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """What a person reports; `photos` are files. On a visit: the inspection, and the hazard that was found."""

    text: str
    photos: Sequence[Path] = ()
    urgent: bool = False
    visit: Visit | None = None

    def parts(self, label: str) -> dict[str, Sequence[Path]]:
        """Label of each submission that is made of it → the photos that go with it."""
        if self.visit is None:
            return {label: self.photos}
        return {label: self.photos[:1], f"{label}h": self.photos[1:]}


class Phone:
    """A phone whose disk outlives its process."""

    def __init__(self, program: Path, folder: Path, api: str, jobs: Sequence[Job], speed: float = 10) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.photos = {
            label: photos for n, job in enumerate(jobs) for label, photos in job.parts(str(n)).items()
        }
        """Of each submission that it is to make, by label."""
        self.texts = {label: job.text for n, job in enumerate(jobs) for label in job.parts(str(n))}
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self.thinks: dict[str, Any] = {}
        """What it last told of itself: items, and what is left on its disk."""
        self.promised: set[str] = set()
        """Labels of the reports of which it told the person that they are submitted."""
        self.seqs: dict[str, set[int]] = {}
        """Every place in the order of arrival that it ever showed for an item."""
        self.steps = 0
        self.on_step: Callable[[int], None] = lambda _step: None
        self._plan: dict[str, Any] = {
            "api": api,
            "speed": speed,
            "since": int(time.time() * 1000),
            "later": 0,
            "jobs": [asdict(job) | {"photos": [str(photo) for photo in job.photos]} for job in jobs],
            "sign_in": INSPECTOR if any(job.visit for job in jobs) else None,
        }

    def move(self, api: str) -> None:
        """From its next start on it reaches the server there."""
        self._plan["api"] = api

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin, or go on after a kill."""
        (self.folder / "plan.json").write_text(json.dumps(self._plan))
        self._process = subprocess.Popen(
            [node(), str(self._program), str(self.folder / "disk"), str(self.folder / "plan.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "stderr").open("ab"),
            text=True,
        )
        assert self._process.stdout
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def sleep_an_hour(self) -> None:
        """Off, and on again after an hour: what is half written is kept so long, as another window may write on."""
        self.kill()
        self._plan["later"] += HOUR_MS
        self.thinks = {}
        self.start()

    def wake(self) -> None:
        """The link is back."""
        with suppress(OSError, ValueError):
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write("wake\n")
            self._process.stdin.flush()

    @property
    def items(self) -> list[dict[str, Any]]:
        """What it thinks of each thing it was to send."""
        items: list[dict[str, Any]] = self.thinks.get("items", [])
        return items

    @property
    def content(self) -> bool:
        """Whether it thinks that everything it was to send is complete."""
        return len(self.items) == len(self.photos) and all(item["state"] == "complete" for item in self.items)

    def is_photo(self, opened: bytes, photo: Path) -> bool:
        """Whether this is what it makes of that photo; Node cannot reduce."""
        return opened == photo.read_bytes()

    def last_words(self) -> str:
        """What it wrote to its error output."""
        return (self.folder / "stderr").read_text()[-1500:]

    def _listen(self, told: IO[str]) -> None:
        with suppress(ValueError):
            for line in told:
                try:
                    word = json.loads(line)
                except json.JSONDecodeError:
                    continue  # cut short by a kill
                if "did" not in word:
                    self.thinks = word
                    for item in word["items"]:
                        if item["seq"] is not None:
                            self.seqs.setdefault(item["id"], set()).add(item["seq"])
                    continue
                if word["did"] == "submitted":
                    self.promised.add(word["label"])
                self.steps += 1
                self.on_step(self.steps)


def until_content(running: Ground, phones: Sequence[Phone]) -> None:
    """Everything runs and nothing disturbs: wait until nobody has anything left to do. Raises NotAtRest."""
    give_up = time.monotonic() + GIVE_UP_S
    turn = 0
    while True:
        running.revive()
        running.let_time_pass()
        for phone in phones:
            if not phone.alive:
                phone.start()
            elif turn % 4 == 0:
                phone.wake()
        turn += 1
        with suppress(sa.exc.OperationalError, StoreUnavailable):
            if all(phone.content for phone in phones) and not running.open_tasks():
                running.parts.blobs.put(
                    "probe", b"at rest"
                )  # it, too, is back, though nobody may have needed it
                return
        if time.monotonic() > give_up:
            told = [f"{phone.thinks} {phone.last_words()}" for phone in phones if not phone.content]
            raise NotAtRest("\n".join([*told, *running.open_tasks()]))
        time.sleep(0.25)
