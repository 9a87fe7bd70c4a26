"""Two reports side by side: what they have in common, what sets them apart, and how to say it. Pure."""

import math
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from server.triage import pdq, words
from server.triage.embedding import closeness
from server.triage.kinds import alike, likeliest
from server.triage.reading import SAME_COMPANY, Place, Told, photo_bits

SAME_PHOTO_BITS = 10
SURE_PHOTO_BITS = 8
"""Of dHash; what is a little more unlike is asked of PDQ."""
FAR_M = 500
OTHER_COMPANY = 0.4
MOST_HOURS = 30 * 24.0
"""An older matter that is still open is not less likely for its age."""
ALIKE = 0.3
"""From this likeness of wording on it speaks for a pair."""

Reason = dict[str, Any]
"""{"code": …, "params": {…}}; the codes are in docs/reasons.md."""

UNKNOWN = float("nan")

COLUMNS: dict[str, int] = {
    "distance": -1,  # log of metres beyond the phones' doubt
    "guessed": -1,  # the same, where a place is a guess
    "hours": -1,
    "company": 1,
    "common": -1,  # log of in how many places the name was met
    "trade": 1,
    "address": 1,
    "landmark": 1,
    "spread": -1,  # log of in how many places the rarest landmark or address that both name was met
    "building": 1,
    "floor": 1,
    "kind": 1,  # log of how likely both speak of one kind of hazard
    "order": 1,
    "part": 1,
    "photo": 1,
}
"""What the model sees of a pair, in this order; +1: more of it never makes the pair less likely, −1: never more."""


@dataclass(frozen=True)
class Pair:
    """What a pair of reports has in common and what sets it apart; None is "cannot be said"."""

    metres: float | None
    slack_m: float
    hours: float
    company: float | None
    trade: bool | None
    address: bool | None
    """True: the same road and number; False: other numbers."""
    landmark: bool | None
    same_building: str | None
    other_building: tuple[str, str] | None
    floor: bool | None
    hazard_type: float | None
    """1 the same, 0 another; between: another of one sector."""
    kind: float | None
    common: float | None
    spread: float | None
    order: float | None
    """How alike the wording is, sign by sign, 0 … 1; None where one says nothing."""
    part: float | None
    """The same, of the likeliest part of the longer one."""
    photo: bool | None
    guessed: bool
    """One of the places is a guess."""

    @property
    def beyond_m(self) -> float:
        """Metres between the places that the phones' doubt does not explain."""
        return max(0.0, self.metres - self.slack_m) if self.metres is not None else 0.0

    @property
    def conflict(self) -> bool:
        """Something says that it is another place or another thing."""
        return (
            self.other_building is not None
            or self.address is False
            or (self.company is not None and self.company < OTHER_COMPANY)
            or (self.hazard_type is not None and self.hazard_type < ALIKE)
        )

    def row(self) -> list[float]:
        """For the model, in the order of COLUMNS."""
        far = math.log1p(self.beyond_m) if self.metres is not None else UNKNOWN
        building = -1.0 if self.other_building else 1.0 if self.same_building else 0.0
        return [
            far if not self.guessed else UNKNOWN,
            far if self.guessed else UNKNOWN,
            math.log1p(min(self.hours, MOST_HOURS)),
            _number(self.company),
            _number(self.common),
            _number(self.trade),
            _number(self.address),
            _number(self.landmark),
            _number(self.spread),
            building,
            0.0 if self.floor is None else 1.0 if self.floor else -1.0,
            _number(self.kind),
            _number(self.order),
            _number(self.part),
            _number(self.photo),
        ]


def _number(value: float | bool | None) -> float:
    return UNKNOWN if value is None else float(value)


