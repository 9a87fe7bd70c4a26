"""The model of pairs: gradient-boosted trees as a small file, evaluated for all candidates at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from server.triage.pairs import COLUMNS

SHIPPED = Path(__file__).with_name("pair_model.json")


@dataclass(frozen=True)
class PairModel:
    """Trees of one size: node n of tree t asks whether column[t, n] ≤ limit[t, n]; a leaf leads to itself."""

    version: str
    columns: tuple[str, ...]
    bias: float
    column: NDArray[np.intp]
    limit: NDArray[np.float64]
    unknown_left: NDArray[np.bool_]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]
    depth: int

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """As `facts` wrote it. Raises ValueError for a model of other columns."""
        if facts["columns"] != list(COLUMNS):
            raise ValueError("The model was trained on other columns: train it anew.")
        trees = facts["trees"]
        size = max(len(tree["column"]) for tree in trees)

        def table(name: str, kind: type, fill: float = 0) -> NDArray[Any]:
            rows = [tree[name] + [fill] * (size - len(tree[name])) for tree in trees]
            return np.array(rows, dtype=kind)

        return cls(
            version=facts["version"],
            columns=tuple(facts["columns"]),
            bias=facts["bias"],
            column=table("column", np.intp),
            limit=table("limit", np.float64),
            unknown_left=table("unknown_left", np.bool_),
            left=table("left", np.intp),
            right=table("right", np.intp),
            value=table("value", np.float64),
            depth=facts["depth"],
        )

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """For each pair the probability that both tell of one matter."""
        if not rows:
            return []
        pairs = np.asarray(rows, dtype=np.float64)
        trees = np.arange(len(self.column))
        node = np.zeros((len(pairs), len(trees)), dtype=np.intp)
        pair = np.arange(len(pairs))[:, None]
        for _ in range(self.depth):
            asked = pairs[pair, self.column[trees, node]]
            goes_left = np.where(
                np.isnan(asked), self.unknown_left[trees, node], asked <= self.limit[trees, node]
            )
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        total = self.bias + self.value[trees, node].sum(axis=1)
        probabilities: list[float] = (1 / (1 + np.exp(-total))).tolist()
        return probabilities


@cache
def shipped() -> PairModel:
    """The model that comes with the program (`./manage.py triage make-model`)."""
    return PairModel.from_facts(json.loads(SHIPPED.read_text(encoding="utf-8")))
