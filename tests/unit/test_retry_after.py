import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from farm.model.retry_after import retry_after_ms
from farm.model.times import DAY_MS

NOW_MS = 1_763_800_000_000
"""2025-11-22T08:26:40Z"""


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("30", 30_000),
        (" 0 ", 0),
        ("9" * 40, DAY_MS),
        ("Sat, 22 Nov 2025 08:27:40 GMT", 60_000),
        ("Sat, 22 Nov 2025 08:26:40 -0000", 0),
        ("Fri, 21 Nov 2025 08:26:40 GMT", 0),
        ("Sat, 22 Nov 2055 08:26:40 GMT", DAY_MS),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("inf", None),
        ("nan", None),
        ("٣", None),
        ("", None),
    ],
)
def test_a_retry_after_header_is_read(header: str | None, expected: int | None) -> None:
    assert retry_after_ms(header, NOW_MS, DAY_MS) == expected


@trials(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_retry_after_header_can_break_anything(header: str) -> None:
    wish = retry_after_ms(header, NOW_MS, DAY_MS)
    assert wish is None or 0 <= wish <= DAY_MS
