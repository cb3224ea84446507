"""When a delivery is tried again, and when not: the one table for every receiver.

Permanent is only what the receiver itself refuses for a reason that lies in us: asking again
would get the same answer. Whatever happens on the way (no route, no answer, a broken
connection, a certificate that is not accepted) is tried again.
"""

import random
from collections.abc import Callable
from enum import StrEnum

from farm.model.times import DAY_MS, MINUTE_MS, SECOND_MS

FIRST_DELAY_MS = 2 * SECOND_MS
LONGEST_DELAY_MS = 15 * MINUTE_MS
LONGEST_WISH_MS = DAY_MS
"""The longest wait that a receiver may ask for; more is a mistake of its clock."""

_TEMPORARY_REFUSALS = frozenset({408, 409, 421, 423, 425, 429})
"""Request timeout, conflict, misdirected, locked, too early, too many requests."""

_CHANCE = random.SystemRandom().random


class RetryDecision(StrEnum):
    """What an answer means for the delivery."""

    DELIVERED = "delivered"
    AGAIN = "again"
    REFUSED = "refused"


def judge_http(status: int) -> RetryDecision:
    """What an HTTP status means: 2xx delivered, 5xx and a few 4xx again, all else refused.

    Redirections count as refused: a message sent to an address that has moved must be sent to
    the new one by whoever configured it.
    """
    if 200 <= status <= 299:
        return RetryDecision.DELIVERED
    if 500 <= status <= 599 or status in _TEMPORARY_REFUSALS:
        return RetryDecision.AGAIN
    return RetryDecision.REFUSED


def judge_smtp(code: int) -> RetryDecision:
    """What an SMTP reply means (RFC 5321, 4.2.1): 2xx delivered, 5xx refused, all else again."""
    if 200 <= code <= 299:
        return RetryDecision.DELIVERED
    if 500 <= code <= 599:
        return RetryDecision.REFUSED
    return RetryDecision.AGAIN


def delay_ms(attempt: int, wish: int | None = None, chance: Callable[[], float] = _CHANCE) -> int:
    """How long to wait after the failed attempt number `attempt` (from 1), in milliseconds.

    Doubles from 2 s to 15 min. A random part of up to half is taken off, so that many
    deliveries do not come back at once; `chance` gives a number from 0 to 1. Never shorter
    than what the receiver wished for.
    """
    ceiling = min(LONGEST_DELAY_MS, FIRST_DELAY_MS << min(max(attempt, 1) - 1, 30))
    drawn = round(ceiling * (1 - chance() / 2))
    return max(drawn, wish or 0)
