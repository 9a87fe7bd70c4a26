"""What a county's own reports teach: what words mean, and which names there are, in how many places. Pure."""

import math

from server.triage import words
from server.triage.kinds import Kinds
from server.triage.reading import Told
from server.triage.words import CompanyName

SPOT = 0.02
"""Degrees, some 2 km: one name in two of these is rarely one enterprise."""
MOST_SPOTS = 50
NAMED_WITHIN = 80
"""Signs at the beginning of address and text in which a name is looked for."""
LONGEST_NAME = 6
MOST_CALLED = 3


class Experience:
    """Grows with each report; the next is judged by what came before."""

    def __init__(self) -> None:
        self.kinds = Kinds()
        self.spots: dict[str, set[tuple[int, int]]] = {}

    def understand(self, told: Told) -> Told:
        """The report with what experience says of it; no more is needed to compare it."""
        called = () if told.names else self._called(told.plain)
        return told.understood_by(
            self.kinds.of(told.matter, told.hazard_type), called, self._common(told), self._spread(told)
        )

    def _called(self, text: str) -> tuple[CompanyName, ...]:
        """The longest names in a text that others gave for their company; two signs alone may be any word."""
        said, found, at = words.sound(text[:NAMED_WITHIN]), [], 0
        while at < len(said) - 1:
            for length in range(min(LONGEST_NAME, len(said) - at), 1, -1):
                end = at + length
                if said[at:end] in self.spots and (length > 2 or words.TRADE.match(text, end)):
                    name = text[at:end]
                    found.append(CompanyName(name, name, frozenset()))
                    at += length - 1
                    break
            at += 1
        return tuple(found[:MOST_CALLED])

    def add(self, told: Told) -> None:
        """One report more."""
        if told.hazard_type:
            self.kinds.learn(told.matter, told.hazard_type)
        if told.place and not told.guessed:
            spot = round(told.place.lat / SPOT), round(told.place.lng / SPOT)
            for name in _names(told) | told.spots:
                known = self.spots.setdefault(name, set())
                if len(known) < MOST_SPOTS:
                    known.add(spot)

    def _common(self, told: Told) -> float | None:
        """The logarithm of in how many places its company's name was met; None without a name."""
        found = [len(self.spots.get(name, ())) for name in _names(told)]
        return math.log1p(max(found)) if found else None

    def _spread(self, told: Told) -> dict[str, int]:
        return {spot: len(self.spots.get(spot, ())) for spot in told.spots}


def _names(told: Told) -> set[str]:
    return {words.sound(name.stem or name.core) for name in told.names}
