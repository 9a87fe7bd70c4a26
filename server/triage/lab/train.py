"""Train the model of pairs: on made counties for the shipped one, on people's judgements for a county's own."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from server.triage import keys, rules
from server.triage.experience import Experience
from server.triage.lab import lines as given
from server.triage.lab.field import LOCKED, LOCKED_HABITS, TRAINING, County, Line
from server.triage.model import PairModel
from server.triage.pairs import COLUMNS, Pair, compare
from server.triage.reading import Place, Told, place_by_others

Facts = dict[str, Any]
LOCKED_SEED = 1001


class Shelf:
    """Earlier reports by key, in memory: the same choice of candidates as the SQL of `store`."""

    def __init__(self) -> None:
        self.held: dict[str, deque[Told]] = defaultdict(lambda: deque(maxlen=40))

    def candidates(self, told: Told) -> list[Told]:
        """Those that share the weightiest keys."""
        weights: dict[int, float] = defaultdict(float)
        by_seq: dict[int, Told] = {}
        for key, kind in keys.sought_keys(told).items():
            if key in self.held:
                newest = [o for o in self.held[key] if told.received_at - o.received_at <= rules.WINDOW]
                for other in newest[-kind.limit :]:
                    weights[other.seq] += kind.weight
                    by_seq[other.seq] = other
        sought = keys.sought_kinds(told)
        for seq, other in by_seq.items():
            weights[seq] += keys.SAME_KIND * (keys.own_kind(other) in sought)
        best = sorted(weights, key=lambda seq: (-weights[seq], -seq))[: rules.CANDIDATES]
        return [by_seq[seq] for seq in best]

    def places(self, told: Told) -> list[tuple[float, list[Place]]]:
        """Where what it names was, whenever that was."""
        return [
            (weight, [o.place for o in list(self.held[key])[-keys.PLACES :] if o.place and not o.guessed])
            for key, weight in keys.place_keys(told).items()
            if key in self.held
        ]

    def add(self, told: Told) -> None:
        """One more that later ones find."""
        for key in keys.own_keys(told):
            self.held[key].append(told)


@dataclass
class Block:
    """A report with its candidates, side by side."""

    told: Told
    incident: str
    others: list[Told]
    pairs: list[Pair]
    same: list[bool]
    known_before: bool
    """An earlier report within 30 days is of the same incident."""


def blocks(lines: Iterable[Line]) -> Iterator[Block]:
    """What the store would show for each report, in their order."""
    shelf, known, types = Shelf(), Experience(), given.shipped_types()
    incident_of: dict[int, str] = {}
    last: dict[str, Any] = {}
    for seq, line in enumerate(lines):
        photos = frozenset(line["photos"])
        told = given.told(seq, given.Line.model_validate(line | {"photos": None}), types, photos)
        told = known.understand(told)
        if told.place is None and (guess := place_by_others(shelf.places(told))):
            told = told.at(guess)
        others = shelf.candidates(told)
        pairs = [compare(told, other) for other in others]
        incident = line["incident"]
        before = incident in last and told.received_at - last[incident] <= timedelta(days=30)
        yield Block(told, incident, others, pairs, [incident_of[o.seq] == incident for o in others], before)
        incident_of[seq], last[incident] = incident, told.received_at
        shelf.add(told)
        known.add(told)


@dataclass
class Rows:
    """Pairs for training."""

    x: list[list[float]] = field(default_factory=list)
    y: list[bool] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)

    def add(self, row: list[float], same: bool, weight: float = 1.0) -> None:
        """One more."""
        self.x.append(row)
        self.y.append(same)
        self.weight.append(weight)


def made_rows(seed: int, counties: int, reports: int) -> Rows:
    """The pairs that made counties, each with habits of its own, bring before the desk."""
    rows = Rows()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as makers:
        seeds = [1000 * seed + county for county in range(counties)]
        for pairs in makers.map(_pairs_of, seeds, [reports] * counties):
            for row, same in pairs:
                rows.add(row, same)
    return rows


def _pairs_of(seed: int, reports: int) -> list[tuple[list[float], bool]]:
    made = blocks(County(seed, TRAINING[seed % len(TRAINING)]).reports(reports))
    return [(pair.row(), same) for b in made for pair, same in zip(b.pairs, b.same, strict=True)]


def make(seed: int, counties: int, reports: int) -> tuple[Facts, Facts]:
    """The shipped model, and its figures on the locked test: phrases, places and habits that it never saw."""
    facts = fit(made_rows(seed, counties, reports), f"pairs-made-{seed}")
    model = PairModel.from_facts(facts)
    locked = list(blocks(County(LOCKED_SEED, LOCKED, LOCKED_HABITS).reports(reports)))
    scores = [model.scores([pair.row() for pair in block.pairs]) for block in locked]
    return facts, {"locked": [quality(locked, scores, threshold) for threshold in (0.3, 0.4, 0.5, 0.6, 0.7)]}


def fit(rows: Rows, version: str, seed: int = 7, iterations: int = 110, leaves: int = 12) -> Facts:
    """Boosted trees that never find a pair less likely for being nearer, more alike or sooner."""
    learner = HistGradientBoostingClassifier(
        max_iter=iterations,
        learning_rate=0.1,
        max_leaf_nodes=leaves,
        max_depth=6,
        min_samples_leaf=80,
        l2_regularization=5.0,
        max_features=0.5,
        monotonic_cst=list(COLUMNS.values()),
        early_stopping=False,
        random_state=seed,
    )
    learner.fit(np.array(rows.x), np.array(rows.y), sample_weight=np.array(rows.weight))
    return exported(learner, version)


def exported(learner: HistGradientBoostingClassifier, version: str) -> Facts:
    """The trees as `PairModel` reads them."""
    trees = [tree.nodes for (tree,) in learner._predictors]
    return {
        "version": version,
        "columns": list(COLUMNS),
        "bias": float(learner._baseline_prediction[0, 0]),
        "depth": int(max(nodes["depth"].max() for nodes in trees)),
        "trees": [_tree(nodes) for nodes in trees],
    }


def _tree(nodes: Any) -> Facts:
    own = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "column": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "limit": np.clip(np.where(leaf, 0.0, nodes["num_threshold"]), -1e9, 1e9).tolist(),
        "unknown_left": nodes["missing_go_to_left"].astype(int).tolist(),
        "left": np.where(leaf, own, nodes["left"]).tolist(),
        "right": np.where(leaf, own, nodes["right"]).tolist(),
        "value": [round(float(v), 5) for v in np.where(leaf, nodes["value"], 0.0)],
    }


def quality(blocks_: Sequence[Block], scores: Sequence[Sequence[float]], threshold: float) -> Facts:
    """The figures of docs/triage.md at one threshold."""
    found = shown_new = duplicates = new = blocked = candidates = right = wrong = 0
    for block, scored in zip(blocks_, scores, strict=True):
        candidates += len(scored)
        best = sorted(zip(scored, block.same, strict=True), key=lambda v: -v[0])[: rules.SUGGESTED]
        shown = [same for score, same in best if score >= threshold]
        right += sum(shown)
        wrong += len(shown) - sum(shown)
        if block.known_before:
            duplicates += 1
            blocked += any(block.same)
            found += any(shown)
        else:
            new += 1
            shown_new += bool(shown)
    return {
        "threshold": threshold,
        "blocking": round(blocked / duplicates, 4),
        "candidates": round(candidates / len(blocks_), 1),
        "found": round(found / duplicates, 4),
        "new_shown": round(shown_new / new, 4),
        "precision": round(right / max(1, right + wrong), 4),
    }
