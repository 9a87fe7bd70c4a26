"""PDQ, the hash of what a picture shows, compared in all eight ways to turn and mirror it. Pure.

Its 256 bits say which of the 16 × 16 lowest waves of the picture lie above their median. Mirroring a picture turns
the sign of every second wave, turning it by a quarter also swaps rows and columns: as the median lies close to zero,
the hash of the turned picture follows from the hash alone.
Source: ThreatExchange, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (2019).
"""

from functools import cache, lru_cache

SIDE = 16
SAME_BITS = 31
"""Of 256, as its authors advise; pictures of different things differ in some 128."""


def apart(one: int, other: int) -> int:
    """In how many bits two pictures differ at least, however one was turned or mirrored."""
    return min((one ^ way).bit_count() for way in ways(other))


@lru_cache(maxsize=4096)
def ways(bits: int) -> tuple[int, ...]:
    """The hashes of the picture as it is and in the seven other ways."""
    return mirrored(bits) + mirrored(turned(bits))


def mirrored(bits: int) -> tuple[int, ...]:
    """As it is, top to bottom, left to right, and both."""
    rows, columns = _masks()
    return tuple(bits ^ mask for mask in (0, rows, columns, rows ^ columns))


def turned(bits: int) -> int:
    """Rows and columns swapped: with the mirrored ones of it, turned by a quarter either way."""
    return sum(
        1 << (column * SIDE + row)
        for row in range(SIDE)
        for column in range(SIDE)
        if bits >> (row * SIDE + column) & 1
    )


@cache
def _masks() -> tuple[int, int]:
    """The waves that change sign when the picture is mirrored top to bottom, and left to right."""
    places = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    rows = sum(1 << (row * SIDE + column) for row, column in places if row % 2 == 0)
    columns = sum(1 << (row * SIDE + column) for row, column in places if column % 2 == 0)
    return rows, columns
