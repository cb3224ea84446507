"""What the commands `printer` and `job` have in common: saying it, and waiting until it is taken in."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from typer import Argument, Exit, Option

from farm.cli.names import PrinterNames
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import print_json, print_line
from farm.cli.terms import WhoOption, WhyOption, in_words_of_the_command, user_name, with_options_of
from farm.cli.times import UtcOption, farm_clock

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.cli.times import FarmClock
    from farm.ledger.inbox import Inbox
    from farm.ledger.ledger import Ledger
    from farm.model.job import Job
    from farm.model.operator_input import OperatorInput, OperatorWord
    from farm.model.printer import Printer

WAIT_S = 5.0
_ASK_EVERY_S = 0.05
_SHORTEST_PREFIX = 4
_ARGUMENTS = {"name": "NEW", "text": "TEXT", "job": "JOB", "printer": "NAME"}
"""What a field is called on the command line, where it is not an option of the same name."""
_ONE_WORD = frozenset({"state", "rename", "note"})
"""Words with one fact, which needs no name."""
_OF_NOTHING = {"correct": "undo", "note": "taken away"}
"""What a word means that says nothing."""

JobArgument: TypeAlias = Annotated[
    str,
    Argument(
        metavar="JOB", help="The job: its id, or how it begins, 4 characters or more.", show_default=False
    ),
]
WaitOption: TypeAlias = Annotated[
    bool,
    Option(
        "--wait/--no-wait",
        help=f"Wait up to {WAIT_S:.0f} s until the collector has taken it in, and show its answer.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How it is said: by whom and why, to which ledger, and how the answer is shown.

    Its fields are the options of every command that says something, in their order.
    """

    why: WhyOption = ""
    who: WhoOption = None
    wait: WaitOption = True
    utc: UtcOption = False
    database: DatabaseOption = None
    config: ConfigOption = None
    data: DataOption = None
    as_json: JsonOption = False
    verbose: VerboseOption = False


with_terms = with_options_of(Terms)
"""Gives a command the options of `Terms`."""


@dataclass(frozen=True)
class About:
    """Of which printer it is said, and of which job of it."""

    printer: "Printer"
    job: "Job | None" = None


@dataclass(frozen=True)
class When:
    """For when it is said: what `option` gave, None for now."""

    clock: "FarmClock"
    text: str | None
    option: str


def say_of_printer(
    name: str, word: "OperatorWord", terms: Terms, since: str | None = None, option: str = "--since"
) -> None:
    """Say it of the printer of that name or id, as of the time that `option` gave.

    Raises InvalidQuery for a printer or time that is none, Exit with status 1 as `_answer` does.
    """
    with _ledger(terms) as (configuration, ledger):
        printer = PrinterNames(configuration, ledger).only(name)
        clock = farm_clock(configuration, ledger, utc=terms.utc)
        _say(ledger, word, terms, About(printer), When(clock, since, option))


def say_of_job(
    word_or_prefix: str, word: "OperatorWord", terms: Terms, at: str | None = None, option: str = "--at"
) -> None:
    """Say it of the job whose id begins so. As `say_of_printer`."""
    with _ledger(terms) as (configuration, ledger):
        job = job_called(ledger, word_or_prefix)
        printer = PrinterNames(configuration, ledger).printers[job.printer_id]
        clock = farm_clock(configuration, ledger, utc=terms.utc)
        _say(ledger, word, terms, About(printer, job), When(clock, at, option))


@contextmanager
def _ledger(terms: Terms) -> "Iterator[tuple[Configuration, Ledger]]":
    from farm.app.wiring import ledger_of

    flags = flag("--database", terms.database, "ledger", "url")
    configuration = open_configuration(terms.config, terms.data, flags, verbose=terms.verbose)
    with ledger_of(configuration) as ledger:
        yield configuration, ledger


def job_called(ledger: "Ledger", prefix: str) -> "Job":
    """The one job whose id begins so. Raises InvalidQuery for none, or several."""
    from farm.errors import InvalidQuery

    if len(prefix) < _SHORTEST_PREFIX:
        raise InvalidQuery(f"job {prefix}: give at least {_SHORTEST_PREFIX} characters of its id")
    found = ledger.jobs_with_prefix(prefix.lower(), limit=3)
    if not found:
        raise InvalidQuery(f"job {prefix}: there is no such job; `layerline jobs` shows their ids")
    if len(found) > 1:
        ids = ", ".join(job.id for job in found[:2])
        raise InvalidQuery(f"job {prefix}: several begin so: {ids}{' ...' if len(found) > 2 else ''}")
    return found[0]


def _say(ledger: "Ledger", word: "OperatorWord", terms: Terms, about: "About", when: "When") -> None:
    from farm.ledger.inbox import Inbox

    inbox = Inbox(ledger.engine)
    with in_words_of_the_command({"for": when.option, **_ARGUMENTS}):
        said = inbox.append_input(
            word,
            printer_id=about.printer.id,
            job_id=None if about.job is None else about.job.id,
            who=terms.who or user_name(),
            why=terms.why,
            for_ms=None if when.text is None else when.clock.moment(when.text, when.option),
            now_ms=when.clock.now_ms,
        )
    if terms.wait:
        said = _taken(inbox, said)
    _answer(said, about.printer, when.clock, terms)


def _taken(inbox: "Inbox", said: "OperatorInput") -> "OperatorInput":
    """The entry once it is taken in, or as it still waits at the end of our patience."""
    until = time.monotonic() + WAIT_S
    while said.taken_ms is None and time.monotonic() < until:
        time.sleep(_ASK_EVERY_S)
        said = inbox.input(said.id) or said
    return said


def _answer(said: "OperatorInput", printer: "Printer", clock: "FarmClock", terms: Terms) -> None:
    """Show what became of it. Raises Exit with status 1 when it was refused, or waited for in vain."""
    from farm.model.input_record import REFUSED, WAITING, input_record, input_status

    record = input_record(said, printer.name)
    if terms.as_json:
        print_json(record)
    else:
        for line in _lines(said, printer, clock):
            print_line(line)
    status = input_status(said)
    if status == REFUSED or (status == WAITING and terms.wait):
        raise Exit(1)


def _lines(said: "OperatorInput", printer: "Printer", clock: "FarmClock") -> list[str]:
    from farm.model.input_record import REFUSED, TAKEN, WAITING, WAITING_ANSWER, input_record

    record = input_record(said, printer.name)
    about = printer.name if said.job_id is None else f"{printer.name}, job {said.job_id}"
    answers = {
        WAITING: f"Entry {said.id} {WAITING_ANSWER}.",
        TAKEN: f"Taken in at {clock.exact(said.taken_ms or 0)}.",
        REFUSED: f"Not followed: {said.answer}",
    }
    return [
        about,
        _as_said(record["what"], record["said"]),
        f"for {clock.exact(said.for_ms)}, says {said.who}{f': {said.why}' if said.why else ''}",
        answers[record["status"]],
    ]


def _as_said(what: str, said: Mapping[str, Any]) -> str:
    """What was said, as it is typed: `state in-service`, `correct outcome failed, cause adhesion`."""
    typed = {name: value.replace("_", "-") if what == "state" else value for name, value in said.items()}
    named = [
        value if what in _ONE_WORD else f"{name.replace('_', '-')} {value}" for name, value in typed.items()
    ]
    return f"{what} {', '.join(filter(None, named)) or _OF_NOTHING.get(what, '')}".rstrip()
