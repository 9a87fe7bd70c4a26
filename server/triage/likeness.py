"""How alike two texts are: by their signs and by the order of them. Pure.

What is rare in the county weighs more than what everybody writes; that is counted as reports come, so that no
vocabulary has to be known beforehand. What is meant in wholly other words is left to `kinds`.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz

HAZARD_TYPES = Path(__file__).with_name("hazard_types.csv")
FAMILIAR = 50
"""How many reports the texts shipped with the program count for, against those that really came."""
WEIGHED_ANEW = 256


def shipped_words() -> Iterator[tuple[str, str]]:
    """The words of the hazard types that come with the program, each with the type's code."""
    with HAZARD_TYPES.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for word in (row["name"], *row["keywords"].split(";")):
                if len(word) > 1:
                    yield word.strip().lower(), row["code"]


def grams(text: str) -> frozenset[str]:
    """Its characters and pairs of characters."""
    return frozenset(text) | {text[i : i + 2] for i in range(len(text) - 1)}


class Rarity:
    """How much a sign or a pair of signs tells: the rarer in the reports that came, the more."""

    def __init__(self) -> None:
        self.reports = FAMILIAR
        self.holding: Counter[str] = Counter()
        for word, _ in shipped_words():
            self.holding.update(grams(word))
        most = max(self.holding.values())
        for gram, n in self.holding.items():
            self.holding[gram] = math.ceil(n * FAMILIAR / 3 / most)
        self.squares = _Squares(self)

    def add(self, signs: Iterable[str]) -> None:
        """One report more; what was weighed before is weighed anew after a while."""
        self.reports += 1
        self.holding.update(signs)
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
    """Each 0 … 1."""

    cosine: float
    order: float
    part: float


class Reader:
    """A text, weighed once and compared with many."""

    def __init__(self, text: str, rarity: Rarity) -> None:
        self.text, self.square = text, rarity.squares.__getitem__
        self.signs = grams(text)
        self.norm = math.sqrt(sum(map(self.square, self.signs)))

    def compare(self, text: str) -> Likeness:
        """How alike the other text is."""
        theirs = grams(text)
        norms = self.norm * math.sqrt(sum(map(self.square, theirs)))
        short, long = (
            (text, self.text) if (len(text), text) < (len(self.text), self.text) else (self.text, text)
        )
        return Likeness(
            cosine=min(1.0, sum(map(self.square, self.signs & theirs)) / norms) if norms else 0.0,
            order=fuzz.ratio(short, long) / 100,
            part=fuzz.partial_ratio(short, long) / 100,
        )
