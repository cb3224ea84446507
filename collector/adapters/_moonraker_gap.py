"""What Moonraker's messages show of a time in which others may have been missed."""

from enum import StrEnum

from collector.adapters._gap_rules import ANY_STATE, AS_TOLD, NOT_KNOWN, GapRule, JobAfterGap
from farm.model.states import ACTIVE_STATES, PrinterState

STALLED_MS = 10_000


class MoonrakerSign(StrEnum):
    """What is seen after a gap. Whole statuses are asked for after every connect."""

    COUNTS = "`total_duration` counts on"
    STANDS = "messages come, and `total_duration` stands"
    ACTIVE = "a whole status: `printing` or `paused`"
    STANDBY = "a whole status: `standby`"
    ENDED = "a whole status: `complete`, `cancelled` or `error`, or a dead Klipper"


AFTER_GAP = (
    GapRule(
        name="counts_on",
        sign=MoonrakerSign.COUNTS,
        before=ACTIVE_STATES,
        state=AS_TOLD,
        job=JobAfterGap.GOES_ON,
    ),
    GapRule(
        name="stands_still",
        sign=MoonrakerSign.STANDS,
        before=ACTIVE_STATES,
        state=NOT_KNOWN,
        job=JobAfterGap.OPEN,
        after_ms=STALLED_MS,
    ),
    GapRule(
        name="still_prints",
        sign=MoonrakerSign.ACTIVE,
        before=ANY_STATE,
        state=AS_TOLD,
        job=JobAfterGap.GOES_ON,
    ),
    GapRule(
        name="rests",
        sign=MoonrakerSign.STANDBY,
        before=ANY_STATE,
        state=PrinterState.IDLE,
        job=JobAfterGap.OVER,
    ),
    GapRule(
        name="has_ended",
        sign=MoonrakerSign.ENDED,
        before=ANY_STATE,
        state=AS_TOLD,
        job=JobAfterGap.TOLD,
    ),
)
