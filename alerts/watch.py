"""Which printers are to be looked at for how they stand: those of which the feed tells, and those due."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from alerts.conditions import FIRING_LOOK_MS, Followed, Look, follow
from alerts.lifecycle import AlertChange
from alerts.rules.base import PrinterRule
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger_reader import LedgerReader
from farm.model.alert import Alert, NotificationReason
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer_status import PrinterStatus
from farm.model.times import MINUTE_MS

AWAY_MS = MINUTE_MS
"""A collector that has booked nothing for so long is away: how its printers stand is not known now."""

_KINDS = frozenset(
    {
        FeedKind.PRINTER_APPEARED,
        FeedKind.PRINTER_CHANGED,
        FeedKind.STATE_CHANGED,
        FeedKind.SPANS_REVISED,
        FeedKind.JOB_STARTED,
        FeedKind.JOB_ENDED,
        FeedKind.JOB_REVISED,
    }
)


class PrinterWatch:
    """Applies the rules about how a printer stands. What it keeps at hand is found anew after a restart."""

    def __init__(
        self,
        reader: LedgerReader,
        alert_store: AlertStore,
        rules: Sequence[PrinterRule[Any]],
        max_age_ms: int,
    ) -> None:
        self._reader = reader
        self._store = alert_store
        self._rules = rules
        self._max_age_ms = max_age_ms
        self._due: dict[str, int] = {}
        self._gone: dict[tuple[str, str], int] = {}
        self._knows_all = False

    def told_of(self, entries: Iterable[FeedEntry]) -> list[str]:
        """The printers of which the entries tell something that bears on a rule."""
        if not self._rules:
            return []
        return list(dict.fromkeys(e.printer_id for e in entries if e.printer_id and e.kind in _KINDS))

    def due(self, now_ms: int) -> list[str]:
        """The printers for which time has come; all of them at the first time."""
        if not self._rules:
            return []
        if not self._knows_all:
            self._knows_all = True
            return [printer.id for printer in self._reader.printers(everything=True)]
        return [printer_id for printer_id, due_ms in self._due.items() if due_ms <= now_ms]

    def look(self, printer_ids: Sequence[str], now_ms: int) -> list[AlertChange]:
        """What follows from how these printers stand, oldest first. Raises what the ledger raises."""
        if not printer_ids:
            return []
        names = [rule.name for rule in self._rules]
        firing = {(a.rule, a.subject): a for a in self._store.firing_about(names, printer_ids)}
        statuses = self._reader.statuses(printer_ids)
        changes = [change for status in statuses for change in self._look(status, firing, now_ms)]
        changes = self._with_last_prints(self._not_ended_before(changes))
        return sorted(changes, key=lambda change: change.at_ms)

    def _look(
        self, status: PrinterStatus, firing: Mapping[tuple[str, str], Alert], now_ms: int
    ) -> list[AlertChange]:
        printer = status.printer
        if now_ms - status.known_until_ms > AWAY_MS and printer.is_current:
            self._due[printer.id] = now_ms + AWAY_MS
            return []
        followed = [
            self._follow(rule, status, firing.get((rule.name, printer.id)), now_ms) for rule in self._rules
        ]
        changes = [each.change for each in followed if each.change is not None]
        due = [each.next_ms for each in followed if each.next_ms is not None]
        if changes:
            # They may not come into the books: another evaluator, or a ledger that is away.
            due.append(now_ms + FIRING_LOOK_MS)
        if due:
            self._due[printer.id] = min(due)
        else:
            self._due.pop(printer.id, None)
        return changes

    def _follow(
        self, rule: PrinterRule[Any], status: PrinterStatus, firing: Alert | None, now_ms: int
    ) -> Followed:
        key = (rule.name, status.printer.id)
        look = Look(
            status=status,
            now_ms=now_ms,
            max_age_ms=self._max_age_ms,
            watched=status.printer.is_current,
            gone_ms=self._gone.get(key),
        )
        followed = follow(rule, look, firing)
        if followed.gone_ms is None:
            self._gone.pop(key, None)
        else:
            self._gone[key] = followed.gone_ms
        return followed

    def _not_ended_before(self, changes: list[AlertChange]) -> list[AlertChange]:
        """Without alerts that would begin and were there before: a person can end one that still holds."""
        begin = [change.alert.id for change in changes if _begins(change)]
        known = {alert.id for alert in self._store.alerts_by_id(begin)} if begin else set()
        return [change for change in changes if not (_begins(change) and change.alert.id in known)]

    def _with_last_prints(self, changes: list[AlertChange]) -> list[AlertChange]:
        """With the last print as evidence where an alert begins, its rule shows it and none is under way."""
        showing = {rule.name for rule in self._rules if rule.shows_last_print}
        lacking = {
            each.alert.id: each.alert.subject
            for each in changes
            if _begins(each) and each.alert.rule in showing and not each.alert.job_ids
        }
        last = self._reader.last_ended_jobs(set(lacking.values())) if lacking else {}
        return [_with_print(each, last) if each.alert.id in lacking else each for each in changes]


def _begins(change: AlertChange) -> bool:
    return change.reason is NotificationReason.FIRED


def _with_print(change: AlertChange, last: Mapping[str, Job]) -> AlertChange:
    job = last.get(change.alert.subject)
    if job is None:
        return change
    return msgspec.structs.replace(change, alert=msgspec.structs.replace(change.alert, job_ids=(job.id,)))
