"""Asking a receiver over HTTP once, and what its answer means: the same for all that are asked so."""

import http.client
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import msgspec

from alerts.notifiers._limited_http import limited_opener
from alerts.notifiers.base import Notifier
from alerts.retry import LONGEST_WISH_MS, RetryDecision, judge_http
from farm.answer_limit import LARGEST_ANSWER
from farm.errors import DeliveryError
from farm.model.retry_after import retry_after_ms
from farm.model.times import SECOND_MS
from farm.time_limit import TimeLimit

STEPS = 3
"""How many times a `timeout_s` a whole attempt may take: connection, head of the answer, its body."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """What a receiver answered: the status, the body as far as it was read, its wish to wait."""

    status: int
    body: str
    retry_after: str | None

    @property
    def decision(self) -> RetryDecision:
        """What the status means for the delivery."""
        return judge_http(self.status)

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.body}".rstrip()


def ask(
    request: Request, notifier: Notifier[Any, Any], timeout_s: float, *, reads_success: bool = True
) -> HttpAnswer:
    """What is answered to the request, which goes nowhere else, within the notifier's patience.

    Of the body at most 64 kB are read; of a success none unless `reads_success`. Raises
    DeliveryError, to be tried again, when no such answer comes.
    """
    limit = TimeLimit()
    try:
        with limit.within(notifier.patience_s):
            return _answered(request, limit, timeout_s, reads_success=reads_success)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Not chained: the text of the error may hold the address, which is a secret.
        words = notifier.clean(f"{type(error).__name__}: {error}")
        raise DeliveryError(words, permanent=False) from None
    finally:
        limit.close()


def refusal(answer: HttpAnswer, notifier: Notifier[Any, Any], now_ms: int) -> DeliveryError:
    """The error that an answer means which is no success. `now_ms` is the wall clock."""
    wish_ms = retry_after_ms(answer.retry_after, now_ms, LONGEST_WISH_MS)
    return DeliveryError(
        notifier.clean(str(answer)),
        permanent=answer.decision is RetryDecision.REFUSED,
        retry_after_s=None if wish_ms is None else wish_ms / SECOND_MS,
    )


def _answered(request: Request, limit: TimeLimit, timeout_s: float, *, reads_success: bool) -> HttpAnswer:
    try:
        answer: Any = limited_opener(limit).open(request, timeout=timeout_s)
    except HTTPError as error:
        answer = error
    with answer:
        is_read = reads_success or judge_http(answer.status) is not RetryDecision.DELIVERED
        body = answer.read(LARGEST_ANSWER).decode("utf-8", "replace") if is_read else ""
        return HttpAnswer(answer.status, body, answer.headers.get("Retry-After"))
