from collections.abc import Sequence
from typing import Protocol

import pytest

from farm.kpi.books import SumsReader
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from tests.unit.kpi.memory_ledger import MemoryLedger


class OpenLedger(Protocol):
    """Gives a ledger that holds what it is handed and was booked until the instant."""

    def __call__(
        self, printers: Sequence[Printer], spans: Sequence[Span], jobs: Sequence[Job], booked_until_ms: int, /
    ) -> SumsReader: ...


@pytest.fixture
def open_ledger() -> OpenLedger:
    return MemoryLedger
