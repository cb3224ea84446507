"""Alerts and their deliveries in the ledger's database, SQLite or PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from farm.ledger import alert_rows as rows
from farm.ledger import schema
from farm.ledger.acknowledgement_store import forget_what_is_over
from farm.ledger.chosen_printers import among
from farm.ledger.engine import ledger_errors, reading
from farm.ledger.feed_log import append_feed
from farm.ledger.page_marks import MarkedId, MarkedNumber, page_end, page_mark
from farm.model.alert import (
    Alert,
    AlertBatch,
    AlertFilter,
    AlertPage,
    AlertState,
    Bookmark,
    Delivery,
    DeliveryAttempt,
    DeliveryProgress,
    DeliveryState,
    DeliveryTotal,
    NotificationReason,
    Settlement,
)

_CLAIM_TRIES: Final = 5

_alert = schema.alert
_delivery = schema.delivery
_attempt = schema.delivery_attempt
_cursor = schema.cursor


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    fired_ms: MarkedNumber
    alert_id: MarkedId


class AlertStore:
    """The port `AlertStore` over the ledger's engine. Safe to use from several threads.

    Every method raises LedgerUnreachable where the database does not answer, and LedgerError
    where it refuses.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reads = reading(engine)

    def alerts(self, wanted: AlertFilter) -> AlertPage:
        """One page of alerts, newest first. Raises InvalidInput for a mark that is none."""
        query = (
            select(_alert)
            .where(*_conditions(wanted))
            .order_by(_alert.c.fired_ms.desc(), _alert.c.id.desc())
            .limit(wanted.limit + 1)
        )
        with self._reading() as connection:
            found = [rows.alert_of(row) for row in connection.execute(query)]
        page = found[: wanted.limit]
        more = len(found) > wanted.limit
        return AlertPage(page, page_mark(_Mark(page[-1].fired_ms, page[-1].id)) if more and page else None)

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        with self._reading() as connection:
            row = connection.execute(select(_alert).where(_alert.c.id == alert_id)).one_or_none()
        return None if row is None else rows.alert_of(row)

    def alerts_by_id(self, alert_ids: Sequence[str]) -> list[Alert]:
        """Those of the named alerts that there are, however many, in the order in which they are named."""
        with self._reading() as connection:
            wanted = select(_alert).where(among(connection, _alert.c.id, alert_ids))
            found = {row.id: rows.alert_of(row) for row in connection.execute(wanted)}
        return [found[alert_id] for alert_id in alert_ids if alert_id in found]

    def alerts_with_prefix(self, prefix: str, limit: int) -> list[Alert]:
        """Alerts whose ids begin so, by id; at most `limit`."""
        wanted = select(_alert).where(_alert.c.id.startswith(prefix, autoescape=True))
        with self._reading() as connection:
            found = connection.execute(wanted.order_by(_alert.c.id).limit(limit))
            return [rows.alert_of(row) for row in found]

    def firing_and_silenced_once(self) -> list[Delivery]:
        """Every delivery of the firing alerts of which some was silenced, oldest first."""
        silenced = (
            select(_delivery.c.alert_id)
            .join(_alert, _alert.c.id == _delivery.c.alert_id)
            .where(_delivery.c.state == DeliveryState.SILENCED, _alert.c.state == AlertState.FIRING)
            .distinct()
        )
        with self._reading() as connection:
            alert_ids = connection.execute(silenced).scalars().all()
        return self.deliveries(alert_ids) if alert_ids else []

    def deliveries(self, alert_ids: Sequence[str]) -> list[Delivery]:
        """The deliveries of these alerts with their attempts, oldest first."""
        query = (
            select(_delivery)
            .where(_delivery.c.alert_id.in_(alert_ids))
            .order_by(_delivery.c.created_ms, _rank(_delivery), _delivery.c.receiver)
        )
        with self._reading() as connection:
            found = connection.execute(query).all()
            attempts = _attempts_of(connection, [row.id for row in found])
        return [rows.delivery_of(row, tuple(attempts.get(row.id, ()))) for row in found]

    def totals(self) -> list[DeliveryTotal]:
        """Deliveries counted by receiver and state."""
        keys = (_delivery.c.receiver, _delivery.c.state)
        query = select(*keys, func.count().label("n")).group_by(*keys).order_by(*keys)
        with self._reading() as connection:
            found = connection.execute(query).all()
        return [DeliveryTotal(row.receiver, DeliveryState(row.state), row.n) for row in found]

    def alerts_of(self, rule: str, subject: str) -> list[Alert]:
        """Every alert of the rule about the subject, newest first."""
        query = (
            select(_alert)
            .where(_alert.c.state.in_(list(AlertState)), _alert.c.rule == rule, _alert.c.subject == subject)
            .order_by(_alert.c.fired_ms.desc(), _alert.c.id.desc())
        )
        with self._reading() as connection:
            return [rows.alert_of(row) for row in connection.execute(query)]

    def firing(self, rule: str, notified_before_ms: int | None = None) -> list[Alert]:
        """Firing alerts of the rule, oldest first; with a limit only those last told before it."""
        query = (
            select(_alert)
            .where(_alert.c.state == AlertState.FIRING, _alert.c.rule == rule)
            .order_by(_alert.c.fired_ms, _alert.c.id)
        )
        if notified_before_ms is not None:
            query = query.where(_alert.c.notified_ms <= notified_before_ms)
        with self._reading() as connection:
            return [rows.alert_of(row) for row in connection.execute(query)]

    def firing_about(self, rules: Sequence[str], subjects: Sequence[str]) -> list[Alert]:
        """Firing alerts of these rules about these subjects, oldest first."""
        query = (
            select(_alert)
            .where(_alert.c.state == AlertState.FIRING, _alert.c.rule.in_(rules))
            .order_by(_alert.c.fired_ms, _alert.c.id)
        )
        with self._reading() as connection:
            wanted = query.where(among(connection, _alert.c.subject, subjects))
            return [rows.alert_of(row) for row in connection.execute(wanted)]

    def bookmark(self, reader: str) -> Bookmark | None:
        """Where the reader stands; None when it never booked."""
        with self._reading() as connection:
            row = connection.execute(select(_cursor).where(_cursor.c.reader == reader)).one_or_none()
        return None if row is None else rows.bookmark_of(row)

    def book(self, batch: AlertBatch) -> Bookmark | None:
        """Book the step durably. None, and nothing booked, when another one came first."""
        reached = Bookmark(
            seq=batch.seq,
            version=batch.seen.version + 1 if batch.seen else 1,
            note=batch.note,
        )
        with self._writing() as connection:
            if not _move_bookmark(connection, batch.reader, batch.seen, reached):
                return None
            _upsert_alerts(connection, batch.alerts)
            forget_what_is_over(connection, batch.alerts)
            _add_deliveries(connection, batch.deliveries)
            append_feed(connection, batch.feed)
        return reached

    def claim(self, receiver: str, now_ms: int, lease_ms: int) -> Delivery | None:
        """The receiver's next due delivery, held for `lease_ms`; None when nothing is due.

        Messages about one alert come in their order: a later one waits for the earlier.
        """
        for _ in range(_CLAIM_TRIES):
            with self._reading() as connection:
                row = connection.execute(_next_due(receiver, now_ms)).one_or_none()
            if row is None:
                return None
            with self._writing() as connection:
                if _lease(connection, row, now_ms, now_ms + lease_ms):
                    return msgspec.structs.replace(
                        rows.delivery_of(row), lease_until_ms=now_ms + lease_ms, attempts=row.attempts + 1
                    )
        return None

    def claim_more(
        self, receiver: str, now_ms: int, lease_ms: int, *, at_least: int, at_most: int
    ) -> list[Delivery]:
        """The receiver's next due deliveries that nobody has got a part of, held for `lease_ms`.

        None of them where fewer than `at_least` are due; no more than `at_most`.
        """
        with self._reading() as connection:
            due = connection.execute(_next_due(receiver, now_ms).limit(at_most)).all()
        found = [row for row in due if rows.delivery_of(row).progress == DeliveryProgress()]
        if len(found) < at_least:
            return []
        until_ms = now_ms + lease_ms
        with self._writing() as connection:
            held = [row for row in found if _lease(connection, row, now_ms, until_ms)]
        return [
            msgspec.structs.replace(rows.delivery_of(row), lease_until_ms=until_ms, attempts=row.attempts + 1)
            for row in held
        ]

    def settle(self, delivery: Delivery, settlement: Settlement) -> bool:
        """Record an attempt at a claimed delivery, and what follows from it.

        False when the lease had run out and another attempt has begun since: the attempt is
        recorded all the same, and of what follows only that it was delivered.
        """
        with self._writing() as connection:
            return _settle(connection, delivery, settlement)

    def settle_all(self, deliveries: Sequence[Delivery], settlement: Settlement) -> bool:
        """Record one attempt at several claimed deliveries, all or nothing; as `settle` for each."""
        with self._writing() as connection:
            held = [_settle(connection, delivery, settlement) for delivery in deliveries]
        return all(held)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with ledger_errors(self._engine), self._reads.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with ledger_errors(self._engine), self._engine.begin() as connection:
            yield connection


