"""The people of a simulated shop at Layerline: they keep its calendars, plan work and give verdicts."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from farm.kpi.calendar import WEEKDAYS, OtherHours, ShopCalendar
from farm.kpi.opening_hours import week
from farm.ledger.calendar_store import CalendarStore
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.maintenance_store import MaintenanceStore
from farm.ledger.verdict_store import VerdictStore
from farm.model.calendar_change import ChangedBy
from farm.model.times import DAY_MS
from farm.model.verdict import Inspection
from simulators.shop_truth import CalendarTruth, VerdictTruth
from simulators.truth import Truth
from simulators.verify import booked_jobs, known_printers, matched_pairs

_KEEPER = "petra"


def enter(truth: Truth, reader: LedgerReader) -> None:
    """Do in the ledger what the people of the shop did: calendars, planned work, verdicts.

    A verdict on a print that the ledger does not know is given by nobody. Raises TruthError when the
    ledger holds none of the printers, and InvalidInput where it does not know a group of the shop.
    """
    keep_calendars(truth, reader)
    plan_maintenance(truth, reader)
    give_verdicts(truth, reader)


def keep_calendars(truth: Truth, reader: LedgerReader) -> None:
    """Set the calendars of the shop."""
    store = CalendarStore(reader.engine, ZoneInfo(truth.header.time_zone))
    by = ChangedBy(_KEEPER, "the hours of the shop", truth.header.to_ms)
    for calendar in truth.calendars:
        store.set_calendar(_shop_calendar(calendar), by, groups=calendar.groups, default=calendar.default)


def plan_maintenance(truth: Truth, reader: LedgerReader) -> None:
    """Plan the work of the shop."""
    store, printers = MaintenanceStore(reader.engine), known_printers(truth, reader)
    for planned in truth.maintenance:
        known = None if planned.printer is None else printers.get(planned.printer)
        if planned.printer is None or known is not None:
            store.plan(
                ChangedBy(planned.by, "service", truth.header.to_ms),
                from_ms=planned.from_ms,
                to_ms=planned.to_ms,
                printer_id=None if known is None else known.id,
                group=planned.group,
            )


def give_verdicts(truth: Truth, reader: LedgerReader) -> None:
    """Give the verdicts of the shop, those of a day and a person at once."""
    store, printers = VerdictStore(reader.engine), known_printers(truth, reader)
    pairs = matched_pairs(truth, booked_jobs(reader, printers), printers)
    job_ids = {
        (pair.truth.printer, pair.truth.number): pair.booked.id
        for pair in pairs
        if pair.booked.ended_ms is not None
    }
    for at_ms, verdicts in _by_day(truth.verdicts):
        given = [
            Inspection(
                job_id=job_ids[verdict.printer, verdict.number],
                good_units=verdict.good_units,
                rejected_units=verdict.rejected_units,
                reason=verdict.reason,
                units_differ=True,
            )
            for verdict in verdicts
            if (verdict.printer, verdict.number) in job_ids
        ]
        store.give(given, who=verdicts[0].by, now_ms=at_ms)


def _by_day(verdicts: Sequence[VerdictTruth]) -> Iterator[tuple[int, list[VerdictTruth]]]:
    """The verdicts of each day and person, and when the last of them was given (ms)."""

    def when_and_who(verdict: VerdictTruth) -> tuple[int, str]:
        return verdict.at_ms // DAY_MS, verdict.by

    for _, some in groupby(sorted(verdicts, key=when_and_who), key=when_and_who):
        given = list(some)
        yield max(verdict.at_ms for verdict in given), given


def _shop_calendar(calendar: CalendarTruth) -> ShopCalendar:
    return ShopCalendar(
        name=calendar.name,
        hours=week({day: calendar.hours.get(day, ()) for day in WEEKDAYS}),
        exceptions=tuple(
            OtherHours(date.fromisoformat(text), hours) for text, hours in sorted(calendar.dates.items())
        ),
    )
