"""How alike two texts are: by their signs, by the order of them, and by what they mean. Pure.

What is rare in the county weighs more than what everybody writes; that is counted as reports come, so that no
vocabulary has to be known beforehand. Meanings are in concepts.txt: people describe one hazard in other words.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rapidfuzz import fuzz

CONCEPTS = Path(__file__).with_name("concepts.txt")
HAZARD_TYPES = Path(__file__).with_name("hazard_types.csv")
LONGEST_WORD = 7
FAMILIAR = 50
"""How many reports the texts shipped with the program count for, against those that really came."""

WEIGHED_ANEW = 256

Meanings = frozenset[str]


@cache
def lexicon() -> dict[str, tuple[str, ...]]:
    """Word → what it means. A meaning is called by its first word; a hazard type by # and its code."""
    meanings: dict[str, list[str]] = {}
    for line in CONCEPTS.read_text(encoding="utf-8").splitlines():
        words = line.split()
        for word in words if not line.startswith("#") else ():
            meanings.setdefault(word, []).append(words[0])
    with HAZARD_TYPES.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for word in row["keywords"].split(";"):
                if len(word) > 1:
                    meanings.setdefault(word.strip().lower(), []).append(f"#{row['code']}")
    return {word: tuple(dict.fromkeys(meant)) for word, meant in meanings.items()}


def meanings(text: str) -> Meanings:
    """What a text speaks of. A word within a longer known one (气瓶 within 液化气瓶) says nothing of its own."""
    known = lexicon()
    found: set[str] = set()
    covered = 0
    for start in range(len(text)):
        for length in range(min(LONGEST_WORD, len(text) - start), 0, -1):
            if (word := text[start : start + length]) in known and start + length > covered:
                found.update(known[word])
                covered = start + length
                break
    return frozenset(found)


def grams(text: str) -> frozenset[str]:
    """Its characters and pairs of characters."""
    return frozenset(text) | {text[i : i + 2] for i in range(len(text) - 1)}


class Rarity:
    """How much a sign, a pair or a meaning tells: the rarer in the reports that came, the more."""

    def __init__(self) -> None:
        self.reports = FAMILIAR
        self.holding: Counter[str] = Counter()
        for word in lexicon():
            self.holding.update(grams(word))
        most = max(self.holding.values())
        for gram, n in self.holding.items():
            self.holding[gram] = math.ceil(n * FAMILIAR / 3 / most)

        self.squares = _Squares(self)

    def add(self, signs: Iterable[str], meant: Meanings) -> None:
        """One report more; what was weighed before is weighed anew after a while."""
        self.reports += 1
        self.holding.update(signs)
        self.holding.update("=" + m for m in meant)
        if self.reports % WEIGHED_ANEW == 0:
            self.squares.clear()

    def of(self, sign: str) -> float:
        """The logarithm of how few reports hold it."""
        return math.log(1 + self.reports / (1 + self.holding[sign]))


class _Squares(dict[str, float]):
    """The square of each sign's rarity, kept once it was asked for."""

    def __init__(self, rarity: Rarity) -> None:
        super().__init__()
        self.rarity = rarity

    def __missing__(self, sign: str) -> float:
        value = self[sign] = self.rarity.of(sign) ** 2
        return value


@dataclass(frozen=True)
class Likeness:
    """Each 0 … 1, save `shared` and `apart`, which are sums of rarities."""

    cosine: float
    order: float
    part: float
    meaning: float
    contained: float
    shared: float
    apart: float


class Reader:
    """A text, weighed once and compared with many."""

    def __init__(self, text: str, meant: Meanings, rarity: Rarity) -> None:
        self.text, self.meant, self.square = text, meant, rarity.squares.__getitem__
        self.signs = grams(text)
        self.norm = math.sqrt(sum(map(self.square, self.signs)))
        self.sum = self._weight(meant)

    def compare(self, text: str, meant: Meanings) -> Likeness:
        """How alike the other text is."""
        theirs = grams(text)
        norms = self.norm * math.sqrt(sum(map(self.square, theirs)))
        shared, other = self._weight(self.meant & meant), self._weight(meant)
        union, less = self.sum + other - shared, min(self.sum, other)
        short, long = (
            (text, self.text) if (len(text), text) < (len(self.text), self.text) else (self.text, text)
        )
        return Likeness(
            cosine=min(1.0, sum(map(self.square, self.signs & theirs)) / norms) if norms else 0.0,
            order=fuzz.ratio(short, long) / 100,
            part=fuzz.partial_ratio(short, long) / 100,
            meaning=shared / union if union else 0.0,
            contained=shared / less if less else 0.0,
            shared=shared,
            apart=max(0.0, less - shared),
        )

    def _weight(self, meant: Meanings) -> float:
        """A hazard type's words overlap with others', so they count for half."""
        return sum(math.sqrt(self.square("=" + m)) * (0.5 if m[0] == "#" else 1.0) for m in meant)
