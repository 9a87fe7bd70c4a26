"""`./manage.py eval …`: how good the proposals are, on data that somebody else brings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click


@click.group("eval")
def evaluate() -> None:
    """Judge files of reports and, where the answers are in them, tell how often it was right."""


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file; a bad line is named. Empty lines are skipped."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as fault:
                raise click.ClickException(f"{path.name} line {number} is no JSON: {fault}") from fault
            if not isinstance(row, dict):
                raise click.ClickException(f"{path.name} line {number} is no JSON object")
            yield row
