"""Hostile messages by chance: real ones spoilt, JSON from a protocol's grammar, and plain noise."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from collector.adapters import adapter
from collector.adapters.base import Fields
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339
from tests.fuzz.corpus import ADAPTERS, BAD, Sample, samples
from tests.hostile import WRONG

HUGE = b'{"a": "' + b"x" * 10_000_000 + b'"}'
_DEEP = (WRONG["nested 100,000 deep"], b'{"a":' * 100_000)
_NASTY = tuple(raw for name, raw in WRONG.items() if "100,000" not in name)
_WORDS = tuple(
    f'"{word}"'.encode()
    for word in (
        *("standby", "printing", "paused", "complete", "cancelled", "error", "shutdown", "ready", "startup"),
        *("OPERATIONAL", "STARTING", "PRINTING", "OFFLINE", "ERROR", "job_started", "job_succeeded", "idle"),
        *("in_progress", "completed", "klippy_shutdown", "timeout", "a.gcode", "b.gcode", "online", "person"),
    )
)
_FIGURES = (b"0", b"1", b"0.5", b"60", b"210.5", b"100", b"3600", b"1e-300", b"-0.0", b"2147483648", b"true")
_LEVELS = (
    "",
    "+",
    "#",
    "\0",
    "$SYS",
    "klipper",
    "event",
    "..",
    "\u202e",
    "x" * 200,
    "\ud800",
    "a b",
    "state",
)
_GROWN_SHARE = 0.2
_NAMES_AT_ONCE = 12
_NAME_LIFE = 3_000
"""A hostile printer goes after so many messages: its history is run again whenever one comes late."""


class HostileMessage(NamedTuple):
    """A message as a broker hands it over."""

    topic: str
    payload: bytes
    retained: bool


class Mutator:
    """Gives hostile messages, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._made = 0
        self._samples: Mapping[str, tuple[Sample, ...]] = {kind: samples(kind) for kind in ADAPTERS}
        self._suffixes = {kind: sorted({one.suffix for one in samples(kind)}) for kind in ADAPTERS}

    def message(self, now_ms: int) -> HostileMessage:
        """A message of a printer that does not tell the truth, or of none."""
        self._made += 1
        draw = self._chance.random()
        if draw < 0.01:
            return HostileMessage(self._topic(), self._chance.choice(_NASTY), draw < 0.001)
        kind = self._chance.choice(ADAPTERS)
        one = self._chance.choice(self._samples[kind])
        suffix = one.suffix
        if self._chance.random() < _GROWN_SHARE:
            payload = self._grown(adapter(kind).recorded_fields(suffix), now_ms)
        else:
            payload = self._chance.choice(_WAYS)(self, self._timed(one, now_ms))
        if draw < 0.05:
            suffix = self._chance.choice(self._suffixes[kind])
        number = self._made // _NAME_LIFE * _NAMES_AT_ONCE + self._chance.randrange(_NAMES_AT_ONCE)
        return HostileMessage(f"{BAD}/{kind}/p{number}/{suffix}", payload, self._chance.random() < 0.02)

    def unreadable(self, payload: bytes) -> bytes:
        """Bytes that no adapter can take for a message of whatever kind, made from a good one."""
        way = self._chance.randrange(5)
        if way == 0 and payload[:1] == b"{":
            return payload[: self._chance.randrange(1, len(payload))]
        if way == 1:
            return b"\xff" + payload
        if way == 2:
            return payload + b"}"
        if way == 3:
            return self._chance.choice(_DEEP) if self._chance.random() < 0.1 else b"[" * 5_000
        return b"nope" + payload

    # -- payloads ----------------------------------------------------------------------------

    def _grown(self, fields: Fields, now_ms: int) -> bytes:
        """An object as the adapter's wire types allow it, its fields by chance there, right or wrong."""
        told = [
            b'"%s":%s' % (name.encode(), self._value(name, inner, now_ms))
            for name, inner in fields.items()
            if self._chance.random() < 0.7
        ]
        return b"{" + b",".join(told) + b"}"

    def _value(self, name: str, inner: Fields | None, now_ms: int) -> bytes:
        draw = self._chance.random()
        if draw < 0.1:
            return self._chance.choice(_NASTY)
        if inner is not None:
            grown = self._grown(inner, now_ms)
            return b"[" + grown + b"]" if name == "jobs" else grown
        if name in ("_timestamp", "start_time", "end_time"):
            return b"%.3f" % (now_ms / SECOND_MS)
        if name == "eventtime":
            return b"%.3f" % (now_ms % (30 * DAY_MS) / SECOND_MS)
        if name == "at":
            return f'"{rfc3339(now_ms)}"'.encode()
        if name == "v":
            return b"1"
        return self._chance.choice(_WORDS if draw < 0.6 else _FIGURES)

    def _timed(self, one: Sample, now_ms: int) -> Sample:
        """The sample as if it were sent now, mostly."""
        if one.clock is None:
            return one
        at_ms = now_ms
        draw = self._chance.random()
        if draw < 0.01:
            at_ms += self._chance.choice((-1, 1)) * self._chance.choice(
                (MINUTE_MS, HOUR_MS, DAY_MS, 400 * DAY_MS)
            )
        begin, end = one.clock
        if b"eventtime" in one.payload:
            at_ms %= 30 * DAY_MS
        told = b"%.3f" % (at_ms / SECOND_MS)
        grown = len(told) - (end - begin)
        values = tuple((a + grown, b + grown) if a > begin else (a, b) for a, b in one.values if a != begin)
        return Sample(one.suffix, one.payload[:begin] + told + one.payload[end:], values, None)

    def _as_it_is(self, one: Sample) -> bytes:
        return one.payload

    def _bits_flipped(self, one: Sample) -> bytes:
        spoilt = bytearray(one.payload)
        for _ in range(self._chance.randrange(1, 5) if spoilt else 0):
            spoilt[self._chance.randrange(len(spoilt))] ^= 1 << self._chance.randrange(8)
        return bytes(spoilt)

    def _cut(self, one: Sample) -> bytes:
        return one.payload[: self._chance.randrange(len(one.payload) + 1)]

    def _value_replaced(self, one: Sample) -> bytes:
        return self._with_value(one, self._chance.choice(_NASTY))

    def _value_changed(self, one: Sample) -> bytes:
        return self._with_value(one, self._chance.choice(_WORDS if self._chance.random() < 0.5 else _FIGURES))

    def _with_value(self, one: Sample, raw: bytes) -> bytes:
        if not one.values:
            return raw
        begin, end = self._chance.choice(one.values)
        return one.payload[:begin] + raw + one.payload[end:]

    def _key_doubled(self, one: Sample) -> bytes:
        """The same key with two values: the first one taken as is, or the last."""
        begin, _ = self._chance.choice(one.values) if one.values else (0, 0)
        key = one.payload.rfind(b'"', 0, max(begin - 2, 0))
        start = one.payload.rfind(b'"', 0, max(key, 0))
        if start < 0:
            return one.payload + one.payload
        again = one.payload[start:begin] + self._chance.choice(_NASTY) + b","
        return one.payload[:start] + again + one.payload[start:]

    def _nested(self, one: Sample) -> bytes:
        if self._chance.random() < 0.02:
            return self._chance.choice(_DEEP)
        levels = self._chance.choice((3, 30, 300, 1_000, 3_000))
        return self._with_value(one, b"[" * levels + b"]" * levels)

    def _spliced(self, one: Sample) -> bytes:
        other = self._chance.choice(self._samples[self._chance.choice(ADAPTERS)]).payload
        return (
            one.payload[: self._chance.randrange(len(one.payload) + 1)]
            + other[self._chance.randrange(len(other) + 1) :]
        )

    def _noise(self, one: Sample) -> bytes:
        if self._chance.random() < 0.001:
            return HUGE
        return self._chance.randbytes(self._chance.choice((0, 1, 7, 60)))

    def _topic(self) -> str:
        """A topic that hardly a printer has: empty levels, wildcards, without end."""
        draw = self._chance.random()
        if draw < 0.05:
            return "x" * 65_535
        if draw < 0.1:
            return f"{BAD}/{self._chance.choice(ADAPTERS)}/" + "y" * 60_000 + "/state"
        levels = [self._chance.choice(_LEVELS) for _ in range(self._chance.randrange(6))]
        start = [BAD, self._chance.choice(ADAPTERS)] if draw < 0.6 else []
        return "/".join((*start, *levels))


_WAYS: tuple[Callable[[Mutator, Sample], bytes], ...] = (
    Mutator._as_it_is,
    Mutator._as_it_is,
    Mutator._bits_flipped,
    Mutator._cut,
    Mutator._value_replaced,
    Mutator._value_replaced,
    Mutator._value_changed,
    Mutator._key_doubled,
    Mutator._nested,
    Mutator._spliced,
    Mutator._noise,
)
