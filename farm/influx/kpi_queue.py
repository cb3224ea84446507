"""The queue of indicators, which holds nothing: what was missed is worked out again.

A figure of any past minute follows from the ledger at any later time, and better then,
since late evidence has arrived. So an outage leaves only the interval of time to be filled. What was
coming then nobody can say any more: forecasts are written of the present alone.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from farm.influx.outbox_queue import OutboxQueue, QueueContext
from farm.influx.points import TimedFigure, TimedForecast, forecast_line, kpi_line
from farm.ledger.outbox_positions import KPIS, Gap, Position
from farm.model.times import SECOND_MS


class KpiSource(Protocol):
    """Who works the indicators out; handed in, since they are none of the storage's business."""

    def present_ms(self) -> int:
        """The ledger's present."""

    def points(self, at_ms: int, *, printers: bool) -> Sequence[TimedFigure]:
        """The figures as of `at_ms`: of farm and groups, and of each printer where asked for."""

    def points_at(self, instants: Sequence[int], printers_at: Sequence[int]) -> Sequence[TimedFigure]:
        """The figures as of the instants: of farm and groups, and of each printer as of some of them."""

    def forecasts(self, at_ms: int) -> Sequence[TimedForecast]:
        """What is coming as things stand now, for the instant `at_ms` that was just due."""


REST_FOR_WORK: Final = 4
"""How many times as long as a missed instant took to catch up with, the next one is put off."""


class KpiQueue(OutboxQueue):
    """Ships the indicators of each full interval: the present one first, then what was missed.

    Of what was missed the newest comes first, since that is what people look at, and it
    takes at most a fifth of the time: the ledger and the processor serve others too.
    """

    reader = KPIS

    def __init__(self, context: QueueContext, source: KpiSource) -> None:
        self._source = source
        self._every_ms = context.settings.kpi_every_seconds * SECOND_MS
        self._printers_every_ms = context.settings.kpi_printers_every_seconds * SECOND_MS
        self._rest_ms = self._rest_until_ms = 0
        super().__init__(context)
        self.bucket = context.settings.bucket

    def _first_position(self) -> Position:
        return Position(reader=self.reader, seq=self._due_ms() - self._every_ms)

    def _due_ms(self) -> int:
        return self._source.present_ms() // self._every_ms * self._every_ms

    def _work(self) -> bool:
        position, due_ms = self.position, self._due_ms()
        if due_ms > position.seq:
            if not self._ship(due_ms, self._source.forecasts(due_ms)):
                return False
            if due_ms - self._every_ms > position.seq:
                position.gaps.append(Gap(position.seq, due_ms - self._every_ms))
            position.seq = due_ms
            self._changed()
            return bool(position.gaps)
        return self._fill()

    def _fill(self) -> bool:
        """Work out one missed instant, the newest, unless it is time to rest. True if another may follow."""
        gaps, began_ms = self.position.gaps, self.context.clock()
        if not gaps or self._rests(began_ms):
            return False
        gap = gaps[-1]
        if not self._ship(gap.upto):
            return False
        if gap.upto - self._every_ms <= gap.after:
            del gaps[-1]
        else:
            gaps[-1] = Gap(gap.after, gap.upto - self._every_ms)
        self._changed()
        ended_ms = self.context.clock()
        self._rest_ms = REST_FOR_WORK * max(0, ended_ms - began_ms)
        self._rest_until_ms = ended_ms + self._rest_ms
        return bool(gaps) and not self._rest_ms

    def _rests(self, now_ms: int) -> bool:
        # A clock that was set back must not make a long rest of a short one.
        return 0 < self._rest_until_ms - now_ms <= self._rest_ms

    def _ship(self, at_ms: int, coming: Sequence[TimedForecast] = ()) -> bool:
        points = self._source.points(at_ms, printers=at_ms % self._printers_every_ms == 0)
        lines = [*map(kpi_line, points), *map(forecast_line, coming)]
        return self._send(lines, [at_ms] * len(lines)) == len(lines)
