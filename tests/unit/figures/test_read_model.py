"""The read model holds what the ledger holds, however it came to it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from collector.intake.pipeline import Pipeline
from farm.figures import ended_jobs, read_model, state_history
from farm.figures.comparison import differences
from farm.figures.engine import KpiEngine
from farm.figures.first_attempts import FirstAttempts
from farm.figures.job_grouping import by_printer
from farm.figures.job_measures import TALLIED
from farm.figures.keeping import Keeping
from farm.figures.read_model import ReadModel
from farm.figures.state_changes import MAINTENANCE
from farm.kpi.intervals import merged
from farm.kpi.subjects import Scope
from farm.kpi.windows import Window
from farm.ledger import schema
from farm.ledger.feed_log import append_feed
from farm.ledger.figure_rows import FigureRows
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.maintenance_store import MaintenanceStore
from farm.ledger.recount import DifferenceKind
from farm.ledger.verdict_store import VerdictStore
from farm.model.calendar_change import ChangedBy
from farm.model.feed import FeedEntry, FeedKind
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.states import PrinterState, RejectionReason, StateReason
from farm.model.verdict import Inspection
from farm.settings import SiteSettings
from tests.unit.collector.test_late_evidence import (
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Message,
    event,
    fresh,
    histories,
    state,
)
from tests.unit.kpi.events import START_MS, printer_called, spans_of
from tests.unit.kpi.memory_ledger import MemoryLedger, hours_of
from tests.unit.kpi.span_accounts import known_of


def model_of(ledger: Ledger, keeping: Keeping | None = None) -> ReadModel:
    return ReadModel(FigureRows(ledger.engine), keeping)


def tell(pipeline: Pipeline, messages: list[Message], received_ms: int) -> None:
    for _, topic, payload in messages:
        pipeline.take(topic, payload, False, received_ms)
    pipeline.commit(received_ms)


@settings(max_examples=25, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_followed_through_late_evidence_it_is_what_it_is_read_anew(
    history: list[Message], chance: Random
) -> None:
    with open_ledger("sqlite://") as ledger, pytest.MonkeyPatch.context() as patch:
        for module in (ended_jobs, state_history):
            patch.setattr(module, "MOST_BESIDE", 5)
        followed, pipeline = model_of(ledger), fresh(ledger)
        rest, now = list(history), T0
        while rest:
            place = chance.randrange(min(6, len(rest)))
            message = rest.pop(place)
            now = max(now, message[0] + 100)
            tell(pipeline, [message], now)
            pipeline.tick(now + 10 * MINUTE)
            assert list(differences(followed)) == []
        tell(pipeline, [], now + HOUR)
        assert list(differences(followed)) == []
        with followed.current() as held, model_of(ledger).current() as anew:
            edges = np.linspace(T0, now + HOUR, 7).astype(np.int64)
            everybody = np.arange(len(held.printers))
            assert (held.spent(edges, everybody, 1) == anew.spent(edges, everybody, 1)).all()
            for part in TALLIED:
                sums = [each.jobs.sums(edges, by_printer(everybody, 2), part) for each in (held, anew)]
                assert (sums[0] == sums[1]).all()


@pytest.fixture
def booked() -> Iterator[Ledger]:
    with open_ledger("sqlite://") as ledger:
        live(ledger, two_prints())
        yield ledger


def live(ledger: Ledger, messages: list[Message]) -> None:
    """Each message comes as it is sent."""
    pipeline = fresh(ledger)
    for message in messages:
        tell(pipeline, [message], message[0] + 100)


def two_prints() -> list[Message]:
    return [
        state(T0, "idle"),
        event(T0 + MINUTE, "job_started", "a"),
        event(T0 + 9 * MINUTE, "job_succeeded", "a"),
        event(T0 + 20 * MINUTE, "job_started", "b"),
        event(T0 + 29 * MINUTE, "job_failed", "b", cause="thermal"),
    ]


def kinds(model: ReadModel) -> set[DifferenceKind]:
    return {each.kind for each in differences(model)}


def test_a_row_that_was_changed_behind_its_back_is_told(booked: Ledger) -> None:
    model = model_of(booked)
    assert kinds(model) == set()
    with booked.engine.begin() as connection:
        connection.execute(update(schema.span).values(state="error").where(schema.span.c.state != "idle"))
    assert DifferenceKind.MODEL_STATE in kinds(model)
    assert kinds(model_of(booked)) == set()


def test_a_job_that_was_changed_behind_its_back_is_told(booked: Ledger) -> None:
    model = model_of(booked)
    assert kinds(model) == set()
    with booked.engine.begin() as connection:
        connection.execute(update(schema.job).values(units=7).where(schema.job.c.file == "a.gcode"))
    (difference,) = differences(model)
    assert difference.kind is DifferenceKind.MODEL_JOB
    with booked.engine.begin() as connection:
        connection.execute(delete(schema.job))
    assert "2 jobs are held that did not end" in [each.detail for each in differences(model)]


def test_streaks_and_medians_that_are_held_wrongly_are_told(booked: Ledger) -> None:
    with booked.engine.begin() as connection:
        connection.execute(update(schema.job).values(printing_ms=8 * MINUTE))
    assert kinds(model_of(booked)) == set()
    model = model_of(booked)
    with model.current():
        # What is derived is made while other jobs are held.
        held = model.jobs.columns.rows
        right = held.ending.copy(), held.printing_ms.copy()
        held.ending[:], held.printing_ms[:] = held.ending[::-1].copy(), held.printing_ms + 1
        model.streaks.told(np.array([[0, T0 + HOUR]]), np.arange(len(model.printers)), len(model.printers))
        assert model.median_of("b.gcode") > 0
        held.ending[:], held.printing_ms[:] = right
    told = [each.detail for each in differences(model)]
    assert any("failed prints in a row" in each for each in told)
    assert any("by the median of its prints" in each for each in told)


def test_a_job_that_is_revised_moves_from_one_subject_to_another(booked: Ledger) -> None:
    engine, window = KpiEngine(model_of(booked), SiteSettings()), Window("all", T0, T0 + HOUR)

    def failed_by() -> dict[str, float | None]:
        figures = engine.evaluate(["failures_by_cause"], window, Scope.CAUSE, T0 + HOUR)
        return {figure.scope_id: figure.value for figure in figures}

    assert failed_by() == {"": 0, "thermal": 1}
    (job,) = [job for job in booked.jobs(JobFilter()).jobs if job.file == "b.gcode"]
    with booked.engine.begin() as connection:
        of_job = schema.job.c.id == job.id
        connection.execute(update(schema.job).where(of_job).values(cause="adhesion"))
        revised = FeedEntry(
            kind=FeedKind.JOB_REVISED, at_ms=T0 + HOUR, printer_id=job.printer_id, job_id=job.id
        )
        append_feed(connection, [revised])
    assert failed_by() == {"": 0, "adhesion": 1}


FACTS = {
    "file": "other.gcode",
    "material": "PETG",
    "operator": "olga",
    "cause": "file",
    "started_ms": T0 + 1,
    "preparing_ms": 17,
    "paused_ms": 18,
    "filament_g": 0.001,
    "filament_mm": 0.0,
    "expected_ms": 19,
}


@pytest.mark.parametrize("column", FACTS)
def test_every_column_of_a_job_is_compared(booked: Ledger, column: str) -> None:
    model = model_of(booked)
    assert kinds(model) == set()
    of_job = schema.job.c.file == "b.gcode"
    with booked.engine.begin() as connection:
        connection.execute(update(schema.job).where(of_job).values({column: FACTS[column]}))
    (difference,) = differences(model)
    assert difference.kind is DifferenceKind.MODEL_JOB


def test_a_verdict_that_was_changed_behind_its_back_is_told(booked: Ledger) -> None:
    model, (job, *_) = model_of(booked), booked.jobs(JobFilter()).jobs
    VerdictStore(booked.engine).give([Inspection(job_id=job.id, good_units=1)], who="anna", now_ms=T0 + HOUR)
    assert kinds(model) == set()
    with booked.engine.begin() as connection:
        connection.execute(update(schema.verdict).values(rejected_units=3))
    assert any("1 good and 3 rejected units" in each.detail for each in differences(model))
    with booked.engine.begin() as connection:
        connection.execute(delete(schema.verdict))
    assert "1 inspections are held of which no verdict stands" in [each.detail for each in differences(model)]


def test_a_model_that_was_kept_goes_on_from_there(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    keeping = Keeping(tmp_path / "figures.npz")
    (job, *_), verdicts = booked.jobs(JobFilter()).jobs, VerdictStore(booked.engine)
    verdicts.give([Inspection(job_id=job.id, good_units=1)], who="anna", now_ms=T0 + HOUR)
    with model_of(booked, keeping).current():
        pass
    assert keeping.path.exists()
    verdicts.give(
        [Inspection(job_id=job.id, rejected_units=1, reason=RejectionReason.WARPING)],
        who="anna",
        now_ms=T0 + HOUR,
    )
    tell(fresh(booked), [event(T0 + 70 * MINUTE, "job_started", "c")], T0 + 70 * MINUTE + SECOND)
    monkeypatch.setattr(ReadModel, "_read_all", None)
    monkeypatch.setattr(FirstAttempts, "_facts_of_all", None)
    assert kinds(model_of(booked, keeping)) == set()


def test_first_attempts_that_were_kept_by_another_rule_are_found_anew(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    keeping = Keeping(tmp_path / "figures.npz")
    spoilt = [
        Inspection(job_id=job.id, rejected_units=1, reason=RejectionReason.WARPING)
        for job in booked.jobs(JobFilter()).jobs
    ]
    VerdictStore(booked.engine).give(spoilt, who="anna", now_ms=T0 + HOUR)
    with booked.engine.begin() as connection:
        connection.execute(update(schema.job).values(file="part.gcode"))
    with model_of(booked, keeping).current() as model:
        reprints = model.first_attempts.facts.kind.tolist()
    other = model_of(booked, keeping)
    other.first_attempts.reprint_within(0)
    with other.current() as model:
        assert model.first_attempts.facts.kind.tolist() != reprints
    assert kinds(other) == set()


def test_what_was_found_after_the_model_was_filled_is_kept_too(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    monkeypatch.setattr(read_model, "_ENTRIES_KEPT_APART", 1)
    keeping = Keeping(tmp_path / "figures.npz")
    model = model_of(booked, keeping)
    assert kinds(model) == set()
    (job, *_) = booked.jobs(JobFilter()).jobs
    VerdictStore(booked.engine).give(
        [Inspection(job_id=job.id, rejected_units=1, reason=RejectionReason.WARPING)],
        who="anna",
        now_ms=T0 + HOUR,
    )
    assert kinds(model) == set()
    monkeypatch.setattr(FirstAttempts, "_facts_of_all", None)
    assert kinds(model_of(booked, keeping)) == set()


def test_it_says_once_that_it_holds_the_whole_ledger(booked: Ledger) -> None:
    told: list[int] = []
    model = ReadModel(FigureRows(booked.engine), None, lambda: told.append(len(model.jobs)))
    assert not told
    for _ in range(2):
        with model.current():
            assert told == [len(model.jobs)] == [2]


@pytest.mark.parametrize("kept", [b"", b"no such file", b"PK\x03\x04cut off"])
def test_a_file_that_cannot_be_read_is_passed_over(booked: Ledger, tmp_path: Path, kept: bytes) -> None:
    path = tmp_path / "figures.npz"
    path.write_bytes(kept)
    assert kinds(model_of(booked, Keeping(path))) == set()


def test_a_file_with_any_byte_spoilt_is_passed_over_or_says_the_same(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    keeping = Keeping(tmp_path / "figures.npz")
    with model_of(booked, keeping).current():
        pass
    sound, kept = keeping.path.read_bytes(), keeping.load()
    assert kept is not None
    columns = sound.index(b"\x93NUMPY", sound.index(b"change_"))
    told, directory = columns + 10, sound.index(b"PK\x01\x02")
    for place in [*range(60), *range(columns, told + 80), *range(directory, directory + 60), len(sound) - 9]:
        for wrong in (0x29, sound[place] ^ 1):
            keeping.path.write_bytes(sound[:place] + bytes([wrong]) + sound[place + 1 :])
            found = keeping.load()
            assert found is None or (found.mark, found.texts) == (kept.mark, kept.texts), (place, wrong)


def test_what_was_kept_of_another_ledger_is_passed_over(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    keeping = Keeping(tmp_path / "figures.npz")
    with open_ledger("sqlite://") as other:
        live(other, [*two_prints(), event(T0 + 40 * MINUTE, "job_started", "x")])
        with model_of(other, keeping).current():
            pass
    assert kinds(model_of(booked, keeping)) == set()


def test_where_it_cannot_be_kept_figures_are_made_all_the_same(
    booked: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "_WORTH_KEEPING", 1)
    keeping = Keeping(tmp_path / "no such folder" / "figures.npz")
    assert kinds(model_of(booked, keeping)) == set()


def test_a_feed_that_was_trimmed_beyond_its_mark_is_no_loss(booked: Ledger) -> None:
    model, pipeline = model_of(booked), fresh(booked)
    assert kinds(model) == set()
    tell(pipeline, [event(T0 + 70 * MINUTE, "job_started", "c")], T0 + 70 * MINUTE)
    tell(pipeline, [event(T0 + 80 * MINUTE, "job_succeeded", "c")], T0 + 80 * MINUTE)
    with booked.engine.begin() as connection:
        connection.execute(delete(schema.feed))
    assert kinds(model) == set()


LENGTHS = st.lists(
    st.tuples(st.sampled_from(PrinterState), st.integers(1, 40), st.none() | st.sampled_from(StateReason)),
    max_size=8,
)
PLANS = st.lists(st.tuples(st.integers(-20, 120), st.integers(1, 30)), max_size=4)


@settings(deadline=None)
@given(LENGTHS, st.booleans(), PLANS, st.integers(0, 140), st.none() | st.integers(1, 140), st.data())
def test_the_hours_are_those_of_spans_and_plans_instant_by_instant(
    lengths: list[tuple[PrinterState, int, StateReason | None]],
    is_open: bool,
    plans: list[tuple[int, int]],
    booked_until: int,
    retired: int | None,
    data: st.DataObject,
) -> None:
    bay = printer_called("bay", first_seen_ms=START_MS, retired_ms=retired and START_MS + retired)
    told = spans_of(bay, [(state, length) for state, length, _ in lengths])
    spans = [
        msgspec.structs.replace(span, reason=reason) for span, (*_, reason) in zip(told, lengths, strict=True)
    ]
    if is_open and spans:
        spans[-1] = msgspec.structs.replace(spans[-1], to_ms=None)
    planned = merged((START_MS + begin, START_MS + begin + length) for begin, length in plans)
    source = MemoryLedger([bay], spans, [], START_MS + booked_until)
    source.planned = [
        PlannedMaintenance(from_ms=begin, to_ms=end, planned_ms=0, who="anna") for begin, end in planned
    ]
    first, last = sorted(data.draw(st.lists(st.integers(0, 150), min_size=2, max_size=2)))
    window = Window("any", START_MS + first, START_MS + last)
    with ReadModel(source).current() as model:
        found = known_of(model, window, bay).account
    expected = hours_of(bay, spans, window.from_ms, window.to_ms, START_MS + booked_until, planned)
    spent = {condition: ms for condition, ms in found.open_conditions().items() if ms}
    assert spent == expected
    assert sum(found.open_ms.values()) == sum(expected.values())


def test_planned_work_restates_what_it_touches(booked: Ledger) -> None:
    model, store = model_of(booked), MaintenanceStore(booked.engine)
    assert kinds(model) == set()

    def maintenance_ms() -> int:
        with model.current() as now:
            spent = now.spent(np.array([T0 + HOUR]), np.arange(1), 1)
            return int(spent[0, 0, MAINTENANCE])

    before = maintenance_ms()
    by = ChangedBy(who="anna", why="nozzle", at_ms=T0 + HOUR)
    change = store.plan(by, from_ms=T0 + 10 * MINUTE, to_ms=T0 + 15 * MINUTE)
    assert (before, maintenance_ms()) == (0, 5 * MINUTE)
    assert kinds(model) == set()
    store.withdraw(change.planned.id, by)
    assert maintenance_ms() == 0


def test_a_verdict_restates_the_figures_and_its_withdrawal_takes_that_back(booked: Ledger) -> None:
    model, store = model_of(booked), VerdictStore(booked.engine)
    engine = KpiEngine(model, SiteSettings())

    def rates() -> tuple[float | None, ...]:
        ids = ["print_success_rate", "success_after_inspection", "inspected_yield", "first_pass_yield"]
        window = Window("all", T0, T0 + HOUR)
        before, after, share, first = engine.evaluate(ids, window, Scope.FARM, T0 + HOUR)
        return before.value, after.value, share.value, first.value

    assert rates() == (0.5, 0.5, None, 0.5)
    (job,) = [job for job in booked.jobs(JobFilter()).jobs if job.file == "a.gcode"]
    rejected = Inspection(job_id=job.id, rejected_units=1, reason=RejectionReason.WARPING)
    store.give([rejected], who="anna", now_ms=T0 + HOUR)
    assert rates() == (0.5, 0.0, 0.0, 0.0)
    store.give([Inspection(job_id=job.id, good_units=1)], who="anna", now_ms=T0 + HOUR)
    assert rates() == (0.5, 0.5, 1.0, 0.5)
    store.give([rejected], who="anna", now_ms=T0 + HOUR)
    store.withdraw([job.id], who="anna", note="mixed up", now_ms=T0 + HOUR)
    assert rates() == (0.5, 0.5, None, 0.5)
    assert kinds(model) == set()
