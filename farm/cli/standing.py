"""`layerline printers`: how every printer stands."""

from typing import TYPE_CHECKING

from farm.cli.names import GroupOption, PrinterNames
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import FarmClock, UtcOption, farm_clock, rough_span
from farm.cli.watching import WatchOption, watch
from farm.model.times import SECOND_MS, parse_rfc3339
from farm.tables import NOTHING, Cell, Column, print_table, terminal_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from api.farm_view import FarmView
    from api.schemas import PrinterStatusRecord
    from farm.app.config import Configuration
    from farm.figures.engine import KpiEngine
    from farm.ledger.ledger import Ledger

EXAMPLES = """
layerline printers                                every printer and what it is doing
layerline printers --watch                        the same, anew every two seconds
layerline printers --group "Hall A" --json
"""

NO_PRINTERS = "No printers: none has been heard of. `layerline up` shows what to type into them."

COLUMNS = (
    Column("printer", name=True),
    Column("state"),
    Column("for", right=True),
    Column("file", name=True),
    Column("done", right=True),
    Column("left", right=True),
    Column("nozzle", right=True, extra=True),
    Column("bed", right=True, extra=True),
    Column("heard", right=True, extra=True),
    Column("group", name=True, extra=True),
    Column("id", extra=True),
)


def printers(
    group: GroupOption = None,
    watched: WatchOption = False,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the printers: what each is doing, since when, and how far its print is.

    In a pipe `for` is the instant since when. With --json an array of the objects of
    /api/v1/printers.
    """
    from farm.app.wiring import ledger_of

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        chosen = PrinterNames(configuration, ledger).chosen(None, group)
        view = farm_view(configuration, ledger)

        def found() -> "list[PrinterStatusRecord]":
            return [each for each in view.printers() if chosen is None or each.id in chosen]

        def drawn(width: int) -> "Iterator[Text]":
            clock = farm_clock(configuration, ledger, utc=utc)
            return terminal_table(COLUMNS, [row(each, clock) for each in found()], width)

        if watched:
            watch(drawn)
        elif as_json:
            print_json([each.model_dump(mode="json") for each in found()])
        else:
            _print(found(), farm_clock(configuration, ledger, utc=utc))


def farm_view(
    configuration: "Configuration", ledger: "Ledger", engine: "KpiEngine | None" = None
) -> "FarmView":
    """The farm as the API shows it, with forecasts of the engine, where it is at hand."""
    from api.farm_view import FarmView
    from farm.app.wiring import kpi_engine_of
    from farm.ledger.alert_store import AlertStore
    from farm.model.clock import system_clock

    store = AlertStore(ledger.engine)
    engine = kpi_engine_of(configuration, ledger) if engine is None else engine
    return FarmView(
        ledger,
        store,
        configuration.api,
        configuration.site,
        system_clock,
        forecaster=engine.forecasts,
    )


def row(printer: "PrinterStatusRecord", clock: FarmClock) -> list[Cell]:
    """A printer as a row of the table."""
    job, readings = printer.job, printer.readings
    return [
        printer.name,
        printer.state.value,
        clock.lasting(parse_rfc3339(printer.since)),
        NOTHING if job is None else job.file or NOTHING,
        NOTHING if job is None or job.progress is None else f"{job.progress:.0%}".replace("%", " %"),
        NOTHING if job is None or job.time_left_seconds is None else _left(job.time_left_seconds),
        _degrees(readings.nozzle),
        _degrees(readings.bed),
        clock.ago(parse_rfc3339(printer.heard_at)),
        printer.group or NOTHING,
        printer.id,
    ]


def _left(seconds: float) -> str:
    return rough_span(round(seconds * SECOND_MS))


def _degrees(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f} °C"


def _print(found: "list[PrinterStatusRecord]", clock: FarmClock) -> None:
    if not found:
        print_line(NO_PRINTERS)
        return
    print_table(COLUMNS, [row(each, clock) for each in found])
    unseen = [each for each in found if not each.observed and each.state.value != "unknown"]
    if unseen:
        whose = counted(len(unseen), "printer")
        print_line(f"Not up to date: the collector of {whose} stands still; see `layerline doctor`.")
