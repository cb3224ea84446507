"""What real printers said, as raw material: the recordings by adapter, and as streams of good printers."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from collector.intake.sources import SourceTable
from tests.recordings import RECORDINGS, messages, recording_id, sources

GOOD, BAD = "good", "bad"
"""The first level of the topics of printers that tell the truth, and of those that do not."""
ADAPTERS = ("octoprint", "moonraker", "native")
SOURCES = tuple(f"{kind}={side}/{kind}/{{printer}}" for side in (GOOD, BAD) for kind in ADAPTERS)

_VALUE = re.compile(rb'(?<=:)\s*("(?:[^"\\]|\\.)*"|-?\d[-+.\deE]*|true|false|null|\[\]|\{\})')
_CLOCK = re.compile(rb'"(?:_timestamp|eventtime)":\s*(\d+(?:\.\d+)?)')


class Sample(NamedTuple):
    """A message that a real printer sent, and where its values and its time stand in it."""

    suffix: str
    payload: bytes
    values: tuple[tuple[int, int], ...]
    clock: tuple[int, int] | None


class GoodMessage(NamedTuple):
    """A message of a stream that must come through unchanged."""

    received_ms: int
    topic: str
    payload: bytes
    retained: bool


def sample(suffix: str, payload: bytes) -> Sample:
    """The sample of a message below a printer's prefix."""
    clock = _CLOCK.search(payload)
    return Sample(
        suffix,
        payload,
        tuple(found.span(1) for found in _VALUE.finditer(payload)),
        None if clock is None else clock.span(1),
    )


class _Recorded(NamedTuple):
    received_ms: int
    adapter: str
    printer: str
    suffix: str
    payload: bytes
    retained: bool


@cache
def recorded() -> tuple[_Recorded, ...]:
    """Every message of every recording that an adapter reads, in the order of receipt."""
    found = []
    for path in RECORDINGS:
        table = SourceTable(sources(path))
        name = recording_id(path).replace("/", "-")
        for message in messages(path):
            match = table.match(message.topic)
            if match is not None:
                printer = f"{name}-{match.printer}"
                found.append(
                    _Recorded(
                        message.received_ms,
                        match.adapter.kind,
                        printer,
                        match.suffix,
                        message.raw,
                        message.retain,
                    )
                )
    return tuple(sorted(found, key=lambda one: one.received_ms))


@cache
def samples(adapter: str) -> tuple[Sample, ...]:
    """The distinct messages that real printers sent by the adapter's protocol.

    Nothing of our own JSON was recorded, so its documented forms stand in.
    """
    if adapter == "native":
        return tuple(sample(suffix, payload) for suffix, payload in _NATIVE)
    said = dict.fromkeys((one.suffix, one.payload) for one in recorded() if one.adapter == adapter)
    return tuple(sample(suffix, payload) for suffix, payload in said)


_JOB = b'"job":{"id":"a1","file":"ring.gcode","printing_seconds":50,"elapsed_seconds":60,"progress":0.4,'
_JOB += b'"expected_seconds":150,"remaining_seconds":90,'
_JOB += b'"filament_mm":12.5,"filament_g":3.5,"material":"PLA","operator":"eve","units":2}'
_NATIVE = (
    ("link", b"online"),
    ("link", b"offline"),
    ("state", b'{"v":1,"state":"printing","detail":"words",' + _JOB + b"}"),
    ("state", b'{"v":1,"state":"idle"}'),
    ("state", b'{"v":1,"state":"error","detail":"thermal runaway"}'),
    ("event", b'{"v":1,"event":"job_started",' + _JOB + b"}"),
    ("event", b'{"v":1,"event":"job_paused",' + _JOB + b"}"),
    ("event", b'{"v":1,"event":"job_succeeded",' + _JOB + b"}"),
    ("event", b'{"v":1,"event":"job_failed","cause":"thermal","detail":"words",' + _JOB + b"}"),
    ("event", b'{"v":1,"event":"job_cancelled","cancelled_by":"person",' + _JOB + b"}"),
    (
        "telemetry",
        b'{"v":1,"nozzle":210.0,"nozzle_target":210,"bed":60.5,"progress":0.4,"layer":3,"layers":9,"remaining_seconds":90}',
    ),
)


def good_stream(copies: int) -> Iterator[GoodMessage]:
    """All recordings at once, each played by `copies` printers at the same time."""
    for one in recorded():
        for copy in range(copies):
            topic = f"{GOOD}/{one.adapter}/{one.printer}-{copy}/{one.suffix}"
            yield GoodMessage(one.received_ms, topic, one.payload, one.retained)
