"""The first attempts counted one job after the other, for holding against what is kept of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from farm.figures.job_rows import ENDINGS, NOT_KNOWN, EndedJob
from farm.model.states import CancelledBy, Outcome

_GOOD, _UNKNOWN, _BAD = range(3)


class Found(NamedTuple):
    """A job, and the units that an inspection found good and rejected, None where there was none."""

    job: EndedJob
    units: tuple[int, int] | None


def counted_attempts(attempts: Sequence[Found], within_ms: int) -> Iterator[tuple[EndedJob, list[int]]]:
    """All jobs of one file, each with what it adds to `farm.figures.first_attempts.MEASURES`."""
    fates = [(each.job.ended_ms, _fate(each)) for each in attempts]
    ends = sorted((ended_ms, fate) for ended_ms, fate in fates if fate is not None)
    for found, (_, fate) in zip(attempts, fates, strict=True):
        before = _before(found.job, ends, within_ms) if found.job.file else None
        yield found.job, _adds(found, fate, before)


def _fate(found: Found) -> int | None:
    """Whether the attempt was good; None for what is no attempt."""
    if found.units is not None:
        good, rejected = found.units
        return _GOOD if good and not rejected else _BAD
    match ENDINGS[found.job.ending]:
        case (Outcome.SUCCEEDED, _):
            return _GOOD
        case (Outcome.FAILED, _) | (Outcome.CANCELLED, CancelledBy.SYSTEM):
            return _BAD
        case (Outcome.UNKNOWN, _):
            return _UNKNOWN
    return None


def _before(job: EndedJob, ends: list[tuple[int, int]], within_ms: int) -> int | None:
    """The fate of the attempt that ended last before the job began; None where none did in time."""
    began = job.ended_ms - job.printing_ms if job.started_ms == NOT_KNOWN else job.started_ms
    began = min(began, job.ended_ms - 1)
    place = bisect_right(ends, (began, _BAD)) - 1
    return ends[place][1] if place >= 0 and began - ends[place][0] <= within_ms else None


def _adds(found: Found, fate: int | None, before: int | None) -> list[int]:
    if fate is None:
        return [0] * 7
    if before == _BAD:
        return [0, int(fate != _UNKNOWN), *[0] * 5]
    good, rejected = found.units or (found.job.units if fate == _GOOD else 0, 0)
    units = found.job.units if found.units is None else good + rejected
    known = fate != _UNKNOWN
    amounts = [units * known, good * known]
    doubtful = amounts if before == _UNKNOWN else (0, 0)
    return [int(known), 0, *amounts, units * (not known), *doubtful]
