"""What fails too often in a window, as API and command line show it."""

from typing import Any

import msgspec

from farm.kpi.causes import FailureCauses, FailureFinding, SharedFailures
from farm.kpi.windows import Window
from farm.model.times import rfc3339


class CausesOfWindow(msgspec.Struct, frozen=True):
    """What was found among the `prints` that ended in the window, and which findings share failures."""

    window: Window
    prints: int
    found: FailureCauses
    shared: tuple[SharedFailures, ...]


def causes_record(causes: CausesOfWindow) -> dict[str, Any]:
    """All of it; times in RFC 3339."""
    window = causes.window
    return {
        "window": {"name": window.name, "from": rfc3339(window.from_ms), "to": rfc3339(window.to_ms)},
        "prints": causes.prints,
        "comparisons": causes.found.comparisons,
        "false_discovery_rate": causes.found.false_discovery_rate,
        "findings": [_finding_record(each) for each in causes.found.findings],
        "shared": [_shared_record(each) for each in causes.shared],
    }


def _finding_record(finding: FailureFinding) -> dict[str, Any]:
    return {
        "dimension": finding.dimension,
        "value": finding.value,
        "failed": finding.count.failed,
        "attempts": finding.count.attempts,
        "rest_failed": finding.rest.failed,
        "rest_attempts": finding.rest.attempts,
        "ratio": finding.risk.ratio,
        "interval_low": finding.risk.interval.low,
        "interval_high": finding.risk.interval.high,
        "p_value": finding.p_value,
        "sentence": finding.sentence,
    }


def _shared_record(shared: SharedFailures) -> dict[str, Any]:
    return {
        "first": shared.first.value,
        "second": shared.second.value,
        "failed": shared.failed,
        "sentence": shared.sentence,
    }
