"""The one table that says what every hour of a printer is to production, and what keeps it from printing.

SEMI E10-0422 parts total time into operations time (uptime: productive, standby, engineering;
downtime: scheduled, unscheduled) and non-scheduled time. OPC 40100-1, 11.6.1 and 12.21, repeats it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from farm.kpi.account import Condition, TimeAccount
from farm.model.states import PrinterState, StateReason


class TimeClass(StrEnum):
    """What a printer's time is to production."""

    PRODUCTIVE = "productive"
    STANDBY = "standby"
    """It could print, and does not."""
    ENGINEERING = "engineering"
    """Calibration and tests, set by a person."""
    SCHEDULED_DOWN = "scheduled_down"
    """Maintenance, planned or set by a person."""
    UNSCHEDULED_DOWN = "unscheduled_down"
    NON_SCHEDULED = "non_scheduled"
    """Closed hours in which it did not print."""
    UNKNOWN = "unknown"


class TimeRule(NamedTuple):
    """The class of a condition in open hours, what it is called among what keeps printers from printing
    (None for what is no idle time), and where the class stands.
    """

    condition: Condition
    time_class: TimeClass
    kept_by: str | None
    source: str


_S, _R = PrinterState, StateReason
_OPERATOR, _MATERIAL = "waiting_for_operator", "waiting_for_material"
_PRODUCTIVE = "SEMI E10 productive: performing its intended function"
_STANDBY = "SEMI E10 standby: in a condition to work, not operated"
_NO_PRODUCT = "SEMI E10 standby: no product to work on"
_NO_OPERATOR = "SEMI E10 standby: no operator"
_NO_SUPPLIES = "SEMI E10 standby: no support tools or supplies"
_ENGINEERING = "SEMI E10 engineering: experiments on a tool that could produce"
_SCHEDULED = "SEMI E10 scheduled downtime: not available by plan"
_UNSCHEDULED = "SEMI E10 unscheduled downtime: not in a condition to work"
_NOT_SEEN = "no class: nobody saw what it did"

TIME_RULES: Final = (
    TimeRule(Condition(_S.PRINTING), TimeClass.PRODUCTIVE, None, _PRODUCTIVE),
    TimeRule(Condition(_S.PREPARING), TimeClass.PRODUCTIVE, "preparing", _PRODUCTIVE),
    TimeRule(Condition(_S.IDLE), TimeClass.STANDBY, "no_job", _NO_PRODUCT),
    TimeRule(Condition(_S.IDLE, _R.WAITING_FOR_OPERATOR), TimeClass.STANDBY, _OPERATOR, _NO_OPERATOR),
    TimeRule(Condition(_S.IDLE, _R.WAITING_FOR_MATERIAL), TimeClass.STANDBY, _MATERIAL, _NO_SUPPLIES),
    TimeRule(Condition(_S.FINISHED), TimeClass.STANDBY, "bed_not_cleared", _NO_OPERATOR),
    TimeRule(Condition(_S.PAUSED), TimeClass.STANDBY, "paused", _STANDBY),
    TimeRule(Condition(_S.PAUSED, _R.WAITING_FOR_OPERATOR), TimeClass.STANDBY, _OPERATOR, _NO_OPERATOR),
    TimeRule(Condition(_S.PAUSED, _R.WAITING_FOR_MATERIAL), TimeClass.STANDBY, _MATERIAL, _NO_SUPPLIES),
    TimeRule(Condition(_S.PAUSED, _R.PAUSED_BY_PERSON), TimeClass.STANDBY, "paused_by_person", _STANDBY),
    TimeRule(
        Condition(_S.PAUSED, _R.PAUSED_BY_MACHINE), TimeClass.STANDBY, "paused_by_machine", _NO_OPERATOR
    ),
    TimeRule(Condition(_S.MAINTENANCE), TimeClass.SCHEDULED_DOWN, None, _SCHEDULED),
    TimeRule(Condition(_S.MAINTENANCE, _R.ENGINEERING), TimeClass.ENGINEERING, None, _ENGINEERING),
    TimeRule(Condition(_S.ERROR), TimeClass.UNSCHEDULED_DOWN, "fault", _UNSCHEDULED),
    TimeRule(Condition(_S.OFFLINE), TimeClass.UNSCHEDULED_DOWN, "offline", _UNSCHEDULED),
    TimeRule(Condition(_S.UNKNOWN), TimeClass.UNKNOWN, "unknown", _NOT_SEEN),
)
"""Every condition that time is counted by.

In closed hours all but what is productive is non-scheduled.
"""

CONDITIONS: Final = (
    *(Condition(state) for state in PrinterState),
    *(rule.condition for rule in TIME_RULES if rule.condition.reason is not None),
)
"""The same conditions, those without a reason first, in the order of the states."""

CLASS_OF: Final[Mapping[Condition, TimeClass]] = {rule.condition: rule.time_class for rule in TIME_RULES}
KEPT_BY: Final[Mapping[Condition, str]] = {
    rule.condition: rule.kept_by for rule in TIME_RULES if rule.kept_by is not None
}


def time_by_class(account: TimeAccount) -> dict[TimeClass, int]:
    """Milliseconds of the account by class; they add up to all of its time."""
    found = dict.fromkeys(TimeClass, 0)
    for condition, ms in account.open_conditions().items():
        found[CLASS_OF[condition]] += ms
    for state, ms in account.closed_ms.items():
        is_used = CLASS_OF[Condition(state)] is TimeClass.PRODUCTIVE
        found[TimeClass.PRODUCTIVE if is_used else TimeClass.NON_SCHEDULED] += ms
    return found


def total(by_class: Mapping[TimeClass, int], classes: Iterable[TimeClass]) -> int:
    """The sum (ms) over some classes."""
    return sum(by_class[each] for each in classes)
