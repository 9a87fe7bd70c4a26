"""The gallery's walk without its pictures: each screen and state of both apps by the rules of axe-core, in two widths;
nothing is wider than its screen, and nothing that a thumb must hit is smaller than 44 px."""

from pathlib import Path

from playwright.sync_api import Playwright, expect

from tests.gallery.camera import Gallery
from tests.gallery.screens import PARTS, drawn, running

ENOUGH = 140
"""Screens and states; fewer, and the walk has lost some."""


def test_no_screen_of_either_app_breaks_a_rule_of_accessibility(chromium: Playwright, tmp_path: Path) -> None:
    expect.set_options(timeout=60_000)
    with running() as home:
        gallery = Gallery(chromium, home, drawn(tmp_path), None, widths=(360, 1440), looks=("dark",))
        try:
            for part in PARTS:
                part(gallery)
        finally:
            gallery.close()
    assert len(gallery.taken) > ENOUGH
    assert not gallery.faults, "\n".join(gallery.faults)
