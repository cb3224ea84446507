"""A collector killed in the middle of its commits leaves whole commits behind, and no other."""

import subprocess
import sys
from random import Random

from farm.ledger.ledger import open_ledger
from tests.contract.ledger_samples import SHARD, an_id, farm
from tests.contract.steady_collector import NAME

KILLS = 4


def killed_after(lines: int, url: str) -> int:
    """Let a collector run, kill it while it goes on, and give the last commit that it told of."""
    command = [sys.executable, "-m", "tests.contract.steady_collector", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as collector:
        assert collector.stdout is not None
        told = [int(collector.stdout.readline()) for _ in range(lines)]
        collector.kill()
        told += [int(line) for line in collector.stdout if line.endswith("\n")]
    assert collector.returncode == -9
    return told[-1]


def test_what_a_killed_collector_told_of_is_booked_and_every_commit_is_whole(shared_url: str) -> None:
    chance = Random(7)
    with open_ledger(shared_url) as ledger:
        ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
        ledger.commit(farm(NAME))
        for _ in range(KILLS):
            told = killed_after(chance.randint(1, 30), shared_url)
            (checkpoint,) = ledger.checkpoints()
            last = int(checkpoint.body)
            assert last >= told
            everyone = list(range(1, last + 1))
            assert [each.at_ms for each in ledger.evidence_from(an_id(NAME), 0, 0)] == everyone
            assert [int(e.body["number"]) for e in ledger.feed(0, last + 1)] == everyone
            assert sorted(int(str(job.file)) for job in ledger.jobs_of(an_id(NAME), 0)) == everyone
            assert [s.from_ms for s in ledger.spans(1, last + 1)] == everyone
