"""What a printer does and what became of its jobs: the rules, and nothing but the rules.

`advance` is pure: (tracker, input) → (tracker, what is to be booked). All that is known of
"did this print succeed" lives here. Everything a person could call a job's outcome comes
from an edge that the printer told, or from its own later word on the same attempt; silence,
a reconnect or our own absence never give anything but `unknown`.
"""

from collector.tracker.inputs import (
    ContinuityLost,
    Observed,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
)
from collector.tracker.limits import ECHO_MS, RENEWED_LINK_MS, SETTLE_MS
from collector.tracker.state import LedgerChanges, TrackerState, first_sight
from collector.tracker.step import advance, needs_settling

__all__ = [
    "ECHO_MS",
    "RENEWED_LINK_MS",
    "SETTLE_MS",
    "ContinuityLost",
    "LedgerChanges",
    "Observed",
    "Settled",
    "SignOfLife",
    "Silence",
    "TrackerInput",
    "TrackerState",
    "advance",
    "first_sight",
    "needs_settling",
]
