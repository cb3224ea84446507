"""Names out of the configuration: settled for all printers at once, by who they are."""

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.ledger.ledger import Ledger
from farm.model.times import MINUTE_MS as MINUTE
from farm.settings import PrinterSettings

T0 = 1_795_000_000_000
IDLE = b'{"v": 1, "state": "idle"}'


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    return empty_ledger


def open_pipeline(ledger: Ledger, *labels: PrinterSettings) -> Pipeline:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    return Pipeline(ledger, SourceTable([parse_source("native=farm/{printer}")]), printers=labels)


def addresses(ledger: Ledger) -> dict[str, list[str]]:
    return {p.name: [address.prefix for address in found] for p, found in ledger.known_printers()}


def heard(ledger: Ledger, *names: str, labels: tuple[PrinterSettings, ...] = (), at: int = T0) -> None:
    """A collector that starts, hears these printers and commits."""
    found = open_pipeline(ledger, *labels)
    for name in names:
        found.take(f"farm/{name}/state", IDLE, False, at)
    found.commit(at)


def test_a_name_that_the_configuration_promises_to_a_printer_is_not_taken_by_another(ledger: Ledger) -> None:
    labels = (PrinterSettings(name="p2", rename="p1"),)
    for start in range(3):
        heard(ledger, "p1", "p2", labels=labels, at=T0 + start * MINUTE)
        assert addresses(ledger) == {"p1": ["farm/p2"], "p1 (native)": ["farm/p1"]}


SWAP = (PrinterSettings(name="p1", rename="p2", group="A"), PrinterSettings(name="p2", rename="p1"))


def test_two_printers_swap_their_names_and_keep_them_at_every_start(ledger: Ledger) -> None:
    heard(ledger, "p1", "p2")
    before = {found[0].prefix: printer.id for printer, found in ledger.known_printers()}
    for start in range(3):
        # At the second start nothing is heard of them: names are settled all the same.
        heard(ledger, *([] if start == 1 else ["p1", "p2"]), labels=SWAP, at=T0 + (1 + start) * MINUTE)
        assert addresses(ledger) == {"p1": ["farm/p2"], "p2": ["farm/p1"]}
    assert {found[0].prefix: printer.id for printer, found in ledger.known_printers()} == before
    assert {printer.name: printer.group for printer in ledger.printers()} == {"p1": None, "p2": "A"}


def test_names_move_on_along_a_chain(ledger: Ledger) -> None:
    heard(ledger, "p1", "p2", "p3")
    chain = (PrinterSettings(name="p1", rename="p2"), PrinterSettings(name="p2", rename="p3"))
    heard(ledger, labels=(*chain, PrinterSettings(name="p3", rename="Last")))
    assert addresses(ledger) == {"p2": ["farm/p1"], "p3": ["farm/p2"], "Last": ["farm/p3"]}


def test_what_a_printer_published_under_a_swapped_name_is_not_taken_from_the_other(ledger: Ledger) -> None:
    heard(ledger, "p1", "p2")
    found = open_pipeline(ledger, *SWAP)
    found.commit(T0)
    assert [printer.former_names for printer in found.take_changed()] == [[], []]


def test_a_name_that_a_printer_of_the_ledger_has_is_not_given_to_another(ledger: Ledger) -> None:
    heard(ledger, "p1", "p2")
    for start in range(1, 3):
        heard(ledger, "p1", "p2", labels=(PrinterSettings(name="p1", rename="P2"),), at=T0 + start * MINUTE)
        assert addresses(ledger) == {"p1": ["farm/p1"], "p2": ["farm/p2"]}


def test_a_name_that_a_person_gave_leaves_a_printer_the_labels_of_the_one_it_announced(
    ledger: Ledger,
) -> None:
    label = (PrinterSettings(name="p1", group="A"),)
    heard(ledger, "p1", labels=label)
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE printer SET name = 'Left'")
    heard(ledger, "p1", labels=label, at=T0 + MINUTE)
    assert [(printer.name, printer.group) for printer in ledger.printers()] == [("Left", "A")]
