"""Whether the ledger answers, found out in a bounded time, however it hangs."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from api.farm_view import FarmView, Freshness
from farm.errors import LedgerError, LedgerUnreachable

ANSWER_WITHIN_S: Final = 5.0
"""How long the ledger may take before it counts as unreachable; a probe waits about as long."""


class ReadinessCheck:
    """Asks the ledger in a thread of its own, so that requests that hang in it hold no probe up."""

    def __init__(self, farm_view: FarmView, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._farm_view = farm_view
        self._answer_within_s = answer_within_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._asked: Future[Freshness] | None = None

    async def freshness(self) -> Freshness:
        """How long ago the collector booked.

        Raises LedgerError, and LedgerUnreachable also when no answer came in time. A
        question that still hangs is not asked a second time.
        """
        if self._asked is None or self._asked.done():
            self._asked = self._thread.submit(self._farm_view.freshness)
        try:
            async with asyncio.timeout(self._answer_within_s):
                fresh = await asyncio.shield(asyncio.wrap_future(self._asked))
        except TimeoutError:
            error = LedgerUnreachable(f"the ledger did not answer within {self._answer_within_s:g} s")
            self._farm_view.outage.failed(error, "not ready")
            raise error from None
        except LedgerError as error:
            self._farm_view.outage.failed(error, "not ready")
            raise
        return fresh

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
