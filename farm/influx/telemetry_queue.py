"""The queue of telemetry: the newest first in line, what an outage left behind it.

`seq` runs with the present. When the present has got away from it, the interval between
becomes a gap, which is filled oldest first, one batch for each batch of the present: the
charts of now are right at once, and nobody waits for the other.
"""

import logging

import msgspec

from farm.influx.outbox_queue import OutboxQueue, QueueContext
from farm.influx.points import telemetry_head, telemetry_line
from farm.ledger.outbox_positions import TELEMETRY, Gap
from farm.model.times import SECOND_MS

_log = logging.getLogger(__name__)

_WEIGH_EVERY_MS = 5 * SECOND_MS
_BATCHES_BEHIND = 2
_SIZES_AT_ONCE = 10_000

# Plain figures by name: three times as fast as the struct, since most of it is unset.
_decode = msgspec.json.Decoder(dict[str, int | float | None]).decode


class TelemetryQueue(OutboxQueue):
    """Ships telemetry and drops the oldest, counted, when more is unsent than the settings allow."""

    reader = TELEMETRY

    def __init__(self, context: QueueContext) -> None:
        super().__init__(context)
        self.bucket = context.settings.telemetry_bucket
        self._heads: dict[str, str] = {}
        self._weighed_ms: int | None = None

    def step(self) -> bool:
        """As every queue's; what is unsent is weighed also while the server is away."""
        now_ms = self.context.clock()
        if self._weighed_ms is None or not 0 <= now_ms - self._weighed_ms < _WEIGH_EVERY_MS:
            self._weighed_ms = now_ms
            self._weigh(max(self.context.outbox.telemetry_head(), self.position.seq))
        return super().step()

    def _work(self) -> bool:
        position, batch = self.position, self.context.settings.batch_points
        head = max(self.context.outbox.telemetry_head(), position.seq)
        live = Gap(position.seq, head)
        left_behind = None
        if head - position.seq > _BATCHES_BEHIND * batch:
            self._weigh(head)
            left_behind = Gap(position.seq, head - batch)
            live = Gap(head - batch, head)
        reached, settled = self._ship(live, batch)
        if left_behind is not None and reached > live.after:
            position.gaps.append(left_behind)
        if left_behind is None or reached > live.after:
            position.seq = max(position.seq, reached)
            self._changed()
        if not settled:
            return False
        more = self._fill(batch) or reached < head
        if not more and position.seq >= position.measured:
            position.unsent_bytes = 0  # rows that were deleted unsent are not waited for
        return more

    def _fill(self, batch: int) -> bool:
        """Ship a batch of the oldest gap. True while there is a gap left."""
        gaps = self.position.gaps
        if not gaps:
            return False
        oldest = gaps[0]
        reached, settled = self._ship(oldest, batch)
        self._shorten(reached)
        return settled and bool(gaps)

    def _shorten(self, reached: int) -> None:
        """Move the beginning of what is unsent up to `reached`."""
        gaps = self.position.gaps
        if not gaps:
            self.position.seq = max(self.position.seq, reached)
        elif reached >= gaps[0].upto:
            del gaps[0]
        else:
            gaps[0] = Gap(reached, gaps[0].upto)
        self._changed()

    def _ship(self, interval: Gap, batch: int) -> tuple[int, bool]:
        """Ship up to a batch of the interval: the id up to which it is settled, and whether all of it is."""
        rows = self.context.outbox.telemetry(interval.after, interval.upto, batch)
        lines: list[bytes] = []
        sources: list[int] = []
        for row_id, printer_id, at_ms, body in rows:
            made = telemetry_line(self._head(printer_id), at_ms, row_id, _decode(body))
            if made is not None:
                lines.append(made)
                sources.append(row_id)
        count = self._send(lines, sources)
        if count < len(lines):
            reached = sources[count] - 1
        else:
            # Ids that are missing at the end of the interval were never used or are gone.
            reached = interval.upto if len(rows) < batch else rows[-1][0]
        self._discount(sum(len(row[3]) for row in rows if row[0] <= min(reached, self.position.measured)))
        return reached, count == len(lines)

    def _head(self, printer_id: str) -> str:
        head = self._heads.get(printer_id)
        if head is None:
            known = self.context.outbox.known()
            self._heads = {printer.id: telemetry_head(printer) for printer in known.printers.values()}
            head = self._heads[printer_id]
        return head

    def _weigh(self, head: int) -> None:
        """Bring the size of what is unsent up to date and drop the oldest beyond the limit."""
        position, outbox = self.position, self.context.outbox
        start = max(position.measured, position.seq)
        if head > start:
            position.unsent_bytes += outbox.telemetry_bytes(start, head)
        position.measured = max(position.measured, head)
        excess = position.unsent_bytes - self.context.settings.telemetry_buffer_bytes
        if excess > 0:
            self._drop(excess)

    def _drop(self, excess: int) -> None:
        dropped = 0
        while excess > 0:
            oldest = (
                self.position.gaps[0]
                if self.position.gaps
                else Gap(self.position.seq, self.position.measured)
            )
            sizes = self.context.outbox.telemetry_sizes(oldest.after, oldest.upto, _SIZES_AT_ONCE)
            reached = oldest.upto if not sizes else oldest.after
            for row_id, size in sizes:
                if excess <= 0:
                    break
                reached, excess, dropped = row_id, excess - size, dropped + 1
                self._discount(size)
            if not sizes and not self.position.gaps:
                break
            self._shorten(reached)
        self.position.dropped += dropped
        if dropped:
            _log.warning("dropped the oldest %d unsent telemetry samples: the buffer is full", dropped)
        self._changed()

    def _discount(self, size: int) -> None:
        self.position.unsent_bytes = max(0, self.position.unsent_bytes - size)
