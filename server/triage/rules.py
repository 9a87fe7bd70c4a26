"""Is it the same matter? Keys that find earlier reports, and a small model of pairs that says why. Pure.

Place, company, address and photo find the candidates; text only judges them, as text search finds the true
match too seldom. Text and place cannot carry a merge without a person, so nothing here merges: a pair is
suggested or distinct.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any
from uuid import UUID

from server.triage import words
from server.triage.words import Building, CompanyName

MODEL = "pairs-2026-11-weights-1"
CELL_M = 300
WINDOW = timedelta(days=30)
"""A closed matter is not looked at when the report came later than this; an open one always is."""
CANDIDATES = 50
SUGGESTED = 3
MOST_ADDRESSES = 5
THRESHOLD = 0.5
SAME_PHOTO_BITS = 10
FAR_M = 500
METRES_PER_DEGREE = 111_320.0
SAME_COMPANY, OTHER_COMPANY = 0.85, 0.4

Reason = dict[str, Any]
"""{"code": …, "params": {…}}; the codes are in docs/reasons.md."""

WEIGHTS: dict[str, float] = {
    "bias": -2.0,
    "same_place": 2.4,  # the best of: near, same company, same address; they say the same thing
    "second_sign_of_place": 0.6,
    "far": -4.0,
    "other_company": -6.0,
    "other_address": -1.5,
    "text": 8.0,  # times the similarity above TEXT_NEUTRAL
    "same_hazard_type": 1.5,
    "related_hazard_type": -0.6,
    "other_hazard_type": -1.8,
    "same_building": 0.6,
    "other_building": -6.5,
    "day_apart": -0.04,
    "same_photo": 6.5,
}
TEXT_NEUTRAL = 0.3
TEXT_MOST = 4.0


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
    closed: bool = False

    @cached_property
    def names(self) -> tuple[CompanyName, ...]:
        """All names of the company, the one written first."""
        own = (self.company,) if self.company else ()
        return own + tuple(name for name in self.companies if name != self.company)

    @cached_property
    def addresses(self) -> set[tuple[str, str]]:
        """Roads and house numbers in its words."""
        return words.addresses(self.place_words) | words.addresses(self.text)

    @cached_property
    def buildings(self) -> list[Building]:
        """Numbered buildings in its words."""
        return words.buildings(f"{self.place_words}。{self.text}")


# ── keys


def cell(lat: float, lng: float) -> tuple[int, int]:
    """Row and column of the 300 m cell that holds a place."""
    row = math.floor(lat / _row_height())
    return row, math.floor(lng / _column_width(row))


def cells_around(lat: float, lng: float) -> list[tuple[int, int]]:
    """The 3×3 cells: whatever is within 300 m lies in one of them."""
    row, _ = cell(lat, lng)
    found = []
    for near_row in (row - 1, row, row + 1):
        column = math.floor(lng / _column_width(near_row))
        found += [(near_row, column + step) for step in (-1, 0, 1)]
    return found


def _row_height() -> float:
    return CELL_M / METRES_PER_DEGREE


def _column_width(row: int) -> float:
    """Degrees of longitude; taken at the row's edge nearer to the pole: no cell is narrower than 300 m."""
    edge = max(abs(row), abs(row + 1)) * _row_height()
    return CELL_M / (METRES_PER_DEGREE * max(0.01, math.cos(math.radians(min(edge, 89.9)))))


def own_keys(told: Told) -> set[str]:
    """The keys under which later reports will find this one."""
    keys = _name_keys(told)
    if told.place:
        keys.add("cell:{}:{}".format(*cell(told.place.lat, told.place.lng)))
    return keys | {band for photo in told.photos for band in photo_bands(photo)}


def sought_keys(told: Told) -> set[str]:
    """The keys under which this report looks for others, without photos."""
    keys = _name_keys(told)
    if told.place:
        keys |= {f"cell:{row}:{column}" for row, column in cells_around(told.place.lat, told.place.lng)}
    return keys


def _name_keys(told: Told) -> set[str]:
    keys = {key for name in told.names for key in words.company_keys(name)}
    keys |= {f"address:{road}:{number}" for road, number in sorted(told.addresses)[:MOST_ADDRESSES]}
    if told.enterprise_id:
        keys.add(f"enterprise:{told.enterprise_id}")
    return keys


