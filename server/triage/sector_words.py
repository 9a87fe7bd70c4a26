"""What a sector is proposed from. Without NumPy, which the web processes do not load."""

from collections.abc import Sequence
from dataclasses import dataclass

CROSS_CUTTING = frozenset({1, 2})
"""Rows on everybody's own duty, into which any line of business may fall (DOMAIN.md §1)."""


@dataclass(frozen=True)
class SectorWords:
    """A row of the county's table: number, title, keywords, and the text of its duties."""

    no: int
    title: str
    keywords: Sequence[str]
    duties: str = ""


@dataclass(frozen=True)
class TypeWords:
    """A hazard type below a sector."""

    code: str
    sector_no: int
    name: str
    keywords: Sequence[str]


@dataclass(frozen=True)
class Told:
    """What is known of a report; `company` are the names said or registered."""

    text: str
    company: str = ""
    hazard_type: str | None = None
    enterprise_sector: int | None = None
