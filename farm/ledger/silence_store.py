"""Silences in the ledger: made, ended, never deleted."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from farm.errors import InputConflict, InvalidInput
from farm.ledger import alert_rows, rows, schema
from farm.ledger.alert_trail import hold_evaluator, write_action
from farm.ledger.inbox_bounds import tidy_text
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model import limits
from farm.model.alert import Alert, AlertState
from farm.model.alert_action import AlertAction, AlertActionKind
from farm.model.alert_record import silence_record
from farm.model.silence import LONGEST_MS, Label, Silence, SilenceState, do_match, labels_of
from farm.model.times import DAY_MS, rfc3339
from farm.model.writable import UNWRITABLE

_silence = schema.silence.c
_alert = schema.alert.c
_MAY_BE_EMPTY = frozenset({Label.PRINTER, Label.GROUP})
"""An alert may be about no printer, and a printer in no group."""


class SilencePage(msgspec.Struct, frozen=True):
    """Silences, made last first, and the mark from which the next page goes on."""

    silences: list[Silence]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    silence_id: MarkedNumber


class SilenceStore(LedgerDatabase):
    """Makes, ends and tells silences. Safe to use from several threads and processes."""

    def make(
        self,
        matchers: Mapping[str, str],
        *,
        from_ms: int | None = None,
        to_ms: int,
        who: str,
        why: str = "",
        now_ms: int,
    ) -> Silence:
        """Keep alerts that match from being told, from `from_ms` (not before now) until `to_ms`.

        Raises InvalidInput for a label that there is not, a pattern, time or text out of bounds.
        """
        who, why = tidy_text("who", who, wanted=True), tidy_text("why", why)
        patterns, start_ms = checked_matchers(matchers), max(now_ms, from_ms or now_ms)
        _check_interval(start_ms, to_ms)
        silence = Silence(matchers=patterns, from_ms=start_ms, to_ms=to_ms, who=who, why=why, made_ms=now_ms)
        row = msgspec.structs.asdict(silence) | {"matchers": msgspec.json.encode(patterns).decode()}
        del row["id"]
        with self._writes() as connection:
            hold_evaluator(connection)
            statement = insert(schema.silence).values(row).returning(_silence.id)
            made = msgspec.structs.replace(silence, id=connection.execute(statement).scalar_one())
            _write(connection, AlertActionKind.SILENCED, who, why, now_ms, None, made)
        return made

    def end(self, silence_id: int, *, who: str, why: str = "", now_ms: int) -> Silence:
        """End a silence now; one that has not begun never does.

        Raises InvalidInput where there is none of the number, InputConflict where it is over.
        """
        who, why = tidy_text("who", who, wanted=True), tidy_text("why", why)
        with self._writes() as connection:
            hold_evaluator(connection)
            before = _entry(connection, silence_id)
            if before is None:
                raise InvalidInput("silence", silence_id, "there is no silence of this number")
            if before.state(now_ms) is SilenceState.OVER:
                raise InputConflict("silence", silence_id, f"it was over at {rfc3339(before.over_ms)}")
            change = update(schema.silence).where(_silence.id == silence_id).values(ended_ms=now_ms)
            connection.execute(change)
            ended = msgspec.structs.replace(before, ended_ms=now_ms)
            _write(connection, AlertActionKind.UNSILENCED, who, why, now_ms, before, ended)
        return ended

    def silence(self, silence_id: int) -> Silence | None:
        """The silence of this number."""
        with self._reads() as connection:
            return _entry(connection, silence_id)

    def silences(
        self, now_ms: int, *, everything: bool = False, after: str | None = None, limit: int = 100
    ) -> SilencePage:
        """One page: those in force or to come, with `everything` those that are over too.

        Raises InvalidInput for `after` that is the mark of no page.
        """
        query = select(schema.silence).order_by(_silence.id.desc()).limit(limit + 1)
        if not everything:
            query = _over_after(query, now_ms)
        if after is not None:
            query = query.where(_silence.id < page_end(after, _Mark, "silences").silence_id)
        with self._reads() as connection:
            found = [_silence_of(row) for row in connection.execute(query).mappings()]
        page = found[:limit]
        return SilencePage(page, page_mark(_Mark(page[-1].id)) if len(found) > limit else None)

    def in_force_since(self, since_ms: int, now_ms: int) -> list[Silence]:
        """Those that were in force at any time after `since_ms`, up to now; oldest first."""
        query = _over_after(select(schema.silence), since_ms).where(_silence.from_ms <= now_ms)
        with self._reads() as connection:
            found = [_silence_of(row) for row in connection.execute(query.order_by(_silence.id)).mappings()]
        return [each for each in found if each.has_been_in_force(since_ms, now_ms)]

    def caught(self, matchers: Mapping[str, str]) -> list[Alert]:
        """The alerts that fire and match, newest first. Raises InvalidInput for what are no matchers."""
        patterns = checked_matchers(matchers)
        firing = select(schema.alert).where(_alert.state == AlertState.FIRING)
        with self._reads() as connection:
            printers = {
                row["id"]: rows.printer_of(row)
                for row in connection.execute(select(schema.printer)).mappings()
            }
            found = [alert_rows.alert_of(row) for row in connection.execute(firing)]
        matching = [
            alert
            for alert in found
            if do_match(patterns, labels_of(alert, printers.get(alert.printer_id or "")))
        ]
        return sorted(matching, key=lambda alert: (alert.fired_ms, alert.id), reverse=True)


def checked_matchers(matchers: Mapping[str, str]) -> dict[Label, str]:
    """Patterns by label. Raises InvalidInput for none, a label that there is not, or what is no pattern."""
    if not matchers:
        raise InvalidInput("matchers", "", f"name at least one of {', '.join(Label)}")
    return {_label(word): _pattern(_label(word), pattern) for word, pattern in matchers.items()}


def _label(word: str) -> Label:
    try:
        return Label(word)
    except ValueError as error:
        raise InvalidInput("matchers", word, f"must be one of {', '.join(Label)}") from error


def _pattern(label: Label, pattern: str) -> str:
    tidy, longest = pattern.strip(), limits.ALERT_SUBJECT.length
    if len(tidy) > longest:
        raise InvalidInput("matchers", tidy, f"has {len(tidy)} characters, at most {longest} can match")
    if UNWRITABLE.search(tidy):
        raise InvalidInput("matchers", ascii(tidy)[1:-1], "leave out control characters and line breaks")
    if not tidy and label not in _MAY_BE_EMPTY:
        raise InvalidInput("matchers", f"{label}=", "is never empty; `*` matches all")
    return tidy


def _check_interval(from_ms: int, to_ms: int) -> None:
    if to_ms <= from_ms:
        raise InvalidInput("until", rfc3339(to_ms), f"must be after {rfc3339(from_ms)}, when it begins")
    if to_ms - from_ms > LONGEST_MS:
        remedy = f"must be at most {LONGEST_MS // DAY_MS} days after it begins"
        raise InvalidInput("until", rfc3339(to_ms), remedy)
    if not limits.INSTANT_MS.holds(to_ms):
        raise InvalidInput("until", rfc3339(to_ms), "must be an instant from 2015 to 2100")


def _over_after(query: Select[Any], at_ms: int) -> Select[Any]:
    return query.where(_silence.to_ms > at_ms, func.coalesce(_silence.ended_ms, _silence.to_ms) > at_ms)


def _write(
    connection: Connection,
    what: AlertActionKind,
    who: str,
    why: str,
    at_ms: int,
    before: Silence | None,
    after: Silence,
) -> None:
    action = AlertAction(
        at_ms=at_ms,
        who=who,
        why=why,
        what=what,
        silence_id=after.id,
        before=None if before is None else silence_record(before),
        after=silence_record(after),
    )
    write_action(connection, action)


def _entry(connection: Connection, silence_id: int) -> Silence | None:
    wanted = select(schema.silence).where(_silence.id == silence_id)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _silence_of(row)


def _silence_of(row: RowMapping) -> Silence:
    return Silence(**{**row, "matchers": msgspec.json.decode(row["matchers"], type=dict[Label, str])})
