"""`./manage.py eval sector`: which of the county's sectors, by its table and, where given, by labelled reports."""

import json
from pathlib import Path
from typing import Any

import click

from server.commands.evals import evaluate, read_lines
from server.demo.county import ROUTING_FILE
from server.triage.sector_rules import Guess, Learned, SectorGuesser
from server.triage.sector_words import Told
from server.triage.sectors import shipped_types, table_of

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@evaluate.command()
@click.option("--train", type=FILE, help="Labelled reports; without, the table's text and keywords alone.")
@click.option("--data", type=FILE, required=True, help='{"id", "text", "company", "sector_no"} a line.')
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--table", type=FILE, default=ROUTING_FILE, help="Sectors, as `import sectors` reads them.")
@click.option("--embedding", is_flag=True, help="Rank by the optional language model, too.")
def sector(train: Path | None, data: Path, out: Path, table: Path, embedding: bool) -> None:
    """Write the three likeliest sectors of each report; print how often they were right."""
    sectors, types = table_of(table.read_bytes()), shipped_types()
    guesser = SectorGuesser(sectors, types)
    learned = _learned(guesser, train)
    if embedding:
        from server.triage.embedding import embed

        guesser = SectorGuesser(sectors, types, learned, embed)
        if guesser.meanings is None:
            raise click.ClickException(
                "the language model is not installed: pip install gridwatch[embedding]"
            )
    elif learned:
        guesser = SectorGuesser(sectors, types, learned)
    judged: list[tuple[int | None, list[Guess], bool]] = []
    with out.open("w", encoding="utf-8") as file:
        for row in read_lines(data):
            guesses, decided = guesser.guess(_told(row))
            ranked = [{"no": guess.sector_no, "p": guess.p} for guess in guesses]
            file.write(json.dumps({"id": row.get("id"), "sectors": ranked, "decided": decided}) + "\n")
            judged.append((_label(row), guesses, decided))
    click.echo(json.dumps({"reports": len(judged), "model": guesser.model} | _figures(judged)))


def _learned(guesser: SectorGuesser, train: Path | None) -> Learned | None:
    rows = [row for row in read_lines(train) if _label(row) in guesser.column] if train else []
    if not rows:
        return None
    from server.triage.sector_learning import Confirmed, learn

    confirmed = [Confirmed(_told(row), label) for row in rows if (label := _label(row)) is not None]
    return learn(guesser, confirmed, f"eval-{len(rows)}")[0]


def _told(row: dict[str, Any]) -> Told:
    return Told(str(row.get("text") or ""), str(row.get("company") or ""))


def _label(row: dict[str, Any]) -> int | None:
    """The sector's number; None when it is not given."""
    value = row.get("sector_no")
    return int(value) if isinstance(value, int | float | str) and str(value).isdecimal() else None


def _figures(judged: list[tuple[int | None, list[Guess], bool]]) -> dict[str, Any]:
    """Of the reports whose sector is given."""
    known = [(label, [g.sector_no for g in guesses], decided) for label, guesses, decided in judged if label]
    if not known:
        return {}
    alone = [numbers[:1] == [label] for label, numbers, decided in known if decided]
    return {
        "labelled": len(known),
        "accuracy": round(sum(numbers[:1] == [label] for label, numbers, _ in known) / len(known), 4),
        "top3": round(sum(label in numbers for label, numbers, _ in known) / len(known), 4),
        "decided": round(len(alone) / len(known), 4),
        "decided_precision": round(sum(alone) / len(alone), 4) if alone else None,
    }
