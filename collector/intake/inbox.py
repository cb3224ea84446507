"""The inbox worked in: what people say of printers and jobs becomes evidence, or a printer's row."""

import msgspec

from collector.intake.addresses import AddressBook
from collector.intake.ledger_writer import LedgerWriter, printable
from collector.printers.evidence import evidence_body
from collector.printers.registry import PrinterRegistry
from collector.printers.replay import Revised
from collector.printers.stored_jobs import amended
from collector.printers.tracked import TrackedPrinter
from collector.tracker import ContinuityLost, Said, TrackerWord
from farm.ledger.collector_ledger import CollectorLedger
from farm.ledger.records import Evidence, Revision
from farm.model.job import Job
from farm.model.operator_input import (
    CloseJob,
    ForgetPrinter,
    OperatorInput,
    RenamePrinter,
    RestorePrinter,
    RetirePrinter,
    SetState,
    TakenInput,
)
from farm.model.printer import Printer

_IN_CONFIGURATION = "the configuration says otherwise under [[printers]]; change it there"
_ANSWER = 1_000


class InputRefused(Exception):
    """What somebody said cannot be followed; the text is the answer."""


class InboxIntake:
    """Works in what waits in the inbox, one entry at a time."""

    def __init__(
        self, ledger: CollectorLedger, book: AddressBook, registry: PrinterRegistry, writer: LedgerWriter
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._registry = registry
        self._writer = writer

    def take(self, input_id: int, now_ms: int) -> None:
        """Follow, or answer, an entry that waits, in a commit of its own.

        Raises what the ledger raises, and whatever an entry meets that nobody foresaw: the caller
        goes back to the last commit then.
        """
        # What is read below must stand in the ledger.
        self._writer.commit(now_ms)
        said = self._ledger.waiting_input(input_id)
        if said is None:
            return
        answer = None
        try:
            is_committed = self._follow(said, self._book.printers.get(said.printer_id), now_ms)
        except InputRefused as refusal:
            answer, is_committed = str(refusal), False
        if not is_committed:
            self._writer.pending.taken_inputs.append(TakenInput(said.id, answer))
            self._writer.commit(now_ms)

    def answer(self, input_id: int, answer: str) -> None:
        """Take the entry as worked in, with the next commit, and say why it is not followed."""
        self._writer.pending.taken_inputs.append(TakenInput(input_id, printable(answer)[:_ANSWER]))

    def _follow(self, said: OperatorInput, printer: TrackedPrinter | None, now_ms: int) -> bool:
        """Whether the entry was committed already, together with what it changed. Raises Refused."""
        match said.word:
            case RenamePrinter() | RetirePrinter() | ForgetPrinter() | RestorePrinter():
                self._change_printer(said, printer, now_ms)
                return False
            case SetState():
                if printer is None:
                    raise InputRefused("the printer was not heard yet")
                return self._speak(said, said.word, printer, said.for_ms, now_ms)
            case _:
                return self._speak_of_job(said, said.word, printer, now_ms)

    # -- states and jobs --------------------------------------------------------------------

    def _speak_of_job(
        self, said: OperatorInput, word: TrackerWord, printer: TrackedPrinter | None, now_ms: int
    ) -> bool:
        job = None if said.job_id is None else self._ledger.job(said.job_id)
        if job is None:
            raise InputRefused("there is no such job any more")
        at_ms = said.for_ms if isinstance(word, CloseJob) else _at_hand_ms(job, printer)
        is_open_elsewhere = job.ended_ms is None and (printer is None or not _is_open(printer, job))
        if printer is None or is_open_elsewhere or not self._is_kept(printer, at_ms):
            self._amend_stored(said, word, job, now_ms)
            return False
        return self._speak(said, word, printer, at_ms, now_ms)

    def _speak(
        self, said: OperatorInput, word: TrackerWord, printer: TrackedPrinter, at_ms: int, now_ms: int
    ) -> bool:
        """Give the tracker a person's word in its place."""
        given = Said(who=said.who, said_ms=said.said_ms, job_id=said.job_id, word=word, why=said.why)
        at_ms = max(at_ms, printer.row.first_seen_ms)
        if not self._is_kept(printer, at_ms):
            raise InputRefused("what was heard of the printer at that time is no longer kept")
        revised = _revised(said, now_ms)
        if at_ms >= printer.tracker.at_ms:
            answer = self._writer.advance(printer, at_ms, now_ms, given, revised=revised)
            if answer is not None:
                raise InputRefused(answer)
            return False
        late = Evidence(printer.id, at_ms, 0, now_ms, evidence_body(None, given, now_ms, None))
        answer = self._writer.replay(printer, at_ms, revised, late=[late], taken_inputs=[TakenInput(said.id)])
        if answer is not None:
            raise InputRefused(answer)
        return True

    def _is_kept(self, printer: TrackedPrinter, at_ms: int) -> bool:
        """Whether the evidence is kept that it takes to put something in its place."""
        cut_ms = self._ledger.evidence_cut(printer.id)
        return cut_ms is None or at_ms > cut_ms

    def _amend_stored(self, said: OperatorInput, word: TrackerWord, job: Job, now_ms: int) -> None:
        """Change the row of a job whose evidence is not kept, or not known to any tracker."""
        given = Said(who=said.who, said_ms=said.said_ms, job_id=job.id, word=word, why=said.why)
        machines = self._ledger.job_before_persons(job.id) or job
        answer, changes = amended(job, machines, given, said.for_ms)
        if answer is not None:
            raise InputRefused(answer)
        self._writer.change(job.printer_id, changes, [job], _revised(said, now_ms))

    # -- printers ---------------------------------------------------------------------------

    def _change_printer(self, said: OperatorInput, printer: TrackedPrinter | None, now_ms: int) -> None:
        row, prefixes = self._known(said.printer_id)
        if printer is not None:
            row = printer.row
        after = self._as_said(said, row, prefixes)
        if isinstance(said.word, RetirePrinter) and printer is not None:
            self._end_open_job(said, printer, now_ms)
        if isinstance(said.word, RestorePrinter) and printer is not None:
            from_ms = max(printer.tracker.at_ms, printer.heard_ms)
            self._writer.advance(printer, from_ms, now_ms, ContinuityLost(max(now_ms, from_ms)))
        if printer is not None:
            self._book.relabel(printer, after, now_ms)
        else:
            self._book.relabel_stored(after, now_ms)
        self._writer.pending.revisions.append(
            Revision(
                at_ms=now_ms,
                printer_id=row.id,
                job_id=None,
                who=said.who,
                why=said.why,
                before=msgspec.json.encode(row).decode(),
                after=msgspec.json.encode(after).decode(),
            )
        )

    def _known(self, printer_id: str) -> tuple[Printer, list[str]]:
        """The printer's row and the prefixes of its addresses; other collectors' names are learnt."""
        found = None
        for row, addresses in self._ledger.known_printers():
            if row.id not in self._book.printers:
                self._registry.take(row)
            if row.id == printer_id:
                found = row, [address.prefix for address in addresses]
        if found is None:
            raise InputRefused("there is no such printer any more")
        return found

    def _as_said(self, said: OperatorInput, row: Printer, prefixes: list[str]) -> Printer:
        """The printer's row as somebody wants it. Raises Refused."""
        ignored = self._registry.ignored_by_configuration(row, prefixes)
        match said.word:
            case RenamePrinter(name):
                if self._registry.is_named_by_configuration(row, prefixes):
                    raise InputRefused(f"its name stands in the configuration: {_IN_CONFIGURATION}")
                if not self._registry.has_name(row, name):
                    raise InputRefused(f"another printer is called {name}")
                if self._registry.is_promised(name, row):
                    raise InputRefused(
                        f"the name {name} is kept for another printer: the configuration says so"
                    )
                return msgspec.structs.replace(row, name=name)
            case RetirePrinter() if row.retired_ms is None:
                return msgspec.structs.replace(row, retired_ms=said.for_ms)
            case RetirePrinter():
                raise InputRefused("it is retired already")
            case ForgetPrinter() if ignored is False:
                raise InputRefused(f"ignored = false: {_IN_CONFIGURATION}")
            case ForgetPrinter():
                return msgspec.structs.replace(row, ignored=True)
            case _ if ignored:
                raise InputRefused(f"ignored = true: {_IN_CONFIGURATION}")
            case _ if row.retired_ms is None and not row.ignored:
                raise InputRefused("it is neither retired nor forgotten")
            case _:
                return msgspec.structs.replace(row, retired_ms=None, ignored=False)

    def _end_open_job(self, said: OperatorInput, printer: TrackedPrinter, now_ms: int) -> None:
        """A printer that is retired prints no more, whatever was under way."""
        attempt = printer.tracker.attempt
        if attempt is not None:
            word = CloseJob()
            given = Said(who=said.who, said_ms=said.said_ms, job_id=attempt.job.id, word=word, why=said.why)
            at_ms = max(said.for_ms, printer.tracker.at_ms)
            self._writer.advance(printer, at_ms, now_ms, given, revised=_revised(said, now_ms))


def _revised(said: OperatorInput, now_ms: int) -> Revised:
    return Revised(said.who, said.why or "said so", now_ms)


def _is_open(printer: TrackedPrinter, job: Job) -> bool:
    attempt = printer.tracker.attempt
    return attempt is not None and attempt.job.id == job.id


def _at_hand_ms(job: Job, printer: TrackedPrinter | None) -> int:
    """Where the tracker has the job at hand, in every replay: at its end, or where it was first heard of."""
    if job.ended_ms is not None:
        return job.ended_ms
    attempt = None if printer is None else printer.tracker.attempt
    if attempt is not None:
        return attempt.opened_ms
    return job.started_ms or 0
