"""Planned maintenance in the ledger: planned, withdrawn, never deleted."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, exists, insert, or_, select, update

from farm.errors import InputConflict, InvalidInput
from farm.kpi.calendar_record import maintenance_record
from farm.ledger import schema
from farm.ledger.calendar_trail import write_change
from farm.ledger.chosen_groups import see_that_group_is_known
from farm.ledger.feed_log import hold_feed
from farm.ledger.inbox_bounds import check_texts
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.calendar_change import CalendarChange, ChangedBy, ChangeKind
from farm.model.limits import INSTANT_MS
from farm.model.planned_maintenance import PlannedMaintenance
from farm.model.times import DAY_MS, rfc3339

LONGEST_MS: Final = 366 * DAY_MS
"""Longer work is no maintenance: a printer that is gone for good is retired."""

_planned = schema.planned_maintenance.c


class MaintenanceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which planned work is asked for: on a printer (by id, with what is planned for its group and the
    whole farm), on a group, any of it within `since_ms` and `until_ms`, with or without what was withdrawn.
    """

    printer_id: str | None = None
    group: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    withdrawn: bool = False
    after: str | None = None
    limit: int = 100


class MaintenancePage(msgspec.Struct, frozen=True):
    """Planned work, planned last first, and the mark from which the next page goes on."""

    planned: list[PlannedMaintenance]
    next: str | None


class PlannedChange(msgspec.Struct, frozen=True):
    """Planned work as it stands after a change, and the change."""

    planned: PlannedMaintenance
    change: CalendarChange


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    maintenance_id: MarkedNumber


class MaintenanceStore(LedgerDatabase):
    """Keeps planned maintenance and tells it. Every change goes into the trail of the calendars."""

    def standing(self) -> list[PlannedMaintenance]:
        """All that was planned and not withdrawn."""
        with self._reads() as connection:
            return standing_maintenance(connection)

    def entry(self, maintenance_id: int) -> PlannedMaintenance | None:
        """The planned work of this number."""
        with self._reads() as connection:
            return _entry(connection, maintenance_id)

    def entries(self, wanted: MaintenanceFilter) -> MaintenancePage:
        """One page of planned work. Raises InvalidInput for `after` that is the mark of no page."""
        query = select(schema.planned_maintenance).order_by(_planned.id.desc()).limit(wanted.limit + 1)
        if wanted.printer_id is not None:
            printer = schema.printer.c
            in_group = exists().where(printer.id == wanted.printer_id, printer.group == _planned.group)
            whole = _planned.printer_id.is_(None) & _planned.group.is_(None)
            query = query.where(or_(_planned.printer_id == wanted.printer_id, in_group, whole))
        if wanted.group is not None:
            query = query.where(_planned.group == wanted.group)
        if wanted.since_ms is not None:
            query = query.where(_planned.to_ms > wanted.since_ms)
        if wanted.until_ms is not None:
            query = query.where(_planned.from_ms < wanted.until_ms)
        if not wanted.withdrawn:
            query = query.where(_planned.withdrawn_ms.is_(None))
        if wanted.after is not None:
            end = page_end(wanted.after, _Mark, "planned maintenance")
            query = query.where(_planned.id < end.maintenance_id)
        with self._reads() as connection:
            found = [_planned_of(row) for row in connection.execute(query).mappings()]
        page = found[: wanted.limit]
        return MaintenancePage(page, page_mark(_Mark(page[-1].id)) if len(found) > wanted.limit else None)

    def plan(
        self,
        by: ChangedBy,
        *,
        from_ms: int,
        to_ms: int,
        printer_id: str | None = None,
        group: str | None = None,
    ) -> PlannedChange:
        """Keep that work is planned: on a printer, on a group, or on the farm where neither is named.

        Raises InvalidInput for a printer that there is not, a group without printers, and for an
        interval that has no length or is too long.
        """
        check_texts(by.who, by.why, None)
        _check_interval(from_ms, to_ms)
        if printer_id is not None and group is not None:
            raise InvalidInput("group", group, "name a printer or a group, not both")
        facts: dict[str, Any] = {
            "printer_id": printer_id,
            "group": group,
            "from_ms": from_ms,
            "to_ms": to_ms,
            "planned_ms": by.at_ms,
            "who": by.who.strip(),
            "why": by.why.strip(),
        }
        with self._writes() as connection:
            hold_feed(connection)
            _see_that_there_is(connection, printer_id, group)
            statement = insert(schema.planned_maintenance).values(facts).returning(_planned.id)
            planned = PlannedMaintenance(id=connection.execute(statement).scalar_one(), **facts)
            return _write(connection, ChangeKind.MAINTENANCE_PLANNED, by, None, planned)

    def withdraw(self, maintenance_id: int, by: ChangedBy) -> PlannedChange:
        """Take planned work back: it counts for no time, whether past or to come.

        Raises InvalidInput where there is none of the number, InputConflict where it was withdrawn.
        """
        check_texts(by.who, by.why, None)
        with self._writes() as connection:
            hold_feed(connection)
            before = _entry(connection, maintenance_id)
            if before is None:
                raise InvalidInput("maintenance", maintenance_id, "there is no planned work of this number")
            if before.withdrawn_ms is not None:
                remedy = f"it was withdrawn at {rfc3339(before.withdrawn_ms)}"
                raise InputConflict("maintenance", maintenance_id, remedy)
            row = schema.planned_maintenance
            connection.execute(update(row).where(_planned.id == maintenance_id).values(withdrawn_ms=by.at_ms))
            after = msgspec.structs.replace(before, withdrawn_ms=by.at_ms)
            return _write(connection, ChangeKind.MAINTENANCE_WITHDRAWN, by, before, after)


