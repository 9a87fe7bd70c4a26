"""Nothing that a phone was told it saved is lost, doubled or out of order, whatever is cut or killed on the way.

A few runs of the many that `./manage.py bench faults` makes; a run is told by its seed.
"""

from pathlib import Path

import pytest

from tests.faults.ground import Ground
from tests.faults.runs import run

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", range(10))
def test_after_faults_everybody_agrees(running: Ground, program: Path, photos: list[Path], seed: int) -> None:
    told = run(running, program, photos, seed)
    assert told.submissions > 0
