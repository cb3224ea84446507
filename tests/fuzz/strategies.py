"""Hypothesis strategies for the bytes of every adapter: real messages spoilt, and JSON from its grammar."""

from collections.abc import Callable

from hypothesis import strategies as st

from collector.adapters import adapter
from collector.adapters.base import Fields
from tests.fuzz.corpus import Sample, samples
from tests.hostile import WRONG

NASTY = st.sampled_from([raw for name, raw in WRONG.items() if "100,000" not in name])
_FIGURES = (
    st.floats(allow_nan=True, allow_infinity=True).map(lambda figure: repr(figure).encode())
    | st.integers(-(10**40), 10**40).map(lambda figure: b"%d" % figure)
    | st.floats(0, 4_000).map(lambda figure: b"%.2f" % figure)
)
_TEXTS = st.text(max_size=30).map(lambda text: b'"' + text.encode("unicode_escape", "replace") + b'"')
_WORDS = st.sampled_from(
    [
        b'"printing"',
        b'"complete"',
        b'"error"',
        b'"shutdown"',
        b'"PRINTING"',
        b'"job_started"',
        b'"idle"',
        b"1",
    ]
)
LEAVES = NASTY | _FIGURES | _TEXTS | _WORDS | st.binary(max_size=12)
_DEPTHS = st.sampled_from([1, 10, 300, 900, 1_100, 100_000])


@st.composite
def spoilt(draw: Callable[..., object], kind: str) -> tuple[str, bytes]:
    """A message of the adapter's protocol and its topic below the prefix, after up to three mishaps."""
    one = draw(st.sampled_from(samples(kind)))
    assert isinstance(one, Sample)
    payload = one.payload
    for mishap in draw(st.lists(st.sampled_from(_MISHAPS), max_size=3)):  # type: ignore[attr-defined]
        changed = draw(mishap(payload, one))
        assert isinstance(changed, bytes)
        payload = changed
    return one.suffix, payload


def _flipped(payload: bytes, _one: Sample) -> st.SearchStrategy[bytes]:
    if not payload:
        return st.just(payload)
    places = st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 7))

    def flip(chosen: list[tuple[int, int]]) -> bytes:
        found = bytearray(payload)
        for place, bit in chosen:
            found[place] ^= 1 << bit
        return bytes(found)

    return st.lists(places, min_size=1, max_size=4).map(flip)


def _cut(payload: bytes, _one: Sample) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(payload)).map(lambda end: payload[:end])


def _replaced(payload: bytes, one: Sample) -> st.SearchStrategy[bytes]:
    if not one.values:
        return NASTY
    places = st.sampled_from(one.values)
    return st.tuples(places, LEAVES).map(
        lambda chosen: payload[: chosen[0][0]] + chosen[1] + payload[chosen[0][1] :]
    )


def _nested(payload: bytes, one: Sample) -> st.SearchStrategy[bytes]:
    begin, end = one.values[0] if one.values else (0, 0)
    return _DEPTHS.map(lambda depth: payload[:begin] + b"[" * depth + b"]" * depth + payload[end:])


def _doubled(payload: bytes, _one: Sample) -> st.SearchStrategy[bytes]:
    """Each key once more, after the last one, with another value."""
    keys = st.sampled_from([b"eventtime", b"status", b"path", b"_timestamp", b"v", b"job", b"at", b"result"])
    return st.tuples(keys, LEAVES).map(
        lambda chosen: payload.rstrip(b"}") + b',"' + chosen[0] + b'":' + chosen[1] + b"}"
    )


_MISHAPS = (_flipped, _cut, _replaced, _nested, _doubled)


def _object(fields: Fields) -> st.SearchStrategy[bytes]:
    members = [_member(name, inner) for name, inner in fields.items()]
    chosen = st.tuples(*(member | st.just(b"") for member in members))
    return chosen.map(lambda told: b"{" + b",".join(member for member in told if member) + b"}")


def _member(name: str, inner: Fields | None) -> st.SearchStrategy[bytes]:
    value = LEAVES if inner is None else LEAVES | _object(inner)
    if name == "jobs" and inner is not None:
        value = st.lists(_object(inner), max_size=3).map(lambda jobs: b"[" + b",".join(jobs) + b"]")
    elif name == "v":
        value = st.just(b"1") | LEAVES
    return value.map(lambda raw: b'"' + name.encode() + b'":' + raw)


@st.composite
def grown(draw: Callable[..., object], kind: str) -> tuple[str, bytes]:
    """A message that the adapter's wire types allow, with any value in any field."""
    suffixes = sorted({one.suffix for one in samples(kind)})
    suffix = draw(st.sampled_from(suffixes))
    assert isinstance(suffix, str)
    payload = draw(_object(adapter(kind).recorded_fields(suffix)))
    assert isinstance(payload, bytes)
    return suffix, payload


def messages(kind: str) -> st.SearchStrategy[tuple[str, bytes]]:
    """Any message to the adapter."""
    return spoilt(kind) | grown(kind)
