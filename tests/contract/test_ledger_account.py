"""The account of time: no hole, no overlap, and sums that agree with it, in every database."""

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import PrinterState
from tests.contract.ledger_samples import a_printer, a_span, an_id
from tests.figures import state_totals

ANNA = an_id("anna")
SILENT = "silence"
END = 60


def silence(from_ms: int, to_ms: int, printer: str = "anna") -> Span:
    return Span(an_id(printer), PrinterState.UNKNOWN, from_ms, to_ms, SILENT)


def booked(ledger: Ledger, *spans: Span, until_ms: int, printer: Printer | None = None) -> None:
    ledger.commit(Batch(printers=[printer or a_printer()], spans=list(spans), booked_until_ms=until_ms))


def test_spans_are_cut_to_the_window(ledger: Ledger) -> None:
    idle, printing = a_span(PrinterState.IDLE, 0, 100), a_span(PrinterState.PRINTING, 100, 200)
    booked(ledger, idle, printing, until_ms=200)
    assert ledger.spans(50, 150) == [
        a_span(PrinterState.IDLE, 50, 100),
        a_span(PrinterState.PRINTING, 100, 150),
    ]
    assert ledger.spans(100, 200) == [printing]
    assert ledger.spans(120, 120) == []


def test_an_open_span_reaches_until_its_collector_last_booked(ledger: Ledger) -> None:
    booked(ledger, a_span(PrinterState.PRINTING, 0, None), until_ms=70)
    assert ledger.spans(0, 100) == [a_span(PrinterState.PRINTING, 0, 70), silence(70, 100)]
    assert state_totals(ledger, 0, 100) == {ANNA: {PrinterState.PRINTING: 70, PrinterState.UNKNOWN: 30}}


def test_each_printer_is_known_as_far_as_its_own_collector_booked(shared_url: str) -> None:
    with open_ledger(shared_url) as one, open_ledger(shared_url) as two:
        for ledger, name, until_ms in ((one, "anna", 50), (two, "bert", 80)):
            ledger.claim(name, "holder", simulated=False, now_ms=0)
            span = a_span(PrinterState.IDLE, 0, None, name)
            booked(ledger, span, until_ms=until_ms, printer=a_printer(name))
        known = {span.printer_id: span.to_ms for span in one.spans(0, 100) if span.source == "observed"}
    assert known == {ANNA: 50, an_id("bert"): 80}


def test_a_hole_is_unknown_and_joins_the_silence_beside_it(ledger: Ledger) -> None:
    quiet = silence(40, 50)
    booked(ledger, a_span(PrinterState.IDLE, 10, 30), quiet, a_span(PrinterState.ERROR, 60, 70), until_ms=70)
    assert ledger.spans(0, 80) == [
        silence(0, 10),
        a_span(PrinterState.IDLE, 10, 30),
        silence(30, 60),
        a_span(PrinterState.ERROR, 60, 70),
        silence(70, 80),
    ]


def test_a_printer_counts_from_first_sight_until_it_is_retired(ledger: Ledger) -> None:
    span = a_span(PrinterState.IDLE, 0, 100)
    booked(ledger, span, until_ms=100, printer=a_printer(first_seen_ms=20, retired_ms=80))
    assert ledger.spans(0, 100) == [a_span(PrinterState.IDLE, 20, 80)]
    assert state_totals(ledger, 0, 100) == {ANNA: {PrinterState.IDLE: 60}}
    assert ledger.spans(80, 100) == []
    assert state_totals(ledger, 0, 20) == {}


def test_an_ignored_printer_counts_only_on_request(ledger: Ledger) -> None:
    booked(ledger, a_span(PrinterState.IDLE, 0, 10), until_ms=10, printer=a_printer(ignored=True))
    assert ledger.spans(0, 10) == []
    assert state_totals(ledger, 0, 10) == {}
    assert ledger.spans(0, 10, [ANNA]) == [a_span(PrinterState.IDLE, 0, 10)]
    assert state_totals(ledger, 0, 10, [ANNA]) == {ANNA: {PrinterState.IDLE: 10}}


def test_no_printers_have_no_account(ledger: Ledger) -> None:
    booked(ledger, a_span(PrinterState.IDLE, 0, 10), until_ms=10)
    assert ledger.spans(0, 10, []) == []
    assert state_totals(ledger, 0, 10, []) == {}


