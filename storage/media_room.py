"""Runs only in the limited process of media.py: tells what a file is by its content and hands it on."""

import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import puremagic

from storage import pictures, recordings
from storage.media import Limits
from storage.unfit import Unfit

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far ahead a camera's clock may be before the desk is told."""

EDGE = 1024
"""PDF readers and browsers take a file for theirs when their mark is within its first KiB."""

MARKS = (
    b"%PDF-",
    b"<!DOCTYPE",
    b"<html",
    b"<script",
    b"<?php",
    b"#!/",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
)


@dataclass(frozen=True)
class Look:
    """What was found in a medium; the products are written already."""

    kind: str
    mime: str
    found_type: str
    width: int | None
    height: int | None
    duration_s: float | None
    captured_at: datetime | None
    dhash: str | None


def look(path: Path, declared_type: str | None, now: datetime, into: Path, limits: Limits) -> dict[str, Any]:
    """The facts of a medium as JSON, or why it is set aside. Never raises for what is in the file."""
    try:
        _refuse_second_nature(path)
        found = _as_picture(path, into, limits) or _as_recording(path, into, limits)
        if found is None:
            raise Unfit(*_what_else(path, declared_type))
    except Unfit as unfit:
        return {"set_aside": unfit.code, "detail": unfit.detail}
    except MemoryError:
        return {
            "set_aside": "too_heavy",
            "detail": f"needs more than {limits.memory_bytes >> 20} MiB of memory",
        }
    flags = []
    if found.captured_at and found.captured_at > now + CLOCKS_DIFFER:
        flags.append({"code": "capture_time_in_future", "detail": found.captured_at.isoformat()})
    family = (declared_type or "").split(";")[0].strip().lower()
    if family and family not in ALIASES.get(found.found_type, (found.found_type,)):
        flags.append({"code": "type_differs", "detail": f"{family} → {found.found_type}"})
    return {
        "kind": found.kind,
        "mime": found.mime,
        "width": found.width,
        "height": found.height,
        "duration_s": found.duration_s,
        "captured_at": found.captured_at.isoformat() if found.captured_at else None,
        "dhash": found.dhash,
        "flags": flags,
    }


ALIASES = {
    "image/jpeg": ("image/jpeg", "image/jpg"),
    "image/heic": ("image/heic", "image/heif"),
    "video/mp4": ("video/mp4", "video/quicktime", "video/3gpp"),
    "audio/mp4": (
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "audio/aac",
        "video/mp4",
        "video/3gpp",
        "audio/3gpp",
    ),
    "audio/aac": ("audio/aac", "audio/aacp", "audio/mp4", "audio/x-m4a"),
    "audio/mpeg": ("audio/mpeg", "audio/mp3"),
    "audio/ogg": ("audio/ogg", "audio/opus", "video/ogg"),
    "audio/wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "audio/webm": ("audio/webm", "video/webm"),
    "video/webm": ("video/webm", "video/x-matroska"),
    "audio/flac": ("audio/flac", "audio/x-flac"),
    "audio/amr": ("audio/amr", "audio/3gpp"),
}
"""What a phone may honestly call each type."""


def _as_picture(path: Path, into: Path, limits: Limits) -> Look | None:
    photo = pictures.open_photo(path, limits.pixels)
    if photo is None:
        return None
    clean = pictures.clean(photo.image)
    pictures.write_clean(clean, into / "clean")
    dhash = pictures.write_small(clean, into)
    return Look("photo", "image/jpeg", photo.mime, *clean.size, None, photo.captured_at, dhash)


def _as_recording(path: Path, into: Path, limits: Limits) -> Look | None:
    recording = recordings.open_recording(path)
    if recording is None:
        return None
    with recording:
        recording.check(limits.frame_pixels, limits.video_s, limits.audio_s)
        frame = recording.first_frame()
        duration_s = recording.write_clean(into / "clean")
        if duration_s > (limits.video_s if frame else limits.audio_s):
            raise Unfit("too_long", f"{duration_s:.0f} s")
    if frame:
        _write_silent(into / "clean", into / "silent")
    dhash = pictures.write_small(frame, into) if frame else None
    width, height = frame.size if frame else (None, None)
    kind = "video" if frame else "audio"
    return Look(
        kind,
        recording.clean_mime,
        recording.found_mime,
        width,
        height,
        duration_s,
        recording.captured_at,
        dhash,
    )


def _write_silent(clean: Path, silent: Path) -> None:
    """A voice tells who it is: the copy of a video that units see has none."""
    recording = recordings.open_recording(clean)
    if recording is None:
        raise Unfit("damaged", "the copy cannot be read again")
    with recording:
        recording.write_clean(silent, sound=False)


def _refuse_second_nature(path: Path) -> None:
    """Raises Unfit when another program would take the same file for an archive, a document or a script."""
    with path.open("rb") as source:
        edge = source.read(EDGE)
        # A cheap look first: ZipFile would read a whole directory of members.
        source.seek(max(0, path.stat().st_size - 70_000))
        tail = source.read()
    hit = next((mark for mark in MARKS if mark.lower() in edge.lower()), None)
    if hit and not edge.startswith(hit):
        raise Unfit("two_files_in_one", f"holds {hit!r}")
    if b"PK\x05\x06" in tail and not edge.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.infolist():
                    raise Unfit("two_files_in_one", "is an archive as well")
        except zipfile.BadZipFile:
            pass


def _what_else(path: Path, declared_type: str | None) -> tuple[str, str]:
    """Code and detail for a file that is neither picture nor recording."""
    try:
        kind = puremagic.from_file(path, mime=True) or "unknown"
    except (puremagic.PureError, ValueError, OSError):
        kind = "unknown"
    code = "not_an_image" if (declared_type or "").startswith("image/") else "not_a_medium"
    return code, f"content: {kind}"
