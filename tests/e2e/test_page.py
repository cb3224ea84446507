"""The first page in a real browser, over a real server and ledger."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect
from pydantic import SecretStr

from api.setup import BrokerAccess
from farm.errors import LedgerUnreachable
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.figure_rows import FigureRows
from farm.ledger.ledger import Ledger
from farm.ledger.records import SessionRecord
from farm.ledger.silence_store import SilenceStore
from farm.model.alert import AlertBatch, AlertState
from farm.model.clash import ClashSign, PublisherClash
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job, job_id
from farm.model.observation import Telemetry
from farm.model.printer import Address, Printer
from farm.model.refused_client import RefusalReason, RefusedClient
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState, Provenance
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.contract.ledger_samples import a_printer
from tests.fakes.browser import chromium
from tests.fakes.farm_server import TOKEN, farm_ledger, serving
from tests.fakes.sample_farm import NOW_MS, STREAK_PLACE, SampleFarm, sample_farm

DESKTOP: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
WALL: ViewportSize = {"width": 2560, "height": 1440}
PATIENCE_MS = 20_000
NOTE_CHANGED_READINGS = """
    window.touched = new Set();
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.target.closest(".foot")) touched.add(change.target.closest(".tile").dataset.id);
      }
    }).observe(document.querySelector("#others"), { subtree: true, childList: true });
