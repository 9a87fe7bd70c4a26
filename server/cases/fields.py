"""The fields of a step: how each is filled in, and whether what was given is right."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from server.intake.rules import printable

MOST_FEN = 10**13
"""A hundred thousand million yuan: more is a slip of the finger."""
MOST_POINTS = 4000
"""Numbers in a drawn signature; a hasty one has some hundred."""
PAPER = 1000
"""The width of the paper of a signature; it is 400 high."""
EARLIEST = timedelta(days=31)
"""A day may be over when the step arrives: it may have waited on a phone without signal."""


class FieldType(StrEnum):
    """How a field is filled in, on the screen and on the wire."""

    TEXT = "text"
    CHOICE = "choice"
    NAMES = "names"
    UNIT = "unit"
    SECTOR = "sector"
    CASE = "case"
    REPORT = "report"
    """One of the case's own reports."""
    DATE = "date"
    """ISO 8601, a day in China."""
    MONEY = "money"
    """A whole number of fen; the screens show yuan."""
    YES_NO = "yes_no"
    SIGNATURE = "signature"
    """`{name, strokes}`: who signs, and the lines drawn, each a list x, y, x, y …; none when it was typed."""


@dataclass(frozen=True)
class Field:
    """Something a step must (or may) be given; lengths in characters, for names of each name."""

    name: str
    type: FieldType
    required: bool = True
    choices: tuple[str, ...] = ()
    min_length: int = 1
    max_length: int = 2000
    min_items: int = 0
    within_days: int | None = None
    """For a date: the last day that is allowed, counted from today."""
    reporter_reads: bool = False
    """The reporter reads it by code, word for word."""


def text(
    name: str, shortest: int, longest: int = 2000, required: bool = True, reporter_reads: bool = False
) -> Field:
    """A field for words."""
    return Field(
        name,
        FieldType.TEXT,
        required,
        min_length=shortest,
        max_length=longest,
        reporter_reads=reporter_reads,
    )


def choice(name: str, choices: Iterable[str], required: bool = True) -> Field:
    """A field for one of a few words."""
    return Field(name, FieldType.CHOICE, required, tuple(str(one) for one in choices))


def names(name: str, least: int) -> Field:
    """A field for at least so many different persons."""
    return Field(name, FieldType.NAMES, min_length=2, max_length=40, min_items=least)


def day(name: str, within_days: int) -> Field:
    """A field for a day that is at most so many days ahead."""
    return Field(name, FieldType.DATE, within_days=within_days)


@dataclass(frozen=True)
class Checked:
    """The fields as they are kept (trimmed), and for each faulty one a sentence that says how to mend it."""

    values: dict[str, Any]
    errors: dict[str, str]


def check_fields(wanted: Iterable[Field], given: Mapping[str, Any], today: date) -> Checked:
    """Check the form of the fields; whether a unit, sector, case or report exists is for the service to say."""
    known = {field.name: field for field in wanted}
    errors = {name: "This step has no such field." for name in given if name not in known}
    values: dict[str, Any] = {}
    for name, field in known.items():
        value = given.get(name)
        if value is None or value == "" or value == []:
            if field.required:
                errors[name] = "Please fill this in."
            continue
        try:
            values[name] = _READERS[field.type](field, value, today)
        except _Fault as fault:
            errors[name] = str(fault)
    return Checked(values, errors)


class _Fault(ValueError):
    """The sentence for one field."""


def _read_text(field: Field, given: Any, _today: date) -> str:
    words = given.strip() if isinstance(given, str) else None
    if words is None or printable(words) != words:
        raise _Fault("Please write words here.")
    if len(words) < field.min_length:
        raise _Fault(f"Please write at least {field.min_length} characters.")
    if len(words) > field.max_length:
        raise _Fault(f"Please write at most {field.max_length} characters; now it is {len(words)}.")
    return words


def _read_choice(field: Field, given: Any, _today: date) -> str:
    if not isinstance(given, str) or given not in field.choices:
        raise _Fault(f"Please choose one of: {', '.join(field.choices)}.")
    return given


def _read_names(field: Field, given: Any, today: date) -> list[str]:
    if not isinstance(given, list):
        raise _Fault("Please give a list of names.")
    different = list(dict.fromkeys(_read_text(field, name, today) for name in given))
    if len(different) < field.min_items:
        raise _Fault(f"Please name at least {field.min_items} different persons.")
    return different


def _read_id(_field: Field, given: Any, _today: date) -> str:
    try:
        return str(uuid.UUID(given))
    except (ValueError, AttributeError, TypeError) as error:
        raise _Fault("Please choose one from the list.") from error


def _read_number(_field: Field, given: Any, _today: date) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < 10_000:
        raise _Fault("Please choose one from the list.")
    return given


def _read_date(field: Field, given: Any, today: date) -> str:
    try:
        wanted = date.fromisoformat(given)
    except (ValueError, TypeError) as error:
        raise _Fault("Please give a day as YYYY-MM-DD.") from error
    last = today + timedelta(days=field.within_days or 0)
    if not today - EARLIEST <= wanted <= last:
        raise _Fault(f"Please choose a day from today until {last.isoformat()}.")
    return wanted.isoformat()


def _read_money(_field: Field, given: Any, _today: date) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_FEN:
        raise _Fault("Please give an amount of money in whole fen; 0 when it costs nothing.")
    return given


def _read_yes_no(_field: Field, given: Any, _today: date) -> bool:
    if not isinstance(given, bool):
        raise _Fault("Please say yes or no.")
    return given


def _read_signature(field: Field, given: Any, today: date) -> dict[str, Any]:
    strokes = (
        given.get("strokes", []) if isinstance(given, dict) and given.keys() <= {"name", "strokes"} else None
    )
    if not isinstance(strokes, list) or not all(isinstance(stroke, list) for stroke in strokes):
        raise _Fault("Please sign with your name.")
    points = [number for stroke in strokes for number in stroke]
    if len(points) > MOST_POINTS or not all(type(n) is int and 0 <= n <= PAPER for n in points):
        raise _Fault("This signature cannot be read; please sign again.")
    return {"name": _read_text(field, given.get("name"), today), "strokes": strokes}


_READERS = {
    FieldType.TEXT: _read_text,
    FieldType.CHOICE: _read_choice,
    FieldType.NAMES: _read_names,
    FieldType.UNIT: _read_id,
    FieldType.SECTOR: _read_number,
    FieldType.CASE: _read_id,
    FieldType.REPORT: _read_id,
    FieldType.DATE: _read_date,
    FieldType.MONEY: _read_money,
    FieldType.YES_NO: _read_yes_no,
    FieldType.SIGNATURE: _read_signature,
}
