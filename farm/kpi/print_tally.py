"""Prints counted by what they were printed on, from and when, for finding what fails too often."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from farm.kpi.causes import Dimension, FailureCount
from farm.model.job import Job
from farm.model.times import SECOND_MS


def print_facts(job: Job, printer: str, zone: ZoneInfo) -> dict[Dimension, str]:
    """What a job says of itself by dimension, begun on the clock of `zone`; what is not known is left out."""
    known = {
        Dimension.PRINTER: printer,
        Dimension.FILE: job.file,
        Dimension.MATERIAL: job.material,
        Dimension.OPERATOR: job.operator,
        Dimension.HOUR: None if job.started_ms is None else str(_hour(job.started_ms, zone)),
    }
    return {dimension: value for dimension, value in known.items() if value is not None}


class PrintTally:
    """Counts prints and failures by every dimension, and keeps what the failed ones say of themselves."""

    def __init__(self) -> None:
        self.prints = 0
        self.failed_prints: list[Mapping[Dimension, str]] = []
        self._attempts: dict[Dimension, Counter[str]] = {dimension: Counter() for dimension in Dimension}

    def add(self, facts: Mapping[Dimension, str], *, failed: bool) -> None:
        """Count one attempt."""
        self.prints += 1
        for dimension, value in facts.items():
            self._attempts[dimension][value] += 1
        if failed:
            self.failed_prints.append(facts)

    def counts(self) -> dict[Dimension, dict[str, FailureCount]]:
        """Failures and attempts of every value, by dimension."""
        failed: dict[Dimension, Counter[str]] = {dimension: Counter() for dimension in Dimension}
        for facts in self.failed_prints:
            for dimension, value in facts.items():
                failed[dimension][value] += 1
        return {
            dimension: {value: FailureCount(failed[dimension][value], n) for value, n in attempts.items()}
            for dimension, attempts in self._attempts.items()
        }


def _hour(at_ms: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(at_ms // SECOND_MS, zone).hour
