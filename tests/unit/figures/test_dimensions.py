"""Figures by what prints say of themselves, held against a plain count of the jobs."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import InvalidQuery
from farm.figures import ended_jobs, partition
from farm.figures.engine import KpiEngine
from farm.figures.read_model import ReadModel
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.figure import KpiFigure
from farm.kpi.periods import Period
from farm.kpi.selection import EVERYBODY, Selection
from farm.kpi.subjects import NO_NAME, OF_PRINTERS, WEEKDAYS, Scope, parse_scopes
from farm.kpi.windows import Window
from farm.model.job import Job
from farm.model.states import Cause, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS, SECOND_MS
from farm.settings import SiteSettings
from tests.unit.conftest import OpenLedger
from tests.unit.kpi.events import START_MS, jobs_of, printer_called, spans_of
from tests.unit.kpi.memory_ledger import MemoryLedger

ZONE = ZoneInfo("America/New_York")
SITE = SiteSettings(name="north", time_zone=ZONE.key)
BAYS = [
    msgspec.structs.replace(printer_called(f"bay{number}", group=group), model=model)
    for number, (group, model) in enumerate([("left", "a"), ("left", None), ("right", "a"), (None, "b")])
]
DAYS = 100
"""They hold the day on which the clock is set forward."""
END = START_MS + DAYS * DAY_MS
WHOLE = Window("whole", START_MS, END)
OF_PRINTS = [scope for scope in Scope if scope not in OF_PRINTERS]

JOBS = st.lists(
    st.builds(
        Job,
        id=st.uuids().map(str),
        printer_id=st.sampled_from([bay.id for bay in BAYS]),
        file=st.sampled_from([None, "a.gcode", "b.gcode", "c.gcode"]),
        material=st.sampled_from([None, "PLA", "PETG"]),
        operator=st.sampled_from([None, "anna"]),
        spool=st.sampled_from([None, "17", "18"]),
        cause=st.sampled_from([None, Cause.THERMAL, Cause.FILE]),
        started_ms=st.just(START_MS),
        ended_ms=st.integers(START_MS, END - 1),
        outcome=st.sampled_from(Outcome),
        units=st.integers(1, 3),
        printing_ms=st.integers(0, HOUR_MS),
    ),
    max_size=30,
)


def engine_of(jobs: Sequence[Job]) -> KpiEngine:
    return KpiEngine(ReadModel(MemoryLedger(BAYS, [], jobs, END)), SITE)


def local(job: Job) -> datetime:
    assert job.ended_ms is not None
    return datetime.fromtimestamp(job.ended_ms // SECOND_MS, ZONE)


BY_ID = {bay.id: bay for bay in BAYS}
SAYS: dict[Scope, Callable[[Job], str]] = {
    Scope.FARM: lambda _: "north",
    Scope.SITE: lambda _: "main",
    Scope.GROUP: lambda job: BY_ID[job.printer_id].group or NO_NAME,
    Scope.MODEL: lambda job: BY_ID[job.printer_id].model or NO_NAME,
    Scope.PRINTER: lambda job: job.printer_id,
    Scope.FILE: lambda job: job.file or NO_NAME,
    Scope.MATERIAL: lambda job: job.material or NO_NAME,
    Scope.SPOOL: lambda job: job.spool or NO_NAME,
    Scope.OPERATOR: lambda job: job.operator or NO_NAME,
    Scope.CAUSE: lambda job: job.cause.value if job.cause else NO_NAME,
    Scope.HOUR: lambda job: str(local(job).hour),
    Scope.WEEKDAY: lambda job: str(local(job).isoweekday()),
}


def counted(figures: Sequence[KpiFigure]) -> Counter[tuple[str, str]]:
    """Units and jobs by outcome, by subject."""
    found: Counter[tuple[str, str]] = Counter()
    for figure in figures:
        for name, count in figure.counts.items():
            found[figure.scope_id, name] += count
    return +found


def plain_count(jobs: Sequence[Job], subject: Callable[[Job], str]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        found[subject(job), "ended"] += 1
        found[subject(job), str(job.outcome)] += 1
        if job.outcome is Outcome.SUCCEEDED:
            found[subject(job), "units"] += job.units
    return +found


@pytest.mark.parametrize("scope", Scope)
@settings(deadline=None, max_examples=20)
@given(jobs=JOBS)
def test_every_job_counts_with_the_one_subject_that_it_names(scope: Scope, jobs: list[Job]) -> None:
    figures = engine_of(jobs).evaluate(["throughput"], WHOLE, scope, END)
    assert counted(figures) == plain_count(jobs, SAYS[scope])


@pytest.mark.parametrize(
    "scopes",
    [
        (Scope.FILE, Scope.MATERIAL),
        (Scope.GROUP, Scope.FILE),
        (Scope.MODEL, Scope.GROUP),
        (Scope.HOUR, Scope.CAUSE, Scope.PRINTER),
    ],
    ids=",".join,
)
@pytest.mark.parametrize("most_kept_keys", [0, 100_000])
@settings(deadline=None, max_examples=15)
@given(jobs=JOBS)
def test_several_scopes_are_told_apart_together(
    most_kept_keys: int, scopes: tuple[Scope, ...], jobs: list[Job]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ended_jobs, "MOST_KEPT_KEYS", most_kept_keys)
        figures = engine_of(jobs).evaluate(["throughput"], WHOLE, scopes, END)

    def said(job: Job) -> str:
        return json.dumps([SAYS[scope](job) for scope in scopes], separators=(",", ":"))

    assert counted(figures) == plain_count(jobs, said)
    assert {figure.scope for figure in figures} <= {",".join(scopes)}


@settings(deadline=None, max_examples=20)
@given(JOBS, st.integers(START_MS, END), st.sampled_from(Scope))
def test_a_window_split_anywhere_adds_up(jobs: list[Job], middle: int, scope: Scope) -> None:
    engine = engine_of(jobs)
    parts = [Window("early", START_MS, middle), Window("late", middle, END)]
    figures = engine.evaluate_all(["throughput"], parts, scope, END)
    assert counted(figures) == counted(engine.evaluate(["throughput"], WHOLE, scope, END))


@settings(deadline=None, max_examples=15)
@given(JOBS, st.sampled_from(OF_PRINTS))
def test_steps_add_up_to_the_window(jobs: list[Job], scope: Scope) -> None:
    engine = engine_of(jobs)
    rows = engine.series(["throughput"], WHOLE, scope, END, period=Period.WEEK)
    told = {row.scope_id: sum(point.value or 0 for point in row.points) for row in rows}
    whole = {each.scope_id: each.value for each in engine.evaluate(["throughput"], WHOLE, scope, END)}
    assert told == whole


@settings(deadline=None, max_examples=20)
@given(JOBS, st.sampled_from([Scope.FILE, Scope.PRINTER, Scope.FARM, Scope.HOUR]))
def test_only_the_prints_that_are_asked_for_count(jobs: list[Job], scope: Scope) -> None:
    wanted = Selection(groups=("left", NO_NAME), materials=("PLA", NO_NAME), operators=(NO_NAME,))
    engine = engine_of([*jobs, msgspec.structs.replace(one_job(), material="PLA")])
    figures = engine.evaluate(["throughput"], WHOLE, scope, END, wanted=wanted)
    kept = [
        job
        for job in jobs
        if BY_ID[job.printer_id].group in ("left", None)
        and job.material in ("PLA", None)
        and job.operator is None
    ]
    assert counted(figures) == plain_count(kept, SAYS[scope])


def one_job() -> Job:
    """A job of a printer that is not asked for, so that the material is known."""
    (job,) = jobs_of(BAYS[2], Outcome.SUCCEEDED, [START_MS + 1])
    return job


def prints(**by_file: int) -> list[Job]:
    """So many jobs of each file, all of one printer."""
    return [
        msgspec.structs.replace(job, id=f"{file}-{number}", file=f"{file}.gcode")
        for file, count in by_file.items()
        for number, job in enumerate(jobs_of(BAYS[0], Outcome.SUCCEEDED, range(START_MS, START_MS + count)))
    ]


@pytest.mark.parametrize("most_kept_keys", [0, 100_000])
def test_of_many_files_those_printed_most_are_told_and_the_others_counted(
    monkeypatch: pytest.MonkeyPatch, most_kept_keys: int
) -> None:
    monkeypatch.setattr(ended_jobs, "MOST_KEPT_KEYS", most_kept_keys)
    engine = engine_of(prints(rare=1, common=5, later=2, early=2))
    figures = engine.evaluate(["throughput"], WHOLE, Scope.FILE, END, limit=2)
    assert [(each.label, each.value) for each in figures] == [("common.gcode", 5), ("early.gcode", 2)]
    assert figures.left_out == 2
    rows = engine.series(["throughput"], WHOLE, Scope.FILE, END, period=Period.MONTH, limit=3)
    assert ([row.label for row in rows], rows.left_out) == (["common.gcode", "early.gcode", "later.gcode"], 1)


def test_sums_of_many_steps_are_made_of_those_alone_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(prints(rare=1, common=5))
    before = engine.series(["throughput"], WHOLE, Scope.FILE, END, period=Period.DAY)
    monkeypatch.setattr(partition, "_MOST_CELLS", 1)
    assert engine.series(["throughput"], WHOLE, Scope.FILE, END, period=Period.DAY) == before


@pytest.mark.parametrize("scope", OF_PRINTS)
@pytest.mark.parametrize("wanted", [EVERYBODY, Selection(files=("a.gcode",))])
def test_what_needs_the_hours_of_printers_has_no_data_of_prints(scope: Scope, wanted: Selection) -> None:
    spans = spans_of(BAYS[0], [(PrinterState.PRINTING, HOUR_MS), (PrinterState.IDLE, HOUR_MS)])
    source = MemoryLedger(BAYS, spans, prints(a=2), END)
    figures = KpiEngine(ReadModel(source), SITE).evaluate(None, WHOLE, scope, END, wanted=wanted)
    by_id = {figure.id: figure for figure in figures}
    assert set(by_id) == {entry.id for entry in CATALOGUE}
    for entry in CATALOGUE:
        figure = by_id[entry.id]
        assert figure.observed_share is None
        if entry.needs_hours:
            assert (figure.value, figure.low, figure.high, figure.amounts) == (None, None, None, {})
    assert by_id["throughput"].value == 2
    assert "printing_hours" not in by_id["throughput"].amounts


@pytest.mark.parametrize("scope", [Scope.PRINTER, Scope.FARM, Scope.GROUP])
def test_of_one_file_the_printers_have_prints_and_no_hours(open_ledger: OpenLedger, scope: Scope) -> None:
    spans = spans_of(BAYS[0], [(PrinterState.PRINTING, HOUR_MS)])
    engine = KpiEngine(open_ledger(BAYS, spans, prints(a=2, b=1), END), SITE)
    wanted = Selection(files=("a.gcode",))
    (used, made) = engine.evaluate(["utilization", "throughput"], WHOLE, scope, END, wanted=wanted)
    assert (used.value, made.value) == (None, 2)
    assert used.scope_id == {Scope.PRINTER: BAYS[0].id, Scope.FARM: "north", Scope.GROUP: "left"}[scope]


def test_the_farm_is_there_without_a_print_that_was_asked_for() -> None:
    engine = engine_of(prints(a=1))
    early = Window("early", START_MS - DAY_MS, START_MS)
    (figure,) = engine.evaluate(["throughput"], early, Scope.FARM, END, wanted=Selection(files=("a.gcode",)))
    assert (figure.value, figure.label) == (None, "north")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Selection(files=("aa.gcode",)), "there is no file 'aa.gcode'; nearest: a.gcode"),
        (Selection(materials=("PLA",)), "there is no material 'PLA'"),
        (Selection(operators=("anna",)), "there is no operator 'anna'"),
        (Selection(models=("c",)), "there is no model 'c'"),
    ],
)
def test_what_no_print_says_is_refused_with_the_nearest(wanted: Selection, told: str) -> None:
    with pytest.raises(InvalidQuery, match=told):
        engine_of(prints(a=1)).evaluate(None, WHOLE, Scope.FARM, END, wanted=wanted)


@pytest.mark.parametrize(
    "text", ["", "farms", "file,farm", "file,file", "file,material,hour,printer", "file,"]
)
def test_scopes_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidQuery, match="must be"):
        parse_scopes(text)


def test_hours_and_days_are_those_of_the_farms_clock() -> None:
    """On 8 March 2026 New York set its clocks from 2:00 to 3:00."""
    set_forward = datetime(2026, 3, 8, 7, tzinfo=ZoneInfo("UTC"))
    edge = int(set_forward.timestamp()) * SECOND_MS
    engine = engine_of(jobs_of(BAYS[0], Outcome.SUCCEEDED, [edge - 1, edge, edge + 23 * HOUR_MS]))
    window = Window("days", edge - DAY_MS, edge + 2 * DAY_MS)

    def told(scope: Scope) -> list[tuple[str, str, float | None]]:
        figures = engine.evaluate(["throughput"], window, scope, END)
        return [(each.scope_id, each.label, each.value) for each in figures]

    assert told(Scope.HOUR) == [("1", "01:00", 1), ("2", "02:00", 1), ("3", "03:00", 1)]
    assert told(Scope.WEEKDAY) == [("1", WEEKDAYS[0], 1), ("7", WEEKDAYS[6], 2)]