"""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def farm() -> SampleFarm:
    return sample_farm(24, days=2)


@pytest.fixture
def ledger(farm: SampleFarm, tmp_path: Path) -> Iterator[Ledger]:
    with farm_ledger(farm, f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield ledger


@contextmanager
def opened(browser: Browser, url: str, *, allowed: str = r"^$", **options: Any) -> Iterator[Page]:
    """The page, which must not write errors to the console but those that are `allowed`."""
    context = browser.new_context(viewport=options.pop("viewport", DESKTOP), **options)
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(allowed, message.text):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert complaints == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def session_of(farm: SampleFarm, printer: Printer, live: Telemetry) -> SessionRecord:
    (stored,) = [session for session in farm.batch.sessions if session.printer_id == printer.id]
    return msgspec.structs.replace(stored, heard_ms=NOW_MS, live=live)


def tile(page: Page, printer: Printer) -> Any:
    return page.locator(f'.tile[data-id="{printer.id}"]')


def book_state(ledger: Ledger, printer: Printer, state: PrinterState) -> None:
    """The printer changes its state now."""
    from_ms = NOW_MS - SECOND_MS
    ledger.commit(
        Batch(
            cuts=[(printer.id, from_ms)],
            spans=[Span(printer.id, state, from_ms, None)],
            feed=[FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=from_ms, printer_id=printer.id)],
            booked_until_ms=NOW_MS,
        )
    )


def book_end(ledger: Ledger, printer: Printer, file: str, outcome: Outcome) -> None:
    """A job of the printer ends now."""
    job = Job(
        id=job_id(printer.id, file),
        printer_id=printer.id,
        file=file,
        started_ms=NOW_MS - HOUR_MS,
        ended_ms=NOW_MS - SECOND_MS,
        outcome=outcome,
        provenance=Provenance.OBSERVED,
        cancelled_by=CancelledBy.PERSON if outcome is Outcome.CANCELLED else None,
        cause=Cause.ADHESION if outcome is Outcome.FAILED else None,
        printing_ms=55 * MINUTE_MS,
        units=1_000,
    )
    entry = FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=NOW_MS, printer_id=printer.id, job_id=job.id)
    ledger.commit(Batch(jobs=[job], feed=[entry], booked_until_ms=NOW_MS))


def test_shows_printers_figures_alerts_and_jobs(browser: Browser, farm: SampleFarm, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator(".tile[data-id]")).to_have_count(24)
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.locator(".kpi")).to_have_count(3)
        expect(page.locator('.kpi[data-kpi="print_success_rate"] .working')).to_contain_text("prints")
        expect(page.locator('.kpi[data-kpi="print_success_rate"] .surety')).to_contain_text("95 % interval")
        expect(page.locator('.kpi[data-kpi="utilization"] .surety')).to_contain_text("observed")
        expect(page.locator(".kpi .sparkline path.line").first).to_be_attached()
        expect(page.locator(".alert .title")).to_contain_text("3 failed prints in a row")
        expect(page.locator(".alert .evidence li")).to_have_count(3)
        expect(page.locator(".alert .when")).to_contain_text("told slack")
        expect(page.locator("#jobs tbody tr")).to_have_count(30)
        expect(page).to_have_title("(1) Layerline")


def test_what_needs_hands_stands_first(browser: Browser, farm: SampleFarm, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        hands = page.locator("#hands .tile")
        expect(hands).to_have_count(6)
        states = [hands.nth(place).get_attribute("data-state") for place in range(6)]
        assert states == ["error", "finished", "finished", "paused", "offline", "unknown"]
        expect(tile(page, farm.printers[STREAK_PLACE])).to_contain_text("3 failed in a row")
        expect(hands.nth(1)).to_contain_text("Clear the bed")
        badge = hands.first.locator(".badge")
        expect(badge).to_have_text("Error")
        expect(badge.locator("use")).to_have_attribute("href", "#i-error")


def test_a_printing_tile_tells_file_progress_time_left_and_temperatures(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        shown = tile(page, farm.printers[0])
        expect(shown.locator(".file")).to_contain_text(".gcode")
        expect(shown.locator(".left")).to_contain_text("left ·")
        expect(shown.locator(".foot")).to_contain_text(re.compile(r"\d+/\d+°"))
        bar = shown.get_by_role("progressbar")
        assert 0 < int(bar.get_attribute("aria-valuenow") or "") < 100


def test_a_change_shows_without_a_reload_and_in_the_same_tile(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    printer = farm.printers[0]
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator("#others").locator(f'[data-id="{printer.id}"]')).to_be_visible()
        tile(page, printer).evaluate("node => { node.marked = true; }")
        book_state(ledger, printer, PrinterState.ERROR)
        expect(page.locator("#hands").locator(f'[data-id="{printer.id}"]')).to_be_visible()
        expect(tile(page, printer)).to_contain_text("Look after the printer")
        assert tile(page, printer).evaluate("node => node.marked") is True
        live = Telemetry(nozzle=199.6, nozzle_target=200.0)
        ledger.commit(Batch(sessions=[session_of(farm, printer, live)], booked_until_ms=NOW_MS))
        expect(tile(page, printer)).to_contain_text("200/200°")


def test_an_ended_job_shows_in_the_table_and_in_the_figures(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        throughput = page.locator('.kpi[data-kpi="throughput"] .value')
        expect(throughput).to_contain_text("units")
        before = int(throughput.inner_text().split()[0].replace(",", "").removesuffix("units"))
        book_end(ledger, farm.printers[1], "a_new_one.gcode", Outcome.SUCCEEDED)
        expect(page.locator("#jobs tbody tr").first).to_contain_text("a_new_one.gcode")
        expect(throughput).to_contain_text(f"{before + 1_000:,}")


def test_a_resolved_alert_leaves_the_page(browser: Browser, farm: SampleFarm, ledger: Ledger) -> None:
    (alert,) = farm.alert_batch.alerts
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator(".alert")).to_have_count(1)
        resolved = msgspec.structs.replace(alert, state=AlertState.RESOLVED, resolved_ms=NOW_MS)
        entry = FeedEntry(kind=FeedKind.ALERT_RESOLVED, at_ms=NOW_MS, body={"alert_id": alert.id})
        AlertStore(ledger.engine).book(
            AlertBatch(reader="test", seen=None, seq=0, alerts=[resolved], feed=[entry])
        )
        expect(page.locator("#alerts")).to_have_text("No open alert.")
        expect(page).to_have_title("Layerline")


def test_the_page_shows_who_sees_to_an_alert_and_what_silences_it(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    (alert,) = farm.alert_batch.alerts
    with serving(ledger) as server, opened(browser, server.url) as page:
        attended = page.locator(".alert .attended")
        expect(page.locator(".alert")).to_have_count(1)
        expect(attended).to_have_count(0)
        AcknowledgementStore(ledger.engine).acknowledge(
            [alert.id], who="olga", note="<b>on it</b>", until_ms=NOW_MS + HOUR_MS, now_ms=NOW_MS
        )
        expect(attended).to_contain_text("olga sees to it until ")
        expect(attended).to_contain_text("<b>on it</b>")
        SilenceStore(ledger.engine).make(
            {"rule": alert.rule}, to_ms=NOW_MS + HOUR_MS, who="olga", now_ms=NOW_MS
        )
        expect(attended).to_contain_text("silenced by 1")


def test_says_when_the_connection_is_lost_and_goes_on_by_itself(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    printer, port = farm.printers[0], free_port()
    with serving(ledger, port=port) as server:
        context = opened(browser, server.url, allowed="ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY")
        page = context.__enter__()
        expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#warning")).to_contain_text("Connection lost. What you see is from")
    expect(page.locator("#live")).to_have_text("Reconnecting")
    book_state(ledger, printer, PrinterState.PAUSED)
    with serving(ledger, port=port):
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.locator("#warning")).to_be_hidden()
        expect(tile(page, printer)).to_contain_text("Paused")
        context.__exit__(None, None, None)


def test_says_when_the_collector_books_no_more(browser: Browser, ledger: Ledger) -> None:
    late_ms = NOW_MS + 5 * MINUTE_MS
    with serving(ledger, clock=lambda: late_ms) as server, opened(browser, server.url) as page:
        expect(page.locator("#warning")).to_have_text(
            "The collector has booked nothing for 5 min. States and figures may be out of date."
        )


def test_says_which_of_several_collectors_books_no_more(browser: Browser, ledger: Ledger) -> None:
    late_ms = NOW_MS + 5 * MINUTE_MS
    ledger.claim("shard-2", "test", simulated=False, now_ms=late_ms)
    ledger.commit(Batch(printers=[a_printer("anna", first_seen_ms=NOW_MS)], booked_until_ms=late_ms))
    with serving(ledger, clock=lambda: late_ms) as server, opened(browser, server.url) as page:
        expect(page.locator("#warning")).to_contain_text("Collector sample has booked nothing for 5 min.")


def test_asks_for_the_token_and_stays_signed_in(browser: Browser, ledger: Ledger) -> None:
    with (
        serving(ledger, token=TOKEN) as server,
        opened(browser, server.url, allowed="401") as page,
    ):
        assert page.url.endswith("/login")
        page.get_by_label("API token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        page.get_by_label("API token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".tile[data-id]")).to_have_count(24)
        page.reload()
        expect(page.locator("#live")).to_have_text("Live")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API token")).to_be_visible()


def test_search_group_and_state_narrow_the_floor(browser: Browser, farm: SampleFarm, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        tiles = page.locator(".tile[data-id]")
        expect(tiles).to_have_count(24)
        page.keyboard.press("/")
        page.keyboard.type(farm.printers[0].name.lower())
        expect(tiles).to_have_count(1)
        page.keyboard.press("Escape")
        expect(tiles).to_have_count(24)
        page.get_by_label("Group").select_option("Hall A")
        expect(tiles).to_have_count(6)
        expect(page.locator('.kpi[data-kpi="utilization"] .working')).to_contain_text("6 printers")
        page.get_by_role("button", name="printing").click()
        shown = tiles.evaluate_all("nodes => nodes.map(node => node.dataset.state)")
        assert set(shown) == {"printing"}
        page.reload()
        expect(page.get_by_label("Group")).to_have_value("Hall A")
        page.get_by_role("searchbox").fill("no such printer")
        page.get_by_role("button", name="Show all").click()
        expect(tiles).to_have_count(24)


def test_the_window_of_the_figures_can_be_chosen_by_keyboard(browser: Browser, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        working = page.locator('.kpi[data-kpi="utilization"] .working')
        expect(working).to_contain_text("of 574 h available")
        page.get_by_role("radio", name="24 h").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("radio", name="8 h")).to_be_checked()
        expect(working).to_contain_text("of 190 h available")
        assert "window=8h" in page.url


def test_the_words_are_a_click_away_and_fit_a_phone(browser: Browser, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url, viewport=PHONE) as page:
        page.get_by_role("link", name="What the words mean").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The words")
        expect(page.locator("main")).to_contain_text("Observed share.")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.get_by_role("link", name="Back to the farm").click()
        expect(page.locator("#live")).to_be_visible()


def test_an_empty_farm_explains_itself_until_a_printer_appears(browser: Browser, tmp_path: Path) -> None:
    def broker() -> BrokerAccess:
        return BrokerAccess(
            host="192.168.1.20",
            port=1883,
            username="layerline",
            password=SecretStr("violet-harbor"),
            topics=(
                ("octoprint", "octo"),
                ("octoprint", "farm/{printer}/octoprint"),
                ("moonraker", "{printer}"),
            ),
        )

    farm = sample_farm(1, days=1)
    with (
        farm_ledger(url=f"sqlite:///{tmp_path}/ledger.db") as ledger,
        serving(ledger, setup=broker) as server,
        opened(browser, server.url) as page,
    ):
        guide = page.locator("#empty")
        expect(guide).to_contain_text("Waiting for the first printer")
        expect(guide).to_contain_text("farm/bay1/octoprint/")
        expect(guide).to_contain_text("instance_name: bay1")
        expect(guide).to_contain_text("192.168.1.20")
        expect(guide).not_to_contain_text("violet-harbor")
        guide.get_by_role("button", name="show").click()
        expect(guide.locator(".secret")).to_have_text("violet-harbor")
        ledger.claim("sample", "test", simulated=False, now_ms=NOW_MS)
        farm.batch.feed = [
            FeedEntry(kind=FeedKind.PRINTER_APPEARED, at_ms=NOW_MS, printer_id=farm.printers[0].id)
        ]
        ledger.commit(farm.batch)
        expect(tile(page, farm.printers[0])).to_be_visible()
        expect(guide).to_be_hidden()


def test_what_to_type_into_a_printer_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    def broker() -> BrokerAccess:
        return BrokerAccess(
            host="print-farm-broker-in-the-cellar.workshop.example.org",
            port=18883,
            username="everyone-who-prints",
            password=SecretStr("violet-harbor-quiet-engine-amber-lantern"),
            topics=(("octoprint", "farm/{printer}/octoprint/as/long/as/it/gets"), ("moonraker", "{printer}")),
        )

    with (
        farm_ledger(url=f"sqlite:///{tmp_path}/ledger.db") as ledger,
        serving(ledger, setup=broker) as server,
        opened(browser, server.url, viewport=PHONE, has_touch=True) as page,
    ):
        guide = page.locator("#empty")
        expect(guide).to_contain_text("instance_name: bay1")
        guide.get_by_role("button", name="show").first.click()
        expect(guide.locator(".secret").first).to_have_text("violet-harbor-quiet-engine-amber-lantern")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        hidden = (
            "[...document.querySelectorAll('#empty button, #empty code')].filter(n => n.checkVisibility())"
        )
        right = f"Math.max(...{hidden}.map(n => n.getBoundingClientRect().right))"
        assert page.evaluate(right) <= PHONE["width"]


def test_an_empty_farm_says_who_is_refused_by_its_broker(browser: Browser, tmp_path: Path) -> None:
    refused = [
        RefusedClient(
            address="192.168.1.7",
            client_id="<b>bay2</b>",
            reason=RefusalReason.WRONG_PASSWORD,
            count=3,
            first_ms=NOW_MS - 60_000,
            last_ms=NOW_MS - 1_000,
        )
    ]
    with (
        farm_ledger(url=f"sqlite:///{tmp_path}/ledger.db") as ledger,
        serving(ledger, refusals=lambda: refused) as server,
        opened(browser, server.url) as page,
    ):
        told = page.locator("#empty .refused")
        expect(told).to_contain_text("<b>bay2</b> at 192.168.1.7 was refused: wrong password.")
        expect(told).to_contain_text("type in user and password")
        refused[0] = msgspec.structs.replace(refused[0], let_in_ms=NOW_MS)
        expect(told).to_be_hidden(timeout=20_000)


def test_a_printer_more_gets_a_name_that_is_free_or_the_one_typed_in(
    browser: Browser, ledger: Ledger
) -> None:
    taken = [(Address("main", "octoprint", f"octoPrint/bay{n}"), a_printer(f"bay{n}").id) for n in (1, 2)]
    ledger.commit(Batch(printers=[a_printer("bay1"), a_printer("bay2")], addresses=taken))
    with serving(ledger) as server, opened(browser, server.url, allowed="422", viewport=PHONE) as page:
        page.get_by_role("link", name="Add a printer").click()
        guide = page.locator("#empty")
        name = guide.get_by_label("Name of the printer")
        expect(name).to_have_value("bay3")
        expect(guide).to_contain_text("octoPrint/bay3/")
        name.fill("Prusa left")
        expect(guide).to_contain_text("octoPrint/Prusa left/")
        expect(guide).to_contain_text("instance_name: Prusa left")
        name.fill("a/b")
        expect(guide).to_contain_text("This cannot be a name")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        guide.get_by_role("button", name="Back to the farm").click()
        expect(page.locator("#farm")).to_be_visible()


def test_two_printers_under_one_prefix_are_said_with_the_remedy(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    printer = farm.printers[0]
    clash = PublisherClash(prefix="octoPrint", sign=ClashSign.PROGRESS, since_ms=NOW_MS, last_ms=NOW_MS)
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator("#others").locator(f'[data-id="{printer.id}"]')).to_be_visible()
        stored = session_of(farm, printer, Telemetry())
        told = Batch(sessions=[msgspec.structs.replace(stored, clash=clash)], booked_until_ms=NOW_MS)
        ledger.commit(told)
        shown = page.locator("#hands").locator(f'[data-id="{printer.id}"]')
        expect(shown).to_contain_text("two printers publish under octoPrint/")
        expect(shown).to_contain_text("of its own")


def test_messages_dropped_lately_are_shown_and_older_ones_are_not(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator(".tile[data-id]")).to_have_count(24)
        expect(page.locator("#notices")).to_be_hidden()
        (fault,) = farm.batch.faults
        again = msgspec.structs.replace(fault, count=1, last_ms=NOW_MS - 5 * MINUTE_MS)
        ledger.commit(Batch(faults=[again], booked_until_ms=NOW_MS))
        expect(page.locator("#notices .notice")).to_contain_text("4 × not_json")
        expect(page.locator("#notices .when")).to_have_text("last 5 min ago")


def test_who_is_refused_by_the_broker_is_said_until_let_in(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    refused = [
        RefusedClient(
            address="192.168.1.7",
            client_id="<b>bay2</b>",
            reason=RefusalReason.WRONG_PASSWORD,
            count=3,
            first_ms=NOW_MS - 60_000,
            last_ms=NOW_MS - 1_000,
        )
    ]
    with serving(ledger, refusals=lambda: refused) as server, opened(browser, server.url) as page:
        told = page.locator("#notices .notice")
        expect(told).to_contain_text("<b>bay2</b> at 192.168.1.7 is refused by the broker, wrong password")
        refused[0] = msgspec.structs.replace(refused[0], let_in_ms=NOW_MS)
        expect(told).to_be_hidden(timeout=20_000)


def test_nothing_needs_hands_is_said_only_where_every_printer_is_known(
    browser: Browser, tmp_path: Path
) -> None:
    farm = sample_farm(1, days=0.1)
    with (
        farm_ledger(farm, f"sqlite:///{tmp_path}/ledger.db") as ledger,
        serving(ledger) as server,
        opened(browser, server.url) as page,
    ):
        expect(page.locator("#all-well")).to_be_visible()
        book_state(ledger, farm.printers[0], PrinterState.UNKNOWN)
        expect(page.locator("#all-well")).to_be_hidden()


def test_a_printer_that_is_away_shows_no_temperatures_of_then(
    browser: Browser, farm: SampleFarm, ledger: Ledger
) -> None:
    with serving(ledger) as server, opened(browser, server.url) as page:
        away = page.locator('.tile[data-state="offline"]')
        expect(away).to_have_count(1)
        expect(away).to_contain_text("last heard")
        expect(away.locator(".reading:visible")).to_have_count(0)
        expect(page.locator('.tile[data-state="printing"] .reading:visible').first).to_be_visible()


def test_names_are_text_whatever_they_hold(browser: Browser, farm: SampleFarm, ledger: Ledger) -> None:
    nasty = "<img src=x onerror=\"document.title='taken'\">.gcode"
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator("#jobs tbody tr")).to_have_count(30)
        book_end(ledger, farm.printers[1], nasty, Outcome.FAILED)
        expect(page.locator("#jobs tbody tr").first).to_contain_text(nasty)
        expect(page).to_have_title("(1) Layerline")


def test_fits_a_phone_without_scrolling_sideways(browser: Browser, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url, viewport=PHONE, has_touch=True) as page:
        tiles = page.locator(".tile[data-id]")
        expect(tiles).to_have_count(24)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        first, second = tiles.nth(0).bounding_box(), tiles.nth(1).bounding_box()
        assert first is not None
        assert second is not None
        assert first["x"] == second["x"]
        assert first["width"] > 0.9 * PHONE["width"]


def test_is_larger_on_a_screen_on_the_wall(browser: Browser, ledger: Ledger) -> None:
    size = "parseFloat(getComputedStyle(document.querySelector('.tile .name')).fontSize)"
    with serving(ledger) as server:
        with opened(browser, server.url) as page:
            expect(page.locator(".tile[data-id]")).to_have_count(24)
            at_the_desk = page.evaluate(size)
        with opened(browser, server.url, viewport=WALL) as page:
            expect(page.locator(".tile[data-id]")).to_have_count(24)
            assert page.evaluate(size) > 1.4 * at_the_desk
            assert page.evaluate("document.documentElement.scrollWidth") == WALL["width"]


def test_follows_the_machine_into_the_dark_and_keeps_a_choice(browser: Browser, ledger: Ledger) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    with serving(ledger) as server, opened(browser, server.url, color_scheme="dark") as page:
        expect(page.locator("#live")).to_have_text("Live")
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Switch between light and dark").click()
        light = page.evaluate(ground)
        assert brightness(dark) < 60 < 200 < brightness(light)
        page.reload()
        assert page.evaluate(ground) == light


def brightness(colour: str) -> float:
    parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    return sum(parts) / len(parts)


def test_every_control_has_a_name_and_the_structure_is_told(browser: Browser, ledger: Ledger) -> None:
    nameless = """[...document.querySelectorAll('button, input, select, a[href]')]
        .filter(node => node.checkVisibility())
        .filter(node => !(node.ariaLabel || node.innerText?.trim()
                          || [...(node.labels ?? [])].some(label => label.textContent.trim())))
        .map(node => node.outerHTML)"""
    with serving(ledger) as server, opened(browser, server.url) as page:
        expect(page.locator(".tile[data-id]")).to_have_count(24)
        assert page.evaluate(nameless) == []
        expect(page.get_by_role("main")).to_be_visible()
        expect(page.get_by_role("region", name="Printers")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Layerline")
        expect(page.get_by_role("radiogroup", name="Window of the figures")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the printers")).to_be_focused()


def test_nothing_moves_where_motion_is_not_wanted(browser: Browser, ledger: Ledger) -> None:
    with serving(ledger) as server, opened(browser, server.url, reduced_motion="reduce") as page:
        expect(page.locator(".tile[data-id]")).to_have_count(24)
        moving = page.evaluate("document.getAnimations().filter(each => each.playState === 'running').length")
        assert moving == 0


def test_a_thousand_printers_change_in_place(browser: Browser, tmp_path: Path) -> None:
    farm = sample_farm(1_000, days=0.2)
    with (
        farm_ledger(farm, f"sqlite:///{tmp_path}/ledger.db") as ledger,
        serving(ledger) as server,
        opened(browser, server.url) as page,
    ):
        expect(page.locator(".tile[data-id]")).to_have_count(1_000)
        page.evaluate(NOTE_CHANGED_READINGS)
        printer = farm.printers[0]
        live = Telemetry(nozzle=123.0, nozzle_target=124.0, progress=0.5)
        ledger.commit(Batch(sessions=[session_of(farm, printer, live)], booked_until_ms=NOW_MS))
        expect(tile(page, printer)).to_contain_text("123/124°")
        assert page.evaluate("[...touched]") == [printer.id]


def test_figures_that_cannot_be_had_are_not_left_standing(
    browser: Browser, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise LedgerUnreachable("away")

    with serving(ledger) as server, opened(browser, server.url, allowed="503") as page:
        expect(page.locator(".kpi")).to_have_count(3)
        with monkeypatch.context() as patch:
            patch.setattr(FigureRows, "state", away)
            page.get_by_role("radio", name="8 h").check(force=True)
            expect(page.locator("#kpis")).to_contain_text("The figures cannot be had at present: the ledger")
            expect(page.locator(".kpi")).to_have_count(0)
        page.get_by_role("radio", name="24 h").check(force=True)
        expect(page.locator(".kpi")).to_have_count(3)
