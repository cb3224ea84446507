"""Something outside that does not work now: said once, tried again ever less often."""

import logging
import threading
import time
from collections.abc import Callable

from farm.model.back_off import BackOff

log = logging.getLogger(__name__)

_WORDS_KEPT = 20


class Outage:
    """One thing that may fail, with the pauses between attempts and what was said of it.

    Safe to use from several threads.
    """

    def __init__(
        self, what: str, *, longest_s: float = 30.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._monotonic = monotonic
        self._back_off = BackOff(longest_s=longest_s)
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._since: float | None = None
        self._attempts = 0

    @property
    def is_on(self) -> bool:
        """Whether it did not work when it was tried last."""
        return self._since is not None

    def failed(self, error: Exception, remark: str) -> float:
        """Say what is wrong, unless it was said already; gives the seconds to wait."""
        with self._lock:
            if self._since is None:
                self._since = self._monotonic()
            self._attempts += 1
            words = str(error)
            news = words not in self._said and len(self._said) < _WORDS_KEPT
            if news:
                self._said.add(words)
            wait_s = self._back_off.next()
        if news:
            log.error("%s; %s", words, remark)
        return wait_s

    def over(self) -> None:
        """It works."""
        with self._lock:
            if self._since is None:
                return
            away_s, attempts = self._monotonic() - self._since, self._attempts
            self._back_off.reset()
            self._said.clear()
            self._since, self._attempts = None, 0
        log.warning("%s is back after %.1f s and %d attempts", self._what, away_s, attempts)
