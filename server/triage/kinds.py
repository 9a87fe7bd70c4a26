"""Which kind of hazard a text speaks of, learned as reports come. Pure.

Every other reporter taps the kind of hazard and describes it in words of their own: that teaches, without anybody's
work, that 后门锁了 and 逃生门推不开 are one kind, in the county's own words. Begun with the keywords of the hazard
types and with what people say of them, 36 sentences for each (`hazard_phrases.csv`, written for this program). A
softmax over runs of one and two signs, one small step for each report. NumPy is loaded on first use: web processes do
without it.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from server.triage.words import matter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HAZARD_TYPES = Path(__file__).with_name("hazard_types.csv")
HAZARD_PHRASES = Path(__file__).with_name("hazard_phrases.csv")
STEP = 6.0
SHORT = 10
"""A text of so few runs tells too little to be sure of: 这里危险 is no kind of its own."""
MOST_KINDS = 512
"""Those shipped and those of the county's own; what comes beyond is not learned."""
MOST_GRAMS = 65_536
KEPT = 6
"""So many of the likeliest are kept of a report."""
TAPPED_WRONGLY = 0.1
PROBABLE = 0.5
"""That both are of one kind, from which on it is given as a reason."""
LEAST = 0.001
"""Of two texts of which nothing in common is known."""
OTHERS = 0.02
"""That two texts are of one kind, where both are of none of their likeliest."""

Likely = Mapping[str, float]
"""Kind → probability, of the likeliest."""


def grams(text: str) -> frozenset[str]:
    """Its characters and pairs of characters."""
    return frozenset(text) | {text[i : i + 2] for i in range(len(text) - 1)}


class Kinds:
    """What words say of the kind of hazard."""

    names: list[str]
    column: dict[str, int]
    row: dict[str, int]
    weights: NDArray[np.float32]

    def __init__(self) -> None:
        begun = _begun()
        self.names, self.column, self.row = begun.names[:], dict(begun.column), dict(begun.row)
        self.weights = begun.weights.copy()

    def of(self, text: str, tapped: str | None = None) -> dict[str, float]:
        """The likeliest kinds; what the reporter tapped weighs most, and is sometimes wrong."""
        import numpy as np

        if not text and not tapped:
            return {}
        likely = self._likely(self._rows(text))
        if tapped and self._column(tapped) is not None:
            column = self.column[tapped]
            if column >= len(likely):
                likely = np.append(likely, np.full(column + 1 - len(likely), LEAST, np.float32))
            other = TAPPED_WRONGLY / len(likely)
            likely = likely * other
            likely[column] *= (1 - TAPPED_WRONGLY) / other
            likely = likely / likely.sum()
        best = np.argpartition(likely, -KEPT)[-KEPT:]
        return {self.names[n]: round(float(likely[n]), 3) for n in best if likely[n] >= 0.01}

    def learn(self, text: str, kind: str) -> None:
        """A report that says which kind it is of."""
        import numpy as np

        column = self._column(kind)
        if column is None or not text:
            return
        for gram in grams(text):
            if gram not in self.row and len(self.row) < MOST_GRAMS:
                self.row[gram] = len(self.row)
        if len(self.row) > len(self.weights):
            self.weights = np.concatenate([self.weights, np.zeros_like(self.weights)])
        while column >= self.weights.shape[1]:
            self.weights = np.hstack([self.weights, np.zeros_like(self.weights)])
        rows = self._rows(text)
        wrong = self._likely(rows)
        wrong[column] -= 1
        self.weights[rows, : len(wrong)] -= (STEP / math.sqrt(len(rows) + SHORT)) * wrong

    def _column(self, kind: str) -> int | None:
        if kind not in self.column and len(self.names) < MOST_KINDS:
            self.column[kind] = len(self.names)
            self.names.append(kind)
        return self.column.get(kind)

    def _rows(self, text: str) -> list[int]:
        row = self.row
        return [row[gram] for gram in grams(text) if gram in row]

    def _likely(self, rows: list[int]) -> NDArray[np.float32]:
        import numpy as np

        scores = self.weights[rows, : len(self.names)].sum(axis=0) / math.sqrt(len(rows) + SHORT)
        likely = np.exp(scores - scores.max())
        return np.asarray(likely / likely.sum())


def alike(one: Likely, other: Likely) -> float | None:
    """The logarithm of how likely both are of one kind; None where nothing is known of one."""
    if not one or not other:
        return None
    named = sum(p * other[kind] for kind, p in one.items() if kind in other)
    unnamed = max(0.0, 1 - sum(one.values())) * max(0.0, 1 - sum(other.values()))
    return math.log(min(1.0, LEAST + named + OTHERS * unnamed))


@cache
def _begun() -> Kinds:
    """With the words that are shipped with the hazard types alone."""
    import numpy as np

    kinds = Kinds.__new__(Kinds)
    kinds.names, kinds.column, kinds.row = [], {}, {}
    kinds.weights = np.zeros((4096, 128), np.float32)  # grams × kinds; both are doubled as needed
    told = [*_shipped(HAZARD_TYPES, "name", "keywords"), *_shipped(HAZARD_PHRASES, "phrases")]
    random.Random(1).shuffle(told)  # noqa: S311 - an order, the same everywhere
    for text, kind in told + told:
        kinds.learn(text, kind)
    return kinds


def likeliest(one: Likely, other: Likely) -> str | None:
    """The kind that both probably speak of; None where that is not probable."""
    shared = {kind: p * other[kind] for kind, p in one.items() if kind in other}
    kind = max(shared, key=lambda kind: shared[kind], default=None)
    return kind if kind and shared[kind] >= PROBABLE else None


def _shipped(table: Path, *columns: str) -> Iterator[tuple[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for text in ";".join(row[column] for column in columns).split(";"):
                if len(text) > 1:
                    yield matter(text), row["code"]
