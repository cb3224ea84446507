"""Heaters, layers and spools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.layers import PrintPlan
from simulators.material import MATERIALS, Spool
from simulators.models import MODELS, PrinterModel
from simulators.thermal import AMBIENT_C

RIPPLE_C = 0.4


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: str(model.name))
@pytest.mark.parametrize("material", MATERIALS.values(), ids=lambda material: str(material.name))
def test_every_model_can_heat_for_every_material_within_a_quarter_of_an_hour(
    model: PrinterModel, material: object
) -> None:
    for heater, target in ((model.nozzle(), 255.0), (model.bed(), 100.0)):
        heater.aim(target, 0)
        assert 10_000 < heater.reached_ms() < 900_000
        assert heater.temperature(heater.reached_ms()) == pytest.approx(target, abs=RIPPLE_C)


@given(st.integers(0, 3_600_000), st.integers(0, 3_600_000))
def test_a_heater_never_cools_on_its_way_up(first: int, second: int) -> None:
    heater = MODELS["Bench 220"].nozzle()
    heater.aim(215.0, 0)
    early, late = sorted((first, second))
    assert heater.temperature(early) <= heater.temperature(late) + 2 * RIPPLE_C


@given(st.floats(30, 255), st.integers(1, 3_600_000))
def test_a_heater_that_is_switched_off_falls_towards_the_room(target: float, later: int) -> None:
    heater = MODELS["Bench 220"].nozzle()
    heater.aim(target, 0)
    hot_ms = heater.reached_ms()
    heater.aim(0.0, hot_ms)
    assert heater.power(hot_ms + later) == 0
    assert AMBIENT_C - RIPPLE_C <= heater.temperature(hot_ms + later) <= target + RIPPLE_C


def test_full_power_is_applied_on_the_way_and_less_when_holding() -> None:
    heater = MODELS["Bench 220"].nozzle()
    heater.aim(215.0, 0)
    assert heater.power(1_000) == 1.0
    assert heater.warming(1_000)
    assert 0 < heater.power(heater.reached_ms() + 1) < 1
    assert not heater.warming(heater.reached_ms())


def test_a_lower_target_is_reached_by_cooling_down() -> None:
    heater = MODELS["Bench 220"].nozzle()
    heater.aim(240.0, 0)
    at_ms = heater.reached_ms()
    heater.aim(200.0, at_ms)
    assert heater.reached_ms() > at_ms
    assert heater.temperature(heater.reached_ms()) == pytest.approx(200.0, abs=RIPPLE_C)
    assert heater.power(at_ms + 1) == 0


plans = st.builds(
    PrintPlan,
    layers=st.integers(2, 900),
    layer_mm=st.sampled_from((0.12, 0.2, 0.28)),
    printing_ms=st.integers(10_000, 100_000_000),
    filament_mm=st.floats(10, 100_000),
    grams=st.floats(0.5, 900),
    size_bytes=st.integers(1_000, 10**9),
)


@given(plans, st.floats(0, 1))
def test_layer_share_and_file_position_go_together(plan: PrintPlan, share: float) -> None:
    printed = int(plan.printing_ms * share)
    assert 1 <= plan.layer(printed) <= plan.layers
    assert plan.header_bytes <= plan.position(printed) <= plan.size_bytes
    assert 0 <= plan.share(printed) <= 1


@given(plans)
def test_a_print_begins_with_its_first_layer_and_ends_with_its_last(plan: PrintPlan) -> None:
    assert plan.layer(0) == 1
    assert plan.layer(plan.printing_ms) == plan.layers
    assert plan.position(plan.printing_ms) == plan.size_bytes
    assert plan.height(plan.layers) == pytest.approx(plan.layers * plan.layer_mm, abs=0.001)


def test_a_kilogram_of_pla_is_about_330_metres() -> None:
    assert MATERIALS["PLA"].millimetres(1000) == pytest.approx(335_300, rel=0.01)


def test_a_spool_gives_what_is_on_it_and_no_more() -> None:
    spool = Spool(name="PLA-001", material=MATERIALS["PLA"], grams_left=50)
    assert spool.lasts_for(50)
    spool.use(30)
    assert not spool.lasts_for(21)
    spool.use(100)
    assert spool.grams_left == 0
