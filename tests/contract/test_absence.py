"""Our own absence is a silence like any other: where it is short, the books are as if we had been there.

Each recording is played with restarts of ours between its messages. A restart here is the worst that
there is: a new pipeline over the same ledger, the session at the broker lost, and everything that the
broker kept handed over once more.
"""

import json
import re
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.playback import RecordingPlayer
from farm.ledger.inbox import Inbox
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.operator_input import PrinterService, SetState
from farm.model.printer_status import PrinterStatus
from farm.model.recording import RecordedMessage
from farm.model.span import Span
from farm.model.states import PrinterState
from farm.model.times import SECOND_MS
from tests.recordings import RECORDINGS, expected, messages, recording_id, sources

KEPT = re.compile(
    r"/(mqtt|progress/printing|temperature/.+|event/ZChange|moonraker/status|klipper/state/.+)$"
)
"""The topics whose last message the broker keeps."""
FEW = 100
"""A recording of no more messages is cut between any two of them."""
CUTS = 25
ONCE = 4
STEP_MS = SECOND_MS
WITH_A_PLATE = [path for path in RECORDINGS if '"succeeded"' in json.dumps(expected(path))]
"""Recordings with a print that stands finished on its bed."""


class Restarted:
    """A collector that may be away between any two messages."""

    def __init__(self, ledger: Ledger, path: Path) -> None:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        self.ledger = ledger
        self._sources = SourceTable(sources(path))
        self.player = RecordingPlayer(Pipeline(ledger, self._sources))
        self._kept: dict[str, RecordedMessage] = {}
        self.restarts = 0

    def hear(self, message: RecordedMessage) -> None:
        self.player.feed(message)
        if KEPT.search(message.topic):
            kept = msgspec.structs.replace(message, retain=True)
            # A publisher that is set up so sends its status unretained; then none was kept at first.
            if message.retain or message.topic in self._kept or "/klipper/" not in message.topic:
                self._kept[message.topic] = kept

    def clear_beds(self) -> None:
        """Somebody takes every finished print off its bed, and says so."""
        now_ms = self.player.now_ms
        for printer in self.player.pipeline.printers():
            if printer.tracker.state is PrinterState.FINISHED:
                self.player.pipeline.commit(now_ms)
                said = Inbox(self.ledger.engine).append_input(
                    SetState(PrinterService.BED_CLEARED), printer_id=printer.id, who="ann", now_ms=now_ms
                )
                self.player.pipeline.take_input(said.id, now_ms)

    def is_short(self, until_ms: int) -> bool:
        """Whether each printer may be silent for as long as until then."""
        away_ms = until_ms - self.player.now_ms
        return all(away_ms <= printer.silence_ms for printer in self.player.pipeline.printers())

    def restart(self, until_ms: int) -> None:
        """Away from the last message until then."""
        gone_ms = self.player.now_ms
        self.player.pipeline.commit(gone_ms)
        self.player.pipeline = Pipeline(self.ledger, self._sources)
        self.player.pipeline.continuity_lost(gone_ms, until_ms)
        for kept in self._kept.values():
            self.player.pipeline.take(kept.topic, kept.raw, True, until_ms)
        self.restarts += 1

    def books(self) -> "Books":
        self.player.finish()
        jobs = sorted(self.ledger.jobs(JobFilter(limit=1000)).jobs, key=lambda job: job.id)
        first = min(printer.first_seen_ms for printer in self.ledger.printers())
        return Books(jobs, self.ledger.spans(first, self.player.now_ms), self.ledger.statuses())


class Books(NamedTuple):
    jobs: list[Job]
    spans: list[Span]
    statuses: list[PrinterStatus]

    def differences(self, whole: "Books") -> list[str]:
        """What differs from the books without a restart, beyond the step of a printer's clock."""
        found = [_difference(*pair) for pair in zip_longest(self.jobs, whole.jobs)]
        found += [_difference(*pair) for pair in zip_longest(_lasting(self.spans), _lasting(whole.spans))]
        found += [_difference(*pair) for pair in zip_longest(self.statuses, whole.statuses)]
        return [each for each in found if each]


def _lasting(spans: list[Span]) -> list[Span]:
    """The spans without those of a moment, such as the one between the last word and the last will."""
    return [span for span in spans if span.to_ms is None or span.to_ms - span.from_ms > STEP_MS]


def _difference(one: msgspec.Struct | None, other: msgspec.Struct | None) -> str:
    """The fields in which two rows differ. What confirms a job after a gap also tells how far it is, and
    that the printer is there.
    """
    if one is None or other is None:
        return f"only one has {one or other}"
    here, there = msgspec.structs.asdict(one), msgspec.structs.asdict(other)
    fields = here.keys() - {"progress", "progress_ms", "heard_ms", "job"}
    return ", ".join(
        f"{name} of {type(one).__name__}: {here[name]} for {there[name]}"
        for name in sorted(fields)
        if not _is_alike(here[name], there[name])
    )


def _is_alike(one: object, other: object) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return abs(one - other) <= STEP_MS
    return one == other


def play(path: Path, cuts: Collection[int], *, clears_beds: bool = False) -> Books:
    """The books of the recording with a restart before each of the messages `cuts` behind a short gap."""
    with open_ledger("sqlite://") as ledger:
        collector = Restarted(ledger, path)
        for number, message in enumerate(messages(path)):
            if number in cuts and collector.is_short(message.received_ms):
                collector.restart(message.received_ms)
            collector.hear(message)
            if clears_beds:
                collector.clear_beds()
        assert collector.restarts or not cuts
        return collector.books()


def cuts_of(path: Path) -> list[int]:
    """All places of a short recording, and as many as are bearable of a long one, spread over it."""
    length = len(messages(path))
    return list(range(1, length, 1 if length <= FEW else length // CUTS))


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_away_again_and_again_the_books_are_as_without(path: Path) -> None:
    assert play(path, cuts_of(path)).differences(play(path, ())) == []


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_away_once_at_any_moment_the_books_are_as_without(path: Path) -> None:
    whole = play(path, ())
    cuts = cuts_of(path)
    for cut in cuts[:: max(1, len(cuts) // ONCE)]:
        assert play(path, (cut,)).differences(whole) == [], f"away before message {cut}"


@pytest.mark.parametrize("path", WITH_A_PLATE, ids=recording_id)
def test_away_again_and_again_a_cleared_bed_stays_cleared(path: Path) -> None:
    whole = play(path, (), clears_beds=True)
    assert PrinterState.FINISHED not in [span.state for span in _lasting(whole.spans)]
    assert play(path, cuts_of(path), clears_beds=True).differences(whole) == []
