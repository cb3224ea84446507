"""The shop around the printers: groups, opening hours, planned maintenance, and who looks at the parts."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from farm.model.states import Outcome, RejectionReason
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339
from farm.settings import Section
from simulators.setting_types import DayTime, Range, Share, Weekday, minute_of_day
from simulators.shop_truth import CalendarTruth, DayMinutes, MaintenanceTruth, VerdictTruth
from simulators.truth import JobTruth, TruthBook

_INSPECTORS = ("olga", "paul")
_PLANNER = "petra"
_BROKEN_INSPECTED = 0.25
"""How many of the spoilt prints somebody counts, beside `inspected_share` of the finished ones."""
_WHOLE_WORK_MS = 3 * HOUR_MS


def _iso_date(text: str) -> str:
    parse_rfc3339(f"{text}T00:00:00Z")
    return text


Hours = tuple[tuple[DayTime, DayTime], ...]
DateText = Annotated[str, AfterValidator(_iso_date)]


class CalendarStory(Section):
    """Opening hours by weekday, others by date (none: closed), and for whom they hold."""

    name: str = Field(min_length=1)
    groups: tuple[str, ...] = ()
    default: bool = False
    hours: dict[Weekday, Hours]
    dates: dict[DateText, Hours] = Field(default_factory=dict)

    def truth(self) -> CalendarTruth:
        """The calendar as the ledger of truth has it."""
        return CalendarTruth(
            name=self.name,
            groups=self.groups,
            default=self.default,
            hours={day: _minutes(hours) for day, hours in self.hours.items()},
            dates={day: _minutes(hours) for day, hours in self.dates.items()},
        )


class ShopSettings(Section):
    """How the shop is run. Printers are put into the `groups` in turn."""

    groups: tuple[str, ...] = ()
    calendars: tuple[CalendarStory, ...] = ()
    maintenance_days: float = Field(0, ge=0)
    maintenance_hours: Range = (1, 4)
    inspected_share: Share = 0
    rejected_share: Share = 0.1

    @model_validator(mode="after")
    def _knows_its_groups(self) -> "ShopSettings":
        for calendar in self.calendars:
            if missing := [group for group in calendar.groups if group not in self.groups]:
                raise ValueError(
                    f"calendars: {calendar.name} is for {missing[0]!r}, which is not among groups"
                )
        return self

    def group(self, number: int) -> str | None:
        """The group of the printer of that number."""
        return self.groups[number % len(self.groups)] if self.groups else None


def enter_shop(settings: ShopSettings, seed: int, window: tuple[int, int], book: TruthBook) -> None:
    """Put into the ledger of truth what the people of the shop decided and found in the window (ms).

    It draws on chance of its own: with it the printers do what they do without.
    """
    for calendar in settings.calendars:
        book.calendar(calendar.truth())
    for planned in _planned(settings, Random(f"{seed}/maintenance"), window, book):
        book.maintenance(planned)
    for verdict in _verdicts(settings, Random(f"{seed}/inspection"), window[1], book.jobs):
        book.verdict(verdict)


def _planned(
    settings: ShopSettings, rng: Random, window: tuple[int, int], book: TruthBook
) -> Iterator[MaintenanceTruth]:
    """Every service, work on each printer now and then, once on the first group, once on the whole farm."""
    if not settings.maintenance_days:
        return
    from_ms, to_ms = window
    for done in book.services:
        yield MaintenanceTruth(
            printer=done.printer, group=None, from_ms=done.from_ms, to_ms=done.to_ms, by=_PLANNER
        )
    for printer in book.header.printers:
        at_ms: float = from_ms
        while (at_ms := at_ms + rng.expovariate(1 / (settings.maintenance_days * DAY_MS))) < to_ms:
            begin = round(at_ms) // MINUTE_MS * MINUTE_MS
            end = begin + round(rng.uniform(*settings.maintenance_hours) * HOUR_MS)
            yield MaintenanceTruth(printer=printer.name, group=None, from_ms=begin, to_ms=end, by=_PLANNER)
    whole: list[str | None] = [None, *settings.groups[:1]]
    for place, group in enumerate(whole, 1):
        begin = from_ms + (to_ms - from_ms) * place // 3
        yield MaintenanceTruth(
            printer=None, group=group, from_ms=begin, to_ms=begin + _WHOLE_WORK_MS, by=_PLANNER
        )


def _verdicts(
    settings: ShopSettings, rng: Random, to_ms: int, jobs: Iterable[JobTruth]
) -> Iterator[VerdictTruth]:
    for job in jobs:
        if job.ended_ms is None or job.number == 0:
            continue
        finished = job.outcome is Outcome.SUCCEEDED
        chance = settings.inspected_share * (1 if finished else _BROKEN_INSPECTED)
        at_ms = job.ended_ms + round(rng.uniform(0.2, 20) * HOUR_MS)
        if rng.random() >= chance or at_ms >= to_ms:
            continue
        share = settings.rejected_share if finished else 0.8
        # A whole plate warps at once more often than chance would have it.
        whole = rng.random() < share / 2
        rejected = job.units if whole else sum(rng.random() < share for _ in range(job.units))
        yield VerdictTruth(
            printer=job.printer,
            number=job.number,
            good_units=job.units - rejected,
            rejected_units=rejected,
            reason=rng.choice(list(RejectionReason)) if rejected else None,
            by=rng.choice(_INSPECTORS),
            at_ms=at_ms,
        )


def _minutes(hours: Hours) -> DayMinutes:
    return tuple((minute_of_day(begin), minute_of_day(end)) for begin, end in hours)
