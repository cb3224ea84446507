"""The page with every name at its longest, in signs that do not wrap or turn the direction of reading."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from farm.ledger.ledger import Ledger
from farm.model import limits
from farm.model.limits import TextLimit
from farm.settings import SiteSettings
from tests.fakes.browser import chromium
from tests.fakes.farm_server import farm_ledger, serving
from tests.fakes.sample_farm import STREAK_PLACE, SampleFarm, sample_farm

WIDTHS = (360, 1280, 1920)
SIGNS = {
    "no blank": "W",
    "narrow": "i",
    "words": "long name of a part ",
    "hyphens": "part-of-",
    "arabic": "طابعة",
    "arabic words": "طابعة ثلاثية ",
    "emoji": "👩‍🔧🖨️",
    "turned": "\u202eedocg\u2066",
    "combining": "a\u0301\u0302\u0303\u0304",
    "wide": "印刷機",
}
PRINTERS = 8
OUT_OF_BOUNDS = """
() => {
  const wide = document.documentElement.clientWidth;
  const hidden = (node) => {
    for (let at = node; at && at !== document.documentElement; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible") return true;
    }
    return false;
  };
  return [...document.querySelectorAll("body *")].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && (box.right > wide + 1 || box.left < -1) && !hidden(node.parentElement);
  }).map((node) => `${node.tagName}.${node.className?.baseVal ?? node.className}`);
}
"""
SPILLED = """
() => [...document.querySelectorAll(".alert, .panel, .kpi, .top, .warning, .bar")].filter(
  (node) => node.offsetParent !== null && node.scrollWidth > node.clientWidth + 1
).map((node) => `${node.tagName}.${node.className}`)
"""
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def longest(sign: str, limit: TextLimit, distinct: int = 0) -> str:
    """As many signs as the limit allows; `distinct` tells names apart."""
    tail = f"{distinct}" if distinct else ""
    return (sign * limit.length)[: limit.length - len(tail)] + tail


def named_at_length(farm: SampleFarm, sign: str) -> SampleFarm:
    """The farm with the longest names there can be."""
    names = {
        printer.id: msgspec.structs.replace(
            printer,
            name=longest(sign, limits.PRINTER_NAME, i + 1),
            group=longest(sign, limits.GROUP),
            model=longest(sign, limits.MODEL),
        )
        for i, printer in enumerate(farm.printers)
    }
    farm.batch.printers[:] = [names[printer.id] for printer in farm.batch.printers]
    farm.batch.jobs[:] = [
        msgspec.structs.replace(
            job,
            file=longest(sign, limits.FILE),
            detail=longest(sign, limits.DETAIL),
            material=longest(sign, limits.MATERIAL),
            operator=longest(sign, limits.OPERATOR),
        )
        for job in farm.batch.jobs
    ]
    farm.printers[:] = list(names.values())
    return farm


@contextmanager
def farm_of(sign: str, folder: Path) -> Iterator[Ledger]:
    farm = named_at_length(sample_farm(PRINTERS, days=2), sign)
    title = f"{farm.printers[STREAK_PLACE].name}: 3 failed prints in a row"
    summary, receiver = longest(sign, limits.DETAIL), longest("receiver", limits.RECEIVER)
    told = farm.alert_batch
    farm.alert_batch = msgspec.structs.replace(
        told,
        alerts=[msgspec.structs.replace(each, title=title, summary=summary) for each in told.alerts],
        deliveries=[msgspec.structs.replace(each, receiver=receiver) for each in told.deliveries],
    )
    with farm_ledger(farm, f"sqlite:///{folder}/ledger.db") as ledger:
        yield ledger


@pytest.mark.parametrize("signs", list(SIGNS))
def test_no_name_makes_the_page_wider_than_the_window(browser: Browser, signs: str, tmp_path: Path) -> None:
    site = SiteSettings(name=longest("site", limits.SITE), time_zone="Europe/Berlin")
    with farm_of(SIGNS[signs], tmp_path) as ledger, serving(ledger, site=site) as server:
        for width in WIDTHS:
            page = opened(browser, server.url, width)
            picture(page, f"{signs.replace(' ', '-')}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") == width, (signs, width)
            assert page.evaluate(OUT_OF_BOUNDS) == [], (signs, width)
            assert page.evaluate(SPILLED) == [], (signs, width)
            page.context.close()


def test_no_sign_of_a_name_turns_what_stands_beside_it(browser: Browser, tmp_path: Path) -> None:
    with farm_of("\u202eedocg\u2066\u0007\x1b[31m", tmp_path) as ledger, serving(ledger) as server:
        page = opened(browser, server.url, 1280)
        shown = page.evaluate("document.body.innerText") + page.evaluate(
            "[...document.querySelectorAll('[title],[aria-label],option')]"
            ".map((node) => node.title + node.ariaLabel + node.text).join(' ')"
        )
        page.context.close()
    assert "edocg" in shown
    assert [sign for sign in shown if sign in TURNING or sign in "\x07\x1b"] == []


MOVED = """
() => {
  const order = (one, other) => one.getBoundingClientRect().right <= other.getBoundingClientRect().left + 1;
  const rows = [...document.querySelectorAll(".jobs .where")];
  return rows.filter((row) => !order(row.firstElementChild, row.lastElementChild)).length;
}
"""


def test_a_name_from_right_to_left_leaves_the_figures_beside_it_in_their_place(
    browser: Browser, tmp_path: Path
) -> None:
    with farm_of(SIGNS["arabic"], tmp_path) as ledger, serving(ledger) as server:
        page = opened(browser, server.url, 1280)
        assert page.evaluate(MOVED) == 0
        expect(page.locator(".jobs .where").first).to_contain_text(re.compile("min|h"))
        title = page.locator(".alert .title span")
        expect(title.locator("bdi")).to_have_text(re.compile(SIGNS["arabic"]))
        assert title.evaluate("(node) => node.lastChild.textContent") == ": 3 failed prints in a row"
        page.context.close()


BEGINNINGS_CUT_OFF = """
() => [...document.querySelectorAll(".site bdi, .tile .name, .tile .file, .jobs bdi, .evidence .file")]
  .filter((node) => node.offsetParent !== null && node.textContent !== "")
  .filter((node) => {
    const range = document.createRange();
    range.setStart(node.firstChild, 0);
    range.setEnd(node.firstChild, 1);
    const sign = range.getBoundingClientRect(), box = node.getBoundingClientRect();
    return sign.left < box.left - 1 || sign.right > box.right + 1;
  }).map((node) => `${node.className}: ${node.textContent.slice(0, 9)}`)
"""


@pytest.mark.parametrize("signs", ["arabic", "arabic words", "no blank"])
def test_of_a_name_that_is_too_long_the_beginning_stays(browser: Browser, signs: str, tmp_path: Path) -> None:
    site = SiteSettings(name=longest(SIGNS[signs], limits.SITE).strip())
    with farm_of(SIGNS[signs], tmp_path) as ledger, serving(ledger, site=site) as server:
        page = opened(browser, server.url, 1280)
        assert page.evaluate(BEGINNINGS_CUT_OFF) == []
        page.context.close()


def opened(browser: Browser, url: str, width: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 1000}).new_page()
    page.goto(url)
    expect(page.locator(".tile[data-id]")).to_have_count(PRINTERS)
    expect(page.locator("#jobs tbody tr").first).to_be_visible()
    expect(page.locator(".alert").first).to_be_visible()
    expect(page.locator(".kpi .sparkline path.line").first).to_be_attached()
    return page


def picture(page: Page, name: str) -> None:
    """Kept where somebody wants to look at it."""
    if folder := os.environ.get("LAYERLINE_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")
