"""Tables that people made, with everything that people do to tables."""

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.tables import (
    LARGEST,
    BadTable,
    Code,
    Columns,
    Fault,
    Name,
    Row,
    Titles,
    YesNo,
    read_file,
    read_rows,
    repeated,
)
from server.settings import ROOT


class Beasts(Columns):
    """A table for these tests."""

    name: Annotated[Name, Titles("名称")]
    legs: Annotated[int, Titles("腿数")] = 4
    woolly: Annotated[YesNo, Titles("有毛")] = False
    born: date | None = None
    code: Code | None = None
    size: Literal["small", "large"] = "small"
    secret: Annotated[int, Titles("密码", secret=True)] = 0


def _sentences(data: bytes) -> list[str]:
    with pytest.raises(BadTable) as caught:
        read_rows(data, Beasts)
    return [str(fault) for fault in caught.value.faults]


def _xlsx(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headings_are_read_in_every_encoding_that_a_county_uses(encoding: str) -> None:
    rows, warnings = read_rows("名称,腿数,有毛\r\n牦牛,4,是\r\n".encode(encoding), Beasts)
    assert [(r.line, r.value.name, r.value.legs, r.value.woolly) for r in rows] == [(2, "牦牛", 4, True)]
    assert warnings == []


def test_an_xlsx_reads_like_its_csv() -> None:
    sheet = _xlsx(["腿数", "名称 *", "有毛"], [2.0, "鹰", False], [None, None, None], [4, " 牦牛 ", "是"])
    rows, _ = read_rows(sheet, Beasts)
    assert [(r.line, r.value.name, r.value.legs, r.value.woolly) for r in rows] == [
        (2, "鹰", 2, False),
        (4, "牦牛", 4, True),
    ]


def test_line_numbers_count_lines_of_the_file_not_records() -> None:
    data = b'name,legs\n"two\nlines",4\n\nx,many\n'
    assert _sentences(data) == [
        "line 5: legs: input should be a valid integer, unable to parse string as an integer (found “many”)"
    ]


def test_every_bad_row_is_told_with_its_line_and_reason() -> None:
    told = _sentences(b"name,legs,woolly\nyak,x,perhaps\n,4,no\neagle,2,no\nsnail,1,no,more\n")
    assert [line.split(":")[0] for line in told] == ["line 2", "line 2", "line 3", "line 5"]
    assert "should be yes or no (found “perhaps”)" in told[1]
    assert told[2] == "line 3: name (名称) is empty"
    assert "right of the last heading" in told[3]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("legs\n4\n", [("column_missing", {"column": "name", "seen": "“legs”"})]),
        ("name,名称\nx,y\n", [("column_twice", {"column": "name"})]),
        ("name\n", [("no_rows", {})]),
        ('name\nyak\n"eagle\n', [("not_csv", {})]),
        ("PK\x03\x04 of an XLSX that was read as text", [("no_table", {})]),
        ("name\nyak,more\n", [("beyond", {"found": "“more”"})]),
        ("name\n#REF!\n", [("spreadsheet_error", {"found": "“#REF!”"})]),
        ("name\nya\x07k\n", [("control_characters", {"found": "“ya�k”"})]),
        ("name,legs\n,4\n", [("empty", {"column": "name"})]),
        ("name,legs\nyak,x\n", [("not_a_number", {"column": "legs", "found": "“x”"})]),
        ("name,legs\nyak,4.5\n", [("not_a_number", {"column": "legs", "found": "“4.5”"})]),
        ("name,woolly\nyak,perhaps\n", [("yes_or_no", {"column": "woolly", "found": "“perhaps”"})]),
        ("name,born\nyak,1 May\n", [("not_a_day", {"column": "born", "found": "“1 May”"})]),
        ("name,born\nyak,12\n", [("not_a_day", {"column": "born", "found": "“12”"})]),
        ("name,code\nyak,牦牛\n", [("not_a_code", {"column": "code", "found": "“牦牛”"})]),
        (f"name\n{'y' * 201}\n", [("too_long", {"column": "name", "found": f"“{'y' * 40}…”"})]),
        ("name,size\nyak,huge\n", [("bad_cell", {"column": "size", "found": "“huge”"})]),
    ],
)
def test_each_fault_has_a_code_that_the_screens_have_words_for(
    table: str, told: list[tuple[str, dict[str, str]]]
) -> None:
    with pytest.raises(BadTable) as caught:
        read_rows(table.encode(), Beasts)
    assert [(fault.code, fault.params) for fault in caught.value.faults] == told
    words = json.loads((ROOT / "pwa/src/i18n/staff/zh-CN.json").read_text(encoding="utf-8"))["tableFault"]
    for code, params in told:
        words[code].format_map(params)


