"""What fits is decoded in one go, of anything else what can be read, and the rest is named."""

import msgspec
import pytest

from collector.adapters import adapter
from collector.adapters._json import MAX_PAYLOAD, WireDecoder, number, salvage, shown
from collector.adapters._wire_types import (
    Celsius,
    FileName,
    Layer,
    MillimetresAMinute,
    Seconds,
    UptimeSeconds,
    WallSeconds,
)
from collector.adapters.base import Reading
from farm.errors import UnreadableMessage
from farm.model.limits import FILE
from farm.model.observation import JobReading


class Inner(msgspec.Struct):
    layer: Layer | None = None


class Said(msgspec.Struct, rename={"file": "_file"}):
    file: FileName | None = None
    nozzle: Celsius | None = None
    inner: Inner | None = None
    held: bool | None = None


decode = WireDecoder(Said).decode
GOOD = b'"_file": "a.gcode", "nozzle": 210.5'


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        (b'"inner": {"layer": 20000000}', "inner.layer is 20000000"),
        (b'"inner": {"layer": 2.5}', "inner.layer is 2.5"),
        (b'"inner": [1]', "inner is list"),
        (b'"inner": "\\ud800"', "inner is '\\ud800'"),
        (b'"held": "maybe"', "held is 'maybe'"),
        (b'"held": ' + b"9" * 400, "held is inf"),
        (b'"inner": {"layer": ' + b"9" * 400 + b"}", "inner.layer is inf"),
        (b'"inner": {"layer": 1e999}', "inner.layer is inf"),
        (b'"inner": {"layer": ' + b"9" * 30 + b"}", "inner.layer is " + "9" * 30),
    ],
)
def test_a_field_that_cannot_be_read_is_named_and_the_others_stay(more: bytes, refused: str) -> None:
    said, dropped = decode(b"{" + GOOD + b", " + more + b"}")
    assert (said.file, said.nozzle) == ("a.gcode", 210.5)
    assert dropped == (refused,)


def test_a_figure_is_read_from_text_too() -> None:
    said, dropped = decode(b'{"nozzle": " 210.5 ", "inner": {"layer": "12"}, "held": 1}')
    assert said == Said(nozzle=210.5, inner=Inner(layer=12), held=True)
    assert dropped == ()


def test_null_is_as_good_as_absent() -> None:
    assert decode(b'{"_file": null, "nozzle": 3000, "inner": null}') == (Said(), ("nozzle is 3000",))


@pytest.mark.parametrize("said", [b'"a\\u0000b"', b'"a\\ud800b"', b'"' + b"x" * 600 + b'"'])
def test_a_text_that_cannot_be_kept_as_it_is_is_fitted(said: bytes) -> None:
    found, dropped = decode(b'{"_file": ' + said + b"}")
    assert found.file is not None
    assert len(found.file) <= FILE.length
    assert found.file.encode().decode() == found.file
    assert "\0" not in (JobReading(file=found.file).file or "")
    assert dropped == ()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"{nope", "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b'{"nozzle": NaN}', "not_finite"),
        (b'{"nozzle": -Infinity}', "not_finite"),
        (b"[1]", "wrong_shape"),
        (b"5", "wrong_shape"),
        (b'{"_file": "\xff"}', "not_utf8"),
        (b" " * (MAX_PAYLOAD + 1), "too_large"),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessage) as refusal:
        decode(payload)
    assert refusal.value.reason == reason


def test_a_payload_of_just_the_allowed_size_is_read() -> None:
    assert decode(b"{}" + b" " * (MAX_PAYLOAD - 2)) == (Said(), ())


def test_an_integer_without_end_costs_nothing_and_loses_no_message() -> None:
    assert salvage(b'{"a": ' + b"9" * 900_000 + b', "b": 1}') == {"a": float("inf"), "b": 1}


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        (1, 1.0),
        ("1.5", 1.5),
        (" 2 ", 2.0),
        (True, None),
        ("x", None),
        ("nan", None),
        (10**400, None),
        (float("inf"), None),
        ([], None),
        (None, None),
    ],
)
def test_a_number_is_finite_or_none(value: object, figure: float | None) -> None:
    assert number(value) == figure


@pytest.mark.parametrize("value", ["x" * 10_000, [1] * 10_000, {"a": 1}, 1e308, None, True])
def test_a_value_is_shown_in_few_characters(value: object) -> None:
    assert len(shown(value)) <= 70


@pytest.mark.parametrize(
    ("wire", "most"),
    [
        (WallSeconds, 4_102_444_800),
        (UptimeSeconds, 10 * 366 * 86_400),
        (Seconds, 366 * 86_400),
        (MillimetresAMinute, 60 * 100_000),
    ],
)
def test_a_field_takes_as_much_as_its_unit_comes_to(wire: type[float], most: float) -> None:
    assert msgspec.convert(most * (1 - 1e-9), wire) > most / 2
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(most * (1 + 1e-9), wire)


