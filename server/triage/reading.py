"""What a report says, read once: who, where, when and what. Pure.

What was read is stored beside the report (`Digest`), so that a later report is compared with it at once.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from server.triage import words
from server.triage.embedding import as_bytes
from server.triage.words import Building, CompanyName

READER = 2
"""Raised when reading changes, so that what was stored before is read again."""
MOST_ADDRESSES = 5
MOST_NAMES = 8
MATTER_CHARS = 240
"""More of a text tells of other things."""
PLAIN_CHARS = 600
SAME_COMPANY = 0.85
SPOT_DEGREES = 0.003
"""Some 300 m: an enterprise, a village, an estate, a market."""
LEADS = 1.1
"""Weight of names that lead to one spot, from which on it is taken for the place."""
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
    """As `storage.pictures.seen_hash`: dHash, 16 hex digits, and PDQ, 64 more where it is known."""
    vector: bytes = b""
    """What the hazard means, by the optional model (`embedding`)."""
    closed: bool = False
    kinds: Mapping[str, float] = field(default_factory=dict)
    """Kinds of hazard that it may speak of, with probabilities (`Experience.understand`)."""
    called: tuple[CompanyName, ...] = ()
    """Names that others gave in the field of the company, and this one in the text (`Experience.understand`)."""
    common: float | None = None
    """The logarithm of in how many places its company's name was met."""
    spread: Mapping[str, int] = field(default_factory=dict)
    """Its landmarks and addresses, and in how many places each was met."""
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

    def understood_by(
        self,
        kinds: Mapping[str, float],
        called: tuple[CompanyName, ...],
        common: float | None,
        spread: Mapping[str, int],
    ) -> Self:
        """The same report with what `Experience` says of it."""
        at = words.place_name(self.place_words) if self.place_words else None
        return self._changed(kinds=kinds, called=called + ((at,) if at else ()), common=common, spread=spread)

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

    @property
    def spots(self) -> frozenset[str]:
        """Landmarks and addresses, as they are counted."""
        return self.landmarks | {f"{road}{house}号" for road, house in self.addresses}

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
            "called": [[name.core, name.stem, sorted(name.trades)] for name in self.called],
            "type": self.hazard_type,
            "sector": self.sector_no,
            "photos": sorted(self.photos),
            "plain": self.plain,
            "matter": self.matter,
            "addresses": sorted(self.addresses),
            "buildings": [[b.kind, b.number, b.unit, b.words] for b in self.buildings],
            "floors": sorted(self.floors),
            "landmarks": sorted(self.landmarks),
            "kinds": dict(self.kinds),
            "common": self.common,
            "spread": dict(self.spread),
            "vector": b64encode(self.vector).decode(),
        }

    @classmethod
    def from_stored(cls, seq: int, received_at: datetime, closed: bool, facts: dict[str, Any]) -> Self:
        """What `stored` kept; nothing is read again."""
        names, called = (
            tuple(CompanyName(core, stem, frozenset(trades)) for core, stem, trades in facts.get(of, ()))
            for of in ("names", "called")
        )
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
            kinds=facts.get("kinds", {}),
            called=called,
            common=facts.get("common"),
            spread=facts.get("spread", {}),
            guessed=facts["guessed"],
        )
        told.__dict__.update(
            names=names,
            plain=facts["plain"],
            matter=facts["matter"],
            addresses=frozenset((road, number) for road, number in facts["addresses"]),
            buildings=[Building(*parts) for parts in facts["buildings"]],
            floors=frozenset(facts["floors"]),
            landmarks=frozenset(facts["landmarks"]),
        )
        return told


def place_by_others(known: Iterable[tuple[float, Sequence[Place]]]) -> Place | None:
    """Where most of what it names leads: `known` are weights and the places of the newest few of that name.

    A name that leads to several places (a long road, two shops of one name) says less of each.
    """
    spots: list[tuple[float, Place]] = []
    for weight, places in known:
        apart: list[Place] = []
        for place in places:
            if not any(_near(place, other) for other in apart):
                apart.append(place)
        spots += [(weight / len(apart), place) for place in apart]
    weighed = [(sum(w for w, other in spots if _near(place, other)), place) for _, place in spots]
    if not weighed or max(weight for weight, _ in weighed) < LEADS:
        return None
    return replace(max(weighed, key=lambda spot: spot[0])[1], accuracy_m=GUESS_M)


def _near(one: Place, other: Place) -> bool:
    return abs(one.lat - other.lat) <= SPOT_DEGREES and abs(one.lng - other.lng) <= SPOT_DEGREES


def photo_bits(photos: Iterable[str]) -> list[tuple[int, int | None]]:
    """dHash and PDQ of pictures that tell themselves from others: a dark or empty one matches all of its kind."""
    found = [(int(photo[:16], 16), int(photo[16:], 16) if photo[16:] else None) for photo in photos]
    return [hashes for hashes in found if 8 <= hashes[0].bit_count() <= 56]
