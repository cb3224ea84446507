"""The trail of the calendars that the configuration file sets: what it said before, and what it says now."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from farm.kpi.calendar import ShopCalendar
from farm.kpi.shop_calendars import ShopCalendars, restated_from
from farm.ledger import schema
from farm.ledger.calendar_store import Assignment, first_seen, kept_calendars, side_of_change
from farm.ledger.calendar_trail import write_change
from farm.ledger.feed_log import hold_feed
from farm.ledger.ledger_database import LedgerDatabase
from farm.model.calendar_change import CalendarChange, ChangeKind

WHO: Final = "configuration"
"""Who made a change that stands in the file."""
_WHY: Final = "the configuration file says so"
_KEY: Final = "filed_calendars"

Value = TypeVar("Value")

_meta = schema.ledger_meta.c


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two files, and what the file says after it."""

    what: ChangeKind
    calendar: str | None
    after: ShopCalendars
    old: ShopCalendar | Assignment | None
    new: ShopCalendar | Assignment | None


class FiledCalendars(LedgerDatabase):
    """Notes in the ledger what the configuration file says of calendars."""

    def __init__(self, engine: Engine, zone: ZoneInfo) -> None:
        """`zone` is that of the shop's clock."""
        super().__init__(engine)
        self._zone = zone

    def note(self, filed: ShopCalendars, now_ms: int) -> list[CalendarChange]:
        """Put into the trail, and onto the feed, what the file says otherwise than when it was noted last.

        Gives the changes; none where it says the same.
        """
        with self._reads() as connection:
            if _noted(connection) == filed:
                return []
        with self._writes() as connection:
            hold_feed(connection)
            state, kept, seen_ms = _noted(connection), kept_calendars(connection), first_seen(connection)
            written = []
            for step in _steps(state, filed):
                since_ms = restated_from(
                    kept.overlaid(state), kept.overlaid(step.after), seen_ms, self._zone, now_ms
                )
                change = CalendarChange(
                    at_ms=now_ms,
                    who=WHO,
                    why=_WHY,
                    what=step.what,
                    calendar=step.calendar,
                    restates_from_ms=since_ms,
                    before=side_of_change(step.old),
                    after=side_of_change(step.new),
                )
                written.append(write_change(connection, change))
                state = step.after
            _keep(connection, filed)
        return written


def _steps(before: ShopCalendars, after: ShopCalendars) -> Iterator[_Step]:
    """From one file to the other by one change at a time: hours first, then for whom they hold."""
    state = before
    for name in sorted(before.calendars.keys() | after.calendars.keys()):
        old, new = before.calendars.get(name), after.calendars.get(name)
        if old != new:
            state = msgspec.structs.replace(state, calendars=_with(state.calendars, name, new))
            what = ChangeKind.CALENDAR_REMOVED if new is None else ChangeKind.CALENDAR_SET
            yield _Step(what=what, calendar=name, after=state, old=old, new=new)
    for group in sorted(before.groups.keys() | after.groups.keys()):
        held, holds = before.groups.get(group), after.groups.get(group)
        if held != holds:
            state = msgspec.structs.replace(state, groups=_with(state.groups, group, holds))
            yield _assigned(state, group, held, holds)
    if before.default != after.default:
        state = msgspec.structs.replace(state, default=after.default)
        yield _assigned(state, None, before.default, after.default)


def _with(known: Mapping[str, Value], key: str, value: Value | None) -> dict[str, Value]:
    """The same with this value under the key, without the key where it is None."""
    left = {each: held for each, held in known.items() if each != key}
    return left if value is None else {**left, key: value}


def _assigned(state: ShopCalendars, group: str | None, held: str | None, holds: str | None) -> _Step:
    return _Step(
        what=ChangeKind.CALENDAR_ASSIGNED,
        calendar=holds or held,
        after=state,
        old=Assignment(group, held),
        new=Assignment(group, holds),
    )


def _noted(connection: Connection) -> ShopCalendars:
    """What the file said when it was noted last."""
    text = connection.execute(select(_meta.value).where(_meta.key == _KEY)).scalar()
    return ShopCalendars() if text is None else msgspec.json.decode(text, type=ShopCalendars)


def _keep(connection: Connection, filed: ShopCalendars) -> None:
    connection.execute(delete(schema.ledger_meta).where(_meta.key == _KEY))
    text = msgspec.json.encode(filed).decode()
    connection.execute(insert(schema.ledger_meta).values(key=_KEY, value=text))
