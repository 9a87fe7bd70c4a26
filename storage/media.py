"""What becomes of an opened medium: a clean copy without metadata, a preview, a thumbnail, and what is known
of it.

Files come from strangers. They are read in a process of its own with limits on memory, CPU time and file
size, killed when it takes too long, which answers in JSON only: a decoder that is taken over gets no further
than that process.
"""

import json
import multiprocessing
import resource
import signal
from dataclasses import asdict, dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

MIB = 1024 * 1024
ANSWER_SIZE = 64 * 1024

Kind = Literal["photo", "video", "audio"]


@dataclass(frozen=True)
class Limits:
    """The most that one medium may take: bytes of memory and output, seconds of CPU and of waiting, size of
    content.
    """

    memory_bytes: int = 3 * 1024 * MIB
    output_bytes: int = 512 * MIB
    cpu_s: int = 120
    wait_s: float = 300
    pixels: int = 100_000_000
    """Of a photo, width times height; phones of 2026 reach 200 million only in a mode nobody uses for
    reports.
    """
    frame_pixels: int = 40_000_000
    video_s: float = 30 * 60
    audio_s: float = 2 * 3600


@dataclass(frozen=True)
class Flag:
    """Something the desk should know; `code` is translated by the web apps, `detail` is shown as it is."""

    code: str
    detail: str


@dataclass(frozen=True)
class Processed:
    """The products of a medium that is fit to be shown.

    Width and height are pixels of the clean copy as seen (rotation applied). Preview and thumbnail are WebP,
    long sides 1280 and 320; audio has none. `dhash` is `pictures.seen_hash` of the photo or the first frame.
    `captured_at` is what the file itself claims; it is in none of the products.
    """

    kind: Kind
    mime: str
    clean: Path
    silent: Path | None
    """Of a video: the clean copy without its sound."""
    preview: Path | None
    thumb: Path | None
    width: int | None
    height: int | None
    duration_s: float | None
    captured_at: datetime | None
    dhash: str | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class SetAside:
    """The medium is shown to nobody; the sealed original stays.

    Codes: not_an_image · not_a_medium · damaged · truncated · two_files_in_one · too_many_pixels · too_long ·
    too_heavy · took_too_long · crashed · codec_not_supported.
    """

    code: str
    detail: str


def process(
    opened: Path, declared_type: str | None, now: datetime, into: Path, limits: Limits | None = None
) -> Processed | SetAside:
    """Look at an opened medium and write its products into the folder `into`, which the caller removes.

    `declared_type` is the media type the phone told; the content decides. The first call of a process starts
    a helper from which later ones are forked (0.1 s less each time); it ends with its parent.
    """
    limits = limits or Limits()
    room = multiprocessing.get_context("forkserver")
    room.set_forkserver_preload(["storage.media_room"])
    ours, theirs = room.Pipe(duplex=False)
    child = room.Process(
        target=_in_child,
        args=(theirs, str(opened), declared_type, now.isoformat(), str(into), asdict(limits)),
    )
    child.start()
    theirs.close()
    try:
        answer = ours.recv_bytes(ANSWER_SIZE) if ours.poll(limits.wait_s) else None
    except (EOFError, OSError):
        answer = b""
    finally:
        ours.close()
        if answer is None:
            child.kill()
        child.join()
    if answer is None or child.exitcode in (-signal.SIGXCPU, -signal.SIGKILL):
        return SetAside("took_too_long", f"stopped after {limits.cpu_s} s of work or {limits.wait_s:g} s")
    if not answer:
        return SetAside("crashed", f"the decoder ended with {child.exitcode}")
    return _result(json.loads(answer), into)


def _in_child(
    answer: Connection, opened: str, declared_type: str | None, now: str, into: str, limits: dict[str, Any]
) -> None:
    """The whole life of the child process."""
    allowed = Limits(**limits)
    for what, most in (
        (resource.RLIMIT_AS, allowed.memory_bytes),
        (resource.RLIMIT_FSIZE, allowed.output_bytes),
        (resource.RLIMIT_CPU, allowed.cpu_s),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    from storage import media_room  # the decoders are loaded here, never in the worker

    facts = media_room.look(Path(opened), declared_type, datetime.fromisoformat(now), Path(into), allowed)
    answer.send_bytes(json.dumps(facts).encode())


def _result(facts: dict[str, Any], into: Path) -> Processed | SetAside:
    """What the child said, taken as data; it does not choose any path."""
    if "set_aside" in facts:
        return SetAside(str(facts["set_aside"]), str(facts["detail"]))
    pictured = facts["kind"] != "audio"
    return Processed(
        kind=facts["kind"],
        mime=facts["mime"],
        clean=into / "clean",
        silent=into / "silent" if facts["kind"] == "video" else None,
        preview=into / "preview.webp" if pictured else None,
        thumb=into / "thumb.webp" if pictured else None,
        width=facts["width"],
        height=facts["height"],
        duration_s=facts["duration_s"],
        captured_at=datetime.fromisoformat(facts["captured_at"]) if facts["captured_at"] else None,
        dhash=facts["dhash"],
        flags=tuple(Flag(flag["code"], flag["detail"]) for flag in facts["flags"]),
    )