def test_an_integer_too_long_to_write_is_shown_in_few_characters() -> None:
    assert len(shown(10**5_000)) <= 70


def read(kind: str, suffix: str, payload: bytes) -> Reading | None:
    found = adapter(kind)
    return found.read(found.new_memory(), suffix, payload, False)


def test_a_message_says_what_it_says_out_of_a_queue_too() -> None:
    found = read("native", "state", b'{"v": 1, "time": "2026-01-01T00:00:00Z", "state": "idle"}')
    assert found is not None
    assert not found.only_now


@pytest.mark.parametrize(
    ("kind", "suffix", "payload", "reason"),
    [
        ("octoprint", "event/PrintDone", b'{"_timestamp": 1e308}', "absurd_time"),
        ("octoprint", "event/PrintDone", b'{"_timestamp": ' + b"9" * 400 + b"}", "absurd_time"),
        ("octoprint", "event/PrintDone", b'{"_timestamp": 0}', "absurd_time"),
        ("octoprint", "event/PrintDone", b"", "not_json"),
        ("octoprint", "temperature/bed", b'{"_timestamp": -1e12, "actual": 60}', "absurd_time"),
        ("moonraker", "klipper/status", b'{"eventtime": 1e308, "status": {}}', "absurd_time"),
        ("moonraker", "klipper/status", b'{"eventtime": 400000000, "status": {}}', "absurd_time"),
        ("moonraker", "klipper/status", b'{"eventtime": null, "status": {}}', "wrong_shape"),
        ("moonraker", "klipper/status", b'{"eventtime": 1}', "wrong_shape"),
        ("moonraker", "klipper/state/fan/speed", b'{"eventtime": -1, "value": 1}', "absurd_time"),
        ("moonraker", "moonraker/api/response", b"[" * 100_000, "too_deep"),
        ("moonraker", "moonraker/status", b'{"server": 1}', "wrong_shape"),
        ("native", "event", b'{"v": 1, "event": []}', "unknown_event"),
        ("native", "event", b'{"v": 2, "event": "job_started"}', "wrong_version"),
        ("native", "event", b'{"v": ' + b"9" * 5_000 + b', "event": "job_started"}', "wrong_version"),
        ("native", "state", b'{"v": 1, "at": 20261118, "state": "idle"}', "bad_time"),
        ("native", "state", b'{"v": 1, "at": "2026-11-18", "state": "idle"}', "bad_time"),
        ("native", "state", b'{"v": 1, "at": "9999-12-31T00:00:00Z", "state": "idle"}', "absurd_time"),
        ("native", "telemetry", b'{"v": 1, "at": "0001-01-01T00:00:00Z"}', "absurd_time"),
    ],
)
def test_a_message_whose_time_or_meaning_cannot_be_is_refused(
    kind: str, suffix: str, payload: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableMessage) as refusal:
        read(kind, suffix, payload)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("kind", "suffix", "payload", "refused"),
    [
        ("octoprint", "event/PrintDone", b'{"path": "a", "time": 1e12}', "time is 1000000000000.0"),
        ("octoprint", "event/PrintDone", b'{"path": "a", "_timestamp": "soon"}', "_timestamp is 'soon'"),
        ("native", "event", b'{"v":1,"event":"job_started","job":{"units":1e30}}', "job.units is 1e+30"),
        ("native", "telemetry", b'{"v":1,"layer":1e18}', "layer is 1e+18"),
        (
            "moonraker",
            "klipper/status",
            b'{"eventtime":9,"status":{"print_stats":{"info":{"current_layer":99999999999999999999}}}}',
            "print_stats.info.current_layer is 99999999999999999999",
        ),
        (
            "moonraker",
            "moonraker/api/response",
            b'{"result":{"jobs":[{"job_id":"1","start_time":1e308}]}}',
            "jobs.start_time is 1e+308",
        ),
        (
            "moonraker",
            "moonraker/api/response",
            b'{"result":{"jobs":[{"job_id":"1","start_time":1795000000,"end_time":1794000000}]}}',
            "jobs.end_time is 1794000000.0",
        ),
    ],
)
def test_a_message_is_taken_without_the_field_that_cannot_be_meant(
    kind: str, suffix: str, payload: bytes, refused: str
) -> None:
    reading = read(kind, suffix, payload)
    assert reading is not None
    assert len(reading.refused) == 1
    assert reading.refused[0].startswith(refused)


def test_a_word_that_is_neither_online_nor_offline_leaves_what_was_known_of_the_link() -> None:
    moonraker = adapter("moonraker")
    memory = moonraker.new_memory()
    moonraker.read(memory, "moonraker/status", b'{"server": "online"}', True)
    with pytest.raises(UnreadableMessage):
        moonraker.read(memory, "moonraker/status", b'{"server": "perhaps"}', False)
    assert memory.online


def test_what_is_read_is_told_unasked_unless_it_says_that_it_answers() -> None:
    assert not Reading(0).is_answer
