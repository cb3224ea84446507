from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from farm.figures.read_model import ReadModel
    from farm.model.job import Job
    from farm.model.printer import Printer
    from farm.model.span import Span


class OpenLedger(Protocol):
    """Gives the read model of a ledger that holds what it is handed and was booked until the instant."""

    def __call__(
        self,
        printers: Sequence["Printer"],
        spans: Sequence["Span"],
        jobs: Sequence["Job"],
        booked_until_ms: int,
        /,
    ) -> "ReadModel": ...


@pytest.fixture(params=["memory", "sqlite"])
def open_ledger(request: pytest.FixtureRequest) -> Iterator[OpenLedger]:
    """Every figure from rows in memory and from those of a real ledger."""
    # Here: most tests of this folder, and trials of mutants in it, are quicker than to load a ledger.
    from farm.figures.read_model import ReadModel
    from farm.ledger.batch import Batch
    from farm.ledger.figure_rows import FigureRows
    from farm.ledger.ledger import open_ledger as open_sql_ledger
    from tests.unit.kpi.memory_ledger import MemoryLedger

    def in_memory(
        printers: Sequence["Printer"], spans: Sequence["Span"], jobs: Sequence["Job"], booked_until_ms: int, /
    ) -> "ReadModel":
        return ReadModel(MemoryLedger(printers, spans, jobs, booked_until_ms))

    with ExitStack() as opened:

        def booked(
            printers: Sequence["Printer"],
            spans: Sequence["Span"],
            jobs: Sequence["Job"],
            booked_until_ms: int,
            /,
        ) -> "ReadModel":
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
            return ReadModel(FigureRows(ledger.engine))

        yield booked if request.param == "sqlite" else in_memory
