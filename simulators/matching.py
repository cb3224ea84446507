"""Which booked job is which true one: by printer, time and file, each at most once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from farm.model.job import Job
from farm.model.times import MINUTE_MS
from simulators.truth import JobTruth

SLACK_MS = 3 * MINUTE_MS
"""Two accounts of a job may lie so far apart and still be of the same one."""
_OTHER_FILE_MS = 60 * MINUTE_MS
_UNNAMED_FILE_MS = 2 * MINUTE_MS
_UNBOUNDED_MS = 1 << 60

Kind = TypeVar("Kind")


class Pair(NamedTuple):
    """A true job and the booked one that tells of it; `cost` is how far apart they lie, in ms."""

    cost: int
    truth: JobTruth
    booked: Job


class Matching(NamedTuple):
    """What fits together, and what is left on either side."""

    pairs: list[Pair]
    unbooked: list[JobTruth]
    unexplained: list[Job]


def begins_ms(job: Job) -> int:
    """When a booked job began: as booked, else worked out from what it took."""
    if job.started_ms is not None:
        return job.started_ms
    end = job.ended_ms if job.ended_ms is not None else 0
    return end - job.printing_ms - job.preparing_ms - job.paused_ms


def overlap(truth: JobTruth, booked: Job) -> bool:
    """Whether both can be of the same time, give or take the slack."""
    true_end = _UNBOUNDED_MS if truth.ended_ms is None else truth.ended_ms
    end = _UNBOUNDED_MS if booked.ended_ms is None else booked.ended_ms
    return begins_ms(booked) <= true_end + SLACK_MS and truth.started_ms <= end + SLACK_MS


def _cost(truth: JobTruth, booked: Job) -> int:
    cost = abs(begins_ms(booked) - truth.started_ms)
    if truth.ended_ms is not None and booked.ended_ms is not None:
        cost += abs(booked.ended_ms - truth.ended_ms)
    if booked.file is None:
        cost += _UNNAMED_FILE_MS
    elif booked.file != truth.file:
        cost += _OTHER_FILE_MS
    return cost


def match(truths: Sequence[JobTruth], booked: Sequence[Job]) -> Matching:
    """Match the jobs of one printer, the closest pairs first."""
    candidates = sorted(
        (Pair(_cost(truth, job), truth, job) for truth, job in _near(truths, booked)),
        key=lambda pair: (pair.cost, pair.truth.number),
    )
    pairs: list[Pair] = []
    told: set[int] = set()
    used: set[str] = set()
    for pair in candidates:
        if pair.truth.number in told or pair.booked.id in used:
            continue
        told.add(pair.truth.number)
        used.add(pair.booked.id)
        pairs.append(pair)
    return Matching(
        sorted(pairs, key=lambda pair: pair.truth.number),
        [truth for truth in truths if truth.number not in told],
        [job for job in booked if job.id not in used],
    )


def _near(truths: Sequence[JobTruth], booked: Sequence[Job]) -> Iterable[tuple[JobTruth, Job]]:
    """The pairs that overlap. Both run in time order, so each true job looks at few booked ones."""
    ordered = sorted(booked, key=begins_ms)
    first = 0
    for truth in sorted(truths, key=lambda job: job.started_ms):
        while first < len(ordered) and _ends_before(ordered[first], truth):
            first += 1
        for job in ordered[first:]:
            if truth.ended_ms is not None and begins_ms(job) > truth.ended_ms + SLACK_MS:
                break
            if overlap(truth, job):
                yield truth, job


def _ends_before(job: Job, truth: JobTruth) -> bool:
    return job.ended_ms is not None and job.ended_ms + SLACK_MS < truth.started_ms


def by_printer(items: Iterable[Kind], name: str) -> dict[str, list[Kind]]:
    """The items in lists by the attribute that names their printer."""
    lists: dict[str, list[Kind]] = defaultdict(list)
    for item in items:
        lists[getattr(item, name)].append(item)
    return lists
