"""A line that was gone: the printer was offline, unless it is known by now to have worked all the while.

A last will tells that a way is gone, and not which: the printer's, or only the one to it. A print that
goes on behind it, that ended meanwhile or began meanwhile shows that the printer was there. What it did
then nobody saw.
"""

from collections.abc import Iterator

from collector.tracker.state import GONE, CutOff
from collector.tracker.transition import Transition
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.span import Span
from farm.model.states import PrinterState

WHY = "it printed while its line was gone"


def put_right(step: Transition) -> None:
    """Book as unknown what was booked as offline while a print is known to have been under way."""
    if not step.cut_offs:
        return
    prints = [*_known_prints(step)]
    wrong = [each for each in step.cut_offs if any(_was_under_way(job, each) for job in prints)]
    if not wrong:
        return
    for each in wrong:
        step.changes.spans[each.from_ms] = Span(
            step.printer_id, PrinterState.UNKNOWN, each.from_ms, each.to_ms, GONE
        )
    step.cut_offs = tuple(each for each in step.cut_offs if each not in wrong)
    body = {"from_ms": wrong[0].from_ms, "why": WHY}
    step.changes.feed.append(
        FeedEntry(kind=FeedKind.SPANS_REVISED, at_ms=step.at, printer_id=step.printer_id, body=body)
    )


def _known_prints(step: Transition) -> Iterator[Job]:
    """The print that is seen to be under way, and those whose end became known in this step."""
    attempt = step.attempt
    if attempt is not None and attempt.gap_from_ms is None:
        yield attempt.job
    for job in step.changes.jobs.values():
        if job.ended_ms is not None:
            yield job


def _was_under_way(job: Job, cut_off: CutOff) -> bool:
    if job.started_ms is None or job.started_ms >= cut_off.to_ms:
        return False
    return job.ended_ms is None or job.ended_ms > cut_off.from_ms
