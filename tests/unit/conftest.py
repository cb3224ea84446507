from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Protocol

import pytest

from farm.figures.subject_sums import SumsReader
from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger as open_sql_ledger
from farm.ledger.ledger_reader import LedgerReader
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from tests.unit.kpi.memory_ledger import MemoryLedger


class OpenLedger(Protocol):
    """Gives a ledger that holds what it is handed and was booked until the instant."""

    def __call__(
        self, printers: Sequence[Printer], spans: Sequence[Span], jobs: Sequence[Job], booked_until_ms: int, /
    ) -> SumsReader: ...


@pytest.fixture(params=["memory", "sqlite"])
def open_ledger(request: pytest.FixtureRequest) -> Iterator[OpenLedger]:
    """Every figure from the sums of a plain loop and from those of the real ledger."""
    with ExitStack() as opened:

        def booked_in_sqlite(
            printers: Sequence[Printer], spans: Sequence[Span], jobs: Sequence[Job], booked_until_ms: int, /
        ) -> LedgerReader:
            ledger = opened.enter_context(open_sql_ledger("sqlite://"))
            ledger.claim("collector", "test", simulated=False, now_ms=booked_until_ms)
            ledger.commit(
                Batch(
                    printers=list(printers),
                    spans=list(spans),
                    jobs=list(jobs),
                    booked_until_ms=booked_until_ms,
                )
            )
            return ledger

        yield booked_in_sqlite if request.param == "sqlite" else MemoryLedger
