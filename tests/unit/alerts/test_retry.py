from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from alerts.retry import (
    LONGEST_DELAY_MS,
    LONGEST_WISH_MS,
    RetryDecision,
    delay_ms,
    judge_http,
    judge_smtp,
)

AGAIN = {408, 409, 421, 423, 425, 429, *range(500, 600)}

NOW_MS = 1_763_800_000_000


@pytest.mark.parametrize("status", range(100, 600))
def test_every_http_status_has_its_meaning(status: int) -> None:
    expected = RetryDecision.REFUSED
    if 200 <= status < 300:
        expected = RetryDecision.DELIVERED
    elif status in AGAIN:
        expected = RetryDecision.AGAIN
    assert judge_http(status) is expected


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_a_number_that_is_no_http_status_is_no_delivery(status: int) -> None:
    assert judge_http(status) is RetryDecision.REFUSED


@pytest.mark.parametrize("status", [s for s in HTTPStatus if s in {429, 500, 502, 503, 504}])
def test_what_servers_answer_when_they_are_busy_or_down_is_tried_again(status: HTTPStatus) -> None:
    assert judge_http(status) is RetryDecision.AGAIN


@pytest.mark.parametrize("code", range(200, 600))
def test_every_smtp_code_has_its_meaning(code: int) -> None:
    expected = {
        2: RetryDecision.DELIVERED,
        3: RetryDecision.AGAIN,
        4: RetryDecision.AGAIN,
        5: RetryDecision.REFUSED,
    }
    assert judge_smtp(code) is expected[code // 100]


@pytest.mark.parametrize("code", [-1, 0, 100, 999])
def test_an_answer_that_is_no_smtp_reply_is_tried_again(code: int) -> None:
    assert judge_smtp(code) is RetryDecision.AGAIN


def test_delays_double_up_to_the_ceiling() -> None:
    longest = [delay_ms(attempt, chance=lambda: 0.0) for attempt in range(1, 13)]
    assert longest[:5] == [2_000, 4_000, 8_000, 16_000, 32_000]
    assert longest[-1] == LONGEST_DELAY_MS == 15 * 60 * 1000


@trials(max_examples=60, deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.integers(0, LONGEST_WISH_MS))
def test_a_delay_is_between_half_of_it_and_all_of_it_unless_the_receiver_wished_for_more(
    attempt: int, chance: float, wish: int | None
) -> None:
    whole = delay_ms(attempt, chance=lambda: 0.0)
    drawn = delay_ms(attempt, wish, lambda: chance)
    assert drawn >= max(whole // 2, wish or 0)
    assert drawn <= max(whole, wish or 0)


def test_delays_of_many_deliveries_are_spread() -> None:
    assert len({delay_ms(10) for _ in range(50)}) > 10
