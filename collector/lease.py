"""Who may collect: one holder for each shard, and a stand-by that takes over when it falls silent."""

import logging
import time
from threading import Event

from collector import holder
from farm.errors import LeaseLost, LedgerError
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Lease
from farm.model.clock import Clock

log = logging.getLogger(__name__)

_BEATS_WITHIN_SILENCE = 5
"""So often the holder tells that it lives within the silence after which it is taken for dead."""


class ShardLease:
    """The claim of one process to one shard.

    Silence is measured by our own clock: what counts is that the holder's row has not
    moved for `silence_s` seconds while we looked, so hosts need not agree on the time.
    """

    def __init__(
        self, ledger: CollectorLedger, client_id: str, *, simulated: bool, silence_s: float, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._client_id = client_id
        self._simulated = simulated
        self._silence_s = silence_s
        self._clock = clock
        self._holder = holder.this_process()
        self._beaten_at = 0.0

    def take(self, stop: Event) -> int | None:
        """Claim the shard, and before that stand by for as long as a live holder has it.

        Gives the instant (ms) until which a former holder had booked, None for a new shard or
        when `stop` was set meanwhile. Raises what the ledger raises.
        """
        self._stand_by(stop)
        if stop.is_set():
            return None
        booked = self._ledger.claim(
            self._client_id, self._holder, simulated=self._simulated, now_ms=self._clock()
        )
        self._beaten_at = time.monotonic()
        return booked

    def beat(self) -> None:
        """Tell the stand-by that we live, when it is time to. Raises LeaseLost when it took over."""
        if time.monotonic() - self._beaten_at >= self._silence_s / _BEATS_WITHIN_SILENCE:
            self._ledger.beat()
            self.booked()

    def booked(self) -> None:
        """A commit has just renewed the lease, so no beat is due."""
        self._beaten_at = time.monotonic()

    def pause(self, seconds: float, stop: Event) -> None:
        """Wait, and go on telling that we live, if the ledger takes it. Raises LeaseLost as `beat` does."""
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            stop.wait(min(left, self._silence_s / _BEATS_WITHIN_SILENCE))
            try:
                self.beat()
            except LeaseLost:
                raise
            except LedgerError:
                continue

    def _stand_by(self, stop: Event) -> None:
        former = self._held_by_another()
        if former is None:
            return
        log.warning(
            "%s is held by %s; standing by, to take over when it was silent for %g s",
            self._client_id,
            former.holder,
            self._silence_s,
        )
        seen_at = time.monotonic()
        while time.monotonic() - seen_at < self._silence_s:
            if stop.wait(self._silence_s / _BEATS_WITHIN_SILENCE / 4):
                return
            found = self._held_by_another()
            if found is None:
                log.warning("%s has left %s; taking over", former.holder, self._client_id)
                return
            if found != former:
                former, seen_at = found, time.monotonic()
        log.warning("%s was silent for %g s; taking %s over", former.holder, self._silence_s, self._client_id)

    def _held_by_another(self) -> Lease | None:
        """The lease of another process that may live, None when the shard is free or ours."""
        for lease in self._ledger.leases():
            if lease.client_id == self._client_id:
                is_free = lease.beats is None or lease.holder == self._holder
                return None if is_free or holder.is_dead(lease.holder) else lease
        return None
