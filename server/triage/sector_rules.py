"""Which sector does a report belong to? By the words of the table and of the hazard types, and by what people
confirmed before. Pure."""

import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.triage.rules import Reason
from server.triage.sector_words import SectorWords, Told, TypeWords
from server.triage.words import plain

MODEL = "sectors-2026-11-words-2"
RANKED = 3
DECIDED = 0.75
"""Probability from which a proposal stands without a person's choice, as long as nothing was learned."""

WEIGHTS: dict[str, float] = {
    "hazard_type": 9.0,  # tapped by the reporter: as good as a judgement
    "enterprise": 1.2,  # the registered sector: a mine too has blocked exits
}
SCALES = (0.5, 1.6, 0.2, 0.4)
"""Of the evidence: the text's pieces and words, the company's pieces and words. Learning adjusts them."""
WORDS_MOST = 4.0
PIECES = {1: 0.3, 2: 0.6, 3: 1.0}
"""Runs of one to three characters and their weights: better than words, which a new wording does not share."""
DOUBT = 2.0
"""So many sights of a piece weigh as much as knowing nothing of it."""
DUTIES_WEIGHT = 0.3
"""A phrase of the table's text beside a keyword: officials' words are not the field's."""
PHRASES = re.compile(r"[;;,，。、:：“”()（）\s]+")
NOT_WORDS = re.compile(r"[^0-9a-z一-鿿]+")
TITLE_FRAME = re.compile(r"持续|加强|加大|推动|提高|落实|认真|安全|综合|监管|整治|力度|和|行业|领域|,|，")

MEANING = 40.0
"""Times how much nearer a text's meaning is to a sector's nearest hazard type than to the other sectors'."""
NAMED_WORDS = 25
"""So many keywords stand for a hazard type beside its name."""

Embed = Callable[[Sequence[str]], "NDArray[np.float64] | None"]
Row = NDArray[np.float64]
"""One number per sector."""


