"""What fails too often is found in the read model, as a plain count of the jobs finds it."""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import InvalidQuery
from farm.figures.attempts import AttemptsByDimension
from farm.figures.engine import KpiEngine
from farm.figures.local_time import LocalTime
from farm.figures.read_model import ReadModel
from farm.kpi.causes import Dimension
from farm.kpi.selection import EVERYBODY, Selection
from farm.kpi.windows import Window
from farm.ledger.figure_rows import FigureRows
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import open_ledger
from farm.ledger.verdict_store import VerdictStore
from farm.model.job import Job
from farm.model.states import Outcome, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS, parse_rfc3339
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.unit.collector.test_late_evidence import T0, event, fresh, state
from tests.unit.kpi.events import START_MS, jobs_of, printer_called
from tests.unit.kpi.memory_ledger import MemoryLedger

BAYS = [printer_called("bay1", group="left"), printer_called("bay2")]
END = START_MS + DAY_MS
WHOLE = Window("whole", START_MS, END)
TRIED = frozenset({Outcome.SUCCEEDED, Outcome.FAILED})
BERLIN = ZoneInfo("Europe/Berlin")

JOBS = st.lists(
    st.builds(
        Job,
        id=st.uuids().map(str),
        printer_id=st.sampled_from([bay.id for bay in BAYS]),
        file=st.sampled_from([None, "a.gcode", "b.gcode"]),
        material=st.sampled_from([None, "PLA"]),
        spool=st.sampled_from([None, "17"]),
        operator=st.sampled_from([None, "anna"]),
        started_ms=st.none() | st.integers(START_MS, END),
        ended_ms=st.integers(START_MS - HOUR_MS, END + HOUR_MS),
        outcome=st.sampled_from(Outcome),
    ),
    max_size=25,
)


