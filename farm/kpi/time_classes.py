"""The classes of a printer's time after SEMI E10, and the class of every state.

SEMI E10-0422 parts total time into operations time (uptime: productive, standby, engineering;
downtime: scheduled, unscheduled) and non-scheduled time. OPC 40100-1, 11.6.1 and 12.21, repeats it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from farm.kpi.account import TimeAccount
from farm.model.states import PrinterState


class TimeClass(StrEnum):
    """What a printer's time is to production."""

    PRODUCTIVE = "productive"
    STANDBY = "standby"
    """It could print, and does not."""
    SCHEDULED_DOWN = "scheduled_down"
    """Maintenance, planned or set by a person."""
    UNSCHEDULED_DOWN = "unscheduled_down"
    NON_SCHEDULED = "non_scheduled"
    """Closed hours in which it did not print."""
    UNKNOWN = "unknown"


CLASS_OF: Final[Mapping[PrinterState, TimeClass]] = {
    PrinterState.PRINTING: TimeClass.PRODUCTIVE,
    PrinterState.PREPARING: TimeClass.PRODUCTIVE,
    PrinterState.IDLE: TimeClass.STANDBY,
    PrinterState.FINISHED: TimeClass.STANDBY,
    PrinterState.PAUSED: TimeClass.STANDBY,
    PrinterState.MAINTENANCE: TimeClass.SCHEDULED_DOWN,
    PrinterState.ERROR: TimeClass.UNSCHEDULED_DOWN,
    PrinterState.OFFLINE: TimeClass.UNSCHEDULED_DOWN,
    PrinterState.UNKNOWN: TimeClass.UNKNOWN,
}
"""The class of a state in open hours; in closed hours all but what is productive is non-scheduled."""


def time_by_class(account: TimeAccount) -> dict[TimeClass, int]:
    """Milliseconds of the account by class; they add up to all of its time."""
    found = dict.fromkeys(TimeClass, 0)
    for state, ms in account.open_ms.items():
        found[CLASS_OF[state]] += ms
    for state, ms in account.closed_ms.items():
        is_used = CLASS_OF[state] is TimeClass.PRODUCTIVE
        found[TimeClass.PRODUCTIVE if is_used else TimeClass.NON_SCHEDULED] += ms
    return found


def total(by_class: Mapping[TimeClass, int], classes: Iterable[TimeClass]) -> int:
    """The sum (ms) over some classes."""
    return sum(by_class[each] for each in classes)
