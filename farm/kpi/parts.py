"""What a figure is made of: sums by name, each with the rows of the ledger that add to it.

A part has one selector, which gives both: its sum, out of what the read model holds summed up, and
what a single row adds to it. The rows behind a figure are listed by the selector that counts them.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

import msgspec

from farm.kpi.calculation import KpiInput
from farm.kpi.outcomes import InspectionTally, OutcomeTally
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.model.times import HOUR_MS
from farm.model.verdict import Verdict
from farm.settings import SiteSettings

T = TypeVar("T")

Amount: TypeAlias = int | float
BySite: TypeAlias = T | Callable[[SiteSettings], T]
"""What is selected, or a function that says it by the rules of the site."""

EVERY_STATE: Final = frozenset(PrinterState)
NO_STATE: Final[frozenset[PrinterState]] = frozenset()
EVERY_OUTCOME: Final = frozenset(Outcome)


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job of a printer that ended in the window, and its verdict. `site` holds the rules of counting."""

    site: SiteSettings
    printer: Printer
    job: Job
    verdict: Verdict | None = None


class TimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A printer in one state, within the window: `open_ms` of it in open hours, `closed_ms` in closed ones.

    Planned maintenance is in the state already. `site` holds the rules of counting.
    """

    site: SiteSettings
    printer: Printer
    span: Span
    open_ms: int
    closed_ms: int


class Measure(StrEnum):
    """What a sum is in, as it is summed up; `told` puts it as it is told."""

    COUNT = "count"
    """Jobs or units: whole numbers, in the `counts` of a figure."""
    TIME = "hours"
    """Milliseconds, told in hours in its `amounts`."""
    AMOUNT = "amount"
    """Anything else, told as it is in its `amounts`."""

    def told(self, amount: Amount) -> Amount:
        """The amount in the unit in which it is told."""
        return amount / HOUR_MS if self is Measure.TIME else amount


class Input(StrEnum):
    """What a figure is worked out of."""

    JOBS = "jobs"
    """The jobs that ended in the window."""
    VERDICTS = "verdicts"
    """What inspections of them found."""
    SPANS = "spans"
    """The states of the printers over the window."""
    CALENDARS = "calendars"
    """Opening hours and planned maintenance."""


class JobSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs that ended in the window add to a sum, and how much."""

    @property
    def inputs(self) -> frozenset[Input]:
        """What it reads."""
        return frozenset({Input.JOBS})

    @property
    @abstractmethod
    def measure(self) -> Measure:
        """What the sum is in."""

    @abstractmethod
    def total(self, given: KpiInput) -> Amount:
        """The sum over all rows."""

    @abstractmethod
    def share(self, row: JobRow) -> Amount:
        """What the row adds to it, 0 for one that does not belong."""


class TimeSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Which time of the printers adds to a sum, and how much."""

    @property
    def inputs(self) -> frozenset[Input]:
        """What it reads."""
        return frozenset({Input.SPANS, Input.CALENDARS})

    @property
    @abstractmethod
    def measure(self) -> Measure:
        """What the sum is in."""

    @abstractmethod
    def total(self, given: KpiInput) -> Amount:
        """The sum over all rows."""

    @abstractmethod
    def share(self, row: TimeRow) -> Amount:
        """What the row adds to it, 0 for one that does not belong."""


class Part(msgspec.Struct, frozen=True):
    """A sum of a figure. By its `name` it stands in the counts or amounts, and in the expression."""

    name: str
    rows: JobSelector | TimeSelector

    def total(self, given: KpiInput) -> Amount:
        """What it comes to, times in hours."""
        return self.rows.measure.told(self.rows.total(given))


class LeftOut(msgspec.Struct, frozen=True):
    """Rows that do not count in the value, and why. `name` tells it from the others of the figure."""

    name: str
    why: str
    rows: JobSelector | TimeSelector


class JobMeasure(StrEnum):
    """What is summed up of jobs."""

    JOBS = "jobs"
    UNITS = "units"
    PRINTING_TIME = "printing_time"


_TALLIED: Final[Mapping[JobMeasure, Callable[[OutcomeTally], Mapping[Outcome, int]]]] = {
    JobMeasure.JOBS: lambda tally: tally.jobs,
    JobMeasure.UNITS: lambda tally: tally.units,
    JobMeasure.PRINTING_TIME: lambda tally: tally.printing_ms,
}
_MEASURED: Final[Mapping[JobMeasure, Callable[[Job], int]]] = {
    JobMeasure.JOBS: lambda _: 1,
    JobMeasure.UNITS: lambda job: job.units,
    JobMeasure.PRINTING_TIME: lambda job: job.printing_ms,
}


class EndedJobs(JobSelector, frozen=True, kw_only=True):
    """Jobs that ended in one of the `outcomes`: how many, their units, or their printing time."""

    outcomes: BySite[frozenset[Outcome]]
    of: JobMeasure = JobMeasure.JOBS

    @property
    def measure(self) -> Measure:
        """A count, but for printing time."""
        return Measure.TIME if self.of is JobMeasure.PRINTING_TIME else Measure.COUNT

    def total(self, given: KpiInput) -> int:
        """The sum over the jobs of these outcomes."""
        tallied = _TALLIED[self.of](given.outcomes)
        return sum(tallied.get(outcome, 0) for outcome in _of_site(self.outcomes, given.site))

    def share(self, row: JobRow) -> int:
        """What the job adds, where it ended so."""
        return _MEASURED[self.of](row.job) if row.job.outcome in _of_site(self.outcomes, row.site) else 0


class CancelledJobs(JobSelector, frozen=True, kw_only=True):
    """Jobs that were cancelled by somebody of whom it is known who it was."""

    by: CancelledBy

    @property
    def measure(self) -> Measure:
        """A count."""
        return Measure.COUNT

    def total(self, given: KpiInput) -> int:
        """How many there are."""
        return given.outcomes.cancelled_by.get(self.by, 0)

    def share(self, row: JobRow) -> int:
        """1 for one of them."""
        return int(row.job.outcome is Outcome.CANCELLED and row.job.cancelled_by is self.by)


class Inspected(JobSelector, frozen=True, kw_only=True):
    """What inspections found: `tallied` gives it of the sums, `found` of a job that has a verdict."""

    tallied: Callable[[InspectionTally], int]
    found: Callable[[Job, Verdict], int]

    @property
    def inputs(self) -> frozenset[Input]:
        """The verdicts too."""
        return frozenset({Input.JOBS, Input.VERDICTS})

    @property
    def measure(self) -> Measure:
        """A count."""
        return Measure.COUNT

    def total(self, given: KpiInput) -> int:
        """The sum over the inspected jobs."""
        return self.tallied(given.outcomes.inspected)

    def share(self, row: JobRow) -> int:
        """What was found of the job, 0 where nobody looked."""
        return 0 if row.verdict is None else self.found(row.job, row.verdict)


class Difference(JobSelector, frozen=True, kw_only=True):
    """Rows of the `whole` that are not in the part `less`."""

    whole: JobSelector
    less: JobSelector

    @property
    def inputs(self) -> frozenset[Input]:
        """What both read."""
        return self.whole.inputs | self.less.inputs

    @property
    def measure(self) -> Measure:
        """That of both."""
        return self.whole.measure

    def total(self, given: KpiInput) -> Amount:
        """The sum over what is left."""
        return self.whole.total(given) - self.less.total(given)

    def share(self, row: JobRow) -> Amount:
        """What the row adds to the whole and not to the part."""
        return self.whole.share(row) - self.less.share(row)


class TimeIn(TimeSelector, frozen=True, kw_only=True):
    """Time in the states, told apart by whether the shop was open or closed."""

    opened: BySite[frozenset[PrinterState]] = NO_STATE
    closed: BySite[frozenset[PrinterState]] = NO_STATE

    @property
    def measure(self) -> Measure:
        """Time."""
        return Measure.TIME

    def total(self, given: KpiInput) -> int:
        """The sum over all printers, in milliseconds."""
        site, account = given.site, given.account
        opened = sum(account.open_ms.get(state, 0) for state in _of_site(self.opened, site))
        return opened + sum(account.closed_ms.get(state, 0) for state in _of_site(self.closed, site))

    def share(self, row: TimeRow) -> int:
        """How much of the row's time counts, in milliseconds."""
        state, site = row.span.state, row.site
        opened = row.open_ms if state in _of_site(self.opened, site) else 0
        return opened + (row.closed_ms if state in _of_site(self.closed, site) else 0)


def time_in(states: BySite[frozenset[PrinterState]]) -> TimeIn:
    """Time in the states, whether the shop was open or closed."""
    return TimeIn(opened=states, closed=states)


def _of_site(selected: BySite[frozenset[T]], site: SiteSettings) -> frozenset[T]:
    return selected(site) if callable(selected) else selected
