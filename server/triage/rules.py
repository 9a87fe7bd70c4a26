"""Is it the same matter? What is compared, and which of three outcomes a pair has. Pure.

Automatic only for the same picture at the same place, without a conflict: no text and no place can carry a merge
without a person, not even the same words (what was submitted twice is one report before it comes here, by its id).
Otherwise suggested or distinct.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from server.triage.model import PairModel
from server.triage.pairs import Pair, compare, reasons
from server.triage.pairs import Reason as Reason
from server.triage.reading import SAME_COMPANY, Told

WINDOW = timedelta(days=30)
"""A closed matter is the same one no longer when the report came later than this; an open one always is."""
AGAIN = timedelta(days=365)
"""A closed matter that comes back within this is a recurrence."""
CANDIDATES = 20
SUGGESTED = 3
TOLD_APART = 0.2
"""3号楼 is not 5号楼, nor 川香园 福满楼, however alike the words: rarer than the trees can learn, and hardly ever wrong
(of 8,000 made pairs with wholly other names 3 were one matter)."""
WHOLLY_OTHER = 0.25
"""Likeness of two companies' names below which they have nothing in common."""
SAME_PLACE_M = 300


@dataclass(frozen=True)
class Costs:
    """What mistakes cost, in any unit; the thresholds follow from them."""

    missed: float = 2.0
    interrupted: float = 3.0
    wrong_merge: float = 30.0

    @property
    def threshold(self) -> float:
        """Shown from the probability at which looking costs less than missing."""
        return self.interrupted / (self.interrupted + self.missed)

    @property
    def certain(self) -> float:
        """Joined by the system only where the model, too, finds a wrong merge unlikely enough."""
        return max(self.threshold, 1 - self.interrupted / self.wrong_merge)


@dataclass(frozen=True)
class Verdict:
    """How likely two reports tell of one matter, and why."""

    score: float
    reasons: list[Reason]
    row: list[float | None]
    """What the model saw, of what is worth showing."""
    automatic: bool = False
    suggested: bool = True
    """Worth showing to the desk; otherwise distinct."""


USUAL = Costs()


def comparable(later: Told, earlier: Told) -> bool:
    """Only what arrived before, and is open or came within 30 days."""
    recent = later.received_at - earlier.received_at <= WINDOW
    return earlier.seq < later.seq and (recent or not earlier.closed)


def recurrence(later: Told, earlier: Told) -> bool:
    """What arrived before, was closed, and came back after 30 days but within a year."""
    apart = later.received_at - earlier.received_at
    return earlier.seq < later.seq and earlier.closed and WINDOW < apart <= AGAIN


def judge(one: Told, others: Sequence[Told], model: PairModel, costs: Costs = USUAL) -> list[Verdict]:
    """A report against others that came before or after it: scores, and the reasons of what is worth showing."""
    pairs = [compare(one, other) for other in others]
    rows = [pair.row() for pair in pairs]
    verdicts = []
    for pair, other, row, likely in zip(pairs, others, rows, model.scores(rows), strict=True):
        likely *= _told_apart(pair)
        later, earlier = (one, other) if one.seq > other.seq else (other, one)
        certain = likely >= costs.certain and automatic(pair, later, earlier)
        suggested = certain or likely >= costs.threshold or pair.photo is True
        still_open = not earlier.closed and later.received_at - earlier.received_at > WINDOW
        why, seen = [], []
        if suggested:
            why = reasons(pair, later, earlier, still_open)
            seen = [None if math.isnan(value) else round(value, 4) for value in row]
        verdicts.append(Verdict(round(likely, 4), why, seen, certain, suggested))
    return verdicts


def _told_apart(pair: Pair) -> float:
    """By how much a pair is less likely than the trees find it, for what is too rare to be learnt by them."""
    other_company = pair.company is not None and pair.company < WHOLLY_OTHER
    return TOLD_APART if (pair.other_building or other_company) and not pair.photo else 1.0


def automatic(pair: Pair, later: Told, earlier: Told) -> bool:
    """The same picture at the same place, and nothing against it."""
    if not pair.photo or pair.conflict or later.received_at - earlier.received_at > WINDOW:
        return False
    if pair.metres is not None and not pair.guessed:
        return pair.beyond_m <= SAME_PLACE_M
    return bool(pair.company and pair.company >= SAME_COMPANY) or bool(pair.address)


def best(verdicts: Iterable[tuple[UUID, Verdict]]) -> list[tuple[UUID, Verdict]]:
    """The three likeliest of those worth showing, what is certain first."""
    shown = (verdict for verdict in verdicts if verdict[1].suggested)
    return sorted(shown, key=lambda v: (not v[1].automatic, -v[1].score))[:SUGGESTED]
