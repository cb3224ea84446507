"""The queue of indicators that a change of the past restated: written points are written again.

A verdict, a correction, late evidence or another calendar makes figures of past instants others. Their
points are erased and worked out again, the newest first, in pieces beside the present, which is never
held up. What is still to be done is remembered in the ledger and goes on after a restart.

A new print is no change of the past, but moves the median of its file, against which earlier ones are held.
Such points are written again once a day, not with every print.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

from farm.errors import InfluxError
from farm.influx.answers import Handling, ServerAnswer
from farm.influx.kpi_queue import REST_FOR_WORK, KpiSource
from farm.influx.line_protocol import NANOSECONDS_PER_MS
from farm.influx.outbox_queue import OutboxQueue, QueueContext
from farm.influx.points import KPI, kpi_line
from farm.kpi.restatement import restatement_by_median, restatement_of
from farm.ledger.outbox_positions import RESTATED, Gap, Position
from farm.model.feed import FeedEntry, FeedKind
from farm.model.times import DAY_MS, SECOND_MS

INSTANTS_AT_ONCE: Final = 60
"""So many instants are worked out in one piece, which costs little more than one of them."""
MEDIANS_EVERY_MS: Final = DAY_MS
MEDIANS_REACH_MS: Final = 31 * DAY_MS
"""New prints move medians all day long: once a day the points of so many days are written again."""
_ENTRIES_AT_ONCE: Final = 2_000
_FIRST: Final = 'SELECT first("label") AS "label" FROM kpi'


class RestatedQueue(OutboxQueue):
    """Follows the feed for changes of the past, and writes again what they touch.

    Its position is the last entry of the feed that was looked at; its gaps are the instants (ms) that are
    still to be written again.
    """

    reader = RESTATED

    def __init__(self, context: QueueContext, source: KpiSource) -> None:
        self._source = source
        self._every_ms = context.settings.kpi_every_seconds * SECOND_MS
        self._printers_every_ms = context.settings.kpi_printers_every_seconds * SECOND_MS
        self._erases = context.settings.version == 2
        self._rest_ms = self._rest_until_ms = 0
        super().__init__(context)
        self.bucket = context.settings.bucket
        # Else what is changed between this process and the next would be taken for older than both.
        self._changed()

    def _first_position(self) -> Position:
        """What was changed before anything was shipped needs no second writing."""
        return Position(reader=self.reader, seq=self.context.outbox.feed_head())

    def _work(self) -> bool:
        has_more = self._look_for_changes()
        self._take_up()
        return self._write_again() or has_more

    def _look_for_changes(self) -> bool:
        """Note from when on points are to be written again. True if there is more of the feed."""
        entries = self.context.outbox.feed(self.position.seq, _ENTRIES_AT_ONCE)
        if not entries:
            return False
        found = [
            each.from_ms for entry in entries if (each := restatement_of(entry)) is not None
        ] + self._by_medians(entries)
        if found and not self._note(min(found)):
            return False
        self.position.seq = entries[-1].seq
        self._changed()
        return len(entries) == _ENTRIES_AT_ONCE

    def _by_medians(self, entries: Sequence[FeedEntry]) -> list[int]:
        """From when on medians that revisions moved restate; what new prints moved is put off."""
        first, revised = cache(self.context.outbox.first_by_median), []
        for entry in entries:
            moved = restatement_by_median(entry, first)
            if moved is not None and entry.kind is FeedKind.JOB_REVISED:
                revised.append(moved.from_ms)
            elif moved is not None:
                self._put_off(moved.from_ms)
        return revised

    def _put_off(self, from_ms: int) -> None:
        position = self.position
        if position.later_from_ms is None:
            position.later_from_ms, position.later_ms = from_ms, self._source.present_ms() + MEDIANS_EVERY_MS
        position.later_from_ms = min(position.later_from_ms, from_ms)

    def _take_up(self) -> None:
        """Note what was put off, once it is time."""
        position, present_ms = self.position, self._source.present_ms()
        if position.later_from_ms is None or present_ms < position.later_ms:
            return
        if self._note(max(position.later_from_ms, present_ms - MEDIANS_REACH_MS)):
            position.later_from_ms = None
            self._changed()

    def _note(self, from_ms: int) -> bool:
        """Remember that the points since then are to be written again. False if that cannot be said now."""
        if (first_ms := self._first_written_ms()) is None:
            return False
        from_ms = max(from_ms, first_ms - 1)
        upto = self._source.present_ms() // self._every_ms * self._every_ms
        after = from_ms // self._every_ms * self._every_ms
        if after >= upto:
            return True
        earlier = [gap for gap in self.position.gaps if gap.after < after]
        self.position.gaps = [*(Gap(gap.after, min(gap.upto, after)) for gap in earlier), Gap(after, upto)]
        if self.position.waiting_ms is None:
            self.position.waiting_ms = self._source.present_ms()
        self._rest_until_ms = 0
        return True

    def _first_written_ms(self) -> int | None:
        """When the first point of an indicator stands, the present where none does.

        None where the server does not answer now.
        """
        if not self._erases:
            return 0
        try:
            found = self.context.server.influxql(self.bucket, _FIRST)
        except InfluxError as error:
            self._halt(ServerAnswer(status=error.status, words=str(error)))
            return None
        times = [row["time"] // NANOSECONDS_PER_MS for series in found for row in series.rows()]
        return min(times, default=self._source.present_ms())

    def _write_again(self) -> bool:
        """Write one piece again, the newest, unless it is time to rest. True if another may follow."""
        gaps, began_ms = self.position.gaps, self.context.clock()
        if not gaps or 0 < self._rest_until_ms - began_ms <= self._rest_ms:
            return False
        gap = gaps[-1]
        after = max(gap.after, gap.upto - INSTANTS_AT_ONCE * self._every_ms)
        if not self._replace(range(after + self._every_ms, gap.upto + 1, self._every_ms)):
            return False
        gaps[-1:] = [Gap(gap.after, after)] if after > gap.after else []
        if not gaps:
            self.position.waiting_ms = None
        self._changed()
        ended_ms = self.context.clock()
        self._rest_ms = REST_FOR_WORK * max(0, ended_ms - began_ms)
        self._rest_until_ms = ended_ms + self._rest_ms
        return bool(gaps) and not self._rest_ms

    def _replace(self, instants: Sequence[int]) -> bool:
        """Erase the points of the instants and write them anew: else fields that the new ones lack stay."""
        with_printers = [at_ms for at_ms in instants if at_ms % self._printers_every_ms == 0]
        points = self._source.points_at(instants, with_printers)
        if not points:
            return True
        if self._erases and not self._erase(instants[0], instants[-1], points[0].site):
            return False
        restated_ms = self._source.present_ms()
        lines = [kpi_line(point, restated_ms) for point in points]
        return self._send(lines, [point.at_ms for point in points]) == len(lines)

    def _erase(self, from_ms: int, to_ms: int, site: str) -> bool:
        bounds = (from_ms * NANOSECONDS_PER_MS, to_ms * NANOSECONDS_PER_MS)
        answer = self.context.server.erase(self.bucket, *bounds, {"_measurement": KPI, "site": site})
        if answer.handling is Handling.STORED:
            return True
        self._halt(answer)
        return False
