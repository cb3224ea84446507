"""The message as plain text: within any limit, by whole signs, and it says what it leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.plain_text import LONGEST_LINK, plain_text
from alerts.wording import clipped, units, utf8_bytes
from tests.unit.alerts.makings import ODD_NAMES, evidence, notification

DELIVERY = "5f0c9a4e-2222-4222-8222-222222222222"
SHORTENED = "This message is shortened; the page shows all of it."


def test_what_matters_most_stands_first() -> None:
    text = plain_text(notification([evidence("hook.gcode")], earlier_prints=2), DELIVERY, 4_000)
    assert text.splitlines() == [
        "Printer: bay1 (Voron 2.4 · north wall)",
        "3 prints in a row failed; the last was part.gcode.",
        "",
        "Failed, temperature fault, printed 14 min",
        "hook.gcode",
        "Heater extruder not heating at expected rate",
        "2025-11-22 09:06 – 09:26",
        "and 2 earlier",
        "",
        "http://farm.local:8642",
        "",
        f"Layerline, rule failed_streak, since 2025-11-22 09:26 CET, message {DELIVERY}",
    ]


@pytest.mark.parametrize("size", [units, utf8_bytes])
@pytest.mark.parametrize("limit", [1_000, 1_500, 4_000])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_it_keeps_within_the_limit_and_says_what_it_leaves_out(name: str, limit: int, size: object) -> None:
    assert callable(size)
    told = notification(
        [evidence(name, detail=name)] * 80,
        printer=name,
        group=name,
        summary=name,
        url="http://x/" + "y" * 900,
    )
    text = plain_text(told, DELIVERY, limit, size)
    assert size(text) <= limit
    assert SHORTENED in text
    assert text.endswith(f"message {DELIVERY}")
    shown = text.count("\nFailed, temperature fault")
    assert f"and {80 - shown} earlier" in text or not shown


def test_a_whole_message_does_not_say_that_it_is_shortened() -> None:
    assert SHORTENED not in plain_text(notification(), DELIVERY, 4_000)


def test_an_address_is_told_whole_or_not_at_all() -> None:
    long = "http://x/" + "y" * LONGEST_LINK
    assert "http" not in plain_text(notification(url=long), DELIVERY, 4_000)
    just = long[:LONGEST_LINK]
    assert f"\n{just}\n" in plain_text(notification(url=just), DELIVERY, 1_000)


@given(st.text(max_size=40), st.integers(3, 60), st.sampled_from([units, utf8_bytes]))
def test_a_clipped_text_is_its_beginning_within_the_limit(text: str, limit: int, size: object) -> None:
    assert callable(size)
    short = clipped(text, limit, size)
    assert size(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
