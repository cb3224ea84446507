"""What a printer does and what became of its jobs: the rules, and nothing but the rules.

`advance` is pure: (tracker, input) → (tracker, what is to be booked). All that is known of
"did this print succeed" lives here, and the outcome rules stand in one table, in `outcome`:
an outcome comes from an edge that the printer told, from its own later word on the same
attempt, or from a person; silence, a reconnect or our own absence never give anything but
`unknown`.
"""

from collector.tracker.inputs import (
    ContinuityLost,
    LinkGone,
    Observed,
    Said,
    Settled,
    SignOfLife,
    Silence,
    TrackerInput,
    TrackerWord,
)
from collector.tracker.limits import ECHO_MS, RENEWED_LINK_MS, SETTLE_MS
from collector.tracker.matching import is_row_of, outcome_of_row
from collector.tracker.persons import has_at_hand
from collector.tracker.state import LedgerChanges, TrackerState, first_sight, open_span
from collector.tracker.step import advance, awaits_gone_link, needs_settling
from collector.tracker.words import overlaid

__all__ = [
    "ECHO_MS",
    "RENEWED_LINK_MS",
    "SETTLE_MS",
    "ContinuityLost",
    "LedgerChanges",
    "LinkGone",
    "Observed",
    "Said",
    "Settled",
    "SignOfLife",
    "Silence",
    "TrackerInput",
    "TrackerState",
    "TrackerWord",
    "advance",
    "awaits_gone_link",
    "first_sight",
    "has_at_hand",
    "is_row_of",
    "needs_settling",
    "open_span",
    "outcome_of_row",
    "overlaid",
]