def _settle(connection: Connection, delivery: Delivery, settlement: Settlement) -> bool:
    attempt = settlement.attempt
    ours = _delivery.c.attempts == delivery.attempts
    pending = and_(_delivery.c.id == delivery.id, _delivery.c.state == DeliveryState.PENDING)
    reached = settlement.state in (DeliveryState.DELIVERED, DeliveryState.PARTIAL)
    change = update(_delivery).values(
        state=settlement.state,
        due_ms=settlement.due_ms,
        lease_until_ms=None,
        delivered_ms=attempt.at_ms + attempt.duration_ms if reached else None,
        body=rows.delivery_body(delivery.notification, settlement.progress),
    )
    row = {"delivery_id": delivery.id, **msgspec.structs.asdict(attempt)}
    connection.execute(insert(_attempt), row)
    held = connection.execute(change.where(pending, ours)).rowcount == 1
    if not held and settlement.state is DeliveryState.DELIVERED:
        connection.execute(change.where(pending))
    return held


def _conditions(wanted: AlertFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states is not None:
        conditions.append(_alert.c.state.in_(list(wanted.states)))
    if wanted.rules is not None:
        conditions.append(_alert.c.rule.in_(list(wanted.rules)))
    if wanted.printer_ids is not None:
        conditions.append(_alert.c.printer_id.in_(list(wanted.printer_ids)))
    if wanted.since_ms is not None:
        conditions.append(_alert.c.fired_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        conditions.append(_alert.c.fired_ms < wanted.until_ms)
    if wanted.after is not None:
        mark = page_end(wanted.after, _Mark, "alerts")
        conditions.append(tuple_(_alert.c.fired_ms, _alert.c.id) < tuple_(mark.fired_ms, mark.alert_id))
    return conditions


def _rank(table: Any) -> ColumnElement[int]:
    """The order of messages about one alert that were booked in the same millisecond."""
    order = {reason.value: place for place, reason in enumerate(NotificationReason)}
    return case(order, value=table.c.reason, else_=len(order))


def _waiting(receiver: str) -> tuple[ColumnElement[bool], ...]:
    """The receiver's pending deliveries that no earlier one about the same alert holds up."""
    earlier = _delivery.alias("earlier")
    held_up = exists().where(
        earlier.c.alert_id == _delivery.c.alert_id,
        earlier.c.receiver == _delivery.c.receiver,
        earlier.c.state == DeliveryState.PENDING,
        tuple_(earlier.c.created_ms, _rank(earlier)) < tuple_(_delivery.c.created_ms, _rank(_delivery)),
    )
    return (
        _delivery.c.state == DeliveryState.PENDING,
        _delivery.c.receiver == receiver,
        ~held_up,
    )


def _next_due(receiver: str, now_ms: int) -> Select[Any]:
    return (
        select(_delivery)
        .where(*_waiting(receiver), _delivery.c.due_ms <= now_ms, _free(now_ms))
        .order_by(_delivery.c.due_ms, _delivery.c.created_ms, _delivery.c.id)
        .limit(1)
    )


def _free(now_ms: int) -> ColumnElement[bool]:
    return or_(_delivery.c.lease_until_ms.is_(None), _delivery.c.lease_until_ms <= now_ms)


def _lease(connection: Connection, row: Row[Any], now_ms: int, until_ms: int) -> bool:
    """Take the delivery as it was read; false when another took it meanwhile."""
    claim = (
        update(_delivery)
        .where(
            _delivery.c.id == row.id,
            _delivery.c.state == DeliveryState.PENDING,
            _delivery.c.attempts == row.attempts,
            _free(now_ms),
        )
        .values(lease_until_ms=until_ms, attempts=row.attempts + 1)
    )
    return connection.execute(claim).rowcount == 1


def _move_bookmark(connection: Connection, reader: str, seen: Bookmark | None, reached: Bookmark) -> bool:
    """Move the bookmark from `seen` on; false when it is not there any more."""
    body = rows.bookmark_body(reached)
    if seen is None:
        addition = _insert(connection, _cursor).values(reader=reader, seq=reached.seq, body=body)
        added = addition.on_conflict_do_nothing().returning(_cursor.c.reader)
        return connection.execute(added).one_or_none() is not None
    former = rows.bookmark_body(seen)
    move = (
        update(_cursor)
        .where(_cursor.c.reader == reader, _cursor.c.seq == seen.seq, _cursor.c.body == former)
        .values(seq=reached.seq, body=body)
    )
    return connection.execute(move).rowcount == 1


def _upsert_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    if not alerts:
        return
    # By id: of an alert that changes twice in a step the later word counts.
    written = list({alert.id: rows.alert_row(alert) for alert in alerts}.values())
    addition = _insert(connection, _alert)
    changed = {key: addition.excluded[key] for key in written[0] if key != "id"}
    connection.execute(addition.on_conflict_do_update(index_elements=["id"], set_=changed), written)


def _add_deliveries(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    if deliveries:
        written = [rows.delivery_row(delivery) for delivery in deliveries]
        connection.execute(_insert(connection, _delivery).on_conflict_do_nothing(), written)


def _insert(connection: Connection, table: Any) -> Any:
    """Typed loosely: the dialects' statements share their methods, but no class that has them."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def _attempts_of(connection: Connection, delivery_ids: Sequence[str]) -> dict[str, list[DeliveryAttempt]]:
    query = (
        select(_attempt)
        .where(_attempt.c.delivery_id.in_(delivery_ids))
        .order_by(_attempt.c.at_ms, _attempt.c.id)
    )
    found: dict[str, list[DeliveryAttempt]] = {}
    for row in connection.execute(query):
        found.setdefault(row.delivery_id, []).append(rows.attempt_of(row))
    return found