def test_what_stands_in_a_secret_column_is_not_told() -> None:
    told = _sentences(b"name,secret\nyak,hunter2\n")
    assert "line 2: secret" in told[0]
    assert "hunter2" not in told[0]
    with pytest.raises(BadTable) as caught:
        read_rows(b"name,secret\nyak,hunter2\n", Beasts)
    assert "hunter2" not in str(caught.value.faults)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "column name (名称) is missing; the headings are: nothing"),
        (b"legs\n4\n", "column name (名称) is missing; the headings are: “legs”"),
        ("name,名称\nx,y\n".encode(), "column name (名称) is there twice"),
        (b"name\n", "there are no rows below the headings"),
        (b'name\nyak\n"eagle\n', "line 3: the row cannot be read as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old .xls"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither XLSX nor text"),
        (b"PK\x03\x04 and then nothing of the kind", "this XLSX cannot be read"),
        (b"name\n#REF!\n", "spreadsheet error “#REF!”"),
        (b"name\nya\x07k\n", "control characters"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    assert sentence in "\n".join(_sentences(data))


def test_unknown_columns_are_a_note() -> None:
    rows, warnings = read_rows(b"name,colour\nyak,black\n", Beasts)
    assert len(rows) == 1
    assert str(warnings[0]) == "line 1: column “colour” is not known and was ignored"


def test_a_file_larger_than_twenty_mib_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "garbage.csv"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(BadTable, match=r"garbage.csv is larger than 20 MiB"):
        read_file(path)
    with pytest.raises(BadTable, match=r"nowhere.csv cannot be read"):
        read_file(tmp_path / "nowhere.csv")


def test_an_xlsx_that_unpacks_to_a_flood_is_refused() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(201):
            sheet.write(bytes(1024 * 1024))
    assert "unpacked it is larger than 200 MiB" in _sentences(out.getvalue())[0]


def test_a_key_that_comes_twice_names_the_line_where_it_was() -> None:
    rows, _ = read_rows(b"name\nyak\neagle\nyak\n", Beasts)
    faults = repeated(rows, lambda row: row.name, "name")
    assert [str(fault) for fault in faults] == ["line 4: name yak is already in line 2"]
    assert (faults[0].code, faults[0].params) == ("repeated", {"found": "yak", "first": 2})


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_raise_anything_but_a_sentence(data: bytes) -> None:
    faults: list[Fault] = []
    rows: list[Row[Beasts]] = []
    try:
        rows, _ = read_rows(b"name\n" + data, Beasts)
    except BadTable as bad:
        faults = bad.faults
    assert rows or all(fault.reason for fault in faults)
    assert rows or faults


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: text.strip() and not text.startswith("#")
)


@given(st.lists(st.tuples(TEXT, st.integers(0, 100)), min_size=1, max_size=8))
def test_what_a_spreadsheet_writes_comes_back(beasts: list[tuple[str, int]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([("name", "legs"), *beasts])
    rows, _ = read_rows(out.getvalue().encode(), Beasts)
    assert [(row.value.name, row.value.legs) for row in rows] == [(name.strip(), n) for name, n in beasts]
