"""The embedded services end with whoever started them, and their data outlives that."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

HOLD = """
import json, signal, sys, time
from pathlib import Path
import psycopg, redis
from minio import Minio
import io
from server.commands.stack import Stack

signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background of a script inherits deafness
with Stack(Path(sys.argv[1])) as stack:
    e = stack.environ()
    blobs = Minio(e["S3_ENDPOINT"], e["S3_ACCESS_KEY"], e["S3_SECRET_KEY"], secure=False)
    queue = redis.Redis.from_url(e["REDIS_URL"])
    with psycopg.connect(e["DATABASE_URL"].replace("+psycopg", "")) as database:
        database.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        found = [word for (word,) in database.execute("SELECT word FROM kept ORDER BY word")]
        objects = sorted(o.object_name for o in blobs.list_objects("gridwatch") if o.object_name != ".ready")
        queued = sorted(key.decode() for key in queue.keys())
        for word in sys.argv[2:]:
            database.execute("INSERT INTO kept VALUES (%s)", (word,))
            blobs.put_object("gridwatch", word, io.BytesIO(word.encode()), len(word))
            queue.set(word, word)
    queue.execute_command("WAITAOF", 1, 0, 0)
    pids = {child.program.name: child.pid for child in stack.services}
    print(json.dumps({"rows": found, "objects": objects, "queued": queued, "pids": pids}), flush=True)
    time.sleep(600)
"""

Hold = Callable[..., "tuple[subprocess.Popen[str], dict[str, object], list[psutil.Process]]"]


@pytest.fixture
def hold(tmp_path: Path, repository: Path) -> Hold:
    def start(*words: str) -> "tuple[subprocess.Popen[str], dict[str, object], list[psutil.Process]]":
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "var"), *words],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(repository)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout
        told = json.loads(holder.stdout.readline())
        return holder, told, [psutil.Process(pid) for pid in told["pids"].values()]

    return start


def test_services_end_with_a_killed_parent_and_keep_their_data(hold: Hold) -> None:
    holder, told, processes = hold("one")
    assert told["rows"] == []
    holder.kill()
    holder.wait()

    holder, told, others = hold("two")  # at once: what is still ending is waited for
    assert told["rows"] == told["objects"] == told["queued"] == ["one"]
    assert not any(runs(process) for process in processes)
    holder.send_signal(signal.SIGINT)
    holder.wait()
    assert not any(runs(process) for process in others)

    holder, told, _ = hold()
    assert told["rows"] == told["objects"] == told["queued"] == ["one", "two"]
    holder.send_signal(signal.SIGINT)
    holder.wait()


def test_services_killed_with_their_parent_start_again(hold: Hold) -> None:
    holder, _, processes = hold("one")
    for process in [psutil.Process(holder.pid), *processes]:
        process.kill()
    holder.wait()

    holder, told, _ = hold()
    assert told["rows"] == told["objects"] == told["queued"] == ["one"]
    holder.send_signal(signal.SIGINT)
    holder.wait()


def test_only_this_machine_reaches_the_services(hold: Hold) -> None:
    holder, _, processes = hold()
    listening = [
        c.laddr.ip for p in processes for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    holder.send_signal(signal.SIGINT)
    holder.wait()
    assert len(listening) >= 10
    assert set(listening) == {"127.0.0.1"}


def runs(process: psutil.Process) -> bool:
    """Whether it still does something; a zombie that nobody buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