def standing_maintenance(connection: Connection) -> list[PlannedMaintenance]:
    """All that was planned and not withdrawn, by its beginning."""
    wanted = select(schema.planned_maintenance).where(_planned.withdrawn_ms.is_(None))
    found = connection.execute(wanted.order_by(_planned.from_ms, _planned.id)).mappings()
    return [_planned_of(row) for row in found]


def _check_interval(from_ms: int, to_ms: int) -> None:
    for field, at_ms in (("from", from_ms), ("until", to_ms)):
        if not INSTANT_MS.holds(at_ms):
            raise InvalidInput(field, rfc3339(at_ms), "must be an instant from 2015 to 2100")
    if to_ms <= from_ms:
        raise InvalidInput("until", rfc3339(to_ms), f"must be after {rfc3339(from_ms)}, when it begins")
    if to_ms - from_ms > LONGEST_MS:
        remedy = f"must be at most {LONGEST_MS // DAY_MS} days after it begins"
        raise InvalidInput("until", rfc3339(to_ms), remedy)


def _see_that_there_is(connection: Connection, printer_id: str | None, group: str | None) -> None:
    printer = schema.printer.c
    if printer_id is not None:
        wanted = select(printer.id).where(printer.id == printer_id)
        if connection.execute(wanted).first() is None:
            raise InvalidInput("printer", printer_id, "there is no printer of this id")
    if group is not None:
        groups = connection.execute(select(printer.group).distinct()).scalars()
        see_that_group_is_known(group, [each for each in groups if each is not None])


def _write(
    connection: Connection,
    what: ChangeKind,
    by: ChangedBy,
    before: PlannedMaintenance | None,
    after: PlannedMaintenance,
) -> PlannedChange:
    printer_id, printer = after.printer_id, schema.printer.c
    name = None
    if printer_id is not None:
        name = connection.execute(select(printer.name).where(printer.id == printer_id)).scalar_one()
    change = CalendarChange(
        at_ms=by.at_ms,
        who=by.who.strip(),
        why=by.why.strip(),
        what=what,
        restates_from_ms=after.from_ms if after.from_ms < by.at_ms else None,
        before=None if before is None else maintenance_record(before, name),
        after=maintenance_record(after, name),
    )
    return PlannedChange(after, write_change(connection, change, printer_id))


def _entry(connection: Connection, maintenance_id: int) -> PlannedMaintenance | None:
    wanted = select(schema.planned_maintenance).where(_planned.id == maintenance_id)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _planned_of(row)


def _planned_of(row: RowMapping) -> PlannedMaintenance:
    return PlannedMaintenance(**row)
