"""What needs a look comes in the order of urgency, and nothing is called quiet that is not known."""

import msgspec
import pytest

from farm.model.attention import (
    LONG_AT_REST_MS,
    LONG_PREPARING_MS,
    LONG_UNKNOWN_MS,
    NO_PROGRESS_MS,
    Attention,
    Need,
    NeedKind,
    attention,
)
from farm.model.clash import ClashSign, PublisherClash
from farm.model.job import Job
from farm.model.observation import Telemetry
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.states import Outcome, PrinterState

NOW_MS = 1_795_340_467_250
STALE_MS = 60_000


def job_of(name: str, **facts: object) -> Job:
    job = Job(id=f"job-{name}", printer_id=name, file="vase.gcode", started_ms=NOW_MS - 5 * NO_PROGRESS_MS)
    return msgspec.structs.replace(job, **facts)


def status(
    name: str,
    state: PrinterState,
    *,
    at_work: bool = False,
    for_ms: int = 1_000,
    **facts: object,
) -> PrinterStatus:
    found = PrinterStatus(
        printer=Printer(id=name, site="main", name=name, adapter="octoprint", first_seen_ms=0),
        state=state,
        since_ms=NOW_MS - for_ms,
        source="observed",
        heard_ms=NOW_MS,
        known_until_ms=NOW_MS,
        live=Telemetry(),
        job=job_of(name) if at_work else None,
    )
    return msgspec.structs.replace(found, **facts)


def look(*statuses: PrinterStatus, last: Job | None = None, others: tuple[Need, ...] = ()) -> Attention:
    last_jobs = {} if last is None else {last.printer_id: last}
    return attention(statuses, last_jobs, NOW_MS, STALE_MS, others)


def kind_of(found: PrinterStatus) -> NeedKind | None:
    needs = look(found).needs
    return needs[0].kind if needs else None


CLASH = PublisherClash(prefix="octoPrint", sign=ClashSign.CLOCK, since_ms=NOW_MS - 60_000, last_ms=NOW_MS)
FAULT = job_of("d", detail="Heater extruder not heating at expected rate")


def test_the_most_urgent_comes_first_and_of_two_the_one_that_waits_longest() -> None:
    dropped = Need(kind=NeedKind.DROPPED_MESSAGES, task="See why")
    found = look(
        status("a", PrinterState.UNKNOWN, for_ms=LONG_UNKNOWN_MS + 1),
        status("b", PrinterState.FINISHED),
        status("c", PrinterState.FINISHED, for_ms=9_000),
        status("d", PrinterState.PAUSED, job=FAULT),
        status("e", PrinterState.PAUSED, at_work=True),
        status("f", PrinterState.OFFLINE, at_work=True),
        status("g", PrinterState.OFFLINE),
        status("h", PrinterState.UNKNOWN, at_work=True),
        status("i", PrinterState.IDLE, at_work=True, for_ms=LONG_AT_REST_MS + 1),
        status("j", PrinterState.PRINTING, at_work=True, clash=CLASH),
        status("k", PrinterState.ERROR),
        status("l", PrinterState.IDLE, known_until_ms=NOW_MS - STALE_MS - 1),
        others=(dropped,),
    )
    assert [need.printer for need in found.needs] == [*"kdfhijlcbega", None]
    assert [need.rank for need in found.needs] == sorted(need.rank for need in found.needs)
    assert not found.is_quiet


@pytest.mark.parametrize(
    "calm",
    [
        status("a", PrinterState.PRINTING, at_work=True, for_ms=9 * NO_PROGRESS_MS),
        status("a", PrinterState.PRINTING, at_work=True, progress_ms=NOW_MS - NO_PROGRESS_MS),
        status("a", PrinterState.PREPARING, at_work=True, for_ms=LONG_PREPARING_MS),
        status("a", PrinterState.IDLE, at_work=True, for_ms=LONG_AT_REST_MS),
        status("a", PrinterState.IDLE),
        status("a", PrinterState.MAINTENANCE),
        status("a", PrinterState.PRINTING, clash=msgspec.structs.replace(CLASH, last_ms=0)),
    ],
)
def test_a_farm_is_quiet_where_every_printer_is_known_and_none_needs_anything(calm: PrinterStatus) -> None:
    assert look(calm) == Attention((), is_quiet=True)


def test_it_is_not_quiet_where_a_printer_is_not_known_or_none_is_there() -> None:
    just_lost = status("a", PrinterState.UNKNOWN, for_ms=LONG_UNKNOWN_MS)
    assert look(just_lost) == Attention((), is_quiet=False)
    assert look() == Attention((), is_quiet=False)


@pytest.mark.parametrize(
    "hanging",
    [
        status(
            "a", PrinterState.PRINTING, at_work=True, for_ms=2 * NO_PROGRESS_MS,
            progress_ms=NOW_MS - NO_PROGRESS_MS - 1,
        ),
        status("a", PrinterState.PREPARING, at_work=True, for_ms=LONG_PREPARING_MS + 1),
        status("a", PrinterState.IDLE, at_work=True, for_ms=LONG_AT_REST_MS + 1),
    ],
)  # fmt: skip
def test_a_job_that_does_not_move_hangs(hanging: PrinterStatus) -> None:
    assert kind_of(hanging) is NeedKind.HANGING_JOB
    assert look(hanging).needs[0].words == "vase.gcode"


def test_a_print_that_went_on_after_a_long_pause_has_its_time_anew() -> None:
    resumed = status(
        "a", PrinterState.PRINTING, at_work=True, for_ms=60_000, progress_ms=NOW_MS - 2 * NO_PROGRESS_MS
    )
    assert kind_of(resumed) is None


def test_the_printers_own_words_are_told() -> None:
    failed = job_of("a", outcome=Outcome.FAILED, ended_ms=NOW_MS - 2_000, detail="Thermal runaway")
    assert look(status("a", PrinterState.ERROR), last=failed).needs[0].words == "Thermal runaway"
    long_ago = msgspec.structs.replace(failed, ended_ms=NOW_MS - 9_000_000)
    assert look(status("a", PrinterState.ERROR), last=long_ago).needs[0].words is None
    (paused,) = look(status("d", PrinterState.PAUSED, job=FAULT)).needs
    assert (paused.kind, paused.words) == (NeedKind.FAULT_PAUSE, FAULT.detail)


def test_two_publishers_are_named_with_the_remedy() -> None:
    (need,) = look(status("a", PrinterState.IDLE, clash=CLASH)).needs
    assert need.kind is NeedKind.TWO_PUBLISHERS
    assert need.words is not None
    assert "two printers publish under octoPrint/" in need.words
    assert "a base topic of its own" in need.words


def test_of_a_collector_that_books_nothing_only_that_is_said() -> None:
    silent = status("a", PrinterState.ERROR, known_until_ms=NOW_MS - STALE_MS - 1)
    assert kind_of(silent) is NeedKind.STALE_COLLECTOR
    assert len(look(silent).needs) == 1
