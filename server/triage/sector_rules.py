"""Which sector does a report belong to? By the words of the table and of the hazard types. Pure."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from server.triage.rules import Reason
from server.triage.words import matter

MODEL = "sectors-2026-11-keywords-1"
RANKED = 3
DECIDED = 0.75
"""Probability from which a proposal stands without a person's choice."""
LEAST_P = 0.02
CROSS_CUTTING = frozenset({1, 2})
"""Rows on everybody's own duty, into which any line of business may fall (DOMAIN.md §1)."""

WEIGHTS: dict[str, float] = {
    "hazard_type": 5.0,  # tapped by the reporter: as good as a judgement
    "words": 1.6,  # times the weight of the matched words, at most WORDS_MOST
    "wording": 4.0,  # times the share of the text's pairs of characters that are the sector's own
    "enterprise": 1.2,  # the registered sector: a mine too has blocked exits
}
WORDS_MOST = 3.0
TITLE_FRAME = re.compile(r"持续|加强|加大|推动|提高|落实|认真|安全|综合|监管|整治|力度|和|行业|领域|,|，")


@dataclass(frozen=True)
class SectorWords:
    """A row of the county's table: number, title, keywords."""

    no: int
    title: str
    keywords: Sequence[str]


@dataclass(frozen=True)
class TypeWords:
    """A hazard type below a sector."""

    code: str
    sector_no: int
    name: str
    keywords: Sequence[str]


@dataclass(frozen=True)
class Guess:
    """A sector, how likely, and why."""

    sector_no: int
    p: float
    reasons: list[Reason]

    def stored(self) -> dict[str, Any]:
        """As kept in `SectorProposal.ranked`."""
        return {"sector_no": self.sector_no, "p": self.p, "reasons": self.reasons}


class SectorGuesser:
    """Knows the words of all sectors; built once per county's table."""

    def __init__(self, sectors: Iterable[SectorWords], types: Iterable[TypeWords]) -> None:
        sectors = list(sectors)
        self.types = {kind.code: kind for kind in types}
        self.numbers = sorted(sector.no for sector in sectors)
        owners: dict[str, set[int]] = defaultdict(set)
        profiles: dict[int, Counter[str]] = {no: Counter() for no in self.numbers}
        for sector in sectors:
            for word in sector.keywords:
                owners[word.lower()].add(sector.no)
            for phrase in (TITLE_FRAME.sub("", sector.title), *sector.keywords):
                profiles[sector.no].update(_pairs(phrase))
        for kind in self.types.values():
            if kind.sector_no in profiles:
                for word in (kind.name, *kind.keywords):
                    owners[word.lower()].add(kind.sector_no)
                    profiles[kind.sector_no].update(_pairs(word))
        self.owners = owners
        spread = Counter(pair for profile in profiles.values() for pair in profile)
        self.rarity = {pair: math.log(1 + len(self.numbers) / n) for pair, n in spread.items()}
        self.profiles = profiles

    def guess(
        self, text: str, hazard_type: str | None = None, enterprise_sector: int | None = None
    ) -> tuple[list[Guess], bool]:
        """The three likeliest sectors, best first, and whether the first may stand alone.

        Empty when nothing speaks for any sector: then a person decides.
        """
        what = matter(text)
        evidence: dict[int, float] = {}
        reasons: dict[int, list[Reason]] = {no: [] for no in self.numbers}
        kind = self.types.get(hazard_type or "")
        words = self._matched_words(what)
        for no in self.numbers:
            found = 0.0
            if kind and kind.sector_no == no:
                found += WEIGHTS["hazard_type"]
                reasons[no].append(_reason("hazard_type", type=kind.code, name=kind.name))
            if no in words:
                weight = sum(words[no].values())
                found += WEIGHTS["words"] * min(WORDS_MOST, weight)
                best = sorted(words[no], key=lambda word: (-words[no][word], word))[:4]
                reasons[no].append(_reason("words", words=best))
            share = self._wording(what, no)
            if share >= 0.05:
                found += WEIGHTS["wording"] * share
                if no not in words:
                    reasons[no].append(_reason("wording", percent=round(share * 100)))
            if enterprise_sector == no:
                found += WEIGHTS["enterprise"]
                reasons[no].append(_reason("enterprise_sector"))
            evidence[no] = found
        if not any(evidence.values()):
            return [], False
        whole = sum(math.exp(found) for found in evidence.values())
        ranked = sorted(self.numbers, key=lambda no: (-evidence[no], no))[:RANKED]
        guesses = [Guess(no, round(math.exp(evidence[no]) / whole, 4), reasons[no]) for no in ranked]
        guesses = [guess for guess in guesses if guess.reasons and guess.p >= LEAST_P]
        return guesses, bool(guesses) and guesses[0].p >= DECIDED

    def _matched_words(self, what: str) -> dict[int, dict[str, float]]:
        """Per sector its words in the text with their weights: longer and rarer ones weigh more.

        A word inside of a longer matched one says nothing of its own (气瓶 within 液化气瓶).
        """
        matched = [word for word in self.owners if len(word) >= 2 and word in what]
        alone = [word for word in matched if not any(word != longer and word in longer for longer in matched)]
        found: dict[int, dict[str, float]] = defaultdict(dict)
        for word in alone:
            for no in self.owners[word]:
                found[no][word] = min(1.5, len(word) / 3) / len(self.owners[word])
        return found

    def _wording(self, what: str, no: int) -> float:
        """The share of the text's pairs of characters that the sector knows, by rarity."""
        pairs = [pair for pair in _pairs(what) if pair in self.rarity]
        if not pairs:
            return 0.0
        known = sum(self.rarity[pair] for pair in pairs if pair in self.profiles[no])
        return known / (sum(self.rarity[pair] for pair in pairs) + 3.0)


def _pairs(text: str) -> list[str]:
    clean = text.lower()
    return [clean[i : i + 2] for i in range(len(clean) - 1)]


def _reason(code: str, **params: Any) -> Reason:
    return {"code": code, "params": params}
