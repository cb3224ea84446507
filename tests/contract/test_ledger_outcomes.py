"""The sums kept beside the jobs are those of the jobs, whatever was revised, in every database."""

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.states import CancelledBy, Cause, Outcome
from tests.contract.ledger_samples import a_job, a_printer, an_id
from tests.figures import OutcomeCount, outcome_counts

END = 40


def counted(jobs: list[Job], from_ms: int, to_ms: int) -> set[OutcomeCount]:
    """The count, one job after the other."""
    sums: dict[tuple[str, Outcome, CancelledBy | None], list[int]] = {}
    for job in jobs:
        if job.ended_ms is not None and job.outcome is not None and from_ms <= job.ended_ms < to_ms:
            added = sums.setdefault((job.printer_id, job.outcome, job.cancelled_by), [0, 0, 0])
            added[:] = added[0] + 1, added[1] + job.units, added[2] + job.printing_ms
    return {
        OutcomeCount(
            printer_id=printer_id,
            outcome=outcome,
            cancelled_by=cancelled_by,
            jobs=jobs_,
            units=units,
            printing_ms=printing_ms,
        )
        for (printer_id, outcome, cancelled_by), (jobs_, units, printing_ms) in sums.items()
    }


class Shop:
    """Jobs that start, end, are revised and withdrawn by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.printers = [a_printer("anna"), a_printer("bert", retired_ms=20), a_printer("dora", ignored=True)]
        self.jobs: dict[str, Job] = {}

    def next_batch(self) -> Batch:
        chance = self.chance
        batch = Batch(printers=self.printers)
        for _ in range(chance.randint(0, 5)):
            batch.jobs.append(self._job(f"job {chance.randint(0, 12)}"))
        self.jobs.update({job.id: job for job in batch.jobs})
        if self.jobs and chance.random() < 0.3:
            batch.withdrawn_jobs.append(chance.choice(list(self.jobs)))
            del self.jobs[batch.withdrawn_jobs[0]]
        return batch

    def _job(self, word: str) -> Job:
        chance = self.chance
        known = self.jobs.get(an_id(word)) or a_job(word, chance.choice(self.printers).name)
        if chance.random() < 0.3:
            return msgspec.structs.replace(known, printing_ms=chance.randint(0, 9))
        outcome = chance.choice(list(Outcome))
        by = chance.choice([None, *CancelledBy]) if outcome is Outcome.CANCELLED else None
        return msgspec.structs.replace(
            known,
            ended_ms=chance.randint(0, END),
            outcome=outcome,
            cancelled_by=by,
            cause=chance.choice(list(Cause)) if outcome is Outcome.FAILED else None,
            units=chance.randint(0, 3),
            printing_ms=chance.randint(0, 9),
        )

    def jobs_of(self, printers: list[Printer]) -> list[Job]:
        ids = {printer.id for printer in printers}
        return [job for job in self.jobs.values() if job.printer_id in ids]


def check_sums(ledger: Ledger, chance: Random) -> None:
    shop = Shop(chance)
    for _ in range(chance.randint(1, 6)):
        ledger.commit(shop.next_batch())
        from_ms, to_ms = sorted((chance.randint(0, END + 2), chance.randint(0, END + 2)))
        anna_and_bert, everybody = shop.printers[:2], [printer.id for printer in shop.printers]
        expected = counted(shop.jobs_of(anna_and_bert), from_ms, to_ms)
        assert same(outcome_counts(ledger, from_ms, to_ms), expected)
        whole = counted(list(shop.jobs.values()), from_ms, to_ms)
        assert same(outcome_counts(ledger, from_ms, to_ms, everybody), whole)
        ever = Counter((job.outcome, job.cause) for job in shop.jobs_of(anna_and_bert) if job.outcome)
        assert {(count.outcome, count.cause): count.jobs for count in ledger.ended_jobs()} == ever


def same(found: list[OutcomeCount], expected: set[OutcomeCount]) -> bool:
    return len(found) == len(expected) and set(found) == expected


@pytest.mark.parametrize("seed", range(6))
def test_sums_of_outcomes_are_those_of_the_jobs_in_every_database(ledger: Ledger, seed: int) -> None:
    check_sums(ledger, Random(seed))


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_sums_of_outcomes_are_those_of_the_jobs(chance: Random) -> None:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=0)
        check_sums(ledger, chance)
