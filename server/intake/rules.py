"""What a phone sealed, read after opening: nothing is refused here, whatever is wrong is flagged to the desk.

The phone checks the same fields where they can be mended; what is caught here was sent by an old or a hostile client.
"""

import math
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.core.db import Facts

CHANNELS = ("letter", "call", "visit")
"""来信、来电、来访: how somebody told the desk, which entered it for them."""
LEVELS = ("general", "major")
"""隐患级别: 一般, 重大 (DOMAIN.md §1)."""
SHA256 = re.compile(r"[0-9a-f]{64}")
MEDIUM_KINDS = ("photo", "video", "audio", "other")
PLACE_SOURCES = ("gps", "pin")
TEXT_CHARS = 5000
ENTERPRISE_CHARS = 100
WORDS_CHARS = 200
CLOCK_TOLERANCE = timedelta(hours=24)
OLDEST_CAPTURE = timedelta(days=400)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

MISSING = object()


@dataclass
class Reading:
    """Takes fields out of an opened body and notes what is wrong with them."""

    body: Facts
    flags: list[Facts] = field(default_factory=list)

    def flag(self, code: str, name: str, detail: Any = None) -> None:
        """Note a fault; `detail` is shown to the desk, cut to a length that fits."""
        self.flags.append(
            {"code": code, "field": name, "detail": None if detail is None else printable(detail)[:200]}
        )

    def text(self, name: str, limit: int) -> str:
        """A text; too long ones are kept whole and flagged."""
        value = self.body.get(name, "")
        if value is None:
            return ""
        if not isinstance(value, str):
            self.flag("wrong_type", name, value)
            return printable(value)
        clean = printable(value)
        if clean != value:
            self.flag("unprintable", name)
        if len(clean) > limit:
            self.flag("too_long", name, f"{len(clean)} > {limit}")
        return clean.strip()

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of the allowed words or None."""
        value = self.body.get(name)
        if value is None or value in allowed:
            return value
        self.flag("unknown_choice", name, value)
        return None

    def truth(self, name: str) -> bool:
        """A boolean, False when missing."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            self.flag("wrong_type", name, value)
            return False
        return value

    def uuid(self, name: str) -> uuid.UUID | None:
        """An id or None."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            return uuid.UUID(value)
        except (ValueError, AttributeError, TypeError):
            self.flag("wrong_id", name, value)
            return None

    def day(self, name: str) -> date | None:
        """A calendar day or None."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (ValueError, TypeError):
            self.flag("wrong_date", name, value)
            return None

    def moment(self, name: str, received_at: datetime) -> datetime | None:
        """The time on the phone when something was captured; evidence, flagged when it cannot be."""
        value = self.body.get(name)
        if value is None:
            return None
        at = _aware(value)
        if at is None:
            self.flag("wrong_time", name, value)
            return None
        if at > received_at + CLOCK_TOLERANCE:
            self.flag("time_in_future", name, value)
        elif at < received_at - OLDEST_CAPTURE:
            self.flag("time_long_ago", name, value)
        return at

    def number(self, name: str, low: float, high: float) -> float | None:
        """A finite number within bounds or None."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.flag("wrong_type", name, value)
            return None
        if not low <= value <= high:
            self.flag("out_of_range", name, value)
            return None
        return float(value)

    def facts(self, name: str) -> Facts:
        """An object, empty when missing."""
        value = self.body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.flag("wrong_type", name, value)
            return {}
        return value

    def rows(self, name: str, limit: int = 500) -> list[Facts]:
        """A list of objects, others left out and flagged."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.flag("wrong_type", name, value)
            return []
        rows = [row for row in value if isinstance(row, dict)]
        if len(rows) != len(value) or len(rows) > limit:
            self.flag("wrong_rows", name, f"{len(value)}")
        return rows[:limit]


@dataclass(frozen=True)
class Place:
    """Where, as the phone tells it: WGS-84 degrees, accuracy in metres."""

    lat: float
    lng: float
    accuracy_m: float | None
    source: str | None


@dataclass(frozen=True)
class ReportFields:
    """The fields of a tip or hazard, and what is wrong with them."""

    text: str
    hazard_type: str | None
    level: str | None
    clause: str | None
    place: Place | None
    place_words: str
    enterprise_words: str
    enterprise_id: uuid.UUID | None
    visit_id: uuid.UUID | None
    named: bool
    wants_notice: bool
    fixed_on_spot: bool
    due_on: date | None
    captured_at: datetime | None
    channel: str
    arrived_on: date | None
    media: dict[str, Facts]
    """Declared facts per sealed sha256: kind, type, captured_at, original."""
    flags: tuple[Facts, ...]


