"""Pictures of the first page for the documents: `python -m tests.e2e.screenshots FOLDER`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize

from tests.fakes.browser import chromium
from tests.fakes.farm_server import farm_ledger, serving
from tests.fakes.sample_farm import sample_farm

SCREENS: dict[str, tuple[ViewportSize, bool]] = {
    "page": ({"width": 1440, "height": 960}, False),
    "page-dark": ({"width": 1440, "height": 960}, True),
    "page-phone": ({"width": 390, "height": 844}, False),
    "page-wall": ({"width": 2560, "height": 1440}, True),
}


def main(folder: Path) -> None:
    """Fills a ledger with a sample farm, and takes a picture of it on every screen."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        farm_ledger(sample_farm(24), f"sqlite:///{scratch}/ledger.db") as ledger,
        serving(ledger) as server,
        chromium() as browser,
    ):
        for name, (viewport, dark) in SCREENS.items():
            take(browser, server.url, folder / f"{name}.png", viewport, dark=dark)


def take(browser: Browser, url: str, file: Path, viewport: ViewportSize, *, dark: bool) -> None:
    """One picture, once everything is drawn."""
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(url)
    page.locator(".kpi .sparkline path.line").first.wait_for(state="attached")
    page.locator("#jobs tbody tr").first.wait_for()
    page.screenshot(path=file, animations="disabled")
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
