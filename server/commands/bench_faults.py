"""`bench faults`: the fault runs at full length. They live with the tests, of which `make test` makes a few."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.commands.benches import Row, register
from server.commands.stack import Stack

if TYPE_CHECKING:
    from tests.faults.runs import Told


@register(
    "faults",
    click.option("--runs", default=1000, show_default=True, help="How many seeded runs."),
    click.option("--browser", default=25, show_default=True, help="How many of them again in Chromium."),
    click.option(
        "--seed", default=0, show_default=True, help="Seed of the first run; a failed run names its own."
    ),
)
def faults_bench(stack: Stack, runs: int, browser: int, seed: int) -> list[Row]:
    """Phones send while links are cut and processes killed; after each run everybody has to agree."""
    from playwright.sync_api import sync_playwright

    from tests.faults.browser import run_in_browser
    from tests.faults.ground import Ground, build_phone
    from tests.faults.photos import draw_photos
    from tests.faults.runs import run

    folder = stack.var / "faults"
    for name in ("program", "photos"):
        (folder / name).mkdir(parents=True)
    program: Path = build_phone(folder / "program")
    photos = draw_photos(folder / "photos")
    rows: list[Row] = []
    with Ground(stack) as running, sync_playwright() as driver:
        kinds: dict[str, tuple[int, Callable[[int], Told]]] = {
            "Node": (runs, lambda number: run(running, program, photos, number)),
            "Chromium": (browser, lambda number: run_in_browser(running, driver, program, photos, number)),
        }
        for kind, (amount, one) in kinds.items():
            if amount:
                rows.append(_runs(kind, one, range(seed, seed + amount)))
    return rows


def _runs(kind: str, one: "Callable[[int], Told]", seeds: range) -> Row:
    told: list[Told] = []
    failed: list[str] = []
    began = time.monotonic()
    for number in seeds:
        run_began = time.monotonic()
        try:
            told.append(one(number))
            click.echo(f"{time.monotonic() - run_began:5.1f} s  {told[-1]}", err=True)
        except Exception as fault:
            failed.append(str(number))
            click.echo(f"FAILED seed {number}: {type(fault).__name__}: {fault}", err=True)
    kills = [kill for run in told for kill in run.kills]
    return {
        "phones": kind,
        "runs": len(seeds),
        "failed": len(failed),
        "failed seeds": " ".join(failed),
        "submissions": sum(run.submissions for run in told),
        "photos": sum(run.media for run in told),
        "requests": sum(run.requests for run in told),
        "troubled": sum(run.troubles for run in told),
        "killed": " ".join(f"{what} {kills.count(what)}" for what in sorted(set(kills))),
        "seconds": round(time.monotonic() - began),
    }
