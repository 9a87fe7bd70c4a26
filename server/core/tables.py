"""Reads a table that people made: CSV or XLSX, in English or Chinese; tells every bad row in a sentence.

A table's columns are the fields of a pydantic model, each with its other names (`Titles`).
"""

import csv
import io
import zipfile
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

MIB = 1024 * 1024
LARGEST = 20 * MIB
LARGEST_UNPACKED = 200 * MIB
MOST_ROWS = 100_000
LARGEST_CELL = 4 * MIB
"""Characters: the boundary of a county is long."""
SPREADSHEET_ERRORS = {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"}


class Titles:
    """The other names of a column, the one to tell first; what stands in a secret column is never told."""

    def __init__(self, *words: str, secret: bool = False) -> None:
        self.words = words
        self.secret = secret


class Columns(BaseModel):
    """One row of a table; an empty cell is the same as no cell."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)


R = TypeVar("R", bound=Columns)


@dataclass(frozen=True)
class Fault:
    """What is wrong, or only remarkable, and where; line 1 is the row of headings.

    The settings screens put `code` and `params` into words, as for a Problem; the command line tells the reason.
    """

    line: int | None
    reason: str
    code: str = "other"
    params: dict[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class BadTable(Exception):
    """The table cannot be taken; nothing of it was."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.line or 0)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True)
class Row(Generic[R]):
    """One row and the line where it stands."""

    line: int
    value: R

    def fault(self, reason: str, code: str = "other", **params: str | int) -> Fault:
        """Something about this row."""
        return Fault(self.line, reason, code, params)

    def not_stored(self, column: str, cell: object) -> Fault:
        """A cell names what the database does not have."""
        return self.fault(
            f"{column} {cell} is not stored", "not_stored", column=column, found=_short(str(cell))
        )


@dataclass
class Outcome:
    """What loading a table did, or would do."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    warnings: list[Fault] = field(default_factory=list)
    passwords: list[tuple[str, str]] = field(default_factory=list)
    """Login and generated password of new people, to be shown once."""

    def count(self, new: bool, changed: bool) -> None:
        """One row more."""
        if new:
            self.added += 1
        elif changed:
            self.updated += 1
        else:
            self.unchanged += 1


def read_file(path: Path) -> bytes:
    """The file's bytes; BadTable when it cannot be read or is larger than 20 MiB."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadTable([Fault(None, f"{path.name} is larger than {LARGEST // MIB} MiB; split it")])
        return path.read_bytes()
    except OSError as error:
        raise BadTable([Fault(None, f"{path.name} cannot be read: {error.strerror}")]) from error


def read_rows(data: bytes, columns: type[R]) -> tuple[list[Row[R]], list[Fault]]:
    """The rows and the warnings; raises BadTable with every bad row."""
    lines = _xlsx_lines(data) if data.startswith(b"PK\x03\x04") else _csv_lines(data)
    filled = ((line, cells) for line, cells in lines if any(cells))
    first_line, headings = next(filled, (1, []))
    names, warnings = _match(headings, columns, first_line)
    rows: list[Row[R]] = []
    faults: list[Fault] = []
    for line, cells in filled:
        if len(rows) + len(faults) >= MOST_ROWS:
            reason = f"more than {MOST_ROWS} rows; split the file"
            raise BadTable([*faults, Fault(line, reason, "too_many_rows", {"most": MOST_ROWS})])
        found = _row_faults(line, cells, names)
        if not found:
            try:
                values = {n: cell for n, cell in zip(names, cells, strict=False) if n and cell}
                rows.append(Row(line, columns.model_validate(values)))
                continue
            except ValidationError as error:
                found = [_cell_fault(line, e, columns) for e in error.errors(include_url=False)]
        faults += found
    if faults:
        raise BadTable(faults)
    if not rows:
        raise BadTable([Fault(None, "there are no rows below the headings", "no_rows")])
    return rows, warnings


def refuse(*faults: Iterable[Fault]) -> None:
    """Raise BadTable when there is a fault among them."""
    found = [fault for some in faults for fault in some]
    if found:
        raise BadTable(found)


def repeated(rows: Iterable[Row[R]], key: Callable[[R], Hashable], what: str) -> list[Fault]:
    """A fault for each row whose key was there before; rows whose key is None are left out."""
    first: dict[Hashable, int] = {}
    faults = []
    for row in rows:
        value = key(row.value)
        if value is not None and first.setdefault(value, row.line) != row.line:
            params: dict[str, str | int] = {"found": str(value), "first": first[value]}
            faults.append(
                row.fault(f"{what} {value} is already in line {first[value]}", "repeated", **params)
            )
    return faults


def assign(record: Any, **values: Any) -> bool:
    """Set the attributes that differ; True when one did."""
    changed = {name: value for name, value in values.items() if getattr(record, name) != value}
    for name, value in changed.items():
        setattr(record, name, value)
    return bool(changed)


# ---- what stands in cells


def listed(cell: object) -> object:
    """A list written with ; or ； between its words."""
    return (
        [w.strip() for w in cell.replace("；", ";").split(";") if w.strip()]
        if isinstance(cell, str)
        else cell
    )


def translated(words: dict[str, str]) -> Callable[[object], object]:
    """Chinese words, or others, for the value that is meant."""
    return lambda cell: (
        words.get(cell.strip().lower(), cell.strip().lower()) if isinstance(cell, str) else cell
    )


def _yes_or_no(cell: object) -> object:
    meant = {"是": True, "有": True, "yes": True, "y": True, "true": True, "1": True}
    meant |= {"否": False, "无": False, "no": False, "n": False, "false": False, "0": False}
    if isinstance(cell, str):
        if cell.strip().lower() not in meant:
            raise PydanticCustomError("yes_or_no", "should be yes or no")
        return meant[cell.strip().lower()]
    return cell


YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


# ---- headings and rows


def _match(headings: list[str], columns: type[Columns], line: int) -> tuple[list[str | None], list[Fault]]:
    known = {_heading(word): n for n in columns.model_fields for word in (n, *_titles(n, columns).words)}
    names = [known.get(_heading(heading)) for heading in headings]
    missing = [n for n, column in columns.model_fields.items() if column.is_required() and n not in names]
    if missing:
        seen = ", ".join(_short(heading) for heading in headings[:20] if heading) or "nothing"
        raise BadTable(
            Fault(
                line,
                f"column {_told(n, columns)} is missing; the headings are: {seen}",
                "column_missing",
                {"column": n, "seen": seen},
            )
            for n in missing
        )
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        raise BadTable(
            Fault(line, f"column {_told(n, columns)} is there twice", "column_twice", {"column": n})
            for n in twice
        )
    unknown = [heading for heading, n in zip(headings, names, strict=True) if heading and n is None]
    return names, [
        Fault(line, f"column {_short(heading)} is not known and was ignored") for heading in unknown
    ]


def _heading(word: str) -> str:
    return word.strip().rstrip("*").replace("（必填）", "").strip().lower().replace(" ", "_")


def _row_faults(line: int, cells: list[str], names: list[str | None]) -> list[Fault]:
    beyond = [cell for cell in cells[len(names) :] if cell]
    errors = [cell for cell in cells if cell in SPREADSHEET_ERRORS]
    strange = [cell for cell in cells if any(ord(c) < 32 and c not in "\t\r\n" for c in cell)]
    return [
        Fault(line, reason.format(_short(cell)), code, {"found": _short(cell)})
        for code, reason, found in (
            ("beyond", "{} stands right of the last heading", beyond),
            ("spreadsheet_error", "a cell holds the spreadsheet error {}", errors),
            ("control_characters", "a cell holds control characters: {}", strange),
        )
        for cell in found
    ]


CELL_CODES = {
    "date_parsing": "not_a_day",
    "date_from_datetime_parsing": "not_a_day",
    "date_from_datetime_inexact": "not_a_day",
    "int_parsing": "not_a_number",
    "int_from_float": "not_a_number",
    "string_pattern_mismatch": "not_a_code",
    "string_too_long": "too_long",
    "yes_or_no": "yes_or_no",
}
"""What pydantic says of a cell → what the screens have words for; all else is `bad_cell`."""


def _cell_fault(line: int, error: Any, columns: type[Columns]) -> Fault:
    reason = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return Fault(line, reason)
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return Fault(line, f"{_told(name, columns)} is empty", "empty", {"column": name})
    if error["type"] == "string_pattern_mismatch":
        reason = "has characters that are not allowed, or is too long"
    found = "…" if _titles(name, columns).secret else _short(str(error["input"]))
    told = f"{name}: {reason[:1].lower()}{reason[1:]}"
    return Fault(
        line,
        told if _titles(name, columns).secret else f"{told} (found {found})",
        CELL_CODES.get(error["type"], "bad_cell"),
        {"column": name, "found": found},
    )


def _titles(name: str, columns: type[Columns]) -> Titles:
    return next((m for m in columns.model_fields[name].metadata if isinstance(m, Titles)), Titles())


def _told(name: str, columns: type[Columns]) -> str:
    words = _titles(name, columns).words
    return f"{name} ({words[0]})" if words else name


def _short(text: str) -> str:
    """A cell as it can be printed anywhere."""
    plain = "".join(c if c.isprintable() else "�" for c in text)
    return f"“{plain[:40]}{'…' if len(plain) > 40 else ''}”"


# ---- files


def _csv_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    csv.field_size_limit(LARGEST_CELL)
    headings = text.partition("\n")[0]
    tabs = "\t" in headings and "," not in headings
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if tabs else ",", strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        reason = f'the row cannot be read as CSV ({error}): look for a " that is not closed'
        raise BadTable([Fault(line, reason, "not_csv")]) from error


def _decoded(data: bytes) -> str:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadTable([Fault(None, "this is an old .xls file: save it as .xlsx or CSV", "no_table")])
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    reason = "this is neither XLSX nor text in UTF-8 or GB18030: save it as XLSX or CSV UTF-8"
    raise BadTable([Fault(None, reason, "no_table")])


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED:
                reason = f"unpacked it is larger than {LARGEST_UNPACKED // MIB} MiB; split it"
                raise BadTable([Fault(None, reason)])
        import openpyxl  # here, as few requests read tables and it is large

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for line, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield line, [_cell(value) for value in cells]
    except BadTable:
        raise
    except Exception as error:  # openpyxl lets out whatever its XML and ZIP readers throw
        reason = f"this XLSX cannot be read ({type(error).__name__}): save it again, or as CSV"
        raise BadTable([Fault(None, reason, "no_table")]) from error


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()
