"""One publisher goes on from where it was; two take turns, and come back to where each was."""

from collections.abc import Sequence

import pytest

from collector.adapters import adapter
from collector.adapters.base import Trait
from collector.sessions.publishers import Publishers, heard
from farm.model.clash import STANDS_MS, ClashSign, PublisherClash

T0 = 1_795_000_000_000
SECOND = 1_000
Said = tuple[float, float, str]
"""Seconds after T0, the figure, and of what it is."""


def clash_of(sign: ClashSign, said: Sequence[Said]) -> PublisherClash | None:
    publishers = Publishers()
    for at, figure, of in said:
        publishers = heard(publishers, "bay", [Trait(sign, "", figure, of)], T0 + round(at * SECOND))
    return publishers.clash


def clocks(*told: tuple[float, float]) -> list[Said]:
    """Messages with (second of receipt, second of the source's clock)."""
    return [(at, source * SECOND, "") for at, source in told]


def in_turn(first: Sequence[Said], second: Sequence[Said]) -> list[Said]:
    return sorted([*first, *second])


UP_LONG = clocks(*((at, 5_000 + at) for at in range(60)))
UP_SHORT = clocks(*((at + 0.5, 300 + at) for at in range(60)))


def test_two_clocks_that_take_turns_are_two_hosts() -> None:
    clash = clash_of(ClashSign.CLOCK, in_turn(UP_LONG, UP_SHORT))
    assert clash is not None
    assert (clash.prefix, clash.sign) == ("bay", ClashSign.CLOCK)
    assert clash.since_ms - T0 <= 3 * SECOND
    assert clash.last_ms - T0 >= 59 * SECOND


def test_one_turn_or_two_are_no_proof() -> None:
    assert clash_of(ClashSign.CLOCK, in_turn(UP_LONG, UP_SHORT)[:4]) is None
    assert clash_of(ClashSign.CLOCK, in_turn(UP_LONG, UP_SHORT)[:5]) is not None


@pytest.mark.parametrize(
    "said",
    [
        [*UP_LONG, *clocks(*((60 + at, 20 + at) for at in range(60)))],
        clocks(*((at, 5_000 + at - (at % 20 == 19) * 2) for at in range(120))),
        clocks(*((10 * (at // 10), 5_000 + at) for at in range(120))),
    ],
    ids=["a reboot", "messages overtaken", "all in bursts"],
)
def test_one_clock_is_one_host(said: list[Said]) -> None:
    assert clash_of(ClashSign.CLOCK, said) is None


def test_a_nozzle_that_is_hot_and_cold_within_seconds_is_two() -> None:
    hot = [(2.0 * n, 215.0 + n % 2, "215.0") for n in range(30)]
    cold = [(5.0 * n + 1, 24.0, "0.0") for n in range(12)]
    assert clash_of(ClashSign.NOZZLE, in_turn(hot, cold)) is not None


def test_a_tool_that_waits_cooler_in_turn_is_one() -> None:
    """A second tool is in use for ten seconds each: the target takes turns, the heat follows slowly."""
    said = [
        (float(at), 215 - 20 * (at % 10) / 10 if at // 10 % 2 else 195 + 20 * (at % 10) / 10, target)
        for at in range(300)
        for target in ["175.0" if at // 10 % 2 else "215.0"]
    ]
    assert clash_of(ClashSign.NOZZLE, said) is None


def test_a_loose_thermistor_is_one_printer() -> None:
    said = [(float(at), -14.0 if at % 3 else 215.0, "215.0") for at in range(120)]
    assert clash_of(ClashSign.NOZZLE, said) is None


def test_a_bed_whose_targets_take_turns_is_two_and_one_that_is_tried_again_is_one() -> None:
    said = [(float(at), 0.0, "60.0" if at % 2 else "45.0") for at in range(10)]
    assert clash_of(ClashSign.BED, said) is not None
    tried = [(float(at), 0.0, "60.0" if at // 8 % 2 else "0.0") for at in range(120)]
    assert clash_of(ClashSign.BED, tried) is None


@pytest.mark.parametrize("of", ["vase.gcode", "ring.gcode"], ids=["the same file", "another file"])
def test_two_prints_that_go_on_in_turn_are_two(of: str) -> None:
    first = [(60.0 * n, 30.0 + n, "vase.gcode") for n in range(6)]
    second = [(60.0 * n + 20, 60.0 + n, of) for n in range(6)]
    clash = clash_of(ClashSign.PROGRESS, in_turn(first, second))
    assert clash is not None
    assert clash.since_ms - T0 <= 90 * SECOND


def test_prints_one_after_the_other_are_one() -> None:
    prints = [(100.0 * p + n, float(n), ("vase", "ring")[p % 2]) for p in range(8) for n in range(0, 101, 10)]
    cancelled = [(100.0 * p + n, float(n), ("vase", "ring")[p % 2]) for p in range(8) for n in range(40)]
    wobbling = [(float(n), 40 + n / 100 - n % 3 / 2, "") for n in range(300)]
    for said in (prints, cancelled, wobbling):
        assert clash_of(ClashSign.PROGRESS, said) is None


def test_what_an_older_message_tells_beside_its_time_is_passed_over() -> None:
    """A client sends its last messages again: their clock is behind, and the bed of then is no other bed."""
    publishers = Publishers()
    for round_ in range(12):
        for behind in (0, *range(19, 0, -1)):
            at = T0 + round_ * 20 * SECOND
            bed = "60.0" if behind % 2 else "0.0"
            traits = [Trait(ClashSign.CLOCK, "", at - behind * SECOND), Trait(ClashSign.BED, "", 0, bed)]
            publishers = heard(publishers, "bay", traits[: 2 if behind > 3 else 1], at)
    assert publishers.clash is None


def test_a_clash_that_was_over_begins_anew() -> None:
    first = in_turn(UP_LONG, UP_SHORT)
    quiet_s = (STANDS_MS + 60 * SECOND) / SECOND
    again = [(at + quiet_s + 60, figure + (quiet_s + 60) * SECOND, of) for at, figure, of in first]
    clash = clash_of(ClashSign.CLOCK, [*first, *again])
    assert clash is not None
    assert clash.since_ms - T0 > quiet_s * SECOND


def test_what_adapters_tell_publishers_apart_by() -> None:
    octoprint, moonraker, native = (adapter(kind) for kind in ("octoprint", "moonraker", "native"))
    memory = octoprint.new_memory()
    said = b'{"actual": 214.8, "target": 215.0, "_timestamp": 1795000000}'
    reading = octoprint.read(memory, "temperature/tool0", said, False)
    assert reading is not None
    clock, nozzle = reading.traits
    assert clock == Trait(ClashSign.CLOCK, "temperature/tool0", 1_795_000_000_000)
    assert nozzle == Trait(ClashSign.NOZZLE, "", 214.8, "215.0")
    kept = octoprint.read(memory, "temperature/tool0", said, True)
    assert kept is not None
    assert kept.traits == ()

    host = moonraker.new_memory()
    told = [
        moonraker.read(host, "klipper/status", b'{"eventtime": %d, "status": {}}' % at, False)
        for at in (5_000, 5_001, 300, 301, 5_002)
    ]
    assert [bool(each and each.traits) for each in told] == [True, False, True, False, True]

    state = (
        b'{"v": 1, "at": "2026-11-22T08:15:30Z", "state": "printing", "job": {"id": "a", "progress": 0.4}}'
    )
    reading = native.read(native.new_memory(), "state", state, False)
    assert reading is not None
    assert reading.traits[1] == Trait(ClashSign.PROGRESS, "state", 40.0, "a")
