"""The trail of what people did about alerts: every action is written here, and tells the feed."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from farm.ledger import alert_rows, schema
from farm.ledger.feed_log import append_feed, hold_feed
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.alert import EVALUATOR, Alert
from farm.model.alert_action import AlertAction, AlertActionKind
from farm.model.feed import FeedEntry, FeedKind

_action = schema.alert_action.c
_cursor = schema.cursor.c
_FEED_KINDS: Final = {
    AlertActionKind.ACKNOWLEDGED: FeedKind.ALERT_ACKNOWLEDGED,
    AlertActionKind.UNACKNOWLEDGED: FeedKind.ALERT_UNACKNOWLEDGED,
    AlertActionKind.CLOSED: FeedKind.ALERT_CLOSED,
    AlertActionKind.SILENCED: FeedKind.ALERT_SILENCED,
    AlertActionKind.UNSILENCED: FeedKind.ALERT_UNSILENCED,
}


class ActionPage(msgspec.Struct, frozen=True):
    """Actions, newest first, and the mark from which the next page goes on."""

    actions: list[AlertAction]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    action_id: MarkedNumber


class AlertTrail(LedgerDatabase):
    """Tells what people did about alerts."""

    def actions(
        self,
        *,
        alert_id: str | None = None,
        silence_id: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> ActionPage:
        """The actions, newest first: of one alert, of one silence, or all of them.

        `after` is `next` of the page before. Raises InvalidInput when it is the mark of no page.
        """
        wanted = select(schema.alert_action).order_by(_action.id.desc()).limit(limit + 1)
        if alert_id is not None:
            wanted = wanted.where(_action.alert_id == alert_id)
        if silence_id is not None:
            wanted = wanted.where(_action.silence_id == silence_id)
        if after is not None:
            wanted = wanted.where(_action.id < page_end(after, _Mark, "actions on alerts").action_id)
        with self._reads() as connection:
            found = [_action_of(row) for row in connection.execute(wanted).mappings()]
        page = found[:limit]
        return ActionPage(page, page_mark(_Mark(page[-1].id)) if len(found) > limit else None)


def hold_evaluator(connection: Connection) -> None:
    """Let a step of the evaluator that has read already not be booked: it looks again at what is written now.

    Then let nobody add to the feed until the transaction ends; in this order, which is the evaluator's.
    """
    wanted = select(schema.cursor).where(_cursor.reader == EVALUATOR).with_for_update()
    row = connection.execute(wanted).one_or_none()
    if row is not None:
        bookmark = alert_rows.bookmark_of(row)
        moved = msgspec.structs.replace(bookmark, version=bookmark.version + 1)
        body = alert_rows.bookmark_body(moved)
        connection.execute(update(schema.cursor).where(_cursor.reader == EVALUATOR).values(body=body))
    hold_feed(connection)


def write_action(connection: Connection, action: AlertAction, alert: Alert | None = None) -> AlertAction:
    """Put the action into the trail and onto the feed within the transaction, and give it with its number.

    `alert` is the one that it is about, as it stands afterwards; None for a silence.
    """
    facts = msgspec.structs.asdict(action) | {
        "before": _written(action.before),
        "after": _written(action.after),
    }
    del facts["id"]
    statement = insert(schema.alert_action).values(facts).returning(_action.id)
    kept = msgspec.structs.replace(action, id=connection.execute(statement).scalar_one())
    entry = FeedEntry(
        kind=_FEED_KINDS[kept.what],
        at_ms=kept.at_ms,
        printer_id=None if alert is None else alert.printer_id,
        body=_told(kept, alert),
    )
    append_feed(connection, [entry])
    return kept


def _told(action: AlertAction, alert: Alert | None) -> dict[str, Any]:
    told: dict[str, Any] = {"action": action.id, "who": action.who, "why": action.why}
    if alert is not None:
        told |= {
            "alert_id": alert.id,
            "rule": alert.rule,
            "subject": alert.subject,
            "state": alert.state.value,
            "severity": alert.severity.value,
            "title": alert.title,
        }
    return told | {"silence": action.silence_id, "before": action.before, "after": action.after}


def _written(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _action_of(row: RowMapping) -> AlertAction:
    before, after = (
        None if row[key] is None else msgspec.json.decode(row[key]) for key in ("before", "after")
    )
    return AlertAction(**{**row, "what": AlertActionKind(row["what"]), "before": before, "after": after})
