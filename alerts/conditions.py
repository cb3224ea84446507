"""The life of an alert about how a printer stands: fired when that has lasted, over when it is gone. Pure."""

from typing import Any

import msgspec

from alerts.lifecycle import AlertChange, alert_id, closed, resolved
from alerts.rules.base import Condition, PrinterRule
from alerts.wording import duration
from farm.model.alert import Alert, AlertState, NotificationReason
from farm.model.printer_status import PrinterStatus

FIRING_LOOK_MS = 5_000
"""How often it is looked whether what has an alert still holds: progress is told in no feed."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is given of one printer: how it stands, and the time of looking.

    What came about more than `max_age_ms` before `now_ms` is recorded and not told. `gone_ms` is when it
    was first seen that the condition of the firing alert is gone, None while it stands.
    """

    status: PrinterStatus
    now_ms: int
    max_age_ms: int
    watched: bool = True
    gone_ms: int | None = None


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a look: the change, when to look again, and since when the condition is gone."""

    change: AlertChange | None = None
    next_ms: int | None = None
    gone_ms: int | None = None


def follow(rule: PrinterRule[Any], look: Look, firing: Alert | None) -> Followed:
    """What follows for the rule's alert about the printer, `firing` where there is one."""
    if not look.watched or not rule.settings.watches(look.status.printer):
        return Followed() if firing is None else Followed(change=_over(firing, _UNWATCHED, look.now_ms))
    condition = rule.condition(look.status)
    if firing is not None:
        return _followed_on(rule, look, firing, condition)
    if condition is None:
        return Followed()
    due_ms = condition.since_ms + rule.settings.lasting_ms
    if due_ms > look.now_ms:
        return Followed(next_ms=due_ms)
    return Followed(change=_begun(rule, look, condition, due_ms), next_ms=look.now_ms + FIRING_LOOK_MS)


_UNWATCHED = "The rule is no longer about this printer."


def _followed_on(rule: PrinterRule[Any], look: Look, firing: Alert, condition: Condition | None) -> Followed:
    if condition is not None and condition.since_ms <= look.now_ms:
        updated = _with_words(firing, look, condition)
        change = None if updated == firing else AlertChange(alert=updated, at_ms=look.now_ms)
        return Followed(change=change, next_ms=look.now_ms + FIRING_LOOK_MS)
    gone_ms = look.now_ms if look.gone_ms is None else look.gone_ms
    clear_ms = gone_ms + rule.settings.clear_after_ms
    if clear_ms > look.now_ms:
        return Followed(next_ms=clear_ms, gone_ms=gone_ms)
    return Followed(change=_over(firing, rule.over(look.status), gone_ms))


def _begun(rule: PrinterRule[Any], look: Look, condition: Condition, due_ms: int) -> AlertChange:
    printer, told = look.status.printer, look.now_ms - due_ms <= look.max_age_ms
    alert = Alert(
        id=alert_id(rule.name, printer.id, str(condition.since_ms)),
        rule=rule.name,
        subject=printer.id,
        printer_id=printer.id,
        state=AlertState.FIRING,
        severity=condition.severity or rule.severity,
        fired_ms=due_ms,
        notified_ms=look.now_ms if told else None,
        title="",
        summary="",
        job_ids=() if look.status.job is None else (look.status.job.id,),
        count=1,
        suppressed=not told,
    )
    alert = _with_words(alert, look, condition)
    return AlertChange(alert=alert, reason=NotificationReason.FIRED, told=told, at_ms=due_ms)


def _with_words(alert: Alert, look: Look, condition: Condition) -> Alert:
    return msgspec.structs.replace(
        alert,
        title=f"{look.status.printer.name}: {condition.title}",
        summary=condition.summary if alert.summary == "" else alert.summary,
        facts=condition.facts,
    )


def _over(alert: Alert, why: str, at_ms: int) -> AlertChange:
    lasted = f"It lasted {duration(max(0, at_ms - alert.fired_ms))}."
    return closed(resolved(alert, at_ms, f"{why} {lasted}"))
