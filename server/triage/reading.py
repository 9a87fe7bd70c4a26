"""What a report says, read once: who, where, when and what. Pure.

What was read is stored beside the report (`Digest`), so that a later report is compared with it at once.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from server.triage import likeness, words
from server.triage.embedding import as_bytes
from server.triage.words import Building, CompanyName

READER = 1
"""Raised when reading changes, so that what was stored before is read again."""
MOST_ADDRESSES = 5
MOST_NAMES = 8
MATTER_CHARS = 240
"""More of a text tells of other things."""
PLAIN_CHARS = 600
SAME_COMPANY = 0.85
LANDMARK_DEGREES = 0.004
"""Some 400 m: a village, an estate, a market; a long road is no spot."""
GUESS_M = 100.0
"""The doubt about a place that others told."""


@dataclass(frozen=True)
class Place:
    """WGS-84 degrees, with the phone's own doubt in metres."""

    lat: float
    lng: float
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Told:
    """What a report says, as far as it tells which matter it is about."""

    seq: int
    received_at: datetime
    text: str = ""
    place: Place | None = None
    place_words: str = ""
    enterprise_id: UUID | None = None
    company: CompanyName | None = None
    companies: tuple[CompanyName, ...] = ()
    """Every name it goes by: as written, registered, short."""
    hazard_type: str | None = None
    sector_no: int | None = None
    """Of the hazard type."""
    photos: frozenset[str] = field(default_factory=frozenset)
    """dHashes, 16 hex digits each."""
    turned: frozenset[str] = field(default_factory=frozenset)
    """The dHashes of the same pictures turned and mirrored."""
    vector: bytes = b""
    """What the hazard means, by the optional model (`embedding`)."""
    closed: bool = False
    guessed: bool = False
    """The place is where others put this company or address, not the reporter's own."""

    def at(self, place: Place) -> Self:
        """The same report, put at a place that others told."""
        return self._changed(place=place, guessed=True)

    def _changed(self, **news: Any) -> Self:
        """Changed in fields from which nothing is read; what was read stays read."""
        other = replace(self, **news)
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name not in news})
        return other

    def understood(self) -> Self:
        """The same report with its vector, where the optional model is installed."""
        return self._changed(vector=as_bytes(self.matter))

    @cached_property
    def names(self) -> tuple[CompanyName, ...]:
        """All names of the company, the one written first."""
        own = (self.company,) if self.company else ()
        return own + tuple(name for name in self.companies if name != self.company)

    @cached_property
    def plain(self) -> str:
        """Its words in one spelling."""
        return words.plain(f"{self.place_words}。{self.text}")[:PLAIN_CHARS]

    @cached_property
    def matter(self) -> str:
        """The hazard, without who, where and filler."""
        return words.matter(self.text, self.names)[:MATTER_CHARS]

    @cached_property
    def meanings(self) -> frozenset[str]:
        """What it speaks of."""
        return likeness.meanings(self.matter)

    @cached_property
    def addresses(self) -> frozenset[tuple[str, str]]:
        """Roads and house numbers in its words."""
        found = words.addresses(self.place_words) | words.addresses(self.text)
        return frozenset(sorted(found)[:MOST_ADDRESSES])

    @cached_property
    def buildings(self) -> list[Building]:
        """Numbered buildings in its words."""
        return words.buildings(self.plain)[:MOST_NAMES]

    @cached_property
    def floors(self) -> frozenset[str]:
        """Floors in its words."""
        return words.floors(self.plain)

    @cached_property
    def landmarks(self) -> frozenset[str]:
        """Villages, estates, markets, roads in its words."""
        return frozenset(sorted(words.landmarks(self.plain))[:MOST_NAMES])

    @cached_property
    def mentions(self) -> frozenset[str]:
        """What may be companies' names in its words."""
        return frozenset(sorted(words.mentions(self.plain))[:MOST_NAMES])

    def stored(self) -> dict[str, Any]:
        """As kept in `Digest.facts`."""
        place = self.place
        return {
            "v": READER,
            "place": [place.lat, place.lng, place.accuracy_m] if place else None,
            "guessed": self.guessed,
            "enterprise": str(self.enterprise_id) if self.enterprise_id else None,
            "names": [[name.core, name.stem, sorted(name.trades)] for name in self.names],
            "type": self.hazard_type,
            "sector": self.sector_no,
            "photos": sorted(self.photos),
            "plain": self.plain,
            "matter": self.matter,
            "meanings": sorted(self.meanings),
            "addresses": sorted(self.addresses),
            "buildings": [[b.kind, b.number, b.unit, b.words] for b in self.buildings],
            "floors": sorted(self.floors),
            "landmarks": sorted(self.landmarks),
            "vector": b64encode(self.vector).decode(),
        }

    @classmethod
    def from_stored(cls, seq: int, received_at: datetime, closed: bool, facts: dict[str, Any]) -> Self:
        """What `stored` kept; nothing is read again."""
        names = tuple(CompanyName(core, stem, frozenset(trades)) for core, stem, trades in facts["names"])
        told = cls(
            seq=seq,
            received_at=received_at,
            place=Place(*facts["place"]) if facts["place"] else None,
            enterprise_id=UUID(facts["enterprise"]) if facts["enterprise"] else None,
            hazard_type=facts["type"],
            sector_no=facts["sector"],
            photos=frozenset(facts["photos"]),
            vector=b64decode(facts["vector"]),
            closed=closed,
            guessed=facts["guessed"],
        )
        told.__dict__.update(
            names=names,
            plain=facts["plain"],
            matter=facts["matter"],
            meanings=frozenset(facts["meanings"]),
            addresses=frozenset((road, number) for road, number in facts["addresses"]),
            buildings=[Building(*parts) for parts in facts["buildings"]],
            floors=frozenset(facts["floors"]),
            landmarks=frozenset(facts["landmarks"]),
        )
        return told


def place_by_others(told: Told, others: Iterable[Told]) -> Place | None:
    """Where earlier reports of the same company or address were sent from, or of a landmark that is one spot."""
    placed = [other for other in others if other.place and not other.guessed]
    known = [o.place for o in placed if _same_name(told, o) or told.addresses & o.addresses]
    if not known:
        known = [o.place for o in placed if told.landmarks & o.landmarks]
        if len(known) < 2 or _spread(known) > LANDMARK_DEGREES:
            return None
    middle = len(known) // 2
    lat, lng = (
        sorted(degrees)[middle] for degrees in zip(*((p.lat, p.lng) for p in known if p), strict=True)
    )
    return Place(lat, lng, GUESS_M)


def _spread(places: Iterable[Place | None]) -> float:
    lats, lngs = zip(*((p.lat, p.lng) for p in places if p), strict=True)
    return float(max(max(lats) - min(lats), max(lngs) - min(lngs)))


def _same_name(a: Told, b: Told) -> bool:
    if a.enterprise_id or b.enterprise_id:
        return a.enterprise_id == b.enterprise_id
    return any((words.company_similarity(x, y) or 0) >= SAME_COMPANY for x in a.names for y in b.names)


def photo_bits(photos: Iterable[str]) -> list[int]:
    """The dHashes that tell their picture from others: one of a dark or empty picture matches all of its kind."""
    return [int(photo, 16) for photo in photos if 8 <= int(photo, 16).bit_count() <= 56]
