"""`layerline causes`: which printer, file, material, operator or hour fails more often than chance."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from farm.cli.figures import WINDOW_HELP, window_in
from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import UtcOption, farm_clock
from farm.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from farm.app.config import Configuration
    from farm.kpi.causes import FailureCauses, FailureFinding, SharedFailures
    from farm.kpi.print_tally import PrintTally
    from farm.kpi.windows import Window
    from farm.ledger.job_filter import JobFilter
    from farm.ledger.ledger import Ledger
    from farm.model.job import Job

EXAMPLES = """
layerline causes                                  what fails too often, last 30 days
layerline causes --window 2026-10-01..2026-11-01 --group "Hall A"
layerline causes --window 14d --json
"""

_PAGE = 1_000


def causes(
    window: Annotated[str, Option("--window", metavar="WINDOW", help=WINDOW_HELP)] = "30d",
    printer: PrinterOption = None,
    group: GroupOption = None,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find what fails more often than chance would have it: printers, files, materials, operators, hours.

    Each is compared with the rest by an exact test, and all comparisons are judged together: of
    what is told at most 10 % on average is chance. A print that failed counts, and one whose
    every unit a person has rejected. docs/causes.md says how it is worked out.
    """
    from farm.app.wiring import ledger_of
    from farm.kpi.causes import find_causes, shared_failures

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        clock, names = farm_clock(configuration, ledger, utc=utc), PrinterNames(configuration, ledger)
        bounds = window_in(clock, window)
        tally = _tally(configuration, ledger, names, bounds, names.chosen(printer, group), clock.zone)
    found = find_causes(tally.counts())
    shared = shared_failures(found.findings, tally.failed_prints)
    if as_json:
        print_json(_record(found, shared, tally, bounds))
        return
    for sentence in [*(each.sentence for each in found.findings), *(each.sentence for each in shared)]:
        print_line(f"{sentence}.")
    if not found.findings:
        print_line("Nothing fails more often than chance would have it.")
    print_line(f"{counted(tally.prints, 'print')}, {counted(found.comparisons, 'comparison')}.")


def _tally(
    configuration: "Configuration",
    ledger: "Ledger",
    names: PrinterNames,
    window: "Window",
    printer_ids: list[str] | None,
    zone: "ZoneInfo",
) -> "PrintTally":
    """The attempts that ended in the window, counted."""
    from farm.kpi.print_tally import PrintTally, print_facts
    from farm.ledger.job_filter import JobFilter
    from farm.model.states import Outcome

    outcomes = [Outcome.SUCCEEDED, Outcome.FAILED]
    if configuration.site.cancelled_counts_as_attempt:
        outcomes.append(Outcome.CANCELLED)
    tally = PrintTally()
    wanted = JobFilter(
        printer_ids=printer_ids,
        since_ms=window.from_ms,
        until_ms=window.to_ms,
        outcomes=outcomes,
        limit=_PAGE,
    )
    for job, rejected in _ended(ledger, wanted):
        facts = print_facts(job, names.printers[job.printer_id].name, zone)
        tally.add(facts, failed=rejected or job.outcome is Outcome.FAILED)
    return tally


def _ended(ledger: "Ledger", wanted: "JobFilter") -> "Iterator[tuple[Job, bool]]":
    """The jobs, page by page, and whether a person has rejected every unit of it."""
    from msgspec.structs import replace

    from farm.ledger.verdict_store import VerdictStore

    store = VerdictStore(ledger.engine)
    page = ledger.jobs(wanted)
    while True:
        verdicts = store.verdicts([job.id for job in page.jobs])
        for job in page.jobs:
            yield job, job.id in verdicts and not verdicts[job.id].good_units
        if page.next is None:
            return
        page = ledger.jobs(replace(wanted, after=page.next))


def _record(
    found: "FailureCauses", shared: "list[SharedFailures]", tally: "PrintTally", window: "Window"
) -> dict[str, Any]:
    return {
        "window": {"name": window.name, "from": rfc3339(window.from_ms), "to": rfc3339(window.to_ms)},
        "prints": tally.prints,
        "comparisons": found.comparisons,
        "false_discovery_rate": found.false_discovery_rate,
        "findings": [_finding_record(each) for each in found.findings],
        "shared": [
            {
                "first": each.first.value,
                "second": each.second.value,
                "failed": each.failed,
                "sentence": each.sentence,
            }
            for each in shared
        ],
    }


def _finding_record(finding: "FailureFinding") -> dict[str, Any]:
    return {
        "dimension": finding.dimension,
        "value": finding.value,
        "failed": finding.count.failed,
        "attempts": finding.count.attempts,
        "rest_failed": finding.rest.failed,
        "rest_attempts": finding.rest.attempts,
        "ratio": finding.risk.ratio,
        "interval_low": finding.risk.interval.low,
        "interval_high": finding.risk.interval.high,
        "p_value": finding.p_value,
        "sentence": finding.sentence,
    }
