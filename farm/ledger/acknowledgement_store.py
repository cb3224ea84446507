"""What people do about single alerts: they acknowledge them, take that back, and resolve them by hand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from farm.errors import InputConflict, InvalidInput
from farm.ledger import alert_rows, schema
from farm.ledger.alert_trail import hold_evaluator, write_action
from farm.ledger.chosen_printers import among
from farm.ledger.inbox_bounds import tidy_text
from farm.ledger.ledger_database import LedgerDatabase
from farm.model.acknowledgement import LONGEST_MS, Acknowledgement
from farm.model.alert import Alert, AlertState
from farm.model.alert_action import AlertAction, AlertActionKind
from farm.model.alert_record import acknowledgement_record
from farm.model.times import DAY_MS, rfc3339

_alert = schema.alert.c
_given = schema.acknowledgement.c
_closing = schema.alert_closing.c


class AcknowledgementStore(LedgerDatabase):
    """Writes and tells who sees to which alert. Safe to use from several threads and processes."""

    def acknowledge(
        self, alert_ids: Sequence[str], *, who: str, note: str = "", until_ms: int, now_ms: int
    ) -> list[Acknowledgement]:
        """Say of firing alerts, all of them or none, that `who` sees to them until then.

        It takes the place of the one before. Raises InvalidInput where an alert does not exist or is
        named twice, and for a time or text out of bounds; InputConflict where an alert is resolved.
        """
        who, note = tidy_text("who", who, wanted=True), tidy_text("note", note)
        _check_until(until_ms, now_ms)
        ids = _each_once(alert_ids)
        with self._writes() as connection:
            hold_evaluator(connection)
            alerts = _alerts(connection, ids)
            firing = [_firing(alert_id, alerts, "acknowledge") for alert_id in ids]
            before = _standing(connection, ids)
            given = [
                Acknowledgement(alert_id=alert.id, who=who, note=note, at_ms=now_ms, until_ms=until_ms)
                for alert in firing
            ]
            _forget(connection, ids)
            connection.execute(
                insert(schema.acknowledgement), [msgspec.structs.asdict(each) for each in given]
            )
            for each in given:
                stood = before.get(each.alert_id)
                write_action(
                    connection,
                    AlertAction(
                        at_ms=now_ms,
                        who=who,
                        why=note,
                        what=AlertActionKind.ACKNOWLEDGED,
                        alert_id=each.alert_id,
                        before=None if stood is None else acknowledgement_record(stood),
                        after=acknowledgement_record(each),
                    ),
                    alerts[each.alert_id],
                )
        return given

    def take_back(self, alert_ids: Sequence[str], *, who: str, note: str = "", now_ms: int) -> None:
        """Take the acknowledgements of these alerts back, all or none: nobody sees to them then.

        Raises InvalidInput as `acknowledge`, InputConflict where none holds.
        """
        who, note = tidy_text("who", who, wanted=True), tidy_text("note", note)
        ids = _each_once(alert_ids)
        with self._writes() as connection:
            hold_evaluator(connection)
            alerts, standing = _alerts(connection, ids), _standing(connection, ids)
            for alert_id in ids:
                _known(alert_id, alerts)
                if alert_id not in standing or not standing[alert_id].holds(now_ms):
                    raise InputConflict(
                        "alert", alert_id, "no acknowledgement holds that could be taken back"
                    )
            _forget(connection, ids)
            for alert_id in ids:
                write_action(
                    connection,
                    AlertAction(
                        at_ms=now_ms,
                        who=who,
                        why=note,
                        what=AlertActionKind.UNACKNOWLEDGED,
                        alert_id=alert_id,
                        before=acknowledgement_record(standing[alert_id]),
                    ),
                    alerts[alert_id],
                )

    def close(self, alert_ids: Sequence[str], *, who: str, why: str, now_ms: int) -> list[Alert]:
        """Resolve firing alerts by hand, all of them or none; the evaluator tells it.

        The same evidence does not open them again. Raises as `acknowledge`; `why` must not be empty.
        """
        who, why = tidy_text("who", who, wanted=True), tidy_text("why", why, wanted=True)
        ids = _each_once(alert_ids)
        with self._writes() as connection:
            hold_evaluator(connection)
            alerts = _alerts(connection, ids)
            firing = [_firing(alert_id, alerts, "resolve") for alert_id in ids]
            _forget(connection, ids)
            return [_close(connection, alert, who, why, now_ms) for alert in firing]

    def standing(self, alert_ids: Collection[str]) -> dict[str, Acknowledgement]:
        """The last acknowledgements of these alerts, by alert: those too that hold no more."""
        if not alert_ids:
            return {}
        with self._reads() as connection:
            return _standing(connection, alert_ids)

    def untold_closings(self) -> list[Alert]:
        """The alerts that people resolved, and nobody was told yet."""
        wanted = select(schema.alert).where(_alert.id.in_(select(_closing.alert_id)))
        with self._reads() as connection:
            return [
                alert_rows.alert_of(row) for row in connection.execute(wanted.order_by(_alert.resolved_ms))
            ]


def forget_what_is_over(connection: Connection, alerts: Iterable[Alert]) -> None:
    """Within the evaluator's booking: an alert that ended is seen to by nobody, one that is told is told."""
    booked = list(alerts)
    if not booked:
        return
    _forget(connection, [alert.id for alert in booked if alert.state is AlertState.RESOLVED])
    closings = delete(schema.alert_closing)
    connection.execute(closings.where(among(connection, _closing.alert_id, [each.id for each in booked])))


