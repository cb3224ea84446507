"""Layerline's own JSON, word by word, and what becomes of it in the books."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.adapters import adapter
from collector.adapters.base import ClockKind, Reading
from farm.errors import UnreadableMessage
from farm.model.limits import INSTANT_MS
from farm.model.observation import JobReading, JobSignal, Link, Observation, Telemetry
from farm.model.states import ACTIVE_STATES, CancelledBy, Cause, PrinterState, StateReason
from farm.model.times import rfc3339
from tests.unit.collector.farm import SECOND, T0, Farm, farm

NATIVE = adapter("native")
AT = "2026-11-18T11:06:40.000Z"


def read(suffix: str, said: object, *, retained: bool = False, memory: Any = None) -> Reading | None:
    """What it tells of state, job and link; by what it is told from others is another matter."""
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    reading = NATIVE.read(NATIVE.new_memory() if memory is None else memory, suffix, payload, retained)
    return reading and reading._replace(traits=())


def seen(suffix: str, said: object, *, retained: bool = False) -> Observation:
    reading = read(suffix, said, retained=retained)
    assert reading is not None
    (observation,) = reading.observations
    return observation


def refused(suffix: str, said: object) -> str:
    with pytest.raises(UnreadableMessage) as caught:
        read(suffix, said)
    return caught.value.reason


def test_what_it_states_of_itself() -> None:
    assert (NATIVE.kind, NATIVE.clock) == ("native", ClockKind.WALL)
    assert (NATIVE.silence_ms, NATIVE.resolution_ms) == (300_000, 1)
    assert NATIVE.default_topics == ("layerline/native/v1/{printer}",)
    assert NATIVE.suffixes == ("link", "state", "event", "telemetry")
    assert NATIVE.plain_words == ("online", "offline")


def test_of_a_recording_only_what_is_read_is_kept() -> None:
    figures = NATIVE.recorded_fields("telemetry")
    assert figures is not None
    assert {"v", "at", "nozzle", "layer"} <= set(figures)
    for suffix in ("state", "event"):
        fields = NATIVE.recorded_fields(suffix)
        assert fields is not None
        assert "nozzle" not in fields
        assert {"v", "at", "state", "event", "job"} <= set(fields)


def test_layers_are_whole() -> None:
    memory = NATIVE.new_memory()
    read("telemetry", {"v": 1, "layer": 88.0, "layers": 210.0}, memory=memory)
    figures = NATIVE.telemetry(memory)
    assert (type(figures.layer), type(figures.layers)) == (int, int)


# -- link -----------------------------------------------------------------------------------


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize(("word", "link"), [(b"online", Link.ONLINE), (b" offline\n", Link.OFFLINE)])
def test_the_link_is_positive_evidence(word: bytes, link: Link, retained: bool) -> None:
    assert read("link", word, retained=retained) == Reading(
        None, (Observation(link=link, retained=retained),)
    )


def test_another_word_for_the_link_is_refused() -> None:
    assert refused("link", b"away") == "wrong_shape"


def test_a_link_that_went_takes_what_was_known_of_the_state_with_it() -> None:
    memory = NATIVE.new_memory()
    job = {"id": "a", "file": "ring.ctb"}
    read("state", {"v": 1, "state": "printing", "job": job}, memory=memory)
    assert memory.state is PrinterState.PRINTING
    assert memory.job is not None
    read("link", b"online", memory=memory)
    assert memory.state is PrinterState.PRINTING
    read("link", b"offline", memory=memory)
    assert memory == NATIVE.new_memory()


# -- state ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(PrinterState))
def test_every_state_is_taken_as_it_is_told(state: PrinterState) -> None:
    found = seen("state", {"v": 1, "at": AT, "state": state.value, "detail": "why", "job": {"id": "a"}})
    job = JobReading(token="a", native_id="a") if state in ACTIVE_STATES else None
    assert found == Observation(time_ms=T0, level=True, state=state, detail="why", job=job)


def test_a_pause_that_is_told_as_a_state_says_why_and_no_other_state_does() -> None:
    said = {"v": 1, "at": AT, "reason": "waiting_for_material"}
    assert seen("state", said | {"state": "paused"}).reason is StateReason.WAITING_FOR_MATERIAL
    assert seen("state", said | {"state": "idle"}).reason is None


def test_an_unknown_word_is_unknown_and_quoted() -> None:
    found = seen("state", {"v": 1, "state": "dancing", "detail": "why"})
    assert (found.state, found.detail) == (PrinterState.UNKNOWN, "state 'dancing'")
    assert seen("state", {"v": 1}).detail == "state ''"


def test_a_state_that_the_broker_kept_has_no_time() -> None:
    reading = read("state", {"v": 1, "at": AT, "state": "idle"}, retained=True)
    assert reading == Reading(None, (Observation(retained=True, level=True, state=PrinterState.IDLE),))


def test_a_message_without_a_time_has_none() -> None:
    reading = read("state", {"v": 1, "state": "idle"})
    assert reading == Reading(None, (Observation(level=True, state=PrinterState.IDLE),))


# -- events ---------------------------------------------------------------------------------

EVENTS = {
    "job_started": (JobSignal.STARTED, PrinterState.PRINTING),
    "job_paused": (None, PrinterState.PAUSED),
    "job_resumed": (None, PrinterState.PRINTING),
    "job_succeeded": (JobSignal.DONE, PrinterState.FINISHED),
    "job_failed": (JobSignal.FAILED, PrinterState.ERROR),
    "job_cancelled": (JobSignal.CANCELLED, PrinterState.IDLE),
}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_its_signal_and_its_state(event: str) -> None:
    signal, state = EVENTS[event]
    memory = NATIVE.new_memory()
    reading = read("event", {"v": 1, "at": AT, "event": event, "job": {"id": "a"}}, memory=memory)
    job = JobReading(token="a", native_id="a")
    assert reading == Reading(T0, (Observation(time_ms=T0, state=state, signal=signal, job=job),))
    assert (memory.state, memory.job) == (state, job)


@pytest.mark.parametrize("cause", list(Cause))
def test_a_failure_has_the_cause_that_is_told(cause: Cause) -> None:
    found = seen("event", {"v": 1, "event": "job_failed", "cause": cause.value, "detail": "layer 212"})
    assert (found.cause, found.detail) == (cause, "layer 212")


@pytest.mark.parametrize("cause", ["gremlins", 7, None])
def test_a_failure_whose_cause_is_no_word_of_ours_has_none(cause: object) -> None:
    assert seen("event", {"v": 1, "event": "job_failed", "cause": cause}).cause is None


@pytest.mark.parametrize(
    ("word", "by"),
    [("person", CancelledBy.PERSON), ("system", CancelledBy.SYSTEM), ("cat", None), (None, None)],
)
def test_a_cancel_says_by_whom(word: str | None, by: CancelledBy | None) -> None:
    assert seen("event", {"v": 1, "event": "job_cancelled", "cancelled_by": word}).cancelled_by is by


def test_an_event_that_the_broker_kept_says_nothing() -> None:
    assert read("event", {"v": 1, "event": "job_started", "job": {"id": "a"}}, retained=True) is None


# -- the job --------------------------------------------------------------------------------


def job_of(**fields: object) -> JobReading | None:
    return seen("event", {"v": 1, "event": "job_started", "job": fields}).job


def test_every_field_of_a_job_is_taken() -> None:
    assert job_of(
        id="a-17",
        file="ring.ctb",
        progress=0.42,
        printing_seconds=2801.5,
        elapsed_seconds=3000.25,
        expected_seconds=7200,
        filament_mm=1204.5,
        filament_g=18.2,
        resin_ml=41.5,
        material="PLA",
        operator="ann",
        spool="17",
        units=4,
    ) == JobReading(
        file="ring.ctb",
        token="a-17",
        native_id="a-17",
        progress=0.42,
        printing_ms=2_801_500,
        elapsed_ms=3_000_250,
        expected_ms=7_200_000,
        filament_mm=1204.5,
        filament_g=18.2,
        resin_ml=41.5,
        material="PLA",
        operator="ann",
        spool="17",
        units=4,
    )


@pytest.mark.parametrize(("units", "taken"), [(0, 0), (1, 1), (3.0, 3), (-1, None), ("many", None)])
def test_pieces_on_a_plate_are_not_negative(units: object, taken: int | None) -> None:
    found = job_of(id="a", units=units)
    assert found is not None
    assert found.units == taken


@pytest.mark.parametrize("job", [None, 7, "a", ["a"]])
def test_a_job_that_is_no_object_is_none(job: object) -> None:
    assert seen("event", {"v": 1, "event": "job_started", "job": job}).job is None


def test_fields_of_a_wrong_kind_are_left_out() -> None:
    found = job_of(id="a", file=7, progress="soon", printing_seconds=[], material={}, operator=True)
    assert found == JobReading(token="a", native_id="a")


# -- telemetry ------------------------------------------------------------------------------


def test_figures_are_laid_over_those_of_before() -> None:
    memory = NATIVE.new_memory()
    first = {"v": 1, "at": AT, "nozzle": 214.8, "nozzle_target": 215, "bed": 60.1, "bed_target": 60}
    second = {"v": 1, "chamber": 38.5, "progress": 0.43, "layer": 88, "layers": 210, "filament_mm": 12.5}
    assert read("telemetry", first, memory=memory) == Reading(T0)
    assert read("telemetry", second, memory=memory) == Reading(None)
    read("telemetry", {"v": 1, "nozzle": "hot", "layer": None, "bed": 61}, memory=memory)
    assert NATIVE.telemetry(memory) == Telemetry(
        nozzle=214.8,
        nozzle_target=215.0,
        bed=61.0,
        bed_target=60.0,
        chamber=38.5,
        progress=0.43,
        layer=88,
        layers=210,
        filament_mm=12.5,
    )


def test_figures_that_the_broker_kept_have_no_time() -> None:
    assert read("telemetry", {"v": 1, "at": AT, "nozzle": 20}, retained=True) == Reading(None)


# -- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["state", "event", "telemetry"])
@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_version_is_refused(suffix: str, version: object) -> None:
    said = {"v": version, "state": "idle", "event": "job_started"}
    assert refused(suffix, said) == "wrong_version"


@pytest.mark.parametrize("suffix", ["state", "event", "telemetry"])
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "wrong_shape"),
        (b"\xff", "not_utf8"),
        (b'{"v": 1, "at": NaN}', "not_finite"),
        (b" " * 1_000_001, "too_large"),
    ],
)
def test_what_is_no_message_is_refused(suffix: str, payload: bytes, reason: str) -> None:
    assert refused(suffix, payload) == reason


@pytest.mark.parametrize("at", ["yesterday", 7, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_refused(at: object) -> None:
    assert refused("state", {"v": 1, "at": at, "state": "idle"}) == "bad_time"
    assert refused("telemetry", {"v": 1, "at": at}) == "bad_time"


@pytest.mark.parametrize("event", ["job_exploded", "", None])
def test_an_event_that_is_none_of_ours_is_refused(event: object) -> None:
    assert refused("event", {"v": 1, "event": event}) == "unknown_event"


# -- in the books ---------------------------------------------------------------------------


@pytest.fixture
def printer() -> Iterator[Farm]:
    with farm("native:resin=r", "r") as found:
        found.hear(0, "link", b"online")
        yield found


def event(printer: Farm, at: float, word: str, **more: Any) -> None:
    job = {"id": "a-1", "file": "ring.ctb"} | more.pop("job", {})
    said = {"v": 1, "at": rfc3339(T0 + round(at * SECOND)), "event": word, "job": job}
    printer.hear(at, "event", said | more)


def test_a_job_from_start_to_end(printer: Farm) -> None:
    event(printer, 10, "job_started", job={"material": "resin", "units": 6})
    event(printer, 70, "job_paused")
    event(printer, 100, "job_resumed")
    event(printer, 190, "job_succeeded", job={"printing_seconds": 150.5})
    job = printer.job
    assert (job.outcome, job.file, job.material, job.units) == ("succeeded", "ring.ctb", "resin", 6)
    assert (job.started_ms, job.ended_ms) == (T0 + 10_000, T0 + 190_000)
    assert (job.printing_ms, job.paused_ms, job.pauses) == (150_500, 30_000, 1)


def test_a_pause_says_why_and_other_states_do_not(printer: Farm) -> None:
    event(printer, 10, "job_started", reason="waiting_for_material")
    event(printer, 70, "job_paused", reason="waiting_for_material")
    event(printer, 100, "job_resumed")
    event(printer, 110, "job_paused", reason="engineering")
    printer.wait(120)
    observed = [span for span in printer.spans if span.source == "observed"]
    assert [(span.state, span.reason) for span in observed] == [
        ("printing", None),
        ("paused", "waiting_for_material"),
        ("printing", None),
        ("paused", None),
    ]


def test_a_failure_is_booked_with_its_cause(printer: Farm) -> None:
    event(printer, 10, "job_started")
    event(printer, 70, "job_failed", cause="adhesion", detail="layer 212 lost the plate")
    job = printer.job
    assert (job.outcome, job.cause, job.detail) == ("failed", "adhesion", "layer 212 lost the plate")
    assert printer.state == "error"


def test_a_failure_that_says_no_cause_has_an_unknown_one(printer: Farm) -> None:
    event(printer, 10, "job_started")
    event(printer, 70, "job_failed", cause="gremlins")
    assert (printer.job.outcome, printer.job.cause) == ("failed", "unknown")


@pytest.mark.parametrize(("by", "booked"), [("person", "person"), ("system", "system"), (None, None)])
def test_a_cancel_is_booked_with_who_gave_it(printer: Farm, by: str | None, booked: str | None) -> None:
    event(printer, 10, "job_started")
    event(printer, 70, "job_cancelled", cancelled_by=by)
    assert (printer.job.outcome, printer.job.cancelled_by) == ("cancelled", booked)


def test_silence_beyond_five_minutes_is_unknown(printer: Farm) -> None:
    printer.hear(10, "state", {"v": 1, "state": "idle"})
    printer.wait(309)
    assert printer.state == "idle"
    printer.wait(330)
    assert printer.state == "unknown"


REFUSALS = {"wrong_shape", "wrong_version", "bad_time", "absurd_time", "unknown_event"}
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(["v", "at", "state", "event", "job", "cause", "detail", "cancelled_by", "nozzle"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["link", "state", "event", "telemetry"]),
    st.dictionaries(_fields, _json | st.just(1), max_size=6),
    st.booleans(),
)
def test_any_object_is_read_or_refused(suffix: str, said: dict[str, object], retained: bool) -> None:
    reading, why = None, None
    try:
        reading = read(suffix, said, retained=retained)
    except UnreadableMessage as error:
        why = error.reason
    if why is not None:
        assert why in REFUSALS
        return
    assert suffix != "link"
    assert said["v"] == 1
    assert (reading is None) == (suffix == "event" and retained)
    if reading is not None:
        assert reading.time_ms is None or INSTANT_MS.holds(reading.time_ms)
        assert len(reading.observations) == (suffix != "telemetry")
        assert all(field.partition(" is ")[0] in said for field in reading.refused if "." not in field)
