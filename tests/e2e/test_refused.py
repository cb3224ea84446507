"""The page says who is refused by the broker, also where printers are shown already."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from farm.model.refused_client import RefusalReason, RefusedClient
from tests.fakes.browser import chromium
from tests.fakes.farm_server import farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS, sample_farm

WRONG = RefusedClient(
    address="192.168.1.7",
    client_id="<b>bay2</b>",
    reason=RefusalReason.WRONG_PASSWORD,
    count=3,
    first_ms=NOW_MS - 60_000,
    last_ms=NOW_MS - 1_000,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("printers", [0, 1])
def test_who_is_refused_stands_above_everything_until_let_in(
    browser: Browser, tmp_path: Path, printers: int
) -> None:
    refused = [WRONG]
    url = f"sqlite:///{tmp_path}/ledger.db"
    farm = sample_farm(1, days=1) if printers else None
    with (
        farm_ledger(farm, url) as ledger,
        serving(ledger, refusals=lambda: refused) as server,
    ):
        page = browser.new_page()
        page.goto(server.url)
        told = page.locator("#refused")
        expect(told).to_contain_text("<b>bay2</b> at 192.168.1.7 was refused: wrong password.")
        expect(told).to_contain_text("type in user and password")
        refused[0] = msgspec.structs.replace(WRONG, let_in_ms=NOW_MS)
        expect(told).to_be_hidden(timeout=25_000)
        page.close()
