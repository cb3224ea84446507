"""The Chromium of this machine, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

HOW_TO = "needs Chromium: apt-get install chromium, or set LAYERLINE_TEST_CHROMIUM to its path"
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def chromium_path() -> str | None:
    """Where Chromium is, None when there is none."""
    named = os.environ.get("LAYERLINE_TEST_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Skips the test where there is no Chromium."""
    path = chromium_path()
    if path is None:
        pytest.skip(HOW_TO)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()
