"""Learns sectors from confirmed reports: what the county's words leave open. Pure; imports SciPy, so only to train.

The words' evidence stays in the sum; the weights learned beside it are held small, so that ten labels for each
sector help and do no harm. Folds keep texts that are nearly alike together: otherwise it would praise itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from server.triage.sector_rules import DECIDED, SCALES, Learned, SectorGuesser, pieces, softmax, weighed
from server.triage.sector_words import Told
from server.triage.words import plain

SMALL = 0.3
"""Ridge on the weights of pieces."""
NEAR_SCALES = 40.0
"""Pull of the scales towards those that were set by hand: a few labels leave them, thousands move them."""
TWICE = 2
"""A piece must be in so many reports."""
MOST_PIECES = 12_000
STEPS = 80
FOLDS = 5
LEAST_REPORTS = 60
"""Fewer tell nothing on how sure to be."""
RIGHT = 0.97
"""Of the reports above the threshold; the aim is 95 % on those that nobody has seen."""
ALIKE = 0.6


@dataclass(frozen=True)
class Confirmed:
    """A report and the sector that a person gave it."""

    told: Told
    sector_no: int


@dataclass(frozen=True)
class Figures:
    """On reports kept out of the training: how often the first is right, how many stand alone and are right."""

    reports: int
    accuracy: float
    accuracy_before: float
    """Of the words alone, on the same reports."""
    decided: float
    precision: float


@dataclass(frozen=True)
class _Task:
    """Reports as numbers."""

    pieces: csr_array
    features: NDArray[np.float64]
    """reports × kinds of evidence × sectors"""
    labels: NDArray[np.int64]

    def part(self, rows: NDArray[np.int64]) -> "_Task":
        return _Task(self.pieces[rows], self.features[rows], self.labels[rows])


def learn(guesser: SectorGuesser, confirmed: Sequence[Confirmed], name: str) -> tuple[Learned, Figures]:
    """A model from confirmed reports, and its figures from folds. `guesser` is one of the words alone.

    Raises ValueError when no report belongs to a sector of the table.
    """
    confirmed = [one for one in confirmed if one.sector_no in guesser.column]
    if not confirmed:
        raise ValueError("no confirmed report belongs to a sector of the table")
    texts = [plain(one.told.text) for one in confirmed]
    known, rarity = _vocabulary(texts)
    task = _Task(
        _matrix(texts, known, rarity),
        np.array(
            [guesser.features(t, plain(c.told.company))[0] for t, c in zip(texts, confirmed, strict=True)]
        ),
        np.array([guesser.column[one.sector_no] for one in confirmed]),
    )
    sharpness, decided, figures = _how_sure(task)
    weights, scales = _fit(task)
    kept = np.abs(weights).max(axis=1) > 0.01
    known = {piece: i for i, piece in enumerate(p for p, keep in zip(known, kept, strict=True) if keep)}
    learned = Learned(
        name, guesser.numbers, scales.tolist(), known, rarity[kept], weights[kept], sharpness, decided
    )
    return learned, figures


def _vocabulary(texts: Sequence[str]) -> tuple[dict[str, int], NDArray[np.float64]]:
    sights = Counter(piece for text in texts for piece in pieces(text) if len(piece) > 1)
    kept = [(piece, n) for piece, n in sights.most_common(MOST_PIECES) if n >= TWICE]
    rarity = np.log((1 + len(texts)) / (1 + np.array([n for _, n in kept], dtype=float))) + 1
    return {piece: i for i, (piece, _) in enumerate(kept)}, rarity


def _matrix(texts: Sequence[str], known: dict[str, int], rarity: NDArray[np.float64]) -> csr_array:
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        places, found = weighed(text, known, rarity)
        rows += [row] * len(places)
        columns += places
        values += found.tolist()
    return csr_array((values, (rows, columns)), shape=(len(texts), len(known)))


def _fit(task: _Task) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of pieces and scales of the evidence that make the given sectors likeliest."""
    amount, _, sectors = task.features.shape
    width = task.pieces.shape[1] * sectors
    start = np.concatenate([np.zeros(width), SCALES])
    at = np.arange(amount)

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, scales = numbers[:width].reshape(-1, sectors), numbers[width:]
        off = scales - np.array(SCALES)
        chances = softmax(task.pieces @ weights + np.einsum("k,nks->ns", scales, task.features))
        value = -np.log(chances[at, task.labels] + 1e-12).sum()
        value += SMALL / 2 * (weights**2).sum() + NEAR_SCALES / 2 * (off**2).sum()
        chances[at, task.labels] -= 1
        down = (task.pieces.T @ chances + SMALL * weights).ravel()
        return value, np.concatenate(
            [down, np.einsum("ns,nks->k", chances, task.features) + NEAR_SCALES * off]
        )

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return found[:width].reshape(-1, sectors), np.maximum(found[width:], 0)


def _how_sure(task: _Task) -> tuple[float, float, Figures]:
    """Sharpness and threshold from reports that were kept out, and the figures on them.

    They can make it less sure than the words alone, never surer: where labels repeat each other's phrases, what was
    kept out is easy, and a threshold of 0.5 let one in ten of other wordings through wrongly.
    """
    words_alone = np.einsum("k,nks->ns", np.array(SCALES), task.features)
    before = float((words_alone.argmax(axis=1) == task.labels).mean())
    amount = len(task.labels)
    if amount < LEAST_REPORTS:
        return 1.0, DECIDED, Figures(amount, before, before, 0.0, 0.0)
    folds = _folds(task)
    evidence = np.zeros_like(words_alone)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(inside) and len(outside):
            weights, scales = _fit(task.part(inside))
            out = task.part(outside)
            evidence[outside] = out.pieces @ weights + np.einsum("k,nks->ns", scales, out.features)
    right = evidence.argmax(axis=1) == task.labels
    choices = np.linspace(0.3, 1.0, 15)
    at = np.arange(amount)
    losses = [-np.log(softmax(evidence * c)[at, task.labels] + 1e-12).mean() for c in choices]
    sharpness = float(choices[int(np.argmin(losses))])
    sure = softmax(evidence * sharpness).max(axis=1)
    decided = next(
        (t for t in np.arange(DECIDED, 0.96, 0.05) if (sure >= t).any() and right[sure >= t].mean() >= RIGHT),
        0.95,
    )
    alone = sure >= decided
    precision = float(right[alone].mean()) if alone.any() else 0.0
    return (
        sharpness,
        round(float(decided), 2),
        Figures(amount, float(right.mean()), before, float(alone.mean()), precision),
    )


def _folds(task: _Task) -> NDArray[np.int64]:
    """A fold for each report; those that are nearly the same text share one."""
    near = (task.pieces @ task.pieces.T).tocsr()
    folds = np.full(len(task.labels), -1)
    following = 0
    for i in range(len(folds)):
        if folds[i] < 0:
            row = slice(near.indptr[i], near.indptr[i + 1])
            folds[near.indices[row][near.data[row] >= ALIKE]] = following % FOLDS
            folds[i] = following % FOLDS
            following += 1
    return folds
