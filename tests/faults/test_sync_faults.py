"""Nothing that a phone was told it saved is lost, doubled or out of order, whatever is cut or killed on the way.

A few runs of the many that `./manage.py bench faults` makes; a run is told by its seed.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from server.settings import ROOT
from tests.faults.browser import run_in_browser
from tests.faults.ground import Ground
from tests.faults.runs import run

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", range(10))
def test_after_faults_everybody_agrees(running: Ground, program: Path, photos: list[Path], seed: int) -> None:
    told = run(running, program, photos, seed)
    assert told.submissions > 0


@pytest.mark.skipif(not (ROOT / "pwa/dist/tip/sw.js").exists(), reason="the web apps are not built")
@pytest.mark.parametrize("seed", range(2))
def test_after_faults_everybody_agrees_in_chromium(
    running: Ground, chromium: Playwright, program: Path, photos: list[Path], seed: int
) -> None:
    told = run_in_browser(running, chromium, program, photos, seed)
    assert told.submissions > 0