@dataclass(frozen=True)
class Learned:
    """What confirmed reports added (sector_learning.py): a weight per piece of text and sector."""

    name: str
    numbers: Sequence[int]
    scales: Sequence[float]
    pieces: dict[str, int]
    rarity: Row
    weights: NDArray[np.float64]
    sharpness: float
    """Times the evidence: under 1 where the judgements showed that it was too sure."""
    decided: float

    def packed(self) -> bytes:
        """As stored in a row."""
        facts = {
            "name": self.name,
            "numbers": list(self.numbers),
            "scales": list(self.scales),
            "sharpness": self.sharpness,
            "decided": self.decided,
            "pieces": list(self.pieces),
        }
        whole = io.BytesIO()
        np.savez_compressed(
            whole,
            facts=np.array(json.dumps(facts)),
            rarity=self.rarity.astype(np.float32),
            weights=self.weights.astype(np.float16),
        )
        return whole.getvalue()

    @classmethod
    def unpacked(cls, data: bytes) -> "Learned":
        """From a row."""
        with np.load(io.BytesIO(data)) as arrays:
            facts = json.loads(str(arrays["facts"]))
            known = {piece: i for i, piece in enumerate(facts.pop("pieces"))}
            rarity, weights = (arrays[name].astype(np.float64) for name in ("rarity", "weights"))
            return cls(**facts, pieces=known, rarity=rarity, weights=weights)


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
    """Knows the words of all sectors; built once per county's table and learned model."""

    def __init__(
        self,
        sectors: Iterable[SectorWords],
        types: Iterable[TypeWords],
        learned: Learned | None = None,
        embed: Embed = lambda texts: None,
    ) -> None:
        sectors = list(sectors)
        self.numbers = sorted(sector.no for sector in sectors)
        self.column = {no: i for i, no in enumerate(self.numbers)}
        self.types = {kind.code: kind for kind in types if kind.sector_no in self.column}
        self.learned = learned if learned and list(learned.numbers) == self.numbers else None
        self.scales = self.learned.scales if self.learned else SCALES
        self.decided = self.learned.decided if self.learned else DECIDED
        said = [(no, words, 1.0) for no, words in self._words_of(sectors)]
        self.owners: dict[str, set[int]] = defaultdict(set)
        for no, words, _ in said:
            if len(word := plain(words)) >= 2:
                self.owners[word].add(self.column[no])
        for sector in sectors:
            said += [
                (sector.no, phrase, DUTIES_WEIGHT)
                for phrase in PHRASES.split(sector.duties)
                if len(phrase) > 3
            ]
        self._weigh_pieces(said)
        self.embed = embed
        self.kinds = list(self.types.values())
        self.meanings = embed([_in_words(kind) for kind in self.kinds])

    @property
    def model(self) -> str:
        """By what it judges, as stored with each proposal."""
        return self.learned.name if self.learned else MODEL

    def guess(self, told: Told) -> tuple[list[Guess], bool]:
        """The three likeliest sectors, best first, and whether the first may stand alone.

        Empty when nothing speaks for any sector: then a person decides.
        """
        text = plain(told.text)
        features, words = self.features(text, plain(told.company))
        evidence = self._evidence(features)
        kind = self.types.get(told.hazard_type or "")
        if kind:
            evidence[self.column[kind.sector_no]] += WEIGHTS["hazard_type"]
        if told.enterprise_sector in self.column:
            evidence[self.column[told.enterprise_sector]] += WEIGHTS["enterprise"]
        remembered = self._remembered(text)
        meant, nearest = self._meaning(told.text)
        evidence = evidence + remembered.sum(axis=0) + meant
        if not evidence.any():
            return [], False
        chances = softmax(evidence * (self.learned.sharpness if self.learned else 1.0))
        best = sorted(range(len(self.numbers)), key=lambda i: (-chances[i], i))[:RANKED]
        guesses = [
            Guess(
                self.numbers[i],
                round(float(chances[i]), 4),
                self._reasons(i, told, kind, features, words, remembered, text)
                + ([_reason("meaning", name=nearest[i])] if meant[i] > 1 else []),
            )
            for i in best
        ]
        guesses = [guess for guess in guesses if guess.reasons]
        return guesses, bool(guesses) and guesses[0].p >= self.decided

    def features(self, text: str, company: str) -> tuple[list[Row], list[dict[str, float]]]:
        """The four kinds of evidence that SCALES weighs, and per sector the words found in the text."""
        found = self._matched(text)
        of_company = self._matched(company)
        return [
            self._pieces(text),
            np.array([min(WORDS_MOST, sum(words.values())) for words in found]),
            self._pieces(company),
            np.array([min(WORDS_MOST, sum(words.values())) for words in of_company]),
        ], found

    def _meaning(self, text: str) -> tuple[Row, dict[int, str]]:
        """How near the text's meaning is to each sector, and by which hazard type; nothing without a language model."""
        nearness, names = np.zeros(len(self.numbers)), dict[int, str]()
        told = self.embed([text]) if self.meanings is not None and text.strip() else None
        if told is None or self.meanings is None:
            return nearness, names
        alike = self.meanings @ told[0]
        nearness -= 1
        for kind, likeness in zip(self.kinds, alike, strict=True):
            column = self.column[kind.sector_no]
            if likeness > nearness[column]:
                nearness[column], names[column] = likeness, kind.name
        nearness = np.maximum(nearness, alike.min())  # a sector without types is as far as the farthest
        return MEANING * (nearness - nearness.mean()), names

    def _evidence(self, features: Sequence[Row]) -> Row:
        return np.asarray(sum(scale * row for scale, row in zip(self.scales, features, strict=True)))

    def _words_of(self, sectors: Iterable[SectorWords]) -> Iterable[tuple[int, str]]:
        for sector in sectors:
            for words in (TITLE_FRAME.sub("", sector.title), *sector.keywords):
                yield sector.no, words
        for kind in self.types.values():
            for words in (kind.name, *kind.keywords):
                yield kind.sector_no, words

    def _weigh_pieces(self, said: Iterable[tuple[int, str, float]]) -> None:
        """For each piece of the sectors' phrases the logarithm of how much it speaks for each sector.

        A piece that was seen seldom is drawn towards saying nothing.
        """
        seen: dict[str, Row] = {}
        amounts = np.full(len(self.numbers), 0.5)
        for no, phrase, weight in said:
            amounts[self.column[no]] += weight
            for piece in pieces(plain(phrase)):
                seen.setdefault(piece, np.zeros(len(self.numbers)))[self.column[no]] += weight
        self.place = {piece: i for i, piece in enumerate(seen)}
        counts = np.array(list(seen.values())).reshape(len(seen), len(self.numbers))
        rates = (counts + 0.5 / max(1, len(self.numbers))) / amounts
        shares = rates / np.maximum(rates.sum(axis=1, keepdims=True), 1e-12)
        sights = counts.sum(axis=1, keepdims=True)
        shares = (shares * sights + DOUBT / max(1, len(self.numbers))) / (sights + DOUBT)
        logs = np.log(shares)
        weights = np.array([PIECES[len(piece)] for piece in seen]).reshape(-1, 1)
        self.speaks = (logs - logs.mean(axis=1, keepdims=True)) * weights if len(seen) else logs

    def _pieces(self, text: str) -> Row:
        known = [self.place[piece] for piece in pieces(text) if piece in self.place]
        return self.speaks[known].sum(axis=0) if known else np.zeros(len(self.numbers))

    def _matched(self, text: str) -> list[dict[str, float]]:
        """Per sector its words in the text with their weights: longer and rarer ones weigh more.

        A word inside of a longer matched one says nothing of its own (气瓶 within 液化气瓶).
        """
        matched = [word for word in self.owners if word in text]
        alone = [word for word in matched if not any(word != longer and word in longer for longer in matched)]
        found: list[dict[str, float]] = [{} for _ in self.numbers]
        for word in alone:
            for column in self.owners[word]:
                found[column][word] = min(1.5, len(word) / 3) / len(self.owners[word])
        return found

    def _remembered(self, text: str) -> NDArray[np.float64]:
        """What the learned pieces of the text add, a row per piece."""
        if self.learned is None:
            return np.zeros((1, len(self.numbers)))
        places, values = weighed(text, self.learned.pieces, self.learned.rarity)
        return self.learned.weights[places] * values[:, None]

    def _reasons(
        self,
        column: int,
        told: Told,
        kind: TypeWords | None,
        features: Sequence[Row],
        words: Sequence[dict[str, float]],
        remembered: NDArray[np.float64],
        text: str,
    ) -> list[Reason]:
        no = self.numbers[column]
        reasons: list[Reason] = []
        if kind and kind.sector_no == no:
            reasons.append(_reason("hazard_type", type=kind.code, name=kind.name))
        if found := words[column]:
            best = sorted(found, key=lambda word: (-found[word], word))[:4]
            reasons.append(_reason("words", words=best))
        else:
            share = float(softmax(features[0] * self.scales[0])[column])
            if features[0][column] > 0:
                reasons.append(_reason("wording", percent=max(1, round(share * 100))))
        if features[3][column] > 0:
            reasons.append(_reason("company_words", name=told.company))
        if told.enterprise_sector == no:
            reasons.append(_reason("enterprise_sector"))
        if self.learned and remembered[:, column].sum() > 0.5:
            places, _ = weighed(text, self.learned.pieces, self.learned.rarity)
            names = list(self.learned.pieces)
            order = np.argsort(-remembered[:, column], kind="stable")[:3]
            reasons.append(_reason("learned", words=[names[places[i]] for i in order]))
        return reasons


def pieces(text: str, longest: int = 3) -> set[str]:
    """The runs of up to `longest` characters of a text that was made plain."""
    return {
        run[i : i + n]
        for run in NOT_WORDS.split(text)
        for n in range(1, longest + 1)
        for i in range(len(run) - n + 1)
    }


def weighed(text: str, known: dict[str, int], rarity: Row) -> tuple[list[int], Row]:
    """Places and values of the known pieces of a text; rare ones count more, and all texts are of length 1."""
    places = sorted(known[piece] for piece in pieces(text) if piece in known)
    values = rarity[places]
    length = math.sqrt(float((values**2).sum()))
    return places, values / length if length else values


def _in_words(kind: TypeWords) -> str:
    return "：".join(part for part in (kind.name, "、".join(kind.keywords[:NAMED_WORDS])) if part)


def softmax(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evidence as probabilities, along the last axis."""
    raised = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _reason(code: str, **params: Any) -> Reason:
    return {"code": code, "params": params}
