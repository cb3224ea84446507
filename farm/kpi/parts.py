"""What a figure is made of: sums by name, each with the rows of the ledger that add to it.

A part has one selector, which gives both: its sum, out of what the read model holds summed up, and
what a single row adds to it. The rows behind a figure are listed by the selector that counts them.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

import msgspec

from farm.kpi.account import Condition, TimeAccount
from farm.kpi.calculation import KpiInput
from farm.kpi.outcomes import AttemptTally, InspectionTally, OutcomeTally
from farm.kpi.time_classes import CONDITIONS
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.span import Span
from farm.model.states import CancelledBy, Cause, Outcome, PrinterState
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
    """A job of a printer that ended in the window, and its verdict. `site` holds the rules of counting.

    `attempt` is what it adds to the first attempts by the jobs of its file before it, and `median_ms` how
    long its file takes: the median over its prints that succeeded, 0 where none did.
    """

    site: SiteSettings
    printer: Printer
    job: Job
    verdict: Verdict | None = None
    attempt: AttemptTally = AttemptTally()
    median_ms: int = 0


class TimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A printer in one state, within the window: `open_ms` of it in open hours, `closed_ms` in closed ones.

    Planned maintenance is in the state already. `site` holds the rules of counting.
    """

    site: SiteSettings
    printer: Printer
    span: Span
    open_ms: int
    closed_ms: int


class RepairRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of a printer that began or was repaired in the window; `ended_ms` is None while it lasts."""

    printer: Printer
    begun_ms: int
    ended_ms: int | None
    begins_within: bool
    ends_within: bool


class StreakRow(msgspec.Struct, frozen=True, kw_only=True):
    """A print that ended before the window did, and what it has to do with failed prints in a row.

    It is one of the longest streak at the end of the window, of the longest at any time in it, or came
    since the last success of its printer; `is_last` is the last failed print of these.
    """

    printer: Printer
    job: Job
    in_current: bool
    in_longest: bool
    since_success: bool
    is_last: bool


Row: TypeAlias = JobRow | TimeRow | RepairRow | StreakRow
"""What figures are made of."""


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
    def measure(self) -> Measure:
        """What the sum is in: a count, but for selectors that say otherwise."""
        return Measure.COUNT

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


class RepairMeasure(StrEnum):
    """What is summed up of faults and repairs, by its name in `farm.kpi.faults.RepairTally`."""

    FAULTS = "faults"
    REPAIRS = "repairs"
    TIME = "repair_ms"


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """Faults that began in the window, repairs that ended in it, or how long these took since the fault."""

    of: RepairMeasure

    @property
    def inputs(self) -> frozenset[Input]:
        """The states, whether the shop was open or not."""
        return frozenset({Input.SPANS})

    @property
    def measure(self) -> Measure:
        """A count, or time."""
        return Measure.TIME if self.of is RepairMeasure.TIME else Measure.COUNT

    def total(self, given: KpiInput) -> int:
        """The sum over all of them."""
        found: int = getattr(given.repairs, self.of.value)
        return found

    def share(self, row: RepairRow) -> int:
        """1 for what began or ended in the window, or the whole time of a repair that ended in it."""
        if self.of is RepairMeasure.FAULTS:
            return int(row.begins_within)
        if not row.ends_within or row.ended_ms is None:
            return 0
        return 1 if self.of is RepairMeasure.REPAIRS else row.ended_ms - row.begun_ms


class StreakSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Which prints of streaks add to a sum."""

    @property
    def inputs(self) -> frozenset[Input]:
        """What it reads."""
        return frozenset({Input.JOBS})

    @property
    def measure(self) -> Measure:
        """A count."""
        return Measure.COUNT

    @abstractmethod
    def total(self, given: KpiInput) -> int:
        """How many there are."""

    @abstractmethod
    def share(self, row: StreakRow) -> int:
        """1 for one of them, else 0."""


Selector: TypeAlias = JobSelector | TimeSelector | Repaired | StreakSelector
"""Which rows add to a sum, and how much."""


class Part(msgspec.Struct, frozen=True):
    """A sum of a figure. By its `name` it stands in the counts or amounts, and in the expression."""

    name: str
    rows: Selector

    def total(self, given: KpiInput) -> Amount:
        """What it comes to, times in hours."""
        return self.rows.measure.told(self.rows.total(given))


class LeftOut(msgspec.Struct, frozen=True):
    """Rows that do not count in the value, and why. `name` tells it from the others of the figure."""

    name: str
    why: str
    rows: Selector


class JobMeasure(StrEnum):
    """What is summed up of jobs."""

    JOBS = "jobs"
    UNITS = "units"
    PRINTING_TIME = "printing_time"
    WHOLE_TIME = "whole_time"
    """From the start to the end."""


_TALLIED: Final[Mapping[JobMeasure, Callable[[OutcomeTally], Mapping[Outcome, int]]]] = {
    JobMeasure.JOBS: lambda tally: tally.jobs,
    JobMeasure.UNITS: lambda tally: tally.units,
    JobMeasure.PRINTING_TIME: lambda tally: tally.printing_ms,
    JobMeasure.WHOLE_TIME: lambda tally: tally.whole_ms,
}
_MEASURED: Final[Mapping[JobMeasure, Callable[[Job], int]]] = {
    JobMeasure.JOBS: lambda _: 1,
    JobMeasure.UNITS: lambda job: job.units,
    JobMeasure.PRINTING_TIME: lambda job: job.printing_ms,
    JobMeasure.WHOLE_TIME: lambda job: job.whole_ms,
}


