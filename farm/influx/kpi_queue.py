"""The queue of indicators, which holds nothing: what was missed is worked out again.

A figure of any past minute follows from the ledger at any later time, and better then,
since late evidence has arrived. So an outage leaves only the interval of time to be filled.
"""

from collections.abc import Sequence
from typing import Protocol

from farm.influx.outbox_queue import OutboxQueue, Route
from farm.influx.points import KpiPoint, kpi_line
from farm.ledger.outbox_positions import KPIS, Gap, Position
from farm.model.times import SECOND_MS


class KpiSource(Protocol):
    """Who works the indicators out; handed in, since they are none of the storage's business."""

    def present_ms(self) -> int:
        """The ledger's present."""

    def points(self, at_ms: int, *, printers: bool) -> Sequence[KpiPoint]:
        """The figures as of `at_ms`: of farm and groups, and of each printer where asked for."""


class KpiQueue(OutboxQueue):
    """Ships the indicators of each full interval: the present one first, then what was missed."""

    reader = KPIS

    def __init__(self, route: Route, source: KpiSource) -> None:
        self._source = source
        self._every_ms = route.settings.kpi_every_seconds * SECOND_MS
        self._printers_every_ms = route.settings.kpi_printers_every_seconds * SECOND_MS
        super().__init__(route)
        self.bucket = route.settings.bucket

    def _first_position(self) -> Position:
        return Position(reader=self.reader, seq=self._due_ms() - self._every_ms)

    def _due_ms(self) -> int:
        return self._source.present_ms() // self._every_ms * self._every_ms

    def _work(self) -> bool:
        position, due_ms = self.position, self._due_ms()
        if due_ms > position.seq:
            if not self._ship(due_ms):
                return False
            if due_ms - self._every_ms > position.seq:
                position.gaps.append(Gap(position.seq, due_ms - self._every_ms))
            position.seq = due_ms
            self._changed()
            return bool(position.gaps)
        return self._fill()

    def _fill(self) -> bool:
        """Work out one missed instant, the oldest. True while there are others."""
        gaps = self.position.gaps
        if not gaps:
            return False
        missed_ms = gaps[0].after + self._every_ms
        if not self._ship(missed_ms):
            return False
        if missed_ms >= gaps[0].upto:
            del gaps[0]
        else:
            gaps[0] = Gap(missed_ms, gaps[0].upto)
        self._changed()
        return bool(gaps)

    def _ship(self, at_ms: int) -> bool:
        points = self._source.points(at_ms, printers=at_ms % self._printers_every_ms == 0)
        lines = [kpi_line(point) for point in points]
        return self._send(lines, [at_ms] * len(lines)) == len(lines)
