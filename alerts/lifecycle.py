"""The life of an alert: fired, told again, resolved. Pure.

What a rule finds now is laid beside the alerts that are known already. A finding and an
alert that share a job are the same thing; the changes that follow are what must be booked.
Looking twice at the same evidence changes nothing.
"""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.rules.base import Finding, JobRule
from farm.model.alert import Alert, AlertState, NotificationReason
from farm.model.job import Job

_ALERTS = uuid.UUID("3c0b3c0e-8a5b-4d7a-9a55-2f3c1c6f7f60")
_DELIVERIES = uuid.UUID("a4a1d2f1-7d0c-4c9e-8b57-6a1f0e2b9d13")


class EvaluationInput(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is given of one printer: its name, its ended jobs (newest first) and the time of looking.

    `whole` says that every firing alert of the printer is decided by these jobs. A printer
    that is not `watched` (ignored or retired) has nothing found about it. What came about more
    than `max_age_ms` before `now_ms` is recorded and not told.
    """

    printer_id: str
    name: str
    jobs: Sequence[Job]
    whole: bool
    now_ms: int
    max_age_ms: int
    watched: bool = True

    def is_news(self, at_ms: int) -> bool:
        """Whether what came about then is still to be told."""
        return self.now_ms - at_ms <= self.max_age_ms


class AlertChange(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it is from now on. `reason` says what is to be told, None for nothing.

    `told` is false for a reason that is only recorded. `finding` is the evidence, None
    where it is gone. While it is `silenced` it is recorded and not sent; that it is over is kept from
    the receivers who are `unaware`, because they were never told that it began.
    """

    alert: Alert
    reason: NotificationReason | None = None
    told: bool = True
    at_ms: int
    finding: Finding | None = None
    silenced: bool = False
    unaware: frozenset[str] = frozenset()


def alert_id(rule: str, subject: str, first_job: str) -> str:
    """A stable UUID for the alert of the rule about the subject that began with this job."""
    return str(uuid.uuid5(_ALERTS, "\x1f".join((rule, subject, first_job))))


def delivery_id(alert: Alert, reason: NotificationReason, receiver: str) -> str:
    """A stable UUID for what is told to the receiver for this reason about the alert."""
    return str(uuid.uuid5(_DELIVERIES, "\x1f".join((alert.id, reason, str(alert.count), receiver))))


def reconcile(rule: JobRule[Any], given: EvaluationInput, known: Sequence[Alert]) -> list[AlertChange]:
    """What follows from an evaluation of a printer with these alerts of the rule known; oldest first."""
    findings = rule.findings(given.jobs) if given.watched else []
    matched = _match(findings, known)
    taken = {alert.id for alert in matched.values()}
    ids = {alert.id for alert in known}
    changes: list[AlertChange] = []
    for position in reversed(range(len(findings))):
        finding = findings[position]
        if (alert := matched.get(position)) is not None:
            changes += _continued(rule, given, finding, alert)
        elif (name := alert_id(rule.name, given.printer_id, finding.jobs[0])) not in ids:
            changes += _begun(rule, given, finding, name)
    gone = [alert for alert in known if alert.state is AlertState.FIRING and alert.id not in taken]
    decided = given.whole or not given.watched
    return changes + [_withdrawn(rule, given, alert) for alert in gone if decided]


def repeated(
    alert: Alert, now_ms: int, reason: NotificationReason = NotificationReason.REPEATED
) -> AlertChange:
    """The firing alert told once more; as fired where all that was put so far was silenced."""
    again = msgspec.structs.replace(alert, notified_ms=now_ms, count=alert.count + 1)
    return AlertChange(alert=again, reason=reason, at_ms=now_ms)


def closed(alert: Alert) -> AlertChange:
    """That the alert, which is resolved, is over: told where it was told that it fired."""
    return AlertChange(
        alert=alert,
        reason=NotificationReason.RESOLVED,
        told=not alert.suppressed,
        at_ms=alert.resolved_ms or 0,
    )


def given_up(alert: Alert, now_ms: int) -> AlertChange:
    """The firing alert of a rule that is not configured any more, which is over."""
    return closed(resolved(alert, now_ms, "The rule is no longer configured."))


def resolved(alert: Alert, at_ms: int, why: str) -> Alert:
    """The alert as it is from when it is over, and why it is, in words."""
    return msgspec.structs.replace(alert, state=AlertState.RESOLVED, resolved_ms=at_ms, resolution=why)


def _match(findings: Sequence[Finding], known: Sequence[Alert]) -> dict[int, Alert]:
    """Which alert each finding continues, by position. The newest finding has the first choice,
    and firing alerts are chosen before resolved ones: so a streak that is cut in two by a
    revision keeps its alert for the part that still matters.
    """
    free = sorted(known, key=lambda alert: (alert.state is AlertState.FIRING, alert.fired_ms), reverse=True)
    matched: dict[int, Alert] = {}
    for position, finding in enumerate(findings):
        jobs = set(finding.jobs)
        alert = next((each for each in free if not jobs.isdisjoint(each.job_ids)), None)
        if alert is not None:
            matched[position] = alert
            free.remove(alert)
    return matched


def _begun(rule: JobRule[Any], given: EvaluationInput, finding: Finding, name: str) -> list[AlertChange]:
    news = given.is_news(finding.at_ms)
    alert = Alert(
        id=name,
        rule=rule.name,
        subject=given.printer_id,
        printer_id=given.printer_id,
        state=AlertState.FIRING,
        severity=rule.severity,
        fired_ms=finding.at_ms,
        title="",
        summary="",
        suppressed=not news,
    )
    fired = _fired(given, finding, alert, told=news)
    if finding.over_by is None:
        return [fired]
    return [fired, _over(rule, given, finding, fired.alert, finding.over_by)]


def _continued(
    rule: JobRule[Any], given: EvaluationInput, finding: Finding, alert: Alert
) -> list[AlertChange]:
    firing = alert.state is AlertState.FIRING
    if finding.over_by is not None:
        return [_over(rule, given, finding, alert, finding.over_by)] if firing else []
    grown = not set(finding.jobs) <= set(alert.job_ids)
    if not firing and alert.resolved_by is not None and not grown:
        # A person who resolved it has seen all of this; only another failure is news.
        return []
    if not firing:
        # A success that had ended it was revised.
        return [_fired(given, finding, alert, told=given.is_news(finding.latest_ms))]
    if alert.suppressed and grown and given.is_news(finding.latest_ms):
        # It was too old to tell when it was first seen; now it has gone on before our eyes.
        return [_fired(given, finding, alert, told=True)]
    updated = _with_evidence(given, alert, finding)
    return [] if updated == alert else [AlertChange(alert=updated, at_ms=given.now_ms, finding=finding)]


def _fired(given: EvaluationInput, finding: Finding, alert: Alert, *, told: bool) -> AlertChange:
    firing = msgspec.structs.replace(
        _with_evidence(given, alert, finding),
        state=AlertState.FIRING,
        notified_ms=given.now_ms if told else None,
        resolved_ms=None,
        resolution=None,
        resolved_by=None,
        count=alert.count + 1,
        suppressed=not told,
    )
    return AlertChange(
        alert=firing, reason=NotificationReason.FIRED, told=told, at_ms=finding.at_ms, finding=finding
    )


def _over(rule: JobRule[Any], given: EvaluationInput, finding: Finding, alert: Alert, by: Job) -> AlertChange:
    ended_ms = by.ended_ms or finding.latest_ms
    over = resolved(_with_evidence(given, alert, finding), ended_ms, rule.resolution(by))
    return msgspec.structs.replace(closed(over), finding=finding)


def _withdrawn(rule: JobRule[Any], given: EvaluationInput, alert: Alert) -> AlertChange:
    why = rule.withdrawal(alert, given.jobs) if given.watched else "The printer is no longer watched."
    return closed(resolved(alert, given.now_ms, why))


def _with_evidence(given: EvaluationInput, alert: Alert, finding: Finding) -> Alert:
    return msgspec.structs.replace(
        alert,
        title=f"{given.name}: {finding.title}",
        summary=finding.summary,
        job_ids=finding.jobs,
        facts=finding.facts,
    )
