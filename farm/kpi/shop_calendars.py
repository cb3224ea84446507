"""Which calendar holds for which printers, and which past a change of that restates."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from farm.kpi.calendar import ShopCalendar, open_intervals
from farm.kpi.intervals import Interval, first_difference, merged
from farm.model.planned_maintenance import PlannedMaintenance


class ShopCalendars(msgspec.Struct, frozen=True, kw_only=True):
    """The calendars of a farm by name, and the names of those that hold for its groups.

    `default` holds for printers of no group and of groups that have none of their own. Where the
    name of none is given, or a calendar of the name is not there, the shop is always open.
    """

    calendars: Mapping[str, ShopCalendar] = {}
    groups: Mapping[str, str] = {}
    default: str | None = None

    def calendar_of(self, group: str | None) -> ShopCalendar | None:
        """The calendar of the printers of this group, of those without one for None."""
        name = self.default if group is None else self.groups.get(group, self.default)
        return None if name is None else self.calendars.get(name)

    def overlaid(self, above: "ShopCalendars") -> "ShopCalendars":
        """These, and in their place those of `above` where it says something else."""
        return ShopCalendars(
            calendars={**self.calendars, **above.calendars},
            groups={**self.groups, **above.groups},
            default=self.default if above.default is None else above.default,
        )


def maintenance_intervals(
    planned: Iterable[PlannedMaintenance], printer_id: str, group: str | None
) -> list[Interval]:
    """When work on the printer is planned that was not withdrawn: sorted and disjoint."""
    return merged(
        (each.from_ms, each.to_ms)
        for each in planned
        if each.withdrawn_ms is None and each.is_about(printer_id, group)
    )


def restated_from(
    before: ShopCalendars,
    after: ShopCalendars,
    first_seen_ms: Mapping[str | None, int],
    zone: ZoneInfo,
    now_ms: int,
) -> int | None:
    """The first instant before `now_ms` from which some printer has other open hours after a change.

    `first_seen_ms` holds the groups of the printers, None for no group, and when the first of
    each began to count. None where the change reaches no past.
    """
    since: dict[tuple[str | None, str | None], int] = {}
    changed: dict[tuple[str | None, str | None], tuple[ShopCalendar | None, ShopCalendar | None]] = {}
    for group, seen_ms in first_seen_ms.items():
        one, other = before.calendar_of(group), after.calendar_of(group)
        if one != other:
            key = (_name_of(one), _name_of(other))
            changed[key] = (one, other)
            since[key] = min(seen_ms, since.get(key, seen_ms))
    found = [
        first_difference(
            open_intervals(one, zone, since[key], now_ms), open_intervals(other, zone, since[key], now_ms)
        )
        for key, (one, other) in changed.items()
    ]
    return min((at_ms for at_ms in found if at_ms is not None), default=None)


def _name_of(calendar: ShopCalendar | None) -> str | None:
    return None if calendar is None else calendar.name
