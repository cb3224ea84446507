"""The work since the last commit: booked as a whole, or without the one message that cannot be.

What the ledger refuses, or what fails while it is worked in, is found by halves: everything
not committed is forgotten and worked in again in smaller parts, each with a commit of its own,
until one step is left, which is put aside.
"""

import logging
from collections.abc import Callable, Sequence

from collector.intake.ledger_writer import INTERNAL_ERROR, REFUSED_BY_LEDGER
from collector.intake.pipeline import Pipeline
from collector.intake.steps import Spoken, Step, Tick
from farm.errors import BatchRefused, LedgerError, LedgerUnreachable

log = logging.getLogger(__name__)


class _UndigestedError(Exception):
    """Among the steps since the last commit is one that cannot be booked, or worked in."""

    def __init__(self, reason: str, cause: Exception) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class Work:
    """A pipeline with the steps that it was given since the last commit.

    `on_booked` is called after each commit, with the pipeline. What the ledger raises for
    reasons of its own (LedgerUnreachable, LeaseLost) is passed on; nothing else is raised.
    """

    def __init__(self, new_pipeline: Callable[[], Pipeline], on_booked: Callable[[Pipeline], None]) -> None:
        self._new_pipeline = new_pipeline
        self._on_booked = on_booked
        self._steps: list[Step] = []
        self._said: set[str] = set()
        self.pipeline = new_pipeline()
        self._commits = self.pipeline.deliveries.commits

    @property
    def size(self) -> int:
        """Steps since the last commit."""
        return len(self._steps)

    def begin_again(self) -> None:
        """Forget what is not committed and go on from where the ledger stands."""
        pipeline = self._new_pipeline()
        # Some of what changed may be booked and not told yet.
        pipeline.tell_again(self.pipeline.changed)
        self.pipeline = pipeline
        self._steps, self._commits = [], self.pipeline.deliveries.commits

    def give(self, step: Step) -> None:
        """Work a step in."""
        try:
            self._take(step)
        except _UndigestedError as trouble:
            self._sift(self._steps, trouble)

    def look(self, at_ms: int) -> None:
        """Look at an instant: at what is silent or settled by then, and into the inbox."""
        self.give(Tick(at_ms))
        for input_id in self.pipeline.waiting_inputs():
            self.give(Spoken(input_id, at_ms))

    def commit(self, booked_until_ms: int) -> None:
        """Book everything that was given."""
        try:
            self._book(booked_until_ms)
        except _UndigestedError as trouble:
            self._sift(self._steps, trouble)

    def _take(self, step: Step) -> None:
        """Work a step in, behind what came late before it, so that it does not matter where commits fall."""
        pipeline = self.pipeline
        self._steps.append(step)
        if pipeline.is_late_due:
            self._book(pipeline.latest_ms)
            self._steps.append(step)
        try:
            step.work(pipeline)
        except BatchRefused as error:
            self._see_to_commits(step)
            raise _UndigestedError(REFUSED_BY_LEDGER, error) from error
        except LedgerError:
            raise
        except Exception as error:
            self._see_to_commits(step)
            raise _UndigestedError(INTERNAL_ERROR, error) from error
        if pipeline.deliveries.commits != self._commits:
            self._see_to_commits(step)

    def _see_to_commits(self, step: Step) -> None:
        """Where the pipeline committed of its own accord within a step, all before it is durable."""
        if self.pipeline.deliveries.commits != self._commits:
            self._commits = self.pipeline.deliveries.commits
            self._steps = [step]

    def _book(self, booked_until_ms: int) -> None:
        try:
            self.pipeline.commit(booked_until_ms)
        except BatchRefused as error:
            raise _UndigestedError(REFUSED_BY_LEDGER, error) from error
        except LedgerError:
            raise
        except Exception as error:
            raise _UndigestedError(REFUSED_BY_LEDGER, error) from error
        self._steps, self._commits = [], self.pipeline.deliveries.commits
        self._on_booked(self.pipeline)

    def _sift(self, steps: Sequence[Step], trouble: _UndigestedError) -> None:
        """Book all of the steps but those that cannot be; the last attempt ended in `trouble`."""
        self.begin_again()
        if not steps:
            raise _not_the_messages(trouble)
        if len(steps) == 1:
            self._put_aside(steps[0], trouble)
            return
        half = len(steps) // 2
        for part in (steps[:half], steps[half:]):
            taken = 0
            try:
                for step in part:
                    taken += 1
                    self._take(step)
                self._book(self.pipeline.latest_ms)
            except _UndigestedError as again:
                self._sift(part[taken - len(self._steps) :], again)

    def _put_aside(self, step: Step, trouble: _UndigestedError) -> None:
        detail = f"{type(trouble.cause).__name__}: {trouble.cause}"
        if trouble.reason == INTERNAL_ERROR and detail not in self._said:
            self._said.add(detail)
            log.error("a message could not be worked in and is put aside", exc_info=trouble.cause)
        step.put_aside(self.pipeline, trouble.reason, detail)
        try:
            self._book(self.pipeline.latest_ms)
        except _UndigestedError as again:
            self.begin_again()
            raise _not_the_messages(again) from again.cause


def _not_the_messages(trouble: _UndigestedError) -> LedgerUnreachable:
    """The ledger refuses even a batch in which no message is."""
    return LedgerUnreachable(f"the ledger takes nothing now: {trouble.cause}")
