"""Programs that run under this process and end with it, whatever ends it."""

import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import psutil

PR_SET_PDEATHSIG = 1
LARGEST_LOG_BYTES = 20 * 1024 * 1024
# Below Linux's range for outgoing connections: a port found free stays free until its server binds it.
SPARE_PORTS = range(20_000, 32_000)

_libc = ctypes.CDLL(None, use_errno=True)


class ProgramFailed(click.ClickException):
    """A program ended or never became ready; the message carries the end of its log."""


@dataclass(frozen=True)
class Program:
    """What to run and how to end it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    """How long it may take to end before it is killed."""
    orphan_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends it when this process is gone."""


class Child:
    """One running program, its log and its record in the run folder."""

    def __init__(self, program: Program, run: Path, log: Path) -> None:
        self.program = program
        self.record = run / f"{program.name}.pid.json"
        self.log = log / f"{program.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.revive_at: float | None = None
        """When a supervisor starts it again, by time.monotonic()."""

    @property
    def pid(self) -> int:
        """The process id; only after start()."""
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Run the program in its own session: a Ctrl-C reaches only us, and we end it in order."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        program = self.program
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                list(program.argv),
                env={**os.environ, **program.env},
                cwd=program.cwd,
                user=program.user,
                group=program.user,
                extra_groups=[] if program.user is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(program.orphan_signal),
            )
        self.starts += 1
        created = psutil.Process(self.pid).create_time()
        record = {"pid": self.pid, "created": created, "signal": int(program.stop_signal)}
        self.record.write_text(json.dumps(record))

    def stop(self) -> None:
        """End the program and what it left in its process group; no error when it is gone already."""
        if self.process is None:
            return
        if self.alive:
            self.process.send_signal(self.program.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.program.grace_s)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        self.record.unlink(missing_ok=True)

    def wait_until(self, ready: Callable[[], object], timeout_s: float = 60) -> None:
        """Return when `ready` no longer raises; ProgramFailed when the program ended or the time is over."""
        give_up = time.monotonic() + timeout_s
        while True:
            try:
                ready()
                return
            except Exception as error:
                if not self.alive:
                    raise ProgramFailed(f"{self.program.name} ended:\n{self.last_words()}") from error
                if time.monotonic() > give_up:
                    raise ProgramFailed(f"{self.program.name}: {error}\n{self.last_words()}") from error
                time.sleep(0.1)

    def last_words(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def end_with_parent(sign: signal.Signals) -> Callable[[], None]:
    """For preexec_fn, in the main thread only: the kernel signals the child when the starting thread is gone."""
    parent = os.getpid()

    def ask_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def end_leftovers(run: Path) -> None:
    """End what an earlier run recorded here and could not end itself, exactly those processes and no other."""
    for record in run.glob("*.pid.json"):
        with suppress(ValueError, KeyError, psutil.NoSuchProcess):
            facts = json.loads(record.read_text())
            process = psutil.Process(facts["pid"])
            if abs(process.create_time() - facts["created"]) < 0.05:
                family = [*process.children(recursive=True), process]
                process.send_signal(facts["signal"])
                _, living = psutil.wait_procs(family, timeout=5)
                for one in living:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
                psutil.wait_procs(living, timeout=5)
        record.unlink(missing_ok=True)


def free_port(usual: int | None = None) -> int:
    """`usual` when nobody listens there on loopback, otherwise a spare port."""
    tries = [usual] if usual else []
    tries += random.sample(SPARE_PORTS, 50)
    for port in tries:
        if port_is_free("127.0.0.1", port):
            return port
    raise ProgramFailed("no free port on 127.0.0.1")


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
