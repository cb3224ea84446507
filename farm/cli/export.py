"""`layerline export`: jobs, hours and telemetry as files for spreadsheets and programs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from farm.cli.figures import WINDOW_HELP, window_in
from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, VerboseOption, flag
from farm.cli.output import write_csv, write_json
from farm.cli.times import farm_clock
from farm.model.job_record import JOB_FIELDS, job_record
from farm.model.states import PrinterState
from farm.model.times import SECOND_MS, rfc3339
from farm.model.verdict_record import VERDICT_COLUMNS, verdict_columns

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.kpi.windows import Window
    from farm.ledger.history_port import HistoryReader
    from farm.ledger.ledger import Ledger
    from farm.model.printer import Printer

EXAMPLES = """
layerline export jobs --window month > jobs.csv
layerline export states --printer bay1 --window 7d --output hours.csv
layerline export telemetry --printer bay1 --window 30d --every 10m --json
layerline export jobs --window 2026-10-01..2026-10-31 --from influxdb
"""


class What(StrEnum):
    """What can be exported."""

    JOBS = "jobs"
    STATES = "states"
    TELEMETRY = "telemetry"


class HistorySource(StrEnum):
    """Where the past is read from."""

    LEDGER = "ledger"
    INFLUXDB = "influxdb"


def export(
    what: Annotated[
        What, Argument(metavar="WHAT", help="Ended jobs, the account of the hours, or what was measured.")
    ],
    window: Annotated[str, Option("--window", metavar="WINDOW", help=WINDOW_HELP)] = "24h",
    printer: PrinterOption = None,
    group: GroupOption = None,
    every: Annotated[
        str | None,
        Option(
            "--every", metavar="LENGTH", help="Telemetry as means over so long, like 10m; else as measured."
        ),
    ] = None,
    origin: Annotated[
        HistorySource | None,
        Option(
            "--from",
            help="Where to read; else the ledger, and InfluxDB for telemetry that the ledger keeps no more.",
        ),
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE", help="Else standard output.")
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: Annotated[bool, Option("--json", help="Write an array of objects instead of CSV.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Write jobs, hours or telemetry of a window as CSV, one row each, oldest first.

    Times are RFC 3339 in UTC, lengths seconds. Columns are the fields of the API; what is
    not known is empty. Jobs come with what an inspection found.
    """
    from farm.app.wiring import ledger_of

    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    every_ms = _interval(what, every)
    with ledger_of(configuration) as ledger, _history(configuration, ledger, origin) as history:
        names, clock = PrinterNames(configuration, ledger), farm_clock(configuration, ledger, utc=False)
        printers, chosen = names.printers, names.chosen(printer, group)
        bounds = window_in(clock, window).until(clock.now_ms)
        match what:
            case What.JOBS:
                rows = _jobs(history, bounds, printers, chosen)
            case What.STATES:
                stale_ms = configuration.api.stale_seconds * SECOND_MS
                rows = _states(history, bounds, printers, chosen, stale_ms)
            case What.TELEMETRY:
                # Among rows that are shown the bar would stand in the middle of them.
                watched = output is not None or not sys.stdout.isatty()
                rows = _telemetry(history, bounds, printers, chosen, every_ms, watched=watched)
        (write_json if as_json else write_csv)(rows, _columns(what), output)


def _interval(what: What, every: str | None) -> int | None:
    from farm.errors import InvalidQuery
    from farm.kpi.moments import span_ms

    if every is None:
        return None
    found = span_ms(every)
    if what is not What.TELEMETRY or not found:
        raise InvalidQuery(f"--every {every}: goes with telemetry only, and is like 30s, 10m, 1h")
    return found


@contextmanager
def _history(
    configuration: "Configuration", ledger: "Ledger", origin: HistorySource | None
) -> "Iterator[HistoryReader]":
    """Where to read. Raises InfluxError when InfluxDB is asked for and none is configured."""
    from farm.app.wiring import history_of
    from farm.ledger.history_ledger import LedgerHistory

    if origin is HistorySource.INFLUXDB:
        from farm.influx.client import InfluxServer
        from farm.influx.history import InfluxHistory

        with InfluxServer(configuration.influx) as server:
            yield InfluxHistory(server)
    elif origin is HistorySource.LEDGER:
        yield LedgerHistory(ledger)
    else:
        yield history_of(configuration, ledger)


def _label(printers: "dict[str, Printer]", printer_id: str) -> tuple[str, str | None]:
    """Name and group; a printer that only InfluxDB knows goes by its id."""
    known = printers.get(printer_id)
    return (printer_id, None) if known is None else (known.name, known.group)


def _jobs(
    history: "HistoryReader", window: "Window", printers: "dict[str, Printer]", chosen: list[str] | None
) -> Iterator[dict[str, Any]]:
    jobs = history.ended_jobs(window.from_ms, window.to_ms, chosen)
    verdicts = history.verdicts([job.id for job in jobs])
    for job in jobs:
        yield job_record(job, *_label(printers, job.printer_id)) | verdict_columns(verdicts.get(job.id))


def _states(
    history: "HistoryReader",
    window: "Window",
    printers: "dict[str, Printer]",
    chosen: list[str] | None,
    stale_ms: int,
) -> Iterator[dict[str, Any]]:
    """The account, up to where the collector has booked: what it books next is not unknown yet."""
    for span in history.states(window.from_ms, window.to_ms, chosen):
        to_ms = window.to_ms if span.to_ms is None else span.to_ms
        if span.state is PrinterState.UNKNOWN and to_ms == window.to_ms and to_ms - span.from_ms <= stale_ms:
            continue
        yield {
            "printer_id": span.printer_id,
            "printer": _label(printers, span.printer_id)[0],
            "state": span.state,
            "from": rfc3339(span.from_ms),
            "to": rfc3339(to_ms),
            "seconds": (to_ms - span.from_ms) / SECOND_MS,
            "source": span.source,
        }


def _telemetry(
    history: "HistoryReader",
    window: "Window",
    printers: "dict[str, Printer]",
    chosen: list[str] | None,
    every_ms: int | None,
    *,
    watched: bool,
) -> Iterator[dict[str, Any]]:
    """One printer after the other, with a bar where it is `watched`."""
    from msgspec.structs import asdict
    from rich.console import Console
    from rich.progress import track

    wanted = list(printers) if chosen is None else chosen
    console = Console(stderr=True)
    for printer_id in track(wanted, "printers", console=console, transient=True, disable=not watched):
        name = _label(printers, printer_id)[0]
        for sample in history.telemetry(printer_id, window.from_ms, window.to_ms, every_ms):
            yield {
                "printer_id": printer_id,
                "printer": name,
                "at": rfc3339(sample.at_ms),
                **asdict(sample.values),
            }


def _columns(what: What) -> list[str]:
    """The names of the fields, also where there is no row to read them from."""
    from farm.model.observation import Telemetry

    match what:
        case What.JOBS:
            return [*JOB_FIELDS, *VERDICT_COLUMNS]
        case What.STATES:
            return ["printer_id", "printer", "state", "from", "to", "seconds", "source"]
        case What.TELEMETRY:
            return ["printer_id", "printer", "at", *Telemetry.__struct_fields__]
