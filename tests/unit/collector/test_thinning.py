"""Telemetry is thinned by dead-band and interval, with a ceiling on the samples of a day."""

import math
import random
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.sessions.thinning import (
    MEASUREMENTS,
    MeasurementThinning,
    Thinner,
    ThinningPolicy,
    ThinningSettings,
)
from farm.model.observation import Telemetry
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

POLICY = ThinningPolicy(ThinningSettings())
START = 1_795_000_000_000


def kept_of(stream: Iterator[tuple[int, Telemetry]], policy: ThinningPolicy = POLICY) -> list[Telemetry]:
    state = Thinner()
    return [kept for at, values in stream if (kept := policy.keep(state, at, values)) is not None]


def test_the_first_sample_is_kept_whole() -> None:
    values = Telemetry(nozzle=20.0, bed=21.0, layer=0)
    assert POLICY.keep(Thinner(), START, values) == values


def test_a_value_inside_its_dead_band_is_not_kept_again() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle=210.0))
    assert POLICY.keep(state, START + MINUTE_MS, Telemetry(nozzle=211.9)) is None


def test_a_value_that_left_its_dead_band_is_kept_when_its_shortest_interval_is_over() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle=210.0, bed=60.0))
    assert POLICY.keep(state, START + 29 * SECOND_MS, Telemetry(nozzle=215.0)) is None
    assert POLICY.keep(state, START + 30 * SECOND_MS, Telemetry(bed=60.1)) == Telemetry(nozzle=215.0)


def test_slow_drift_is_measured_from_the_value_kept_last() -> None:
    policy = ThinningPolicy(ThinningSettings(spacing_seconds=1))
    stream = ((START + n * MINUTE_MS, Telemetry(bed=60.0 + n * 0.4)) for n in range(9))
    assert [round(kept.bed or 0, 1) for kept in kept_of(stream, policy)] == [60.0, 61.2, 62.4]


def test_a_quiet_printer_is_kept_whole_once_in_the_longest_interval() -> None:
    stream = ((START + n * SECOND_MS, Telemetry(nozzle=23.0, bed=23.0)) for n in range(3601))
    assert kept_of(stream) == [Telemetry(nozzle=23.0, bed=23.0)] * 7


def test_a_figure_that_is_said_only_when_it_changes_stands_until_then() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle_target=215.0, nozzle=215.0))
    kept = POLICY.keep(state, START + 10 * MINUTE_MS, Telemetry(nozzle=215.5))
    assert kept == Telemetry(nozzle_target=215.0, nozzle=215.5)


def test_whole_numbers_stay_whole() -> None:
    kept = POLICY.keep(Thinner(), START, Telemetry(layer=3, layers=120))
    assert kept is not None
    assert (type(kept.layer), type(kept.layers)) == (int, int)


def test_a_sample_from_before_the_last_kept_one_is_passed_over() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle=210.0))
    assert POLICY.keep(state, START - MINUTE_MS, Telemetry(nozzle=20.0)) is None


def test_a_clock_set_back_far_begins_anew() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle=210.0))
    assert POLICY.keep(state, START - HOUR_MS, Telemetry(nozzle=210.0)) == Telemetry(nozzle=210.0)


def test_the_state_survives_being_stored() -> None:
    state = Thinner()
    POLICY.keep(state, START, Telemetry(nozzle=210.0, layer=1))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Thinner)
    assert again == state


def test_every_figure_has_its_setting() -> None:
    assert set(ThinningSettings.model_fields) == {*MEASUREMENTS, "spacing_seconds"}


def test_a_shortest_interval_above_the_longest_is_refused() -> None:
    with pytest.raises(ValidationError, match="shortest_seconds must not be above longest_seconds"):
        MeasurementThinning(shortest_seconds=700)


def test_a_memory_of_a_release_that_knew_fewer_figures_has_room_for_all() -> None:
    fewer = len(MEASUREMENTS) - 1
    old = Thinner(START, (200.0,) + (None,) * (fewer - 1), (200.0,) + (None,) * (fewer - 1), (START,) * fewer)
    kept = POLICY.keep(old, START + 30 * SECOND_MS, Telemetry(nozzle=200.0, remaining_s=90.0))
    assert kept == Telemetry(remaining_s=90.0)


figures = st.floats(min_value=-50, max_value=400)
samples = st.builds(
    Telemetry,
    nozzle=st.none() | figures,
    bed=st.none() | figures,
    progress=st.none() | st.floats(0, 1),
    layer=st.none() | st.integers(0, 500),
)


@given(st.lists(st.tuples(st.integers(0, 40 * SECOND_MS), samples), max_size=60))
def test_kept_samples_keep_their_distance_and_hold_only_what_was_said(
    steps: list[tuple[int, Telemetry]],
) -> None:
    state, at, last = Thinner(), START, None
    said: dict[str, float] = {}
    for wait, values in steps:
        at += wait
        said |= {name: value for name in MEASUREMENTS if (value := getattr(values, name)) is not None}
        kept = POLICY.keep(state, at, values)
        if kept is None:
            continue
        assert last is None or at - last >= 30 * SECOND_MS
        last = at
        held = {name: value for name in MEASUREMENTS if (value := getattr(kept, name)) is not None}
        assert held
        assert held.items() <= said.items()


def a_day_of_printing(seed: int) -> Iterator[tuple[int, Telemetry]]:
    """A message a second for a day: prints of three hours, each heated up for five minutes, then a break."""
    chance = random.Random(seed)
    for second in range(DAY_MS // SECOND_MS):
        into = second % 12_000
        heating, printing = into < 300, 300 <= into < 11_100
        share = min(1.0, into / 300) if heating or printing else math.exp(-(into - 11_100) / 300)
        done = (into - 300) / 10_800 if printing else 0.0
        yield (
            START + second * SECOND_MS,
            Telemetry(
                nozzle=23 + 192 * share + chance.gauss(0, 0.4),
                nozzle_target=215.0 if heating or printing else 0.0,
                bed=23 + 37 * share + chance.gauss(0, 0.2),
                bed_target=60.0 if heating or printing else 0.0,
                progress=done,
                layer=int(done * 360),
                layers=360,
                z_mm=int(done * 360) * 0.2,
                speed_mm_s=chance.uniform(20, 180) if printing else 0.0,
                speed_factor=1.0,
                flow_factor=1.0,
                fan=chance.choice((0.3, 0.6, 1.0)) if printing else 0.0,
                filament_mm=done * 9_000,
            ),
        )


def test_a_thousand_busy_printers_stay_within_the_stated_points_a_day() -> None:
    samples_a_day = len(kept_of(a_day_of_printing(seed=1)))
    assert 1_000 * samples_a_day == pytest.approx(2_110_000, rel=0.03), "docs/influxdb.md states this figure"


def test_no_printer_gives_more_samples_than_the_ceiling() -> None:
    stream = (
        (START + second * SECOND_MS, Telemetry(nozzle=float(second % 2 * 200), layer=second))
        for second in range(DAY_MS // SECOND_MS)
    )
    assert (
        len(kept_of(stream)) <= DAY_MS // (round(ThinningSettings().spacing_seconds * SECOND_MS)) + 1 == 2_881
    )
