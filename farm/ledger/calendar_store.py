"""The calendars of the shop in the ledger, and which of them holds for which group."""

from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from farm.errors import InputConflict, InvalidInput
from farm.kpi.calendar import ShopCalendar
from farm.kpi.calendar_record import calendar_record
from farm.kpi.shop_calendars import ShopCalendars, restated_from
from farm.ledger import schema
from farm.ledger.calendar_trail import write_change
from farm.ledger.chosen_groups import see_that_group_is_known
from farm.ledger.feed_log import hold_feed
from farm.ledger.inbox_bounds import check_texts
from farm.ledger.ledger_database import LedgerDatabase
from farm.model.calendar_change import CalendarChange, ChangedBy, ChangeKind

_calendar = schema.calendar
_assigned = schema.calendar_group
_ALL_OTHERS = ""
"""Under this name stands the calendar of the groups that have none of their own."""
_NONE_FILED = ShopCalendars()


class KnownCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar, the groups for which it holds, and whether it holds for all others.

    `version` counts its changes; it is None for one of the configuration file.
    """

    calendar: ShopCalendar
    version: int | None
    groups: tuple[str, ...]
    default: bool


class CalendarStore(LedgerDatabase):
    """Keeps calendars and tells them, those of the configuration file with them and above them.

    `zone` is that of the shop's clock, `filed` what the configuration file says of calendars: no
    change of the ledger can be made to that. Every change restates the open hours of the past,
    goes into the trail, and onto the feed.
    """

    def __init__(self, engine: Engine, zone: ZoneInfo, filed: ShopCalendars = _NONE_FILED) -> None:
        super().__init__(engine)
        self.zone = zone
        self._filed = filed

    def shop_calendars(self) -> ShopCalendars:
        """All calendars, and for which groups they hold."""
        with self._reads() as connection:
            return kept_calendars(connection).overlaid(self._filed)

    def calendars(self) -> list[KnownCalendar]:
        """All calendars by their names."""
        with self._reads() as connection:
            known = kept_calendars(connection).overlaid(self._filed)
            versions = _versions(connection)
        return [
            KnownCalendar(
                calendar=calendar,
                version=None if name in self._filed.calendars else versions[name],
                groups=tuple(sorted(group for group, held in known.groups.items() if held == name)),
                default=known.default == name,
            )
            for name, calendar in sorted(known.calendars.items())
        ]

    def known(self, name: str) -> KnownCalendar | None:
        """The calendar of that name."""
        return next((each for each in self.calendars() if each.calendar.name == name), None)

    def set_calendar(
        self,
        calendar: ShopCalendar,
        by: ChangedBy,
        *,
        groups: Sequence[str] | None = None,
        default: bool | None = None,
        version: int | None = None,
    ) -> list[CalendarChange]:
        """Keep the calendar, in place of the one of its name, and give the changes that this was.

        `groups` are those for which it is to hold, and no others; `default` says whether it is to
        hold for all others. Each stays as it is where it is None. `version` is that of the
        calendar that is to be replaced, 0 for a new one, where no other change may come between.

        Raises InvalidInput for a group without printers, InputConflict for a calendar or a group
        that the configuration file sets, and where the calendar has another version.
        """
        check_texts(by.who, by.why, None)
        self._refuse_filed(calendar.name)
        with self._writes() as connection:
            hold_feed(connection)
            made = _Changes(connection, self.zone, self._filed, by)
            stands = _versions(connection).get(calendar.name, 0)
            if version is not None and version != stands:
                remedy = f"the calendar {calendar.name} has version {stands} now; look at it and set it again"
                raise InputConflict("version", version, remedy)
            made.set(calendar, stands)
            if groups is not None:
                held = [group for group, name in made.kept.groups.items() if name == calendar.name]
                for group in sorted(set(held) - set(groups)):
                    self._assign(made, group, None)
                for group in groups:
                    self._assign(made, group, calendar.name)
            if default is True or (default is False and made.kept.default == calendar.name):
                self._assign(made, None, calendar.name if default else None)
            return made.written

    def remove_calendar(self, name: str, by: ChangedBy) -> list[CalendarChange]:
        """Take a calendar away: it holds for no group any more.

        Raises InvalidInput where there is none of the name, InputConflict for one of the file.
        """
        check_texts(by.who, by.why, None)
        self._refuse_filed(name)
        with self._writes() as connection:
            hold_feed(connection)
            made = _Changes(connection, self.zone, self._filed, by)
            if name not in made.kept.calendars:
                raise _no_calendar(name, made.kept)
            for group in [group for group, held in made.kept.groups.items() if held == name]:
                made.assign(group, None)
            if made.kept.default == name:
                made.assign(None, None)
            made.remove(name)
            return made.written

    def assign(
        self, name: str | None, by: ChangedBy, *, groups: Sequence[str] = (), default: bool = False
    ) -> list[CalendarChange]:
        """Let the calendar hold for these groups, and with `default` for all others; None takes theirs away.

        Raises InvalidInput for a calendar that there is not and a group without printers,
        InputConflict for a group whose calendar the configuration file sets.
        """
        check_texts(by.who, by.why, None)
        with self._writes() as connection:
            hold_feed(connection)
            made = _Changes(connection, self.zone, self._filed, by)
            known = made.kept.overlaid(self._filed)
            if name is not None and name not in known.calendars:
                raise _no_calendar(name, known)
            for group in groups:
                self._assign(made, group, name)
            if default:
                self._assign(made, None, name)
            return made.written

    def _assign(self, made: "_Changes", group: str | None, name: str | None) -> None:
        if (self._filed.default is not None) if group is None else (group in self._filed.groups):
            filed = self._filed.default if group is None else self._filed.groups[str(group)]
            remedy = f"the configuration file gives it the calendar {filed}; change it there"
            raise InputConflict("group", group or "all others", remedy)
        if name is not None and group is not None:
            see_that_group_is_known(group, [each for each in made.first_seen_ms if each is not None])
        made.assign(group, name)

    def _refuse_filed(self, name: str) -> None:
        if name in self._filed.calendars:
            remedy = "the configuration file sets this calendar under [[calendars]]; change it there"
            raise InputConflict("calendar", name, remedy)


class _Changes:
    """The changes of one transaction: each is booked, and `kept` is what the ledger holds after it."""

    def __init__(self, connection: Connection, zone: ZoneInfo, filed: ShopCalendars, by: ChangedBy) -> None:
        self._connection = connection
        self._zone = zone
        self._filed = filed
        self._by = by
        self.kept = kept_calendars(connection)
        self.first_seen_ms = first_seen(connection)
        self.written: list[CalendarChange] = []

    def set(self, calendar: ShopCalendar, version: int) -> None:
        before = self.kept.calendars.get(calendar.name)
        if before == calendar:
            return
        row = {"version": version + 1, "body": msgspec.json.encode(calendar).decode()}
        if before is None:
            self._connection.execute(insert(_calendar).values(name=calendar.name, **row))
        else:
            self._connection.execute(update(_calendar).where(_calendar.c.name == calendar.name).values(row))
        after = msgspec.structs.replace(self.kept, calendars={**self.kept.calendars, calendar.name: calendar})
        self._write(ChangeKind.CALENDAR_SET, calendar.name, after, before, calendar)

    def remove(self, name: str) -> None:
        before = self.kept.calendars[name]
        self._connection.execute(delete(_calendar).where(_calendar.c.name == name))
        left = {each: calendar for each, calendar in self.kept.calendars.items() if each != name}
        after = msgspec.structs.replace(self.kept, calendars=left)
        self._write(ChangeKind.CALENDAR_REMOVED, name, after, before, None)

    def assign(self, group: str | None, name: str | None) -> None:
        """Let the calendar hold for the group, for all others where it is None."""
        before = self.kept.default if group is None else self.kept.groups.get(group)
        if before == name:
            return
        key = _ALL_OTHERS if group is None else group
        self._connection.execute(delete(_assigned).where(_assigned.c.group == key))
        if name is not None:
            self._connection.execute(insert(_assigned).values(group=key, calendar=name))
        if group is None:
            after = msgspec.structs.replace(self.kept, default=name)
        else:
            left = {each: held for each, held in self.kept.groups.items() if each != group}
            after = msgspec.structs.replace(self.kept, groups=left if name is None else {**left, group: name})
        what = ChangeKind.CALENDAR_ASSIGNED
        self._write(what, name or before, after, Assignment(group, before), Assignment(group, name))

    def _write(
        self,
        what: ChangeKind,
        name: str | None,
        after: ShopCalendars,
        old: "ShopCalendar | Assignment | None",
        new: "ShopCalendar | Assignment | None",
    ) -> None:
        restates_from_ms = restated_from(
            self.kept.overlaid(self._filed),
            after.overlaid(self._filed),
            self.first_seen_ms,
            self._zone,
            self._by.at_ms,
        )
        change = CalendarChange(
            at_ms=self._by.at_ms,
            who=self._by.who.strip(),
            why=self._by.why.strip(),
            what=what,
            calendar=name,
            restates_from_ms=restates_from_ms,
            before=side_of_change(old),
            after=side_of_change(new),
        )
        self.written.append(write_change(self._connection, change))
        self.kept = after


class Assignment(msgspec.Struct, frozen=True):
    """The calendar of a group, of all others where the group is None."""

    group: str | None
    calendar: str | None


def side_of_change(value: ShopCalendar | Assignment | None) -> dict[str, object] | None:
    """What stood before or after a change, as the trail keeps it."""
    if value is None:
        return None
    return calendar_record(value) if isinstance(value, ShopCalendar) else msgspec.structs.asdict(value)


def kept_calendars(connection: Connection) -> ShopCalendars:
    """The calendars that were set by command or API."""
    bodies = connection.execute(select(_calendar.c.body)).scalars()
    calendars = [_calendar_of(body) for body in bodies]
    assigned = {row.group: row.calendar for row in connection.execute(select(_assigned))}
    default = assigned.pop(_ALL_OTHERS, None)
    return ShopCalendars(
        calendars={calendar.name: calendar for calendar in calendars}, groups=assigned, default=default
    )


@lru_cache(maxsize=256)
def _calendar_of(body: str) -> ShopCalendar:
    """Every figure asks for the calendars, and one with a thousand dates takes a while to read."""
    return msgspec.json.decode(body, type=ShopCalendar)


def _versions(connection: Connection) -> dict[str, int]:
    return {
        row.name: row.version for row in connection.execute(select(_calendar.c.name, _calendar.c.version))
    }


def first_seen(connection: Connection) -> dict[str | None, int]:
    """When the first printer of each group that counts was seen."""
    printer = schema.printer.c
    wanted = (
        select(printer.group, func.min(printer.first_seen_ms)).where(~printer.ignored).group_by(printer.group)
    )
    return {row[0]: row[1] for row in connection.execute(wanted)}


def _no_calendar(name: str, known: ShopCalendars) -> InvalidInput:
    names = ", ".join(sorted(known.calendars)) or "none so far"
    return InvalidInput("calendar", name, f"there is no calendar of this name; there are: {names}")
