"""`bench faults`: the fault runs at full length. They live with the tests, of which `make test` makes a few."""

import time
from pathlib import Path

import click

from server.commands.benches import Row, register
from server.commands.stack import Stack


@register(
    "faults",
    click.option("--runs", default=1000, show_default=True, help="How many seeded runs."),
    click.option(
        "--seed", default=0, show_default=True, help="Seed of the first run; a failed run names its own."
    ),
)
def faults_bench(stack: Stack, runs: int, seed: int) -> list[Row]:
    """Phones send while links are cut and processes killed; after each run everybody has to agree."""
    from tests.faults.ground import Ground, build_phone
    from tests.faults.photos import draw_photos
    from tests.faults.runs import Told, run

    folder = stack.var / "faults"
    for name in ("program", "photos"):
        (folder / name).mkdir(parents=True)
    program: Path = build_phone(folder / "program")
    photos = draw_photos(folder / "photos")
    told: list[Told] = []
    failed: list[str] = []
    began = time.monotonic()
    with Ground(stack) as running:
        for number in range(seed, seed + runs):
            run_began = time.monotonic()
            try:
                told.append(run(running, program, photos, number))
                click.echo(f"{time.monotonic() - run_began:5.1f} s  {told[-1]}", err=True)
            except Exception as fault:
                failed.append(str(number))
                click.echo(f"FAILED seed {number}: {type(fault).__name__}: {fault}", err=True)
    kills = [kill for one in told for kill in one.kills]
    row: Row = {
        "runs": runs,
        "failed": len(failed),
        "failed seeds": " ".join(failed),
        "submissions": sum(one.submissions for one in told),
        "photos": sum(one.media for one in told),
        "requests": sum(one.requests for one in told),
        "troubled": sum(one.troubles for one in told),
        **{f"killed {what}": kills.count(what) for what in sorted(set(kills))},
        "seconds": round(time.monotonic() - began),
    }
    return [row]