def metres_between(a: Place, b: Place) -> float:
    """Great-circle distance."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lng - a.lng) / 2) ** 2
    return 2 * 6_371_000 * math.asin(min(1.0, math.sqrt(half)))


def compare(a: Told, b: Told) -> Pair:
    """A pair of reports; the order of the two does not matter."""
    order, part = _wording(a, b)
    metres = metres_between(a.place, b.place) if a.place and b.place else None
    doubts = [min(100.0, p.accuracy_m or 0.0) for p in (a.place, b.place) if p]
    ours, theirs = a.addresses, b.addresses
    trades = [frozenset(t for n in told.names for t in n.trades) for told in (a, b)]
    return Pair(
        metres=metres,
        slack_m=sum(doubts) / 2,
        hours=abs((a.received_at - b.received_at).total_seconds()) / 3600,
        company=_company(a, b),
        trade=bool(trades[0] & trades[1]) if all(trades) else None,
        address=True if ours & theirs else False if {r for r, _ in ours} & {r for r, _ in theirs} else None,
        landmark=bool(a.landmarks & b.landmarks) if a.landmarks and b.landmarks else None,
        same_building=words.same_building(a.buildings, b.buildings),
        other_building=words.other_building(a.buildings, b.buildings),
        floor=bool(a.floors & b.floors) if a.floors and b.floors else None,
        hazard_type=_hazard_type(a, b),
        kind=_kind(a, b),
        common=max((told.common for told in (a, b) if told.common is not None), default=None),
        spread=_spread(a, b),
        order=order,
        part=part,
        photo=same_photo(a, b),
        guessed=a.guessed or b.guessed,
    )


def _wording(a: Told, b: Told) -> tuple[float, float] | tuple[None, None]:
    """What remains is compared: a name that only one of the two has in its text is no difference."""
    if not a.matter or not b.matter:
        return None, None
    short, long = sorted((_without(a.matter, b), _without(b.matter, a)), key=lambda text: (len(text), text))
    return fuzz.ratio(short, long) / 100, fuzz.partial_ratio(short, long) / 100


def _kind(a: Told, b: Told) -> float | None:
    """The logarithm of how likely both speak of one kind of hazard; the optional model has its say."""
    found = alike(a.kinds, b.kinds)
    close = closeness(a.vector, b.vector) if a.vector and b.vector else 0.0
    return math.log(1 - (1 - math.exp(found)) * (1 - close)) if found is not None and close else found


def _without(matter: str, other: Told) -> str:
    for name in other.names:
        if len(name.stem) >= 2 and name.stem in matter:
            matter = matter.replace(name.core, "").replace(name.stem, "")
    return matter


def _company(a: Told, b: Told) -> float | None:
    if a.enterprise_id and b.enterprise_id:
        return float(a.enterprise_id == b.enterprise_id)
    known = [s for x in a.names for y in b.names if (s := words.company_similarity(x, y)) is not None]
    meant = [
        s
        for ours, theirs in ((a.called, b.names), (a.names, b.called), (a.called, b.called))
        for x in ours
        for y in theirs
        if (s := words.company_similarity(x, y)) is not None and s >= SAME_COMPANY
    ]
    if meant:
        return max(min(max(meant), words.SOUND_ALIKE), *known, 0.0)
    if known:
        return max(known)
    # Who gives no name in its own field often says it in the text.
    named, silent = (a, b) if a.names else (b, a)
    told = any(len(name.stem) >= 2 and name.stem in silent.plain for name in named.names)
    return words.SOUND_ALIKE if told and not silent.names else None


def _spread(a: Told, b: Told) -> float | None:
    shared = a.spread.keys() & b.spread.keys()
    return math.log1p(min(max(a.spread[spot], b.spread[spot]) for spot in shared)) if shared else None


def _hazard_type(a: Told, b: Told) -> float | None:
    if not a.hazard_type or not b.hazard_type:
        return None
    if a.hazard_type == b.hazard_type:
        return 1.0
    if a.sector_no is not None and b.sector_no is not None:
        return 0.35 if a.sector_no == b.sector_no else 0.0
    return 0.0


def same_photo(a: Told, b: Told) -> bool | None:
    """Whether both have one picture, upright, turned or mirrored; None when one has none that tells anything."""
    ours, theirs = photo_bits(a.photos), photo_bits(b.photos)
    if not ours or not theirs:
        return None
    return any(_one_picture(x, y) for x in ours for y in theirs)


def _one_picture(x: tuple[int, int | None], y: tuple[int, int | None]) -> bool:
    """By dHash alone where that is sure or all there is; otherwise PDQ says."""
    apart = (x[0] ^ y[0]).bit_count()
    if x[1] is None or y[1] is None:
        return apart <= SAME_PHOTO_BITS
    return apart <= SURE_PHOTO_BITS or pdq.apart(x[1], y[1]) <= pdq.SAME_BITS


def reasons(pair: Pair, later: Told, earlier: Told, still_open: bool) -> list[Reason]:
    """Why, in the order in which a person checks it."""
    found: list[Reason] = []

    def because(code: str, **params: Any) -> None:
        found.append({"code": code, "params": params})

    if pair.photo:
        if pair.beyond_m > FAR_M:
            because("same_photo_elsewhere", m=round(pair.metres or 0))
        else:
            because("same_photo")
    if pair.metres is not None and not pair.guessed:
        because("distance", m=round(pair.metres))
    because("hours_apart", hours=round(pair.hours))
    if still_open:
        because("still_open")
    if pair.company is not None:
        both = later.names and earlier.names
        cores = {"a": later.names[0].core, "b": earlier.names[0].core} if both else {}
        if pair.company >= SAME_COMPANY:
            because("same_company")
        elif pair.company < OTHER_COMPANY:
            because("other_company", **cores)
        else:
            because("company_alike", percent=round(pair.company * 100), **cores)
    if pair.address:
        because("same_address", address="{}{}号".format(*min(later.addresses & earlier.addresses)))
    elif pair.address is False:
        because("other_address", a=_address_words(later), b=_address_words(earlier))
    if pair.landmark:
        because("same_landmark", name=min(later.landmarks & earlier.landmarks))
    if pair.other_building:
        because("other_building", a=pair.other_building[0], b=pair.other_building[1])
    elif pair.same_building:
        because("same_building", building=pair.same_building)
    if pair.floor is False:
        because("other_floor", a=min(later.floors), b=min(earlier.floors))
    if pair.hazard_type == 1:
        because("same_hazard_type", type=later.hazard_type)
    elif pair.hazard_type is not None:
        because("other_hazard_type", a=later.hazard_type, b=earlier.hazard_type)
    elif kind := likeliest(later.kinds, earlier.kinds):
        because("same_kind_meant", type=kind)
    if pair.order is not None:
        because("text_alike" if pair.order > ALIKE else "text_differs", percent=round(pair.order * 100))
    return found


def _address_words(told: Told) -> str:
    return "{}{}号".format(*min(told.addresses))
