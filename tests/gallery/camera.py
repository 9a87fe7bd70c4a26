"""The browser that walks through the screens: takes their pictures, and looks at each with axe-core."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.conftest import CHROMIUM, FLAGS
from tests.e2e.conftest import COUNTY_SEAT

VIEWPORTS = {360: (360, 740), 768: (768, 1024), 1440: (1440, 900)}
LOOKS: dict[str, dict[str, str]] = {
    "dark": {"theme": "dark"},
    "sun": {"theme": "sun"},
    "elder": {"size": "elder"},
    "english": {"locale": "en"},
}
SOON = 60_000
AXE = Path(__file__).parents[2] / "pwa/node_modules/axe-core/axe.min.js"
VIOLATIONS = "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations)"
SMALL = """[...document.querySelectorAll('button, select, [role=tab], a.button, a.card, input:not([type=file])')]
  .filter((one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .flatMap((one) => {
    const { width, height } = (one.closest('label') ?? one).getBoundingClientRect();
    const told = `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 20)} ${width}×${height}`;
    return width > 1 && Math.min(width, height) < 43.5 ? [told] : [];
  })"""
"""What a thumb must hit and is smaller than 44 px."""


class Gallery:
    """The browser, and where its pictures go; without `out` the screens are only looked at by axe."""

    def __init__(
        self,
        playwright: Playwright,
        home: str,
        photos: list[Path],
        out: Path | None,
        widths: tuple[int, ...] = tuple(VIEWPORTS),
        looks: tuple[str, ...] = tuple(LOOKS),
    ) -> None:
        self.playwright, self.home, self.photos, self.out = playwright, home, photos, out
        self.widths, self._looks = widths, looks
        self.browser: Browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        self.taken: list[str] = []
        self.faults: list[str] = []
        """What is wrong with a screen: a rule of axe that it breaks, something too wide or too small."""
        self._darkroom = ThreadPoolExecutor(2)

    @contextmanager
    def screen(self, width: int, scale: float = 1, **options: Any) -> Iterator[BrowserContext]:
        """A device of that width with one page; phones and tablets are touched."""
        size = dict(zip(("width", "height"), VIEWPORTS[width], strict=True))
        context = self.browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            geolocation=COUNTY_SEAT,  # type: ignore[arg-type]
            permissions=["geolocation"],
            has_touch=width < 1000,
            is_mobile=width < 1000,
            device_scale_factor=scale,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(SOON)
        # Axe comes with every page; the content security policy lets no script in that is added later.
        context.add_init_script(AXE.read_text(encoding="utf-8"))
        context.new_page()
        try:
            yield context
        finally:
            context.close()

    def take(self, page: Page, name: str, whole: bool = False) -> None:
        """Look at the screen `name`, and keep its picture; `whole` also shows what is below the fold."""
        page.wait_for_timeout(
            350
        )  # pictures decode, sheets fade in and panes settle after the last word is there
        self._look(page, name)
        self.taken.append(name)
        if self.out is None:
            return
        size = page.viewport_size
        if whole and size:  # a taller device, so that bars stay at the edges
            height = max(size["height"], page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": size["width"], "height": height})
            page.wait_for_timeout(200)
        # Without a GPU a sticky bar may still be drawn where it was before it grew: a nudge draws it anew.
        page.evaluate("() => { scrollBy(0, 1); scrollBy(0, -1); }")
        page.screenshot()
        self._darkroom.submit(_develop, page.screenshot(animations="disabled"), self.out / f"{name}.png")
        if whole and size:
            page.set_viewport_size(size)
        click.echo(name)

    def _look(self, page: Page, name: str) -> None:
        size = page.viewport_size or {"width": 0}
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > size["width"]:
            self.faults.append(f"{name}: {wide} px wide")
        if size["width"] < 1000:
            self.faults += [f"{name}: too small: {one}" for one in page.evaluate(SMALL)]
        for one in page.evaluate(VIOLATIONS):
            nodes = [
                f"{node['target']} {node['any'][0]['message'] if node['any'] else ''}"
                for node in one["nodes"][:3]
            ]
            self.faults.append(f"{name}: {one['id']} ({one['impact']}) {one['help']}: {'; '.join(nodes)}")

    def looks(self, page: Page, name: str, width: int, *names: str, settled: Locator) -> None:
        """The same screen in other looks, and back to the usual one."""
        for look in self.looks_of(*names):
            dress(page, LOOKS[look])
            page.reload()
            expect(settled).to_be_visible()
            self.take(page, f"{name}-{look}-{width}")
        dress(page, {})
        page.reload()

    def looks_of(self, *names: str) -> list[str]:
        """Those of the looks that are wanted on this walk."""
        return [name for name in names if name in self._looks]

    def close(self) -> None:
        """All pictures are written."""
        self.browser.close()
        self._darkroom.shutdown()


def _develop(shot: bytes, path: Path) -> None:
    """A picture of 256 colours."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def dress(page: Page, appearance: dict[str, str]) -> None:
    """How the app looks after the next load."""
    page.evaluate(
        "(chosen) => localStorage.setItem('gridwatch.appearance', JSON.stringify(chosen))", appearance
    )
