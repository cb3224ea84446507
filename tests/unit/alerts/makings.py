"""Jobs, alerts and notifications for the tests, each with only what matters said."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from alerts.notification import Notification, Print
from alerts.settings import AlertSettings
from farm.model.alert import NotificationReason, Severity
from farm.model.job import Job, job_id
from farm.model.states import CancelledBy, Cause, Outcome
from farm.model.times import HOUR_MS, MINUTE_MS

START_MS = 1_763_800_000_000
PRINTER = "6d3f0c52-0000-4000-8000-000000000001"

OUTCOMES = {
    "F": Outcome.FAILED,
    "S": Outcome.SUCCEEDED,
    "C": Outcome.CANCELLED,
    "U": Outcome.UNKNOWN,
}

ODD_NAMES = [
    "<!channel> free <b>pizza</b>.gcode",
    "*bold* _it_ ~gone~ `code`.gcode",
    "</p><script>alert(1)</script>&amp;.gcode",
    "<https://evil.example|click>.gcode",
    "line\r\nBcc: everybody@example.com.gcode",
    "gcode.\u202eexe\u2066.txt",
    "naïve-größe-文件-🧨.gcode",
    "lone \ud800 surrogate.gcode",
    "{{ 7 * 7 }}{% raw %}.gcode",
    "a" * 4000 + ".gcode",
    "&" * 2000,
    "🧨" * 1000,
    "",
]


def ended_job(
    number: int, letter: str, *, printer: str = PRINTER, ended_ms: int | None = None, **more: Any
) -> Job:
    """Job `number` of the printer; unless said otherwise it ended `number` hours after START_MS."""
    outcome = OUTCOMES[letter]
    end = START_MS + number * HOUR_MS if ended_ms is None else ended_ms
    facts: dict[str, Any] = {
        "id": job_id(printer, str(number)),
        "printer_id": printer,
        "file": f"part-{number}.gcode",
        "started_ms": end - 20 * MINUTE_MS,
        "ended_ms": end,
        "outcome": outcome,
        "cause": Cause.THERMAL if outcome is Outcome.FAILED else None,
        "cancelled_by": CancelledBy.PERSON if outcome is Outcome.CANCELLED else None,
        "printing_ms": 14 * MINUTE_MS,
    }
    return Job(**(facts | more))


def past(letters: str, *, printer: str = PRINTER) -> list[Job]:
    """Ended jobs, newest first, from outcomes written oldest first: `FFS` ended with a success."""
    return [ended_job(number, letter, printer=printer) for number, letter in enumerate(letters)][::-1]


def settings(**more: Any) -> AlertSettings:
    """Settings that alert at three failures and know no receivers."""
    return AlertSettings(**({"repeat": timedelta(hours=4), "max_age": timedelta(hours=1)} | more))


def evidence(file: str | None = "part.gcode", **more: Any) -> Print:
    """A print that failed of heat after 14 minutes."""
    facts: dict[str, Any] = {
        "file": file,
        "outcome": Outcome.FAILED,
        "cause": Cause.THERMAL,
        "detail": "Heater extruder not heating at expected rate",
        "cancelled_by": None,
        "started_ms": START_MS - 20 * MINUTE_MS,
        "ended_ms": START_MS,
        "printing_ms": 14 * MINUTE_MS,
    }
    return Print(**(facts | more))


def notification(prints: Sequence[Print] | None = None, **more: Any) -> Notification:
    """An alert about three failures in a row, just fired."""
    facts: dict[str, Any] = {
        "alert_id": "0d9b7c1e-1111-4111-8111-111111111111",
        "rule": "failed_streak",
        "reason": NotificationReason.FIRED,
        "severity": Severity.CRITICAL,
        "title": "bay1: 3 failed prints in a row",
        "summary": "3 prints in a row failed; the last was part.gcode.",
        "printer": "bay1",
        "group": "north wall",
        "model": "Voron 2.4",
        "prints": tuple(prints) if prints is not None else (evidence(), evidence(), evidence()),
        "earlier_prints": 0,
        "fired_ms": START_MS,
        "at_ms": START_MS,
        "created_ms": START_MS,
        "resolution": None,
        "time_zone": "Europe/Berlin",
        "url": "http://farm.local:8642",
    }
    return Notification(**(facts | more))


def again(value: Notification) -> Notification:
    """The same notification as it comes back from the store."""
    return msgspec.convert(msgspec.to_builtins(value), Notification)