def tells_something(photo: str) -> bool:
    """Whether a dHash distinguishes its picture: one of a dark or empty picture matches all of its kind."""
    return 8 <= int(photo, 16).bit_count() <= 56


def photo_bands(photo: str) -> list[str]:
    """Four keys of 16 bits each."""
    if not tells_something(photo):
        return []
    return [f"photo:{band}:{photo[4 * band : 4 * band + 4]}" for band in range(4)]


def photo_bands_near(photo: str) -> list[str]:
    """All keys that a photo within 10 bits can have: of four bands, one then differs in at most 2 bits."""
    if not tells_something(photo):
        return []
    keys = []
    for band in range(4):
        bits = int(photo[4 * band : 4 * band + 4], 16)
        single = [1 << i for i in range(16)]
        flips = [0, *single, *(i | j for i, j in combinations(single, 2))]
        keys += [f"photo:{band}:{bits ^ flip:04x}" for flip in flips]
    return keys


def same_photo(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether both have one picture: dHash within 10 bits, flat pictures left out."""
    others = [int(photo, 16) for photo in theirs if tells_something(photo)]
    return any(
        (int(photo, 16) ^ other).bit_count() <= SAME_PHOTO_BITS
        for photo in ours
        if tells_something(photo)
        for other in others
    )


# ── pairs


@dataclass(frozen=True)
class Features:
    """What a pair of reports has in common and what sets it apart; None is "cannot be said"."""

    metres: float | None
    slack_m: float
    hours: float
    company: float | None
    address: bool | None
    """True: the same road and number; False: other numbers."""
    text: float | None
    hazard_type: str | None
    """same | related (one sector) | other"""
    same_building: str | None
    other_building: tuple[str, str] | None
    same_photo: bool


@dataclass(frozen=True)
class Verdict:
    """How likely two reports tell of one matter, and why."""

    score: float
    reasons: list[Reason]

    @property
    def suggested(self) -> bool:
        """Worth showing to the desk; otherwise distinct."""
        return self.score >= THRESHOLD


def comparable(later: Told, earlier: Told) -> bool:
    """Only what arrived before, and is open or came within 30 days."""
    recent = later.received_at - earlier.received_at <= WINDOW
    return earlier.seq < later.seq and (recent or not earlier.closed)


def metres_between(a: Place, b: Place) -> float:
    """Great-circle distance."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lng - a.lng) / 2) ** 2
    return 2 * 6_371_000 * math.asin(min(1.0, math.sqrt(half)))


def features(a: Told, b: Told) -> Features:
    """Compare two reports; the order of the two does not matter."""
    metres = metres_between(a.place, b.place) if a.place and b.place else None
    doubts = [min(100.0, p.accuracy_m or 0.0) for p in (a.place, b.place) if p]
    ours, theirs = a.addresses, b.addresses
    names = (*a.names, *b.names)
    return Features(
        metres=metres,
        slack_m=sum(doubts) / 2,
        hours=abs((a.received_at - b.received_at).total_seconds()) / 3600,
        company=_company(a, b),
        address=True if ours & theirs else False if {r for r, _ in ours} & {r for r, _ in theirs} else None,
        text=words.text_similarity(words.matter(a.text, names), words.matter(b.text, names)),
        hazard_type=_hazard_type(a, b),
        same_building=words.same_building(a.buildings, b.buildings),
        other_building=words.other_building(a.buildings, b.buildings),
        same_photo=same_photo(a.photos, b.photos),
    )


def _company(a: Told, b: Told) -> float | None:
    if a.enterprise_id and b.enterprise_id:
        return float(a.enterprise_id == b.enterprise_id)
    known = [s for x in a.names for y in b.names if (s := words.company_similarity(x, y)) is not None]
    return max(known, default=None)


def _hazard_type(a: Told, b: Told) -> str | None:
    if not a.hazard_type or not b.hazard_type:
        return None
    if a.hazard_type == b.hazard_type:
        return "same"
    return "related" if a.sector_no is not None and a.sector_no == b.sector_no else "other"


def contributions(f: Features) -> dict[str, float]:
    """What each named weight adds to the sum; their sigmoid is the score."""
    near = math.exp(-max(0.0, f.metres - f.slack_m) / 100) if f.metres is not None else 0.0
    same_company = max(0.0, (f.company or 0.0) - 0.5) * 2
    signs = sorted((near, same_company, 1.0 if f.address else 0.0), reverse=True)
    beyond = max(0.0, f.metres - f.slack_m - FAR_M / 2) if f.metres is not None else 0.0
    shares = {
        "bias": 1.0,
        "same_place": signs[0],
        "second_sign_of_place": signs[1],
        "far": min(1.0, beyond / FAR_M),
        "other_company": max(0.0, 0.5 - f.company) * 2 if f.company is not None else 0.0,
        "other_address": float(f.address is False),
        "text": _text_share(f),
        "same_hazard_type": float(f.hazard_type == "same"),
        "related_hazard_type": float(f.hazard_type == "related"),
        "other_hazard_type": float(f.hazard_type == "other"),
        "same_building": float(f.same_building is not None and f.other_building is None),
        "other_building": float(f.other_building is not None),
        "day_apart": min(60.0, f.hours / 24),
        "same_photo": float(f.same_photo),
    }
    return {name: WEIGHTS[name] * share for name, share in shares.items()}


def _text_share(f: Features) -> float:
    """Other words for one picture say nothing against it."""
    if f.text is None:
        return 0.0
    share = min(TEXT_MOST / WEIGHTS["text"], f.text - TEXT_NEUTRAL)
    return max(0.0, share) if f.same_photo else share


def score(f: Features) -> float:
    """The probability, by the weights above, that the two tell of one matter."""
    return 1 / (1 + math.exp(-sum(contributions(f).values())))


def judge_pair(later: Told, earlier: Told) -> Verdict:
    """Score a pair and say why, the weightiest first in the order a person checks them."""
    f = features(later, earlier)
    return Verdict(round(score(f), 4), _reasons(f, later, earlier))


def best(verdicts: Iterable[tuple[UUID, Verdict]]) -> list[tuple[UUID, Verdict]]:
    """The three likeliest of those worth showing."""
    return sorted((v for v in verdicts if v[1].suggested), key=lambda v: -v[1].score)[:SUGGESTED]


def _reasons(f: Features, later: Told, earlier: Told) -> list[Reason]:
    found: list[Reason] = []

    def because(code: str, **params: Any) -> None:
        found.append({"code": code, "params": params})

    if f.same_photo:
        elsewhere = f.metres is not None and f.metres - f.slack_m > FAR_M
        because("same_photo_elsewhere", m=round(f.metres or 0)) if elsewhere else because("same_photo")
    if f.metres is not None:
        because("distance", m=round(f.metres))
    because("hours_apart", hours=round(f.hours))
    if earlier.closed is False and later.received_at - earlier.received_at > WINDOW:
        because("still_open")
    if f.company is not None:
        pair = {"a": later.names[0].core, "b": earlier.names[0].core} if later.names and earlier.names else {}
        if f.company >= SAME_COMPANY:
            because("same_company")
        elif f.company < OTHER_COMPANY:
            because("other_company", **pair)
        else:
            because("company_alike", percent=round(f.company * 100), **pair)
    if f.address:
        because("same_address", address="{}{}号".format(*min(later.addresses & earlier.addresses)))
    elif f.address is False:
        because("other_address", a=_address_words(later), b=_address_words(earlier))
    if f.other_building:
        because("other_building", a=f.other_building[0], b=f.other_building[1])
    elif f.same_building:
        because("same_building", building=f.same_building)
    if f.hazard_type == "same":
        because("same_hazard_type", type=later.hazard_type)
    elif f.hazard_type:
        because("other_hazard_type", a=later.hazard_type, b=earlier.hazard_type)
    if f.text is not None:
        because("text_alike" if f.text > TEXT_NEUTRAL else "text_differs", percent=round(f.text * 100))
    return found


def _address_words(told: Told) -> str:
    return "{}{}号".format(*min(told.addresses))
