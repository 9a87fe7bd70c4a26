"""./manage.py eval sector: its formats, on files as others bring them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.commands.every_eval import evaluate


def lines(path: Path, *rows: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


FIRE: dict[str, object] = {"id": "1", "text": "宾馆安全出口上锁", "company": None, "sector_no": 6}
LIFT: dict[str, object] = {
    "id": "2",
    "text": "小区电梯困人没年检",
    "company": "大武家园物业",
    "sector_no": 12,
}
UNKNOWN: dict[str, object] = {"id": "3", "text": "河里有人挖沙", "company": None}


@pytest.mark.parametrize("train", [None, [], [FIRE, LIFT]], ids=["none", "empty", "some"])
def test_each_report_gets_three_sectors_and_the_figures_are_printed(
    tmp_path: Path, train: list[dict[str, object]] | None
) -> None:
    out = tmp_path / "out.jsonl"
    given = ["--data", lines(tmp_path / "b.jsonl", FIRE, LIFT, UNKNOWN), "--out", str(out)]
    given += ["--train", lines(tmp_path / "a.jsonl", *train)] if train is not None else []
    done = CliRunner().invoke(evaluate, ["sector", *given], catch_exceptions=False)
    told = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in told] == ["1", "2", "3"]
    assert [row["sectors"][0]["no"] for row in told] == [6, 12, 11]
    assert all(set(row) == {"id", "sectors", "decided"} and len(row["sectors"]) <= 3 for row in told)
    figures = json.loads(done.output)
    assert (figures["labelled"], figures["accuracy"], figures["top3"]) == (2, 1.0, 1.0)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    data = tmp_path / "b.jsonl"
    data.write_text('{"id": 1, "text": "x"}\n{"id":\n', encoding="utf-8")
    done = CliRunner().invoke(evaluate, ["sector", "--data", str(data), "--out", str(tmp_path / "o")])
    assert done.exit_code == 1
    assert "b.jsonl line 2 is no JSON" in done.output
