"""`layerline jobs` and `layerline kpi`: what the ledger says."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import print_json, print_table, span_text
from farm.model.job_record import job_record
from farm.model.states import Outcome
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, parse_rfc3339, rfc3339_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farm.kpi.figure import KpiFigure
    from farm.ledger.ledger_reader import LedgerReader
    from farm.model.job import Job
    from farm.model.printer import Printer

JOBS_EXAMPLES = """
layerline jobs                                    the newest jobs of this farm
layerline jobs --since 24h --outcome failed       what failed since yesterday
layerline jobs --printer bay1 --since 2026-11-01T00:00:00Z --json
layerline jobs --database postgresql://layerline@db/layerline
"""

KPI_EXAMPLES = """
layerline kpi                                     every indicator of the farm, last 24 hours
layerline kpi utilization --window week --by printer
layerline kpi print_success_rate --window 30d --by group --json
"""

_PAGE = 1_000
_SHOWN = 50
"""Jobs in a table where nobody said how many."""
_LENGTH = re.compile(r"(\d+)\s*([smhdw])")
_UNIT_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


def jobs(
    printer: Annotated[
        str | None, Option("--printer", metavar="PRINTER", help="Only jobs of this printer: name or id.")
    ] = None,
    since: Annotated[
        str | None,
        Option(
            "--since",
            metavar="TIME",
            help="Only jobs that ended, or are under way, since: RFC 3339, or like 24h, 7d.",
        ),
    ] = None,
    outcome: Annotated[Outcome | None, Option("--outcome", help="Only jobs that ended so.")] = None,
    limit: Annotated[
        int | None,
        Option("--limit", min=1, help=f"At most so many, newest first; else {_SHOWN}, with --json all."),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List jobs, newest first, with what they came to.

    With --json an array of objects: id, printer, file, outcome (null while under way),
    cancelled_by, cause, started_at, ended_at, printing_seconds, paused_seconds and more.
    """
    from farm.app.wiring import ledger_of, now_of
    from farm.ledger.job_filter import JobFilter

    flags = flag("--database", database, "ledger", "url")
    with ledger_of(open_configuration(config, data, flags, verbose=verbose)) as ledger:
        printers = {one.id: one for one in ledger.printers(everything=True)}
        wanted = JobFilter(
            printer_ids=None if printer is None else ids_of(printer, printers),
            since_ms=None if since is None else since_instant(since, now_of(ledger)),
            outcomes=None if outcome is None else [outcome],
        )
        most = limit or (None if as_json else _SHOWN)
        found, more = _collect(ledger, wanted, most)
    if as_json:
        owners = [printers[job.printer_id] for job in found]
        print_json(
            [job_record(job, owner.name, owner.group) for job, owner in zip(found, owners, strict=True)]
        )
        return
    _print_jobs(found, printers, more=more)


def kpi(
    names: Annotated[
        list[str] | None,
        Argument(metavar="[NAME]...", help="Indicators by id; none for all.", show_default=False),
    ] = None,
    window: Annotated[
        str,
        Option(
            "--window", metavar="WINDOW", help="1h 8h 24h 7d 30d today week month, or FROM..TO in RFC 3339."
        ),
    ] = "24h",
    by: Annotated[str, Option("--by", metavar="printer|group|farm", help="Whose figures.")] = "farm",
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Work out indicators, each with the counts that it rests on.

    A figure without data says so and is never 0. `range` is where it would lie at worst and
    at best if everything unknown were known, `95 %` how far chance alone could move it.
    """
    from farm.app.wiring import kpi_engine_of, ledger_of, now_of
    from farm.errors import InvalidQuery
    from farm.kpi.figure import figure_record
    from farm.kpi.subjects import Scope

    if by not in list(Scope):
        raise InvalidQuery(f"--by {by}: must be one of {', '.join(Scope)}")
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    with ledger_of(configuration) as ledger:
        engine, now_ms = kpi_engine_of(configuration, ledger), now_of(ledger)
        figures = engine.evaluate(names or None, engine.window(window, now_ms), Scope(by), now_ms)
    if as_json:
        print_json([figure_record(figure) for figure in figures])
        return
    _print_figures(figures)


def length_ms(text: str) -> int | None:
    """Milliseconds of a length of time like `90s`, `10m`, `24h`, `7d`, `2w`; None for any other text."""
    found = _LENGTH.fullmatch(text.strip())
    return None if found is None else int(found[1]) * _UNIT_MS[found[2]]


def since_instant(text: str, now_ms: int, option: str = "--since") -> int:
    """The instant (ms since 1970) that `24h`, `7d` or an RFC 3339 time names. Raises InvalidQuery."""
    from farm.errors import InvalidQuery

    ago_ms = length_ms(text)
    if ago_ms is not None:
        return now_ms - ago_ms
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(
            f"{option} {text}: must be an RFC 3339 time such as 2026-11-22T00:51:14Z, or like 90m, 24h, 7d"
        ) from error


def ids_of(printer: str, printers: "Mapping[str, Printer]") -> list[str]:
    """The ids of the printers of that name or id. Raises InvalidQuery when there are none."""
    from difflib import get_close_matches

    from farm.errors import InvalidQuery

    found = [one.id for one in printers.values() if printer in (one.id, one.name)]
    if not found:
        near = get_close_matches(printer, [one.name for one in printers.values()], n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise InvalidQuery(f"--printer {printer}: there is no such printer{hint}")
    return found


def _collect(ledger: "LedgerReader", wanted: Any, most: int | None) -> tuple[list["Job"], bool]:
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


def _print_jobs(found: "Sequence[Job]", printers: "Mapping[str, Printer]", *, more: bool) -> None:
    def instant(at_ms: int | None) -> str:
        text = rfc3339_or_none(at_ms)
        return "–" if text is None else text[:19].replace("T", " ")

    def row(job: "Job") -> list[str]:
        why = " ".join(filter(None, [job.cause, job.cancelled_by and f"by {job.cancelled_by}"]))
        return [
            printers[job.printer_id].name,
            job.file or "–",
            job.outcome or "under way",
            why or "–",
            instant(job.started_ms),
            instant(job.ended_ms),
            span_text(job.printing_ms) if job.printing_ms or job.outcome else "–",
            span_text(job.paused_ms) if job.paused_ms else "–",
        ]

    columns = ["printer", "file", "outcome", "why", "started (UTC)", "ended (UTC)", "printing", "paused"]
    if not found:
        print("No jobs.")  # noqa: T201  the command's answer
        return
    print_table(columns, map(row, found), right=["printing", "paused"])
    if more:
        print(f"The newest {len(found)}; more with --limit.")  # noqa: T201  the command's answer


def _print_figures(figures: list["KpiFigure"]) -> None:
    from farm.kpi.catalogue import shown

    def row(figure: "KpiFigure") -> list[str]:
        bounds = "–"
        if figure.low is not None and figure.high is not None and figure.low != figure.high:
            bounds = f"{shown(figure.low, figure.unit)} to {shown(figure.high, figure.unit)}"
        interval = figure.interval
        chance = f"{interval.low:.1%} to {interval.high:.1%}".replace("%", " %") if interval else "–"
        share = "–" if figure.observed_share is None else f"{figure.observed_share * 100:.1f} %"
        counts = ", ".join(f"{count} {name}" for name, count in figure.counts.items() if count)
        return [figure.id, figure.label, figure.shown, bounds, chance, counts or "–", share]

    columns = ["indicator", "of", "value", "range", "95 %", "counts", "observed"]
    title = f"Window {figures[0].window.name}" if figures else None
    print_table(columns, map(row, figures), title=title, right=["value", "observed"])
