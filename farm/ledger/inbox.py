"""The inbox: what people say of printers and jobs, kept until the collector works it in."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from farm.errors import InputConflict, InvalidInput
from farm.ledger import rows, schema
from farm.ledger.inbox_bounds import check_texts, tidied
from farm.ledger.ledger_database import LedgerDatabase
from farm.ledger.page_marks import MarkedNumber, page_end, page_mark
from farm.model.job import Job
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    NoteJob,
    OperatorInput,
    OperatorWord,
    RenamePrinter,
)
from farm.model.printer import Printer
from farm.model.times import MINUTE_MS, rfc3339

FUTURE_TOLERANCE_MS = 5 * MINUTE_MS
"""So far ahead may lie what somebody names, whose clock runs before ours. It counts as now."""

_JOB_WORDS = (CorrectJob, CloseJob, DescribeJob, NoteJob)
_said = schema.operator_input.c


class InputPage(msgspec.Struct, frozen=True):
    """Entries of the inbox, newest first, and the mark from which the next page goes on."""

    inputs: list[OperatorInput]
    next: str | None


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    input_id: MarkedNumber


class Inbox(LedgerDatabase):
    """Appends to the inbox and tells what stands there. Any process may; the collector works it in."""

    def append_input(
        self,
        word: OperatorWord,
        *,
        printer_id: str,
        job_id: str | None = None,
        who: str,
        why: str = "",
        for_ms: int | None = None,
        now_ms: int,
        request_key: str | None = None,
    ) -> OperatorInput:
        """Keep what `who` says of the printer, or of the job of it, as it is from `for_ms` on.

        `now_ms` is the ledger's present; without `for_ms` it counts from then on. The same
        `request_key` of the same `who` gives the entry that it gave before.

        Raises InvalidInput when printer or job do not exist, when the word does not fit, or
        when a text or an instant is out of bounds; InputConflict when it contradicts what
        stands: a name that is taken, the end of a job that has ended, or a `request_key` that
        came with other words.
        """
        check_texts(who, why, request_key)
        word = tidied(word)
        with self._writes() as connection:
            printer = _printer(connection, printer_id)
            job = _job(connection, printer, word, job_id)
            said = OperatorInput(
                printer_id=printer.id,
                job_id=job_id,
                said_ms=now_ms,
                for_ms=_from_when(printer, job, for_ms, now_ms),
                who=who.strip(),
                word=word,
                why=why.strip(),
            )
            before = None if request_key is None else _entry_of_request(connection, said.who, request_key)
            if before is None:
                _see_that_it_fits(connection, printer, job, said)
                before = _insert(connection, said, request_key)
            if request_key is not None:
                again_ms = _from_when(printer, job, for_ms, before.said_ms)
                _see_that_it_is_the_same(before, msgspec.structs.replace(said, for_ms=again_ms), request_key)
            return before

    def input(self, input_id: int) -> OperatorInput | None:
        """One entry."""
        with self._reads() as connection:
            return _entry(connection, input_id)

    def inputs(
        self,
        *,
        printer_id: str | None = None,
        job_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> InputPage:
        """What was said, newest first: of a printer and its jobs, of a job, or of everything.

        `after` is `next` of the page before. Raises InvalidInput when it is the mark of no page.
        """
        wanted = select(schema.operator_input).order_by(_said.id.desc()).limit(limit + 1)
        if printer_id is not None:
            wanted = wanted.where(_said.printer_id == printer_id)
        if job_id is not None:
            wanted = wanted.where(_said.job_id == job_id)
        if after is not None:
            wanted = wanted.where(_said.id < page_end(after, _Mark, "the inbox").input_id)
        with self._reads() as connection:
            found = [rows.operator_input_of(row) for row in connection.execute(wanted).mappings()]
        page = found[:limit]
        return InputPage(page, page_mark(_Mark(page[-1].id)) if len(found) > limit else None)


def _printer(connection: Connection, printer_id: str) -> Printer:
    wanted = select(schema.printer).where(schema.printer.c.id == printer_id)
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise InvalidInput("printer", printer_id, "there is no printer of this id")
    return rows.printer_of(row)


def _job(connection: Connection, printer: Printer, word: OperatorWord, job_id: str | None) -> Job | None:
    """The job that the word is about, None for a word about the printer."""
    if not isinstance(word, _JOB_WORDS):
        if job_id is not None:
            raise InvalidInput("job", job_id, "this is said of a printer and names no job")
        return None
    if job_id is None:
        raise InvalidInput("job", "", "name the job that is meant")
    row = connection.execute(select(schema.job).where(schema.job.c.id == job_id)).mappings().first()
    if row is None or row["printer_id"] != printer.id:
        raise InvalidInput("job", job_id, f"there is no job of this id on {printer.name}")
    return rows.job_of(row)


def _from_when(printer: Printer, job: Job | None, for_ms: int | None, now_ms: int) -> int:
    if for_ms is None:
        return max(now_ms, printer.first_seen_ms)
    earliest_ms, what = printer.first_seen_ms, f"{printer.name} was first seen"
    if job is not None and job.started_ms is not None and job.started_ms > earliest_ms:
        earliest_ms, what = job.started_ms, "the job began"
    if for_ms < earliest_ms:
        remedy = f"it is before {rfc3339(earliest_ms)}, when {what}"
        raise InvalidInput("for", _instant(for_ms), remedy)
    if for_ms > now_ms + FUTURE_TOLERANCE_MS:
        raise InvalidInput("for", _instant(for_ms), f"it is in the future; now is {rfc3339(now_ms)}")
    return max(min(for_ms, now_ms), earliest_ms)


def _instant(at_ms: int) -> str:
    try:
        return rfc3339(at_ms)
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def _see_that_it_fits(connection: Connection, printer: Printer, job: Job | None, said: OperatorInput) -> None:
    """Raises InputConflict where the entry contradicts what stands. The collector looks again."""
    word = said.word
    if isinstance(word, RenamePrinter):
        _see_that_name_is_free(connection, printer, word.name)
    if job is None:
        return
    if isinstance(word, CloseJob) and job.ended_ms is not None:
        remedy = f"it ended {job.outcome} at {rfc3339(job.ended_ms)}; correct its outcome instead"
        raise InputConflict("job", job.id, remedy)
    if isinstance(word, CorrectJob) and job.ended_ms is None and word != CorrectJob():
        raise InputConflict("job", job.id, "it is still under way; close it instead")


def _see_that_name_is_free(connection: Connection, printer: Printer, name: str) -> None:
    """Names that differ by case alone would be one on the command line."""
    other = schema.printer.c
    wanted = select(other.id, other.name).where(other.site == printer.site, other.id != printer.id)
    for row in connection.execute(wanted):
        if row.name.casefold() == name.strip().casefold():
            raise InputConflict("name", name, f"another printer of the site is called {row.name}")


def _entry(connection: Connection, input_id: int) -> OperatorInput | None:
    row = connection.execute(select(schema.operator_input).where(_said.id == input_id)).mappings().first()
    return None if row is None else rows.operator_input_of(row)


def _entry_of_request(connection: Connection, who: str, request_key: str) -> OperatorInput | None:
    wanted = select(schema.operator_input).where(_said.who == who, _said.request_key == request_key)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else rows.operator_input_of(row)


def _insert(connection: Connection, said: OperatorInput, request_key: str | None) -> OperatorInput:
    """The entry as it stands; where another one came first under the key, that one."""
    facts: dict[str, Any] = {**rows.operator_input_facts(said), "request_key": request_key}
    insert: type[Insert] = sqlite.Insert if connection.dialect.name == "sqlite" else postgresql.Insert
    statement = insert(schema.operator_input).values(facts).on_conflict_do_nothing()  # type: ignore[attr-defined]
    given = connection.execute(statement.returning(_said.id)).scalar()
    if given is not None:
        return msgspec.structs.replace(said, id=given)
    found = _entry_of_request(connection, said.who, str(request_key))
    assert found is not None, "an entry of this key stands"  # noqa: S101  nothing else makes a conflict
    return found


def _see_that_it_is_the_same(before: OperatorInput, said: OperatorInput, request_key: str) -> None:
    """Whether an entry says what a later request under its key says. Raises InputConflict."""
    repeated = msgspec.structs.replace(
        said, id=before.id, said_ms=before.said_ms, taken_ms=before.taken_ms, answer=before.answer
    )
    if repeated != before:
        raise InputConflict("request_key", request_key, "it came with other words before; use a new one")
