"""From the feed of the ledger to alerts and the messages about them, each step one transaction."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from alerts.attendance import Attendance, delivery_state, is_sent, resolution_in_words
from alerts.duration import milliseconds
from alerts.history import FIRST_READ, past_of
from alerts.lifecycle import AlertChange, EvaluationInput, delivery_id, given_up, reconcile, repeated
from alerts.notification import Notification, plain, print_of
from alerts.rules import make_rule
from alerts.rules.base import MOST_PRINTS, Finding, JobRule, PrinterRule
from alerts.settings import AlertSettings
from alerts.watch import PrinterWatch
from farm.ledger.alert_store import AlertStore
from farm.ledger.ledger_reader import LedgerReader
from farm.model.alert import (
    EVALUATOR,
    Alert,
    AlertBatch,
    AlertFilter,
    AlertState,
    Bookmark,
    Delivery,
    NotificationReason,
)
from farm.model.clock import Clock
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.times import SECOND_MS

READER = EVALUATOR
MOST_ENTRIES = 1000
"""How many entries of the feed are read in one step."""
SWEEP_DEPTH = 50
"""How many ended jobs of each printer are looked at when everything is looked at anew."""
GIVE_UP_AFTER_MS = 60 * SECOND_MS
"""How long rules have to stand, by the wall clock, before alerts of others are over."""
PLACE_EVERY_MS = 5 * SECOND_MS
"""How long a place reached without consequence is only remembered, by the wall clock."""

_JOB_KINDS = frozenset({FeedKind.JOB_ENDED, FeedKind.JOB_REVISED})
_PRINTER_KINDS = frozenset({FeedKind.PRINTER_APPEARED, FeedKind.PRINTER_CHANGED})
_FEED_KINDS = {
    NotificationReason.FIRED: FeedKind.ALERT_FIRED,
    NotificationReason.REPEATED: FeedKind.ALERT_REPEATED,
    NotificationReason.RESOLVED: FeedKind.ALERT_RESOLVED,
}


class StepResult(msgspec.Struct, frozen=True):
    """What one step did: entries read, reasons that came up, deliveries made (suppressed ones too)."""

    read: int = 0
    reasons: int = 0
    deliveries: int = 0


class Evaluator:
    """Applies the rules. Used by one thread; a second evaluator elsewhere does no harm."""

    def __init__(
        self,
        reader: LedgerReader,
        alert_store: AlertStore,
        settings: AlertSettings,
        clock: Clock,
        *,
        time_zone: str = "UTC",
    ) -> None:
        self._reader = reader
        self._store = alert_store
        self._settings = settings
        self._clock = clock
        self._time_zone = time_zone
        rules = [make_rule(each) for each in settings.applied_rules]
        self._names = [rule.name for rule in rules]
        self._rules: list[JobRule[Any]] = [rule for rule in rules if isinstance(rule, JobRule)]
        standing: list[PrinterRule[Any]] = [rule for rule in rules if isinstance(rule, PrinterRule)]
        self._watch = PrinterWatch(reader, alert_store, standing, milliseconds(settings.max_age))
        self._note = note_of(rule.fingerprint for rule in rules)
        self._bookmark: Bookmark | None = None
        self._place = 0
        self._booked_ms = 0
        self._swept_ms: int | None = None
        self._printers: dict[str, Printer] = {}
        self._attendance = Attendance(reader.engine, alert_store, self._printer)
        self._receivers = [receiver.name for receiver in settings.receivers]

    def step(self) -> StepResult:
        """Read on in the feed and book what follows. Raises what the ledger raises."""
        if self._bookmark is None:
            self._bookmark = self._store.bookmark(READER)
            self._place = self._bookmark.seq if self._bookmark else 0
        if self._bookmark is None or self._bookmark.note != self._note:
            return self._sweep()
        entries = []
        if self._reader.feed_head() > self._place:
            entries = self._reader.feed(self._place, MOST_ENTRIES)
        if not entries:
            return self._book((), self._place, 0)
        if any(entry.kind in _PRINTER_KINDS for entry in entries):
            self._printers.clear()
        touched = _touched(entries)
        changes = [change for printer_id, jobs in touched.items() for change in self._look(printer_id, jobs)]
        changes += self._watch.look(self._watch.told_of(entries), self._now_ms())
        return self._book(changes, entries[-1].seq, len(entries))

    def watch(self) -> StepResult:
        """Look at the printers for which time has come. Raises what the ledger raises."""
        if self._bookmark is None:
            return StepResult()
        now_ms = self._now_ms()
        changes = self._watch.look(self._watch.due(now_ms), now_ms)
        return self._book(changes, self._place, 0) if changes else StepResult()

    def repeat(self) -> StepResult:
        """Tell again what has been firing for long or was silenced, and what people resolved.

        Raises what the ledger raises.
        """
        if self._bookmark is None:
            return StepResult()
        now_ms = self._now_ms()
        firing = [alert for name in self._names for alert in self._store.firing(name)]
        due = self._attendance.due(firing, now_ms, milliseconds(self._settings.repeat))
        closed = self._attendance.closed() + self._of_other_rules()
        if not due and not closed:
            return StepResult()
        self._printers.clear()
        watched = [(alert, reason) for alert, reason in due if self._is_watched(alert.printer_id)]
        changes = [repeated(alert, now_ms, reason) for alert, reason in watched] + closed
        unwatched = {alert.printer_id for alert, _ in due if not self._is_watched(alert.printer_id)}
        ended = [
            change for printer_id in sorted(filter(None, unwatched)) for change in self._look(printer_id, ())
        ]
        return self._book([*changes, *ended], self._place, 0)

    def _sweep(self) -> StepResult:
        """Evaluate every printer anew: at the first start, and when a rule's settings changed.

        Those too that are no longer watched and still have an alert, which is over then.
        """
        head = self._reader.feed_head()
        self._printers.clear()
        wanted = dict.fromkeys(printer.id for printer in self._reader.printers())
        firing = [alert.printer_id for rule in self._rules for alert in self._store.firing(rule.name)]
        wanted |= dict.fromkeys(filter(None, firing))
        changes = [change for printer_id in wanted for change in self._look(printer_id, (), SWEEP_DEPTH)]
        self._swept_ms = self._clock()
        return self._book(changes, head, 0, certainly=True)

    def _of_other_rules(self) -> list[AlertChange]:
        """The end of firing alerts whose rules are not configured any more.

        Not at once: where another evaluator goes by other rules, both look at everything anew all the time,
        and must not end each other's alerts.
        """
        if self._swept_ms is None or self._clock() - self._swept_ms < GIVE_UP_AFTER_MS:
            return []
        self._swept_ms = None
        firing = self._store.alerts(AlertFilter(states=(AlertState.FIRING,), limit=MOST_ENTRIES)).alerts
        now_ms = self._now_ms()
        return [given_up(alert, now_ms) for alert in firing if alert.rule not in self._names]

    def _look(self, printer_id: str, jobs: Iterable[str], at_least: int = FIRST_READ) -> list[AlertChange]:
        return [change for rule in self._rules for change in self._apply(rule, printer_id, jobs, at_least)]

    def _apply(
        self, rule: JobRule[Any], printer_id: str, jobs: Iterable[str], at_least: int
    ) -> list[AlertChange]:
        known = self._store.alerts_of(rule.name, printer_id)
        rested_on = (
            alert.job_ids[0] for alert in known if alert.state is AlertState.FIRING and alert.job_ids
        )
        past, whole = past_of(self._reader, printer_id, {*jobs, *rested_on}, at_least)
        printer = self._printer(printer_id)
        given = EvaluationInput(
            printer_id=printer_id,
            name=printer.name if printer is not None else printer_id,
            jobs=past,
            whole=whole,
            now_ms=self._now_ms(),
            max_age_ms=milliseconds(self._settings.max_age),
            watched=self._is_watched(printer_id) and (printer is None or rule.settings.watches(printer)),
        )
        return reconcile(rule, given, known)

    def _book(
        self, changes: Sequence[AlertChange], seq: int, read: int, *, certainly: bool = False
    ) -> StepResult:
        """Book the changes and the place reached.

        A place without changes is only remembered, and booked once in a while: reading it
        again after a crash costs little, and the busy ledger is left alone.
        """
        created_ms = self._clock()
        if not changes and not certainly and not self._is_place_due(seq, created_ms):
            self._place = seq
            return StepResult(read=read)
        changes = self._attendance.heeded(changes, self._receivers, self._now_ms())
        reasons = [change for change in changes if change.reason is not None]
        deliveries = [each for change in reasons for each in self._deliveries(change, created_ms)]
        batch = AlertBatch(
            reader=READER,
            seen=self._bookmark,
            seq=seq,
            note=self._note,
            alerts=[change.alert for change in changes],
            deliveries=deliveries,
            feed=[_feed_entry(change, told=is_sent(change, self._receivers)) for change in reasons],
        )
        self._bookmark = self._store.book(batch)
        if self._bookmark is None:
            return StepResult()  # Another evaluator came first: the next step starts from its bookmark.
        self._place = self._bookmark.seq
        self._booked_ms = created_ms
        return StepResult(read, len(reasons), len(deliveries))

    def _is_place_due(self, seq: int, now_ms: int) -> bool:
        """Whether a place is to be booked for its own sake."""
        if self._bookmark is not None and seq == self._bookmark.seq:
            return False
        # A clock that was set back must not put it off.
        return not self._booked_ms <= now_ms < self._booked_ms + PLACE_EVERY_MS

    def _deliveries(self, change: AlertChange, created_ms: int) -> list[Delivery]:
        reason = change.reason
        if reason is None or (not change.told and reason is not NotificationReason.FIRED):
            return []
        notification = plain(self._notification(change, reason, created_ms))
        return [
            Delivery(
                id=delivery_id(change.alert, reason, receiver.name),
                alert_id=change.alert.id,
                receiver=receiver.name,
                reason=reason,
                state=delivery_state(change, receiver.name),
                notification=notification,
                created_ms=created_ms,
                due_ms=created_ms,
            )
            for receiver in self._settings.receivers
        ]

    def _notification(self, change: AlertChange, reason: NotificationReason, created_ms: int) -> Notification:
        alert, finding = change.alert, change.finding
        printer = self._printer(alert.printer_id or "")
        jobs = self._evidence(alert) if finding is None else _shown(finding, reason)
        return Notification(
            alert_id=alert.id,
            rule=alert.rule,
            reason=reason,
            severity=alert.severity,
            title=alert.title,
            summary=alert.summary,
            printer=printer.name if printer else None,
            group=printer.group if printer else None,
            model=printer.model if printer else None,
            prints=tuple(print_of(job) for job in jobs),
            earlier_prints=finding.earlier_prints if finding else max(0, len(alert.job_ids) - MOST_PRINTS),
            fired_ms=alert.fired_ms,
            at_ms=change.at_ms,
            created_ms=created_ms,
            resolution=resolution_in_words(alert),
            time_zone=self._time_zone,
            url=self._settings.public_url,
        )

    def _evidence(self, alert: Alert) -> list[Job]:
        """The jobs that the alert rests on, newest first, as they stand now."""
        newest = alert.job_ids[-MOST_PRINTS:]
        jobs = self._reader.jobs_by_id(newest)
        return [jobs[job_id] for job_id in reversed(newest) if job_id in jobs]

    def _printer(self, printer_id: str) -> Printer | None:
        if printer_id not in self._printers:
            self._printers = {printer.id: printer for printer in self._reader.printers(everything=True)}
        return self._printers.get(printer_id)

    def _is_watched(self, printer_id: str | None) -> bool:
        """Whether alerts about it are wanted; what is about no printer always is."""
        printer = None if printer_id is None else self._printer(printer_id)
        return printer_id is None or (printer is not None and printer.is_current)

    def _now_ms(self) -> int:
        return self._reader.now_ms(self._clock())


def _shown(finding: Finding, reason: NotificationReason) -> tuple[Job, ...]:
    """The evidence to show: when it is over, what ended it stands first."""
    if reason is NotificationReason.RESOLVED and finding.over_by is not None:
        return (finding.over_by, *finding.prints)
    return finding.prints


def _touched(entries: Iterable[FeedEntry]) -> dict[str, set[str]]:
    """The printers to evaluate, with the jobs that the evaluation must reach back to."""
    touched: dict[str, set[str]] = {}
    for entry in entries:
        if entry.printer_id is None or entry.kind not in _JOB_KINDS | _PRINTER_KINDS:
            continue
        jobs = touched.setdefault(entry.printer_id, set())
        # A withdrawn job is in no list any more: reaching back to it would read to the limit.
        if entry.job_id is not None and not entry.body.get("withdrawn"):
            jobs.add(entry.job_id)
    return touched


def _feed_entry(change: AlertChange, *, told: bool) -> FeedEntry:
    alert = change.alert
    return FeedEntry(
        kind=_FEED_KINDS[change.reason or NotificationReason.FIRED],
        at_ms=change.at_ms,
        printer_id=alert.printer_id,
        body={
            "alert_id": alert.id,
            "rule": alert.rule,
            "subject": alert.subject,
            "state": alert.state.value,
            "severity": alert.severity.value,
            "title": alert.title,
            "summary": alert.summary,
            "told": told,
        },
    )


def note_of(fingerprints: Iterable[str]) -> str:
    """A short word for the settings of all rules: it changes when any of them does."""
    return hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()[:32]
