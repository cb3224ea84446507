"""Sums over columns are those of a plain count, whatever came beside and whoever is asked for."""

import hashlib
import math
from collections.abc import Callable
from random import Random
from statistics import median

import numpy as np
import pytest

from farm.figures import ended_jobs, job_rows, running_sums, state_history, sums_kept
from farm.figures.ended_jobs import EndedJobColumns
from farm.figures.job_grouping import ByCode, JobGrouping, by_printer
from farm.figures.job_measures import TALLIED
from farm.figures.job_rows import CAUSES, ENDINGS, NOT_KNOWN, EndedJob, JobColumns
from farm.figures.running_sums import Integers, Keys
from farm.figures.state_changes import CODES, ChangeColumns, ConditionChange
from farm.figures.state_history import StateHistory
from farm.kpi.calculation import Tally
from farm.model.states import Outcome

PRINTERS = 40
LAST = 1_000_000
EDGES = np.array([LAST, 0, 17, LAST // 2, LAST // 2 + 1, 2 * LAST], dtype=np.int64)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_sums, "SHORTEST_BLOCK", 8)


def groupings() -> list[tuple[Keys, int]]:
    """The farm, groups, each printer, and one printer alone, whose rows are few."""
    everybody, alone = np.arange(PRINTERS), np.full(PRINTERS, -1, dtype=np.intp)
    alone[3] = 0
    return [(np.zeros(PRINTERS, dtype=np.intp), 1), (everybody % 7, 7), (everybody, PRINTERS), (alone, 1)]


def changes(chance: Random) -> list[ConditionChange]:
    codes = [chance.randrange(CODES) for _ in range(30)]
    instants = sorted(chance.sample(range(LAST), len(codes) - 1))
    return [ConditionChange(at, *pair) for at, *pair in zip(instants, codes, codes[1:], strict=False)]


def counted_time(held: list[list[ConditionChange]], subject_of: Keys, subjects: int) -> Integers:
    found = np.zeros((len(EDGES), subjects, CODES), dtype=np.int64)
    for subject, row in zip(subject_of.tolist(), held, strict=True):
        ends = [*(change.at_ms for change in row[1:]), 2**40]
        for change, end in zip(row, ends, strict=True):
            if subject >= 0:
                found[:, subject, change.after] += np.maximum(np.minimum(EDGES, end) - change.at_ms, 0)
    return found


def assert_time(history: StateHistory, held: list[list[ConditionChange]]) -> None:
    """But for the state before the first change, which begins nowhere."""
    for subject_of, subjects in groupings():
        told = history.spent(EDGES, subject_of, subjects)
        begun = counted_begins(held, subject_of, subjects)
        assert (told - begun == counted_time(held, subject_of, subjects)).all()
    codes, since = history.last(PRINTERS)
    assert codes.tolist() == [row[-1].after for row in held]
    assert since.tolist() == [row[-1].at_ms for row in held]
    assert [history.changes(number) for number in range(PRINTERS)] == held


def counted_begins(held: list[list[ConditionChange]], subject_of: Keys, subjects: int) -> Integers:
    """What is taken from the state that each printer's first change ends."""
    found = np.zeros((len(EDGES), subjects, CODES), dtype=np.int64)
    for subject, row in zip(subject_of.tolist(), held, strict=True):
        if subject >= 0:
            found[:, subject, row[0].before] -= np.maximum(EDGES - row[0].at_ms, 0)
    return found


@pytest.mark.parametrize("most_beside", [4, 60, 100_000])
def test_time_by_state_through_late_evidence(monkeypatch: pytest.MonkeyPatch, most_beside: int) -> None:
    monkeypatch.setattr(state_history, "MOST_BESIDE", most_beside)
    chance, history = Random(most_beside), StateHistory()
    held = [changes(chance) for _ in range(PRINTERS)]
    history.fill(ChangeColumns.of([*enumerate(held)]))
    assert_time(history, held)
    for late in (False, True, True, False, True):
        number = chance.randrange(PRINTERS)
        place = chance.randrange(1, 28) if late else 28
        before, after = held[number][place - 1], held[number][place]
        middle = ConditionChange((before.at_ms + after.at_ms) // 2, before.after, (before.after + 1) % CODES)
        following = after._replace(before=middle.after)
        row = [*held[number][:place], middle, following, *held[number][place + 1 :]]
        history.replace(number, before.at_ms, row[place - 1 :])
        held[number] = row
        assert_time(history, held)
    history.replace(0, held[0][5].at_ms, [])
    held[0] = held[0][:5]
    assert_time(history, held)


def test_what_stands_so_already_changes_nothing() -> None:
    chance, history = Random(1), StateHistory()
    held = [changes(chance) for _ in range(PRINTERS)]
    history.fill(ChangeColumns.of([*enumerate(held)]))
    columns = history.columns
    history.replace(2, held[2][4].at_ms, held[2][4:])
    assert history.columns is columns


def test_a_change_is_found_by_how_many_follow_it() -> None:
    chance, history = Random(2), StateHistory()
    row = changes(chance)
    history.fill(ChangeColumns.of([(0, row)]))
    assert history.lasting_before(0, row[10].at_ms, 3) == row[6]
    assert history.lasting_before(0, row[3].at_ms, 3) is None
    added = ConditionChange(LAST + 1, row[-1].after, 0)
    history.replace(0, LAST, [added, added._replace(at_ms=LAST + 2)])
    assert history.lasting_before(0, LAST + 3, 0) == added._replace(at_ms=LAST + 2)
    assert history.lasting_before(0, LAST + 2, 1) == row[-1]
    assert history.lasting_before(7, LAST, 0) is None


FILES = 5


def job_groupings() -> list[tuple[JobGrouping, Callable[[EndedJob], int]]]:
    """Of jobs, each with the same said in another way."""
    by_subject = [
        (by_printer(subject_of, subjects), lambda job, subject_of=subject_of: int(subject_of[job.printer]))
        for subject_of, subjects in groupings()
    ]
    everybody, files = np.zeros(PRINTERS, dtype=np.intp), np.arange(FILES)
    by_file = JobGrouping([ByCode("printer", everybody, 1), ByCode("file", files, FILES)])
    materials = np.array([0, 1, -1], dtype=np.intp)
    both = JobGrouping([ByCode("material", materials, 2), ByCode("file", files, FILES)])
    two = both.choosing(np.array([1, 7]))

    def both_of(job: EndedJob) -> int:
        return -1 if job.material == 2 else FILES * job.material + job.file

    return [
        *by_subject,
        (by_file, lambda job: job.file),
        (both, both_of),
        (two, lambda job: {1: 0, 7: 1}.get(both_of(job), -1)),
    ]


def counted_jobs(
    held: dict[str, EndedJob], part: Tally, subjects: int, subject_of: Callable[[EndedJob], int]
) -> Integers:
    found = np.zeros((len(EDGES), len(TALLIED[part].measures), subjects, TALLIED[part].keys), dtype=np.int64)
    for job in held.values():
        subject = subject_of(job)
        for key, amounts in counted_job(job, part):
            if subject >= 0:
                before = (job.ended_ms < EDGES).astype(np.int64)
                found[:, :, subject, key] += before[:, None] * np.array(amounts)
    return found


def counted_job(job: EndedJob, part: Tally) -> list[tuple[int, list[int]]]:
    """The key of a job in a part, and what it adds, said once more in plain words."""
    grams, length, resin = job.milligrams, job.micrometres, job.microlitres
    if part is Tally.ESTIMATES:
        if ENDINGS[job.ending][0] is not Outcome.SUCCEEDED or job.expected_ms <= 0 or not job.printing_ms:
            return []
        ratio = min(math.floor(1_000 * job.printing_ms / job.expected_ms + 0.5), 300_000)
        off = abs(job.printing_ms - job.expected_ms)
        return [(0, [1, job.expected_ms, job.printing_ms, off, ratio, ratio**2])]
    if part is Tally.CAUSES:
        return [(job.cause, [1])] if ENDINGS[job.ending][0] is Outcome.FAILED else []
    amounts = {
        Tally.JOBS: [1, job.units, job.printing_ms],
        Tally.TIMES: [whole_ms(job)],
        Tally.MATERIAL: [
            *(grams >= 0, max(grams, 0), length >= 0, max(length, 0), resin >= 0, max(resin, 0)),
            max(length, 0) if grams < 0 and resin < 0 else 0,
            max(resin, 0) if grams < 0 else 0,
            grams < 0 and resin < 0 and length < 0,
        ],
    }[part]
    return [(job.ending, [int(amount) for amount in amounts])]


def counted_by_median(
    held: dict[str, EndedJob], subjects: int, subject_of: Callable[[EndedJob], int]
) -> Integers:
    """Jobs without an estimate, the medians of their files and their times, said once more in plain words."""
    good = [job for job in held.values() if ENDINGS[job.ending][0] is Outcome.SUCCEEDED and job.printing_ms]
    times = {file: [job.printing_ms for job in good if job.file == file] for file in range(1, FILES)}
    found = np.zeros((len(EDGES), 3, subjects), dtype=np.int64)
    for job in good:
        if job.file and job.expected_ms <= 0 and subject_of(job) >= 0:
            amounts = np.array([1, math.floor(median(times[job.file])), job.printing_ms])
            found[:, :, subject_of(job)] += (job.ended_ms < EDGES).astype(np.int64)[:, None] * amounts
    return found


def whole_ms(job: EndedJob) -> int:
    seen_ms = job.printing_ms + job.preparing_ms + job.paused_ms
    return seen_ms if job.started_ms == NOT_KNOWN else max(seen_ms, job.ended_ms - job.started_ms)


def job_that_ended(chance: Random, ended_ms: int) -> EndedJob:
    return EndedJob(
        ended_ms=ended_ms,
        printer=chance.randrange(PRINTERS),
        ending=chance.randrange(len(ENDINGS)),
        units=chance.randrange(5),
        printing_ms=chance.randrange(50_000),
        preparing_ms=chance.randrange(3),
        paused_ms=chance.randrange(3),
        started_ms=chance.choice([NOT_KNOWN, ended_ms - 1, ended_ms - 60_000]),
        file=chance.randrange(FILES),
        material=chance.randrange(3),
        cause=chance.randrange(len(CAUSES)),
        milligrams=chance.choice([NOT_KNOWN, 0, 1_500]),
        micrometres=chance.choice([NOT_KNOWN, 0, 7]),
        microlitres=chance.choice([NOT_KNOWN, 0, 9]),
        expected_ms=chance.choice([NOT_KNOWN, 0, 1, 20_000]),
    )


@pytest.mark.parametrize("most_beside", [4, 60, 100_000])
@pytest.mark.parametrize("most_kept_keys", [0, 100_000])
def test_jobs_through_revisions(
    monkeypatch: pytest.MonkeyPatch, most_beside: int, most_kept_keys: int
) -> None:
    monkeypatch.setattr(ended_jobs, "MOST_BESIDE", most_beside)
    monkeypatch.setattr(ended_jobs, "MOST_KEPT_KEYS", most_kept_keys)
    chance, jobs = Random(most_beside), EndedJobColumns()
    held = {f"job-{number}": job_that_ended(chance, chance.randrange(LAST)) for number in range(800)}
    jobs.fill(JobColumns.of([*held.items()]))
    for step in range(40):
        name = f"job-{chance.randrange(810)}"
        late = LAST - 1 if step % 2 else chance.randrange(LAST)
        changed = None if step % 5 == 0 else job_that_ended(chance, late)
        jobs.put(name, changed)
        held.pop(name, None)
        if changed is not None:
            held[name] = changed
        assert jobs.get(name) == changed
        if step % 8 == 0:
            for who, subject_of in job_groupings():
                for part in TALLIED:
                    told = jobs.sums(EDGES, who, part)
                    counted = counted_jobs(held, part, who.subjects, subject_of)
                    assert (told - told[1] == counted - counted[1]).all()
                by_median = jobs.by_median(EDGES, who)
                paced = counted_by_median(held, who.subjects, subject_of)
                assert (by_median - by_median[1] == paced - paced[1]).all()
    assert len(jobs) == len(held)


def test_sums_that_were_asked_for_longest_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sums:
        kept_bytes = 10

    monkeypatch.setattr(sums_kept, "MOST_BYTES", 20)
    kept: sums_kept.SumsKept[str, Sums] = sums_kept.SumsKept()
    first, second = kept.get("first", Sums), kept.get("second", Sums)
    assert kept.get("first", Sums) is first
    kept.get("third", Sums)
    assert kept.get("first", Sums) is first
    assert kept.get("second", Sums) is not second


def test_the_places_of_many_jobs_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first halves of two digests are the same, of which ids there are none at hand."""
    monkeypatch.setattr(ended_jobs, "digest", half_alike)
    monkeypatch.setattr(job_rows, "digest", half_alike)
    jobs = EndedJobColumns()
    assert jobs.places_of(["a", "b"]).tolist() == [-1, -1]
    known = [f"job {number}" for number in range(50)]
    ended = [(job_id, EndedJob(1_000 - number, 0, 0, 1, 5)) for number, job_id in enumerate(known)]
    jobs.fill(JobColumns.of(ended))
    asked = [*known[::-1], "none", *known[:3], "job 99"]
    expected = [-1 if (place := jobs.place_of(job_id)) is None else place for job_id in asked]
    assert jobs.places_of(asked).tolist() == expected
    assert expected[:50] == list(range(50))
    assert expected[50] == expected[-1] == -1


def half_alike(job_id: str) -> bytes:
    """A digest whose first half is one of seven."""
    whole = hashlib.blake2b(job_id.encode(), digest_size=16).digest()
    return bytes([whole[0] % 7] * 8) + whole[8:]