def plain_counts(jobs: Sequence[Job]) -> dict[Dimension, dict[str, tuple[int, int]]]:
    """Failures and attempts by every dimension, job by job."""
    attempts: dict[Dimension, Counter[str]] = {dimension: Counter() for dimension in Dimension}
    failed: dict[Dimension, Counter[str]] = {dimension: Counter() for dimension in Dimension}
    names = {bay.id: bay.name for bay in BAYS}
    for job in jobs:
        hour = None if job.started_ms is None else str((job.started_ms // HOUR_MS + 1) % 24)
        said = {
            Dimension.PRINTER: names[job.printer_id],
            Dimension.FILE: job.file,
            Dimension.MATERIAL: job.material,
            Dimension.SPOOL: job.spool,
            Dimension.OPERATOR: job.operator,
            Dimension.HOUR: hour,
        }
        for dimension, value in said.items():
            if (
                value is not None
                and WHOLE.from_ms <= (job.ended_ms or 0) < WHOLE.to_ms
                and job.outcome in TRIED
            ):
                attempts[dimension][value] += 1
                failed[dimension][value] += job.outcome is Outcome.FAILED
    return {
        dimension: {value: (failed[dimension][value], count) for value, count in values.items()}
        for dimension, values in attempts.items()
    }


@settings(deadline=None, max_examples=30)
@given(JOBS)
def test_attempts_and_failures_are_counted_by_every_dimension(jobs: list[Job]) -> None:
    with ReadModel(MemoryLedger(BAYS, [], jobs, END)).current() as model:
        found = AttemptsByDimension(model, WHOLE, EVERYBODY, TRIED, LocalTime(BERLIN))
    assert found.counts() == plain_counts(jobs)
    assert found.prints == sum(count for _, count in plain_counts(jobs)[Dimension.PRINTER].values())


def prints(file: str, bay: int, good: int, bad: int) -> list[Job]:
    outcomes = [Outcome.SUCCEEDED] * good + [Outcome.FAILED] * bad
    return [
        msgspec.structs.replace(job, id=f"{file}-{bay}-{number}", file=file)
        for number, outcome in enumerate(outcomes)
        for job in jobs_of(BAYS[bay], outcome, [START_MS + number])
    ]


def engine_of(jobs: Sequence[Job], site: SiteSettings | None = None) -> KpiEngine:
    return KpiEngine(ReadModel(MemoryLedger(BAYS, [], jobs, END)), site or SiteSettings())


def test_a_bad_file_is_found_with_the_printer_that_prints_nothing_else() -> None:
    found = engine_of([*prints("bad", 0, 10, 12), *prints("good", 1, 200, 4)]).causes(WHOLE, END)
    assert {each.value for each in found.found.findings} == {"bad", "bay1"}
    (shared,) = found.shared
    assert (shared.failed, found.prints) == (12, 226)


def test_where_nothing_fails_too_often_nothing_is_told() -> None:
    found = engine_of([*prints("a", 0, 100, 5), *prints("b", 1, 100, 5)]).causes(WHOLE, END)
    assert (found.found.findings, found.shared) == ((), ())


def test_only_the_prints_that_are_asked_for_are_compared() -> None:
    engine = engine_of([*prints("bad", 0, 10, 12), *prints("good", 1, 200, 4)])
    assert engine.causes(WHOLE, END, wanted=Selection(groups=("left",))).prints == 22
    assert engine.causes(WHOLE, END, wanted=Selection(files=("good",))).prints == 204
    with pytest.raises(InvalidQuery, match="there is no file 'goood'; nearest: good"):
        engine.causes(WHOLE, END, wanted=Selection(files=("goood",)))


def test_cancelled_prints_are_attempts_where_the_site_says_so() -> None:
    cancelled = jobs_of(BAYS[0], Outcome.CANCELLED, [START_MS + 1])
    assert engine_of(cancelled).causes(WHOLE, END).prints == 0
    counting = SiteSettings(cancelled_counts_as_attempt=True)
    assert engine_of(cancelled, counting).causes(WHOLE, END).prints == 1


def test_a_print_of_which_every_unit_was_rejected_failed() -> None:
    with open_ledger("sqlite://") as ledger:
        pipeline = fresh(ledger)
        for _, topic, payload in [
            state(T0, "idle"),
            event(T0 + HOUR_MS, "job_started", "a"),
            event(T0 + 2 * HOUR_MS, "job_succeeded", "a"),
        ]:
            pipeline.take(topic, payload, False, T0 + 3 * HOUR_MS)
        pipeline.commit(T0 + 3 * HOUR_MS)
        model = ReadModel(FigureRows(ledger.engine))
        window = Window("whole", T0, T0 + DAY_MS)

        def failed() -> int:
            with model.current() as held:
                counts = AttemptsByDimension(held, window, EVERYBODY, TRIED, LocalTime(BERLIN)).counts()
                return sum(count.failed for count in counts[Dimension.FILE].values())

        (job,) = ledger.jobs(JobFilter()).jobs
        store, rejected = (
            VerdictStore(ledger.engine),
            Inspection(job_id=job.id, rejected_units=1, reason=RejectionReason.WARPING),
        )
        assert failed() == 0
        store.give([rejected], who="anna", now_ms=T0 + DAY_MS)
        assert failed() == 1
        store.withdraw([job.id], who="anna", note="mixed up", now_ms=T0 + DAY_MS)
        assert failed() == 0


def test_the_hour_is_that_of_the_farms_clock() -> None:
    started = parse_rfc3339("2026-01-01T22:30:00Z")
    (job,) = jobs_of(BAYS[0], Outcome.SUCCEEDED, [START_MS + 1])
    jobs = [msgspec.structs.replace(job, started_ms=started)]
    with ReadModel(MemoryLedger(BAYS, [], jobs, END)).current() as model:
        counts = AttemptsByDimension(model, WHOLE, EVERYBODY, TRIED, LocalTime(BERLIN)).counts()
    assert counts[Dimension.HOUR] == {"23": (0, 1)}
