"""Instants are written in one way, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.model.times import parse_rfc3339, rfc3339


@given(st.integers())
def test_every_integer_can_be_written_and_read_again(at_ms: int) -> None:
    assert rfc3339(parse_rfc3339(rfc3339(at_ms))) == rfc3339(at_ms)


@pytest.mark.parametrize(
    ("at_ms", "written"),
    [
        (1_763_772_674_391, "2025-11-22T00:51:14.391Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-998_205_000_000_000, "0001-01-01T00:00:00.000Z"),
        (10**18, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_what_cannot_be_written_becomes_the_nearest_that_can(at_ms: int, written: str) -> None:
    assert rfc3339(at_ms) == written
