"""Verdicts in the ledger: the one that holds of each inspected job, and the trail of all of them.

They bear on no tracker, so they do not go through the inbox: whoever gives one writes it here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from farm.errors import InputConflict, InvalidInput
from farm.ledger import rows, schema
from farm.ledger.chosen_printers import among
from farm.ledger.feed_log import append_feed, hold_feed
from farm.ledger.inbox_bounds import MOST_UNITS, tidy_text
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.verdict import Inspection, Verdict, VerdictChange

_verdict, _change = schema.verdict.c, schema.verdict_change.c
_VERDICT_FIELDS: Final = Verdict.__struct_fields__
_CHANGE_FIELDS: Final = VerdictChange.__struct_fields__
_UNITS_REMEDY: Final = "put its units right, or say that they differ"


class VerdictTrail(msgspec.Struct, frozen=True):
    """Steps of verdicts, newest first, and the mark from which the next page goes on."""

    changes: list[VerdictChange]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    change_id: MarkedNumber


class VerdictStore(LedgerDatabase):
    """Gives, withdraws and reads verdicts. Safe to use from several threads and processes."""

    def give(self, inspections: Sequence[Inspection], *, who: str, now_ms: int) -> list[Verdict]:
        """Keep what `who` found, all of it or nothing; gives the verdicts in the order of `inspections`.

        A verdict takes the place of the one before, which stays in the trail. The same words
        of the same person again change nothing.

        Raises InvalidInput where a job does not exist or is named twice, where the units are
        not those of the job and `units_differ` does not say so, where a reason is missing or
        out of place, or a text is out of bounds; InputConflict where a job is under way.
        """
        who = tidy_text("who", who, wanted=True)
        notes = [tidy_text("note", each.note) for each in inspections]
        ids = _each_once([each.job_id for each in inspections])
        with self._writes() as connection:
            hold_feed(connection)  # One at a time, so that every change finds its number.
            jobs = _jobs(connection, ids)
            standing, versions = standing_verdicts(connection, ids), _versions(connection, ids)
            given = []
            for said, note in zip(inspections, notes, strict=True):
                version = versions.get(said.job_id, 0) + 1
                found = _found(said, _ended(said.job_id, jobs), note, who, now_ms, version)
                before = standing.get(said.job_id)
                given.append(found if before is None or not _says_the_same(before, found) else before)
            new = [verdict for verdict in given if verdict is not standing.get(verdict.job_id)]
            _book(connection, [_change_of(verdict) for verdict in new], new, standing, jobs)
        return given

    def withdraw(
        self, job_ids: Sequence[str], *, who: str, note: str = "", now_ms: int
    ) -> list[VerdictChange]:
        """Take the verdicts of these jobs back, all or none: nobody has inspected them then.

        `note` says why. Raises InvalidInput for a text out of bounds or a job named twice,
        InputConflict where no verdict stands.
        """
        who, note = tidy_text("who", who, wanted=True), tidy_text("note", note)
        ids = _each_once(job_ids)
        with self._writes() as connection:
            hold_feed(connection)
            standing = standing_verdicts(connection, ids)
            for job_id in ids:
                if job_id not in standing:
                    raise InputConflict("job", job_id, "no verdict stands that could be withdrawn")
            changes = [_withdrawal(standing[job_id], who, note, now_ms) for job_id in ids]
            _book(connection, changes, [], standing, _jobs(connection, ids))
        return changes

    def restore(self, changes: Sequence[VerdictChange]) -> None:
        """Put a trail that was kept elsewhere into a ledger that knows none of it; the feed is not told."""
        if not changes:
            return
        last = {change.job_id: change for change in sorted(changes, key=lambda change: change.version)}
        holding = [verdict for change in last.values() if (verdict := change.verdict) is not None]
        with self._writes() as connection:
            _keep(connection, changes, holding)

    def verdicts(self, job_ids: Collection[str]) -> dict[str, Verdict]:
        """The verdicts that hold of the named jobs, however many, by job; none where nobody inspected."""
        if not job_ids:
            return {}
        with self._reads() as connection:
            return standing_verdicts(connection, job_ids)

    def trail(self, job_id: str) -> list[VerdictChange]:
        """Every verdict that was given of the job, and every withdrawal, oldest first."""
        wanted = select(schema.verdict_change).where(_change.job_id == job_id).order_by(_change.version)
        with self._reads() as connection:
            return [_change_in(row) for row in connection.execute(wanted).mappings()]

    def trails(self, job_ids: Collection[str]) -> list[VerdictChange]:
        """What was ever said of the named jobs, in its order."""
        wanted = select(schema.verdict_change).order_by(_change.id)
        with self._reads() as connection:
            found = connection.execute(wanted.where(among(connection, _change.job_id, job_ids)))
            return [_change_in(row) for row in found.mappings()]

    def trail_of_all(self, *, after: str | None = None, limit: int = 100) -> VerdictTrail:
        """What was said of all jobs, newest first; also of jobs that a replay has withdrawn.

        `after` is `next` of the page before. Raises InvalidInput when it is the mark of no page.
        """
        wanted = select(schema.verdict_change).order_by(_change.id.desc()).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(_change.id < page_end(after, _Mark, "verdicts").change_id)
        with self._reads() as connection:
            found = connection.execute(wanted).mappings().all()
        page = found[:limit]
        mark = page_mark(_Mark(page[-1]["id"])) if len(found) > limit else None
        return VerdictTrail([_change_in(row) for row in page], mark)


def inspection_told(change: VerdictChange, job: Job | None, before: Verdict | None = None) -> FeedEntry:
    """The entry of the feed; of a job that a replay has withdrawn nothing but the id is known."""
    return FeedEntry(
        kind=FeedKind.JOB_INSPECTED,
        at_ms=change.at_ms,
        printer_id=None if job is None else job.printer_id,
        job_id=change.job_id,
        body={
            "file": None if job is None else job.file,
            "units": None if job is None else job.units,
            "ended_ms": None if job is None else job.ended_ms,
            "who": change.who,
            "note": change.note,
            "version": change.version,
            "before": msgspec.to_builtins(before),
            "after": msgspec.to_builtins(change.verdict),
        },
    )


def _each_once(job_ids: Iterable[str]) -> list[str]:
    seen: dict[str, None] = {}
    for job_id in job_ids:
        if job_id in seen:
            raise InvalidInput("job", job_id, "it is named twice; say once what was found")
        seen[job_id] = None
    return list(seen)


def _ended(job_id: str, jobs: Mapping[str, Job]) -> Job:
    job = jobs.get(job_id)
    if job is None:
        raise InvalidInput("job", job_id, "there is no job of this id")
    if job.ended_ms is None:
        raise InputConflict("job", job_id, "it is still under way; inspect it once it has ended")
    return job


def _found(said: Inspection, job: Job, note: str, who: str, at_ms: int, version: int) -> Verdict:
    good, rejected = _counts(said, job)
    return Verdict(
        job_id=job.id,
        good_units=good,
        rejected_units=rejected,
        reason=said.reason,
        note=note,
        who=who,
        at_ms=at_ms,
        version=version,
    )


def _counts(said: Inspection, job: Job) -> tuple[int, int]:
    """Good and rejected units. Raises InvalidInput where they or the reason do not fit the job."""
    good, rejected = said.good_units, said.rejected_units
    if good is None and rejected is None:
        raise InvalidInput("good_units", "", f"say how many of the {_units(job)} are good, or rejected")
    for field, count in (("good_units", good), ("rejected_units", rejected)):
        if count is not None and not 0 <= count <= MOST_UNITS:
            raise InvalidInput(field, count, f"must be from 0 to {MOST_UNITS:,}")
    if good is None:
        good = _rest("rejected_units", rejected or 0, said, job)
    elif rejected is None:
        rejected = _rest("good_units", good, said, job)
    counts = good, rejected or 0
    _see_that_units_fit(counts, said, job)
    _see_that_reason_fits(counts[1], said, job)
    return counts


def _rest(field: str, count: int, said: Inspection, job: Job) -> int:
    """The units of the job that the one count leaves to the other."""
    if count > job.units and not said.units_differ:
        raise InvalidInput(field, count, f"job {job.id} has {_units(job)}; {_UNITS_REMEDY}")
    return max(0, job.units - count)


def _see_that_units_fit(counts: tuple[int, int], said: Inspection, job: Job) -> None:
    total = sum(counts)
    if total == 0:
        raise InvalidInput("good_units", 0, f"nothing of job {job.id} was inspected; count its units")
    if total != job.units and not said.units_differ:
        found = f"{counts[0]} good and {counts[1]} rejected are {total}"
        raise InvalidInput(
            "good_units", counts[0], f"{found}; job {job.id} has {_units(job)}; {_UNITS_REMEDY}"
        )


def _see_that_reason_fits(rejected: int, said: Inspection, job: Job) -> None:
    if rejected and said.reason is None:
        raise InvalidInput(
            "reason", "", f"say why {rejected} of job {job.id} are rejected; `other` is a reason"
        )
    if not rejected and said.reason is not None:
        raise InvalidInput("reason", said.reason, f"no unit of job {job.id} is rejected; leave it out")


def _units(job: Job) -> str:
    return f"{job.units} unit{'' if job.units == 1 else 's'}"


def _says_the_same(before: Verdict, verdict: Verdict) -> bool:
    return msgspec.structs.replace(verdict, at_ms=before.at_ms, version=before.version) == before


def _change_of(verdict: Verdict) -> VerdictChange:
    return VerdictChange(**{name: getattr(verdict, name) for name in _CHANGE_FIELDS})


def _withdrawal(standing: Verdict, who: str, note: str, at_ms: int) -> VerdictChange:
    return VerdictChange(
        job_id=standing.job_id,
        version=standing.version + 1,
        at_ms=at_ms,
        who=who,
        good_units=None,
        rejected_units=None,
        reason=None,
        note=note,
    )


def _book(
    connection: Connection,
    changes: Sequence[VerdictChange],
    holding: Sequence[Verdict],
    before: Mapping[str, Verdict],
    jobs: Mapping[str, Job],
) -> None:
    """The trail, the verdicts that hold from now on, and the feed."""
    if not changes:
        return
    _keep(connection, changes, holding)
    append_feed(
        connection,
        [inspection_told(each, jobs.get(each.job_id), before.get(each.job_id)) for each in changes],
    )


def _keep(connection: Connection, changes: Sequence[VerdictChange], holding: Sequence[Verdict]) -> None:
    changed = {change.job_id for change in changes}
    connection.execute(insert(schema.verdict_change), [_facts(change) for change in changes])
    connection.execute(delete(schema.verdict).where(among(connection, _verdict.job_id, changed)))
    if holding:
        connection.execute(insert(schema.verdict), [_facts(verdict) for verdict in holding])


def _facts(value: Verdict | VerdictChange) -> dict[str, object]:
    facts: dict[str, object] = msgspec.to_builtins(value)
    return facts


def _jobs(connection: Connection, job_ids: Sequence[str]) -> dict[str, Job]:
    wanted = select(schema.job).where(among(connection, schema.job.c.id, job_ids))
    return {row["id"]: rows.job_of(row) for row in connection.execute(wanted).mappings()}


def standing_verdicts(connection: Connection, job_ids: Iterable[str]) -> dict[str, Verdict]:
    """The verdicts that hold of the named jobs, by job."""
    wanted = select(schema.verdict).where(among(connection, _verdict.job_id, job_ids))
    found = connection.execute(wanted).mappings()
    return {row["job_id"]: rows.struct_of(Verdict, [row[name] for name in _VERDICT_FIELDS]) for row in found}


def _versions(connection: Connection, job_ids: Sequence[str]) -> dict[str, int]:
    """How many changes each job's trail holds."""
    wanted = (
        select(_change.job_id, func.max(_change.version))
        .where(among(connection, _change.job_id, job_ids))
        .group_by(_change.job_id)
    )
    return {row[0]: row[1] for row in connection.execute(wanted)}


def _change_in(row: RowMapping) -> VerdictChange:
    return rows.struct_of(VerdictChange, [row[name] for name in _CHANGE_FIELDS])
