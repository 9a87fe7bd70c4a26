"""`bench choose`: nine photos of 4 MB chosen on a slow phone: does the page keep answering, is *submit* quick."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.commands.benches import Row, register
from server.commands.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 360, "height": 740}
LONGEST_TASK_MS = 200
WATCH = """() => {
  window.tasks = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) window.tasks.push([startTime, duration]);
  }).observe({ type: 'longtask' });
}"""
SAVED = """() => new Promise((done) => {
  const button = document.querySelector('[data-testid=submit]');
  button.addEventListener('click', () => {
    const from = performance.now();
    const look = () => {
      if (location.pathname.includes('/sent/')) done(performance.now() - from);
      else requestAnimationFrame(look);
    };
    look();
  }, { once: true, capture: true });
  button.click();
})"""


@register(
    "choose",
    click.option("--photos", default=9, show_default=True, help="How many."),
    click.option(
        "--slowdown", default=4, show_default=True, help="How many times slower the page's thread is."
    ),
    click.option("--rounds", default=3, show_default=True, help="How often, each in a new browser."),
)
def choose_bench(stack: Stack, photos: int, slowdown: int, rounds: int) -> list[Row]:
    """Photos of 4 MB chosen in Chromium with a slow processor: tasks of the page, submit → saved."""
    from playwright.sync_api import sync_playwright

    from tests.conftest import CHROMIUM, FLAGS
    from tests.faults.ground import Ground

    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Ground(stack) as running,
        sync_playwright() as driver,
    ):
        chosen = [_photo(Path(folder, f"{n}.jpg"), n) for n in range(photos)]
        for number in range(rounds):
            context = driver.chromium.launch_persistent_context(
                Path(folder, f"profile-{number}"),
                executable_path=CHROMIUM,
                args=FLAGS,
                viewport=PHONE,  # type: ignore[arg-type]
                is_mobile=True,
                has_touch=True,
                locale="zh-CN",
            )
            context.set_default_timeout(300_000)
            page = context.pages[0]
            page.goto(f"http://localhost:{running.port}/tip/")
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
            rows.append(_once(page, chosen))
            click.echo(rows[-1], err=True)
            context.close()
    return rows


def _once(page: "Page", chosen: list[Path]) -> Row:
    page.get_by_text("拍一拍，举报隐患").click()
    page.get_by_role("button", name="相册").first.wait_for()
    page.evaluate(WATCH)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="相册").first.click()
    began = page.evaluate("performance.now()")
    chooser.value.set_files(chosen)
    page.get_by_role("button", name=f"删除第 {len(chosen)} ").wait_for()
    stored = page.evaluate("performance.now()") - began
    page.get_by_label("用文字说明地点").fill("大武镇团结路")
    choosing = [duration for start, duration in page.evaluate("tasks") if start >= began]
    saved = page.evaluate(SAVED)
    longest = max(choosing, default=0)
    return {
        "photos": len(chosen),
        "MB each": round(sum(path.stat().st_size for path in chosen) / len(chosen) / 1e6, 1),
        "longest task ms (≤ 200)": round(longest),
        "tasks over 50 ms": len(choosing),
        "all stored s": round(stored / 1000, 1),
        "submit → saved ms (≤ 1000)": round(saved),
        "failed": int(longest > LONGEST_TASK_MS or saved > 1000),
    }


def _photo(path: Path, seed: int) -> Path:
    """A JPEG of 12 megapixels and about 4 MB, as a camera makes them."""
    import numpy
    from PIL import Image

    noise = numpy.random.default_rng(seed)
    light = Image.fromarray(noise.integers(0, 255, (6, 8, 3)).astype("uint8")).resize((4000, 3000))
    grain = noise.normal(0, 6, (3000, 4000, 1))
    pixels = (numpy.asarray(light, dtype=float) + grain).clip(0, 255).astype("uint8")
    Image.fromarray(pixels).save(path, "JPEG", quality=93)
    return path