def _acknowledged(before: Acknowledgement | None, after: Acknowledgement) -> AlertAction:
    return AlertAction(
        at_ms=after.at_ms,
        who=after.who,
        why=after.note,
        what=AlertActionKind.ACKNOWLEDGED,
        alert_id=after.alert_id,
        before=None if before is None else acknowledgement_record(before),
        after=acknowledgement_record(after),
    )


def _close(connection: Connection, alert: Alert, who: str, why: str, now_ms: int) -> Alert:
    closed = msgspec.structs.replace(
        alert, state=AlertState.RESOLVED, resolved_ms=now_ms, resolution=why, resolved_by=who
    )
    row = alert_rows.alert_row(closed)
    connection.execute(update(schema.alert).where(_alert.id == alert.id).values(row))
    connection.execute(insert(schema.alert_closing).values(alert_id=alert.id))
    action = AlertAction(
        at_ms=now_ms,
        who=who,
        why=why,
        what=AlertActionKind.CLOSED,
        alert_id=alert.id,
        before=_how_it_stands(alert),
        after=_how_it_stands(closed),
    )
    write_action(connection, action, closed)
    return closed


def _how_it_stands(alert: Alert) -> dict[str, Any]:
    return {"state": alert.state.value, "resolution": alert.resolution, "resolved_by": alert.resolved_by}


def _check_until(until_ms: int, now_ms: int) -> None:
    if until_ms <= now_ms:
        raise InvalidInput("until", rfc3339(until_ms), f"must be after {rfc3339(now_ms)}, which is now")
    if until_ms - now_ms > LONGEST_MS:
        raise InvalidInput(
            "until", rfc3339(until_ms), f"must be at most {LONGEST_MS // DAY_MS} days from now"
        )


def _each_once(alert_ids: Iterable[str]) -> list[str]:
    seen: dict[str, None] = {}
    for alert_id in alert_ids:
        if alert_id in seen:
            raise InvalidInput("alert", alert_id, "it is named twice")
        seen[alert_id] = None
    return list(seen)


def _known(alert_id: str, alerts: Mapping[str, Alert]) -> Alert:
    if alert_id not in alerts:
        raise InvalidInput("alert", alert_id, "there is no alert of this id")
    return alerts[alert_id]


def _firing(alert_id: str, alerts: Mapping[str, Alert], what: str) -> Alert:
    alert = _known(alert_id, alerts)
    if alert.state is not AlertState.FIRING:
        raise InputConflict("alert", alert_id, f"it is resolved; there is nothing to {what}")
    return alert


def _alerts(connection: Connection, alert_ids: Collection[str]) -> dict[str, Alert]:
    wanted = select(schema.alert).where(among(connection, _alert.id, alert_ids))
    return {row.id: alert_rows.alert_of(row) for row in connection.execute(wanted)}


def _standing(connection: Connection, alert_ids: Collection[str]) -> dict[str, Acknowledgement]:
    wanted = select(schema.acknowledgement).where(among(connection, _given.alert_id, alert_ids))
    return {row["alert_id"]: _acknowledgement_of(row) for row in connection.execute(wanted).mappings()}


def _acknowledgement_of(row: RowMapping) -> Acknowledgement:
    return Acknowledgement(**row)


def _forget(connection: Connection, alert_ids: Collection[str]) -> None:
    if alert_ids:
        connection.execute(
            delete(schema.acknowledgement).where(among(connection, _given.alert_id, alert_ids))
        )
