"""A collector that books one number after the other and tells of each, until it is killed."""

import sys
from itertools import count

from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from farm.model.feed import FeedEntry, FeedKind
from farm.model.span import Span
from farm.model.states import PrinterState
from tests.contract.ledger_samples import SHARD, a_checkpoint, an_ended_job, an_id, evidence

NAME = "steady"
STATES = (PrinterState.IDLE, PrinterState.PRINTING)


def batch(number: int) -> Batch:
    return Batch(
        jobs=[an_ended_job(str(number), number, NAME, file=str(number))],
        cuts=[(an_id(NAME), number)],
        spans=[Span(an_id(NAME), STATES[number % 2], number, None)],
        evidence=[evidence(number, printer=NAME)],
        checkpoints=[a_checkpoint(str(number).encode(), NAME)],
        feed=[FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=number, body={"number": number})],
        booked_until_ms=number + 1,
    )


def main() -> None:
    with open_ledger(sys.argv[1]) as ledger:
        ledger.claim(SHARD, "steady", simulated=False, now_ms=0)
        booked = max((int(checkpoint.body) for checkpoint in ledger.checkpoints()), default=0)
        for number in count(booked + 1):
            ledger.commit(batch(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
