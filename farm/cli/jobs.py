"""`layerline jobs`: what was printed, and what came of it."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import UtcOption, farm_clock, span_text
from farm.model.job_record import job_record
from farm.model.states import Outcome
from farm.model.verdict_record import verdict_of_job
from farm.tables import NOTHING, Cell, Column, Displayed, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farm.cli.times import FarmClock
    from farm.ledger.job_filter import JobFilter
    from farm.ledger.ledger_reader import LedgerReader
    from farm.model.job import Job
    from farm.model.printer import Printer
    from farm.model.verdict import Verdict

EXAMPLES = """
layerline jobs                                    the newest jobs of this farm
layerline jobs --open                             what is being printed
layerline jobs --since today --outcome failed     what failed since midnight
layerline jobs --group "Hall A" --since 2026-11-01 --until 2026-11-07 -n 200
layerline jobs --uninspected --outcome succeeded  what nobody has looked at yet
layerline jobs --printer bay1 --since 7d --json
"""

_PAGE = 1_000
_SHOWN = 50
"""Jobs in a table where nobody said how many."""
_SHORT_ID = 8
"""Characters of an id on a terminal, which `layerline job` takes for the whole."""

_COLUMNS = (
    Column("job"),
    Column("printer", name=True),
    Column("file", name=True),
    Column("outcome"),
    Column("why", name=True),
    Column("ended"),
    Column("verdict", extra=True),
    Column("printed", right=True, extra=True),
    Column("started", extra=True),
    Column("paused", right=True, extra=True),
)


def jobs(
    printer: PrinterOption = None,
    group: GroupOption = None,
    since: Annotated[
        str | None,
        Option(
            "--since",
            metavar="TIME",
            help="Only jobs that ended, or are under way, since: a date, a time, yesterday, or like 24h, 7d.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        Option("--until", metavar="TIME", help="Only jobs that ended until then; of a date its whole day."),
    ] = None,
    outcome: Annotated[Outcome | None, Option("--outcome", help="Only jobs that ended so.")] = None,
    open_only: Annotated[bool, Option("--open", help="Only jobs that are under way.")] = False,
    inspected: Annotated[
        bool | None,
        Option("--inspected/--uninspected", help="Only ended jobs with a verdict, or only those without."),
    ] = None,
    limit: Annotated[
        int | None,
        Option(
            "--limit",
            "-n",
            metavar="N",
            min=1,
            help=f"At most so many, newest first; else {_SHOWN}, with --json all.",
        ),
    ] = None,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List jobs, newest first, with what they came to.

    With --json an array of objects: id, printer, file, outcome (null while under way),
    cancelled_by, cause, started_at, ended_at, printing_seconds, paused_seconds, verdict (null
    while nobody has inspected the job) and more.
    """
    from farm.app.wiring import ledger_of
    from farm.errors import InvalidQuery
    from farm.ledger.job_filter import JobFilter
    from farm.ledger.verdict_store import VerdictStore

    if open_only and inspected is not None:
        raise InvalidQuery("--open, --inspected: what is under way cannot be inspected yet; give one of them")
    if open_only and outcome is not None:
        raise InvalidQuery("--open, --outcome: a job that is under way has no outcome yet; give one of them")
    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        names, clock = PrinterNames(configuration, ledger), farm_clock(configuration, ledger, utc=utc)
        wanted = JobFilter(
            printer_ids=names.chosen(printer, group),
            since_ms=None if since is None else clock.moment(since, "--since"),
            until_ms=None if until is None else clock.moment(until, "--until", at_end=True),
            outcomes=None if outcome is None else [outcome],
            open_only=open_only,
            inspected=inspected,
        )
        most = limit or (None if as_json else _SHOWN)
        found, more = _collect(ledger, wanted, most)
        verdicts = VerdictStore(ledger.engine).verdicts([job.id for job in found])
    if as_json:
        print_json([_record(job, names.printers[job.printer_id], verdicts) for job in found])
        return
    _print_jobs(found, names.printers, verdicts, clock, more=more)


def _record(job: "Job", printer: "Printer", verdicts: "Mapping[str, Verdict]") -> dict[str, Any]:
    return job_record(job, printer.name, printer.group) | {"verdict": verdict_of_job(job.id, verdicts)}


def _collect(ledger: "LedgerReader", wanted: "JobFilter", most: int | None) -> tuple[list["Job"], bool]:
    """The jobs, page by page, and whether there are more than `most`."""
    from msgspec.structs import replace

    found: list[Job] = []
    after = None
    while most is None or len(found) < most:
        size = _PAGE if most is None else min(_PAGE, most - len(found))
        page = ledger.jobs(replace(wanted, limit=size, after=after))
        found += page.jobs
        after = page.next
        if after is None:
            break
    return found, after is not None


def _print_jobs(
    found: "Sequence[Job]",
    printers: "Mapping[str, Printer]",
    verdicts: "Mapping[str, Verdict]",
    clock: "FarmClock",
    *,
    more: bool,
) -> None:
    def row(job: "Job") -> list[Cell]:
        return [
            Displayed(job.id[:_SHORT_ID], job.id),
            printers[job.printer_id].name,
            job.file or NOTHING,
            job.outcome or "under way",
            why(job) or NOTHING,
            _ended(job, clock),
            NOTHING if job.id not in verdicts else verdict_word(verdicts[job.id]),
            printed(job),
            clock.instant(job.started_ms),
            span_text(job.paused_ms) if job.paused_ms else NOTHING,
        ]

    if not found:
        print_line("No jobs.")
        return
    print_table(_COLUMNS, [row(job) for job in found], title=clock.told)
    if more:
        print_line(f"The newest {counted(len(found), 'job')}; more with --limit.")


def _ended(job: "Job", clock: "FarmClock") -> Cell:
    """When it ended; a terminal tells of one that is under way since when."""
    began = clock.instant(job.started_ms)
    if job.ended_ms is None and isinstance(began, Displayed):
        return Displayed(f"since {began.short}", NOTHING)
    return clock.instant(job.ended_ms)


def printed(job: "Job") -> str:
    """For how long it printed, as far as that is booked."""
    return span_text(job.printing_ms) if job.printing_ms or job.outcome else NOTHING


def verdict_word(verdict: "Verdict") -> str:
    """`good`, `rejected`, or how many units of those inspected are good."""
    if not verdict.rejected_units:
        return "good"
    total = verdict.good_units + verdict.rejected_units
    return f"{verdict.good_units} of {total} good" if verdict.good_units else "rejected"


def why(job: Any) -> str:
    """Why it failed, or who cancelled it; empty where that is not known."""
    cause = job.cause and job.cause.replace("_", " ")
    return " ".join(filter(None, [cause, job.cancelled_by and f"by {job.cancelled_by}"]))