class EndedJobs(JobSelector, frozen=True, kw_only=True):
    """Jobs that ended in one of the `outcomes`: how many, their units, or their printing time."""

    outcomes: BySite[frozenset[Outcome]]
    of: JobMeasure = JobMeasure.JOBS

    @property
    def measure(self) -> Measure:
        """A count, but for times."""
        is_time = self.of in (JobMeasure.PRINTING_TIME, JobMeasure.WHOLE_TIME)
        return Measure.TIME if is_time else Measure.COUNT

    def total(self, given: KpiInput) -> int:
        """The sum over the jobs of these outcomes."""
        tallied = _TALLIED[self.of](given.outcomes)
        return sum(tallied.get(outcome, 0) for outcome in of_site(self.outcomes, given.site))

    def share(self, row: JobRow) -> int:
        """What the job adds, where it ended so."""
        return _MEASURED[self.of](row.job) if row.job.outcome in of_site(self.outcomes, row.site) else 0


class FailedJobs(JobSelector, frozen=True, kw_only=True):
    """Jobs that failed for this cause; one of which nothing is known has the cause `unknown`."""

    cause: Cause

    def total(self, given: KpiInput) -> int:
        """How many there are."""
        return given.outcomes.failed_by.get(self.cause, 0)

    def share(self, row: JobRow) -> int:
        """1 for one of them."""
        return int(row.job.outcome is Outcome.FAILED and (row.job.cause or Cause.UNKNOWN) is self.cause)


class CancelledJobs(JobSelector, frozen=True, kw_only=True):
    """Jobs that were cancelled by somebody of whom it is known who it was."""

    by: CancelledBy

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

    def total(self, given: KpiInput) -> int:
        """The sum over the inspected jobs."""
        return self.tallied(given.outcomes.inspected)

    def share(self, row: JobRow) -> int:
        """What was found of the job, 0 where nobody looked."""
        return 0 if row.verdict is None else self.found(row.job, row.verdict)


class Remainder(JobSelector, frozen=True, kw_only=True):
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


class Together(JobSelector, frozen=True, kw_only=True):
    """Rows of the `one` and of the `other`."""

    one: JobSelector
    other: JobSelector

    @property
    def inputs(self) -> frozenset[Input]:
        """What both read."""
        return self.one.inputs | self.other.inputs

    @property
    def measure(self) -> Measure:
        """That of both."""
        return self.one.measure

    def total(self, given: KpiInput) -> Amount:
        """The sum over both."""
        return self.one.total(given) + self.other.total(given)

    def share(self, row: JobRow) -> Amount:
        """What the row adds to either."""
        return self.one.share(row) + self.other.share(row)


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
        opened = sum(account.open_ms.get(state, 0) for state in of_site(self.opened, site))
        return opened + sum(account.closed_ms.get(state, 0) for state in of_site(self.closed, site))

    def share(self, row: TimeRow) -> int:
        """How much of the row's time counts, in milliseconds."""
        state, site = row.span.state, row.site
        opened = row.open_ms if state in of_site(self.opened, site) else 0
        return opened + (row.closed_ms if state in of_site(self.closed, site) else 0)


class TimeAs(TimeSelector, frozen=True, kw_only=True):
    """Open time in the conditions, each a state with or without a reason, and closed time in the states."""

    opened: BySite[frozenset[Condition]] = frozenset()
    closed: BySite[frozenset[PrinterState]] = NO_STATE

    @property
    def measure(self) -> Measure:
        """Time."""
        return Measure.TIME

    def total(self, given: KpiInput) -> int:
        """The sum over all printers, in milliseconds."""
        site, account = given.site, given.account
        opened = sum(_open_ms(account, condition) for condition in of_site(self.opened, site))
        return opened + sum(account.closed_ms.get(state, 0) for state in of_site(self.closed, site))

    def share(self, row: TimeRow) -> int:
        """How much of the row's time counts, in milliseconds."""
        opened = row.open_ms if condition_of(row.span) in of_site(self.opened, row.site) else 0
        return opened + (row.closed_ms if row.span.state in of_site(self.closed, row.site) else 0)


def condition_of(span: Span) -> Condition:
    """The condition by which the time of the span is told apart."""
    for condition in CONDITIONS:
        if condition == (span.state, span.reason):
            return condition
    return Condition(span.state)


def _open_ms(account: TimeAccount, condition: Condition) -> int:
    if condition.reason is not None:
        return account.reasons_ms.get(condition, 0)
    whole = account.open_ms.get(condition.state, 0)
    return whole - sum(ms for other, ms in account.reasons_ms.items() if other.state is condition.state)


def time_in(states: BySite[frozenset[PrinterState]]) -> TimeIn:
    """Time in the states, whether the shop was open or closed."""
    return TimeIn(opened=states, closed=states)


def of_site(selected: BySite[frozenset[T]], site: SiteSettings) -> frozenset[T]:
    """What is selected by the rules of the site."""
    return selected(site) if callable(selected) else selected
