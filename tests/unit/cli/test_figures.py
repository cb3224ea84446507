"""How times are asked for and told on the command line."""

import pytest

from farm.cli.figures import since_instant
from farm.cli.output import span_text
from farm.errors import InvalidQuery
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339

NOW = parse_rfc3339("2026-11-22T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90m", NOW - 90 * MINUTE_MS),
        ("24h", NOW - DAY_MS),
        ("7d", NOW - 7 * DAY_MS),
        ("2w", NOW - 14 * DAY_MS),
        ("2026-11-22T11:00:00+00:00", NOW - HOUR_MS),
        ("2026-11-22T12:00:00+01:00", NOW - HOUR_MS),
    ],
)
def test_a_time_is_an_instant_or_so_long_ago(text: str, instant: int) -> None:
    assert since_instant(text, NOW) == instant


@pytest.mark.parametrize("text", ["", "24", "h", "-3h", "2026-11-22T12:00:00", "99999-01-01T00:00:00Z"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery, match="must be an RFC 3339 time such as"):
        since_instant(text, NOW)


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (723_000, "12 min 03 s"),
        (7_500_000, "2 h 05 min"),
        (90 * HOUR_MS, "90 h 00 min"),
    ],
)
def test_a_length_of_time_is_told_as_people_say_it(length_ms: int, text: str) -> None:
    assert span_text(length_ms) == text
