"""The trail of calendars and planned maintenance: every change is written here, and tells the feed."""

from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from farm.ledger import schema
from farm.ledger.feed_log import append_feed
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.calendar_change import CalendarChange, ChangeKind
from farm.model.feed import FeedEntry, FeedKind

_change = schema.calendar_change.c


class ChangePage(msgspec.Struct, frozen=True):
    """Changes, newest first, and the mark from which the next page goes on."""

    changes: list[CalendarChange]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    change_id: MarkedNumber


class CalendarTrail(LedgerDatabase):
    """Tells what was changed about calendars and planned maintenance."""

    def changes(
        self, *, calendar: str | None = None, after: str | None = None, limit: int = 100
    ) -> ChangePage:
        """The changes, newest first: of one calendar, or all of them.

        `after` is `next` of the page before. Raises InvalidInput when it is the mark of no page.
        """
        wanted = select(schema.calendar_change).order_by(_change.id.desc()).limit(limit + 1)
        if calendar is not None:
            wanted = wanted.where(_change.calendar == calendar)
        if after is not None:
            wanted = wanted.where(_change.id < page_end(after, _Mark, "changes of calendars").change_id)
        with self._reads() as connection:
            found = [_change_of(row) for row in connection.execute(wanted).mappings()]
        page = found[:limit]
        return ChangePage(page, page_mark(_Mark(page[-1].id)) if len(found) > limit else None)

    def change(self, change_id: int) -> CalendarChange | None:
        """The change of that number."""
        wanted = select(schema.calendar_change).where(_change.id == change_id)
        with self._reads() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else _change_of(row)


def write_change(
    connection: Connection, change: CalendarChange, printer_id: str | None = None
) -> CalendarChange:
    """Put the change into the trail and onto the feed within the transaction, and give it with its number.

    `printer_id` is the printer that it is about, if it is about one.
    """
    facts = msgspec.structs.asdict(change) | {
        "before": _written(change.before),
        "after": _written(change.after),
    }
    del facts["id"]
    statement = insert(schema.calendar_change).values(facts).returning(_change.id)
    kept = msgspec.structs.replace(change, id=connection.execute(statement).scalar_one())
    entry = FeedEntry(
        kind=FeedKind.CALENDAR_CHANGED, at_ms=change.at_ms, printer_id=printer_id, body=_told(kept)
    )
    append_feed(connection, [entry])
    return kept


def _told(change: CalendarChange) -> dict[str, Any]:
    """As the feed tells it: what stood before and after is in the trail, and may be long."""
    return {
        "change": change.id,
        "what": change.what,
        "calendar": change.calendar,
        "who": change.who,
        "why": change.why,
        "restates_from_ms": change.restates_from_ms,
    }


def _written(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _change_of(row: RowMapping) -> CalendarChange:
    before, after = (
        None if row[key] is None else msgspec.json.decode(row[key]) for key in ("before", "after")
    )
    return CalendarChange(**{**row, "what": ChangeKind(row["what"]), "before": before, "after": after})
