"""The lines of `eval triage`: one report each, in order of arrival; anything may be missing."""

import csv
import json
from datetime import UTC, datetime
from functools import cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from server.triage.kinds import HAZARD_TYPES
from server.triage.reading import Place, Told
from server.triage.words import company_name


class BadLine(Exception):
    """A line that cannot be read, and which one."""


def _words(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, int | float) else value


def _number(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Words = Annotated[str, BeforeValidator(_words)]
Degrees = Annotated[float | None, BeforeValidator(_number)]


class Line(BaseModel):
    """A report as it is given."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, BeforeValidator(_words), Field(min_length=1)]
    at: datetime
    text: Words = ""
    company: Words = ""
    address: Words = ""
    lat: Degrees = None
    lng: Degrees = None
    hazard_type: Words = ""
    photos: list[str] | None = None
    incident: Words = ""


def read(number: int, text: str) -> Line:
    """The line of this number, counted from 1. Raises BadLine with a sentence."""
    try:
        return Line.model_validate(json.loads(text))
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise BadLine(f"line {number}: {where}: {first['msg']}") from None
    except ValueError as fault:
        raise BadLine(f"line {number} is no JSON: {fault}") from None


def told(
    seq: int,
    line: Line,
    types: dict[str, tuple[str, int]],
    photos: frozenset[str] = frozenset(),
) -> Told:
    """The line as triage reads a report. `types`: code or name of a hazard type → its code and sector."""
    at = line.at if line.at.tzinfo else line.at.replace(tzinfo=UTC)
    code, sector_no = types.get(line.hazard_type.strip(), (line.hazard_type.strip() or None, None))
    return Told(
        seq=seq,
        received_at=at,
        text=line.text[:2000],
        place=_place(line),
        place_words=line.address[:200],
        company=company_name(line.company[:100]),
        hazard_type=code,
        sector_no=sector_no,
        photos=photos,
        closed=True,
    )


def _place(line: Line) -> Place | None:
    if line.lat is None or line.lng is None or not (-90 <= line.lat <= 90 and -180 <= line.lng <= 180):
        return None
    return Place(line.lat, line.lng) if (line.lat, line.lng) != (0, 0) else None


@cache
def shipped_types() -> dict[str, tuple[str, int]]:
    """The hazard types that come with the program, by code and by name."""
    with HAZARD_TYPES.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row[by]: (row["code"], int(row["sector_no"])) for row in rows for by in ("name", "code")}
