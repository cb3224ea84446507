"""Scenario files: what comes with Layerline works, what is wrong is named."""

import sys
from pathlib import Path
from typing import Any

import pytest

from farm.errors import ConfigurationError
from simulators import protocols as found_protocols
from simulators.protocols import protocols
from simulators.scenario import load_scenario, packaged_scenarios, parse_scenario
from simulators.simulation import Wish, adjusted, planned


@pytest.mark.parametrize("name", sorted(packaged_scenarios()))
def test_a_packaged_scenario_loads_and_says_what_it_is_about(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.about


def test_the_demo_tells_the_stories_of_an_operators_week() -> None:
    stories = {story.name.split("-", 2)[2]: story for story in load_scenario("demo").printers}
    assert stories["weak-heater"].first_failures == ("thermal",) * 3
    assert stories["full-bed"].neglected_minutes > 0
    assert stories["host-dies"].host_down_minutes
    assert stories["bad-spool"].bad_spools
    assert stories["night-print"].plays


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[farm]\nprintres = 3", "s.toml: farm.printres: unknown key; did you mean printers? allowed: "),
        ("[farm]\nprinters = 0", "s.toml: farm.printers = 0: "),
        (
            '[[printers]]\nname = "a"\nprotocol = "bambu"',
            "'bambu': is no simulated protocol; allowed: moonraker, ",
        ),
        (
            '[[printers]]\nname = "a"\nmodel = "X"',
            "printers.0.model = 'X': is no model of printer; allowed: Bench 220",
        ),
        ('[[printers]]\nname = "a/b"', "printers.0.name = 'a/b': must not hold '/'"),
        (
            '[[printers]]\nname = "a"\nfirst_failures = ["host"]',
            "'host': is no fate of a print; allowed: thermal",
        ),
        ("[failures.jobs]\npower = 3", "'power': is no cause of a failed job; allowed: thermal"),
        ('[shift]\nbegin = "25:00"', "shift.begin = '25:00': must be a time of day"),
        ('[shift]\nbegin = "10:00"\nend = "09:00"', "begin '10:00' must be before end '09:00'"),
        ('[shift]\ndays = ["sunday"]', "'sunday': is no weekday; allowed: mon, tue"),
        ("[jobs]\nminutes = [9, 2]", "jobs.minutes = [9, 2]: must be two figures, the smaller one first"),
        ("[jobs]\ndemand = 1.5", "jobs.demand = 1.5: "),
        ('[farm]\ntime_zone = "Mars/Olympus"', "no IANA time zone"),
        ('[[printers]]\nname = "a"\nplays = ["x.gcode"]', "a plays 'x.gcode', which is not among the files"),
        ('[[printers]]\nname = "a"\n[[printers]]\nname = "a"', "two stories have the same name"),
        (
            "[farm]\nprinters = 1\n" + '[[printers]]\nname = "a"\n[[printers]]\nname = "b"',
            "2 stories, but farm.printers is 1",
        ),
        ("x = ", "s.toml: Invalid value"),
    ],
)
def test_what_is_wrong_is_named_with_file_key_value_and_remedy(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_scenario(text, "s.toml")
    assert complaint in str(refused.value)
    assert str(refused.value).startswith("s.toml")


def test_a_scenario_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="give a TOML file or one of: demo, demo-past, shop, week"):
        load_scenario(str(tmp_path / "none.toml"))


def test_a_scenario_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[farm]\nprinters = 3\n', "utf-8")
    assert load_scenario(str(path)).farm.printers == 3


def test_the_command_line_stands_above_the_scenario() -> None:
    wish = Wish(printers=2, seed=99, report_seconds=7, speed="max")
    scenario = adjusted(load_scenario("demo"), wish)
    assert (scenario.farm.printers, scenario.seed, scenario.farm.report_seconds) == (2, 99, 7)
    assert len(scenario.printers) == 2


@pytest.mark.parametrize("speed", ["fast", "0", "0.5", "-3", "nan", "inf"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    with pytest.raises(ConfigurationError, match="--speed"):
        planned(Wish(speed=speed), 0)


def test_real_time_begins_now_and_reports_as_often_as_printers_do() -> None:
    run = planned(Wish(), 1_700_000_000_000)
    assert run.from_ms == 1_700_000_000_000
    assert run.scenario.farm.report_seconds == 2
    with pytest.raises(ConfigurationError, match="begins now"):
        planned(Wish(start="2026-01-01T00:00:00Z"), 0)


def test_long_runs_report_seldom_unless_told_otherwise() -> None:
    def seconds(**wish: Any) -> float:
        return planned(Wish(speed="max", **wish), 0).scenario.farm.report_seconds

    assert seconds() == seconds(days=2) == 60
    assert seconds(days=30) == 300
    assert seconds(days=30, report_seconds=90) == 90
    assert seconds(days=30, scenario="demo") == 2


def test_faster_runs_begin_on_the_same_day_unless_told_otherwise() -> None:
    assert planned(Wish(speed="60"), 5).from_ms == planned(Wish(speed="max"), 9).from_ms
    assert planned(Wish(speed="60", start="2026-03-01T00:00:00Z"), 5).from_ms == 1_772_323_200_000
    with pytest.raises(ConfigurationError, match="--start"):
        planned(Wish(speed="60", start="yesterday"), 5)


def test_every_protocol_has_a_prefix_of_its_own_for_every_printer() -> None:
    for protocol in protocols().values():
        assert protocol.source.count("{printer}") == 1
        assert protocol.name


def test_a_protocol_is_found_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smoke.py").write_text(
        "from simulators.protocols import SimulatedProtocol\n"
        "from simulators.protocols.base import FrontEnd\n"
        'PROTOCOLS = [SimulatedProtocol("smoke", FrontEnd, "native", "smoke/{printer}", 1.0, 1)]\n',
        "utf-8",
    )
    monkeypatch.setattr(found_protocols, "__path__", [*found_protocols.__path__, str(tmp_path)])
    protocols.cache_clear()
    try:
        assert "smoke" in protocols()
    finally:
        protocols.cache_clear()
        sys.modules.pop("simulators.protocols.smoke", None)
