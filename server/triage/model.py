"""The model of pairs: gradient-boosted trees as a small file, evaluated for all candidates at once.

NumPy is loaded on first use: web processes do without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from server.triage.pairs import COLUMNS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHIPPED = Path(__file__).with_name("pair_model.json")


@dataclass(frozen=True)
class PairModel:
    """All trees in one row of nodes: node n asks whether its column is ≤ limit[n]; a leaf leads to itself.

    Each column is there twice: what is unknown counts as least in the first and as most in the second, so that a
    node sends it left or right by the column that it asks.
    """

    version: str
    roots: NDArray[np.intp]
    column: NDArray[np.intp]
    limit: NDArray[np.float64]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]
    bias: float
    depth: int

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """As `lab.train.exported` wrote it. Raises ValueError for a model of other columns."""
        import numpy as np

        if facts["columns"] != list(COLUMNS):
            raise ValueError("The model was trained on other columns: train it anew.")
        trees = facts["trees"]
        roots = np.cumsum([0, *(len(tree["column"]) for tree in trees)])[:-1]

        def nodes(name: str, first: bool = False) -> NDArray[Any]:
            return np.concatenate(
                [np.array(tree[name]) + first * root for tree, root in zip(trees, roots, strict=True)]
            )

        return cls(
            version=facts["version"],
            roots=roots,
            column=nodes("column") + len(COLUMNS) * (1 - nodes("unknown_left")),
            limit=nodes("limit").astype(np.float64),
            left=nodes("left", first=True),
            right=nodes("right", first=True),
            value=nodes("value").astype(np.float64),
            bias=facts["bias"],
            depth=facts["depth"],
        )

    def scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """For each pair the probability that both tell of one matter."""
        import numpy as np

        if not rows:
            return []
        pairs = np.asarray(rows, dtype=np.float64)
        unknown = np.isnan(pairs)
        asked = np.hstack([np.where(unknown, -np.inf, pairs), np.where(unknown, np.inf, pairs)])
        own = asked.shape[1] * np.arange(len(pairs))[:, None]
        flat = asked.ravel()
        node = np.tile(self.roots, (len(pairs), 1))
        for _ in range(self.depth):
            below = flat.take(own + self.column.take(node)) <= self.limit.take(node)
            node = np.where(below, self.left.take(node), self.right.take(node))
        total = self.bias + self.value.take(node).sum(axis=1)
        probabilities: list[float] = (1 / (1 + np.exp(-total))).tolist()
        return probabilities


@cache
def shipped() -> PairModel:
    """The model that comes with the program (`./manage.py triage make-model`)."""
    return PairModel.from_facts(json.loads(SHIPPED.read_text(encoding="utf-8")))