class Truth:
    """The same farm, booked millisecond by millisecond."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        names = [f"printer {number}" for number in range(chance.randint(1, 3))]
        self.printers = [self._printer(name) for name in names]
        self.marks: dict[str, list[Span]] = {printer.id: [] for printer in self.printers}
        self.booked_until_ms = 0

    def _printer(self, name: str) -> Printer:
        chance = self.chance
        first = chance.choice([0, chance.randint(0, END)])
        retired = chance.choice([None, chance.randint(first, END + 5)])
        return a_printer(name, first_seen_ms=first, retired_ms=retired, ignored=chance.random() < 0.2)

    def next_batch(self) -> Batch:
        """Each printer may be run again from some instant on; what it said before then stands."""
        batch = Batch(printers=self.printers)
        for printer in self.printers:
            if self.chance.random() < 0.7:
                self._run_again(printer, batch)
        self.booked_until_ms = max(self.booked_until_ms, self.chance.randint(0, END))
        batch.booked_until_ms = self.booked_until_ms
        return batch

    def _run_again(self, printer: Printer, batch: Batch) -> None:
        chance = self.chance
        cut = at = chance.randint(printer.first_seen_ms, END)
        batch.cuts.append((printer.id, cut))
        before = [span for span in self.marks[printer.id] if span.from_ms < cut]
        if before and (before[-1].to_ms is None or before[-1].to_ms > cut):
            before[-1] = msgspec.structs.replace(before[-1], to_ms=cut)
        after: list[Span] = []
        for _ in range(chance.randint(0, 4)):
            at += chance.choice([0, 0, 3])
            end = at + chance.randint(1, 12)
            state = chance.choice(list(PrinterState))
            source = SILENT if state is PrinterState.UNKNOWN else "observed"
            after.append(Span(printer.id, state, at, end, source))
            at = end
        if after and chance.random() < 0.5:
            after[-1] = msgspec.structs.replace(after[-1], to_ms=None)
        batch.spans += after
        self.marks[printer.id] = before + after

    def state(self, printer: Printer, at_ms: int) -> PrinterState:
        for span in self.marks[printer.id]:
            end = self.booked_until_ms if span.to_ms is None else span.to_ms
            if span.from_ms <= at_ms < end:
                return span.state
        return PrinterState.UNKNOWN

    def totals(self, from_ms: int, to_ms: int, printers: list[Printer]) -> dict[str, dict[PrinterState, int]]:
        totals: dict[str, dict[PrinterState, int]] = {}
        for printer in printers:
            end = to_ms if printer.retired_ms is None else min(to_ms, printer.retired_ms)
            moments = range(max(from_ms, printer.first_seen_ms), end)
            if moments:
                totals[printer.id] = dict(Counter(self.state(printer, at) for at in moments))
        return totals


def check_against_truth(ledger: Ledger, chance: Random) -> None:
    truth = Truth(chance)
    for _ in range(chance.randint(1, 4)):
        ledger.commit(truth.next_batch())
        from_ms, to_ms = sorted((chance.randint(0, END + 9), chance.randint(0, END + 9)))
        serving = [printer for printer in truth.printers if not printer.ignored]
        expected = truth.totals(from_ms, to_ms, serving)
        assert state_totals(ledger, from_ms, to_ms) == expected
        everybody = [printer.id for printer in truth.printers]
        whole = truth.totals(from_ms, to_ms, truth.printers)
        assert state_totals(ledger, from_ms, to_ms, everybody) == whole
        assert added_up(ledger.spans(from_ms, to_ms)) == expected
        assert added_up(ledger.spans(from_ms, to_ms, everybody)) == whole


def added_up(spans: list[Span]) -> dict[str, dict[PrinterState, int]]:
    """The sums of the spans, which must follow each other without hole or overlap."""
    totals: dict[str, Counter[PrinterState]] = {}
    reached: dict[str, int] = {}
    for span in spans:
        assert span.to_ms is not None
        assert span.from_ms < span.to_ms
        assert reached.get(span.printer_id, span.from_ms) == span.from_ms
        reached[span.printer_id] = span.to_ms
        totals.setdefault(span.printer_id, Counter())[span.state] += span.to_ms - span.from_ms
    return {printer_id: dict(by_state) for printer_id, by_state in totals.items()}


@pytest.mark.parametrize("seed", range(6))
def test_sums_and_spans_are_the_truth_in_every_database(ledger: Ledger, seed: int) -> None:
    check_against_truth(ledger, Random(seed))


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_sums_and_spans_are_the_truth(chance: Random) -> None:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=0)
        check_against_truth(ledger, chance)
