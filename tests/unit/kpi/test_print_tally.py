from zoneinfo import ZoneInfo

from farm.kpi.causes import Dimension, FailureCount
from farm.kpi.print_tally import PrintTally, print_facts
from farm.model.times import parse_rfc3339
from tests.contract.ledger_samples import a_job

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_print_says_what_is_known_of_it_and_when_it_began_on_the_clock_of_the_farm() -> None:
    job = a_job("gear", material="PLA", operator="olga", started_ms=parse_rfc3339("2026-07-01T22:30:00Z"))
    assert print_facts(job, "bay1", BERLIN) == {
        Dimension.PRINTER: "bay1",
        Dimension.FILE: "gear.gcode",
        Dimension.MATERIAL: "PLA",
        Dimension.OPERATOR: "olga",
        Dimension.HOUR: "0",
    }
    bare = a_job("gear", file=None, started_ms=None)
    assert print_facts(bare, "bay1", BERLIN) == {Dimension.PRINTER: "bay1"}


def test_attempts_and_failures_are_counted_by_every_dimension() -> None:
    tally = PrintTally()
    tally.add({Dimension.PRINTER: "bay1", Dimension.MATERIAL: "PLA"}, failed=False)
    tally.add({Dimension.PRINTER: "bay1"}, failed=True)
    tally.add({Dimension.PRINTER: "bay2", Dimension.MATERIAL: "PLA"}, failed=True)
    counts = tally.counts()
    assert counts[Dimension.PRINTER] == {"bay1": FailureCount(1, 2), "bay2": FailureCount(1, 1)}
    assert counts[Dimension.MATERIAL] == {"PLA": FailureCount(1, 2)}
    assert counts[Dimension.FILE] == {}
    assert (tally.prints, len(tally.failed_prints)) == (3, 2)