@dataclass(frozen=True)
class Bounds:
    """The box in degrees within which a place is believable for this county."""

    min_lng: float
    min_lat: float
    max_lng: float
    max_lat: float

    def holds(self, place: Place, margin: float = 0.5) -> bool:
        """Within the box, with a margin of about 50 km for borders and roads."""
        return (
            self.min_lng - margin <= place.lng <= self.max_lng + margin
            and self.min_lat - margin <= place.lat <= self.max_lat + margin
        )


def read_report(body: Facts, kind: str, received_at: datetime, bounds: Bounds | None) -> ReportFields:
    """Read a tip or hazard (shapes in docs/architecture.md). Never raises."""
    reading = Reading(body)
    if body.get("kind") != kind:
        reading.flag("kind_differs", "kind", body.get("kind"))
    place = _place(reading, bounds)
    text = reading.text("text", TEXT_CHARS)
    place_words = reading.text("place_words", WORDS_CHARS)
    enterprise_words = reading.text("enterprise_words", ENTERPRISE_CHARS)
    clause = reading.text("clause", WORDS_CHARS) or None
    enterprise_id = reading.uuid("enterprise_id")
    media = _media(reading)
    if not text and not media:
        reading.flag("empty", "text")
    if place is None and not place_words and not enterprise_words and enterprise_id is None:
        reading.flag("no_place", "place")
    hazard_type = reading.text("hazard_type", 40) or None
    channel = (reading.choice("channel", CHANNELS) or CHANNELS[0]) if kind == "entry" else "app"
    return ReportFields(
        text=text,
        hazard_type=hazard_type,
        level=reading.choice("level", LEVELS),
        clause=clause,
        place=place,
        place_words=place_words,
        enterprise_words=enterprise_words,
        enterprise_id=enterprise_id,
        visit_id=reading.uuid("visit_id"),
        named=reading.truth("named"),
        wants_notice=reading.truth("wants_notice"),
        fixed_on_spot=reading.truth("fixed_on_spot"),
        due_on=reading.day("due_on"),
        captured_at=reading.moment("captured_at", received_at),
        channel=channel,
        arrived_on=reading.day("arrived_on"),
        media=media,
        flags=tuple(reading.flags),
    )


@dataclass(frozen=True)
class MoreFields:
    """More to a report; `receipt_hash` None: it names none, and nobody can tell what it belongs to."""

    receipt_hash: str | None
    message_id: uuid.UUID | None
    text: str
    media: dict[str, Facts]


def read_more(body: Facts) -> MoreFields:
    """Read what a reporter sends later. Never raises."""
    reading = Reading(body)
    receipt = body.get("receipt")
    known = isinstance(receipt, str) and re.fullmatch(r"[0-9a-f]{64}", receipt)
    text = reading.text("text", TEXT_CHARS)
    return MoreFields(receipt if known else None, reading.uuid("message_id"), text, _media(reading))


def printable(value: Any) -> str:
    """Text that PostgreSQL and a screen can hold: control characters and lone surrogates become spaces."""
    return _UNPRINTABLE.sub(" ", value if isinstance(value, str) else repr(value))


def report_number(county: str, kind: str, year: int, count: int) -> str:
    """The number that people quote, e.g. 632621-2026-T000042.

    T tip, H hazard, I inspection, S step, C case, L letter.
    """
    return f"{county}-{year}-{kind[0].upper()}{count:06}"


def _place(reading: Reading, bounds: Bounds | None) -> Place | None:
    told = reading.facts("place")
    if not told:
        return None
    inner = Reading(told)
    lat, lng = inner.number("lat", -90, 90), inner.number("lng", -180, 180)
    accuracy = inner.number("accuracy_m", 0, 1e7)
    source = inner.choice("source", PLACE_SOURCES)
    reading.flags += [{**flag, "field": f"place.{flag['field']}"} for flag in inner.flags]
    if lat is None or lng is None:
        return None
    place = Place(lat, lng, accuracy, source)
    if bounds is not None and not bounds.holds(place):
        reading.flag("outside_county", "place", f"{lat:.4f}, {lng:.4f}")
    return place


def _media(reading: Reading) -> dict[str, Facts]:
    declared: dict[str, Facts] = {}
    originals = reading.body.get("originals")
    kept_back = originals if isinstance(originals, list) else []
    for row in reading.rows("media", 100):
        sha256 = row.get("sha256")
        if isinstance(sha256, str) and SHA256.fullmatch(sha256):
            kind = row.get("kind")
            declared[sha256] = {
                "kind": kind if kind in MEDIUM_KINDS else None,
                "type": printable(row["type"][:100]) if isinstance(row.get("type"), str) else None,
                "captured_at": _aware(row.get("captured_at")),
                "original": sha256 in kept_back,
            }
    return declared


def _aware(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError):
        return None
