"""Blocking: under which keys a report is found again, and where it looks for others. Pure.

Place, company, address and photo find the candidates; text only judges them, as text search finds the true match
too seldom. Each kind of key has a weight, by which candidates are ranked when there are many, and a limit: of a key
that thousands share only the newest few are looked at.
"""

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from server.triage import pdq, words
from server.triage.reading import Told, photo_bits
from server.triage.words import CompanyName

CELL_M = 300
METRES_PER_DEGREE = 111_320.0
PRIME = 2**31 - 1
SHORT_TEXT = 6
"""A matter of fewer signs than this is nobody's own."""


class Kind(NamedTuple):
    """Of a key: what sharing it weighs, and how many of the newest that share it are looked at."""

    weight: float
    limit: int


KINDS = {
    "photo": Kind(6, 10),
    "enterprise": Kind(5, 30),
    "company": Kind(5, 25),
    "same": Kind(4, 5),  # the same words
    "address": Kind(4, 20),
    "name": Kind(2.5, 15),  # two signs of a name, by their sound
    "building": Kind(2, 10),
    "landmark": Kind(1.2, 10),
    "cell": Kind(1.6, 25),
    "near": Kind(1.0, 15),  # one of the eight cells around
    "sign": Kind(0.7, 8),  # one sign of a short name and its trade
    "words": Kind(0.6, 6),  # pairs of signs, chosen by hash: near-copies share one
}
SAME_KIND = 1.5
"""Weight of a kind of hazard that both may speak of."""
LIKELY = 0.15

LEADS_TO = {
    "enterprise": 8.0,
    "company": 5.0,
    "address": 4.0,
    "building": 2.0,
    "name": 1.2,
    "landmark": 0.8,
    "sign": 0.4,
}
"""What tells the place of whoever gives none, and how much."""
PLACES = 8
"""Of each, the newest."""


def number(key: str) -> int:
    """The key as it is stored: 64 bits."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


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
    keys = set(_word_keys(told))
    if told.place:
        keys.add("cell:{}:{}".format(*cell(told.place.lat, told.place.lng)))
    for bits, whole in photo_bits(told.photos):
        keys.update(_bands(bits), () if whole is None else _wide_bands(whole))
    return keys


def sought_keys(told: Told) -> dict[str, Kind]:
    """The keys under which this report looks for others."""
    keys = {key: KINDS[kind] for key, kind in _word_keys(told).items()}
    if told.place:
        own = cell(told.place.lat, told.place.lng)
        for around in cells_around(told.place.lat, told.place.lng):
            keys["cell:{}:{}".format(*around)] = KINDS["cell" if around == own else "near"]
    return keys | dict.fromkeys(photo_keys(told), KINDS["photo"])


def own_kind(told: Told) -> int | None:
    """The likeliest kind of hazard as it is stored beside the keys; None where nothing is likely."""
    kind = max(told.kinds, key=lambda kind: told.kinds[kind], default=None)
    return crc32(kind.encode()) & 0x7FFF if kind and told.kinds[kind] >= LIKELY else None


def sought_kinds(told: Told) -> list[int]:
    """The kinds of hazard that put a candidate before others."""
    return [crc32(kind.encode()) & 0x7FFF for kind, p in told.kinds.items() if p >= LIKELY]


def place_keys(told: Told) -> dict[str, float]:
    """The keys that tell where it is, with their weights."""
    return {key: LEADS_TO[kind] for key, kind in _word_keys(told).items() if kind in LEADS_TO}


def photo_keys(told: Told) -> set[str]:
    """Every key that a picture within 7 bits has: of four bands of its dHash one then differs in at most one bit, of
    eight of its PDQ one in none. Turned copies are looked for by PDQ; mirrored ones share its bands."""
    single = [0, *(1 << i for i in range(16))]
    keys: set[str] = set()
    for bits, whole in photo_bits(told.photos):
        for flip in single:
            keys.update(_bands(bits, flip))
        if whole is not None:
            keys.update(_wide_bands(whole), _wide_bands(pdq.turned(whole)))
    return keys


def _bands(bits: int, flip: int = 0) -> list[str]:
    """Four keys of 16 bits each."""
    return [f"photo:{band}:{(bits >> 48 - 16 * band & 0xFFFF) ^ flip:04x}" for band in range(4)]


def _wide_bands(bits: int) -> list[str]:
    """Eight keys of 32 bits each, the same for the mirrored picture: of its four ways the least stands for all."""
    ways = pdq.mirrored(bits)
    return [f"picture:{band}:{min(way >> 32 * band & 0xFFFFFFFF for way in ways):08x}" for band in range(8)]


def _word_keys(told: Told) -> dict[str, str]:
    """Key → kind, of all that is said in words; read once for a report, like the rest of it."""
    known: dict[str, str] = told.__dict__.setdefault("word_keys", {})
    if not known:
        known |= _keys_of_words(told)
    return _name_keys(told.called) | known if told.called else known


def _keys_of_words(told: Told) -> dict[str, str]:
    """The weightier kind comes last and stays."""
    keys = {f"name:{words.sound(mention)}": "name" for mention in told.mentions}
    keys |= {f"landmark:{words.sound(place[:2])}{place[2:]}": "landmark" for place in told.landmarks}
    keys |= {
        f"building:{words.sound(place[:2])}:{b.kind}{b.number}": "building"
        for place in told.landmarks
        for b in told.buildings
    }
    keys |= {f"address:{words.sound(road)}:{house}": "address" for road, house in told.addresses}
    if len(told.matter) >= SHORT_TEXT:
        keys |= dict.fromkeys(_chosen_pairs(told.matter), "words")
        keys[f"same:{told.matter}"] = "same"
    keys |= _name_keys(told.names)
    if told.enterprise_id:
        keys[f"enterprise:{told.enterprise_id}"] = "enterprise"
    return keys


def _name_keys(names: Iterable[CompanyName]) -> dict[str, str]:
    """A name whole, and its signs by their sound: in twos, and of a short one each with the trade."""
    keys: dict[str, str] = {}
    for name in names:
        said = words.sound(name.stem)
        keys |= {f"name:{said[i : i + 2]}": "name" for i in range(min(4, len(said) - 1))}
        if len(said) <= 3:
            keys |= {f"sign:{sign}:{trade}": "sign" for sign in said for trade in sorted(name.trades)[:2]}
    return keys | {f"company:{name.core}": "company" for name in names if len(name.core) >= 2}


def _chosen_pairs(matter: str) -> set[str]:
    """Of the pairs of signs the smallest by three hashes: two texts share each as often as they are alike."""
    pairs = [matter[i : i + 2] for i in range(len(matter) - 1)]
    hashed = [crc32(pair.encode()) for pair in pairs]
    return {
        f"words:{salt}:{min((h * salt % PRIME, pair) for h, pair in zip(hashed, pairs, strict=True))[1]}"
        for salt in (1, 48_271, 69_621)
        if pairs
    }


def numbered(keys: Iterable[str]) -> list[int]:
    """The keys as they are stored, in one order for all."""
    return sorted(number(key) for key in keys)
