"""`layerline forecast`: when each print is done, and which printer is free next."""

from typing import TYPE_CHECKING

from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.standing import NO_PRINTERS
from farm.cli.times import FarmClock, UtcOption, farm_clock, rough_span
from farm.tables import NOTHING, Cell, Column, Displayed, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.kpi.forecast import Forecast
    from farm.model.printer_status import PrinterStatus

EXAMPLES = """
layerline forecast                                when each print is done, the first one first
layerline forecast --group "Hall A"
layerline forecast --json
"""

COLUMNS = (
    Column("printer", name=True),
    Column("done in", right=True),
    Column("earliest", right=True),
    Column("latest", right=True),
    Column("by"),
    Column("file", name=True),
    Column("corrected by", extra=True),
    Column("state", extra=True),
)


def forecast(
    printer: PrinterOption = None,
    group: GroupOption = None,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell when each print is done, if it goes on without a pause, and which printer is free next.

    It starts from what the source says and is corrected by how long such prints took before against
    their estimates; four of five lie between earliest and latest. docs/forecast.md says how. In a pipe
    lengths are instants. With --json the object of /api/v1/forecast.
    """
    from api.forecast import forecast_view
    from farm.app.wiring import kpi_engine_of, ledger_of, now_of

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        chosen = PrinterNames(configuration, ledger).chosen(printer, group)
        statuses, now_ms = ledger.statuses(chosen), now_of(ledger)
        found = kpi_engine_of(configuration, ledger).forecasts(statuses, now_ms)
        clock = farm_clock(configuration, ledger, utc=utc)
    if as_json:
        print_json(forecast_view(statuses, found, now_ms).model_dump(mode="json"))
    else:
        _print(statuses, found, now_ms, clock)


def _print(
    statuses: "Sequence[PrinterStatus]", found: "Sequence[Forecast]", now_ms: int, clock: FarmClock
) -> None:
    from farm.kpi.forecast import is_free, next_free

    if found:
        print_table(COLUMNS, [_row(each, now_ms, clock) for each in found])
    free = [each.printer.name for each in statuses if is_free(each)]
    first = next_free(found)
    if free:
        print_line(f"Free now: {', '.join(free)}.")
    if first is not None and first.done_ms is not None:
        print_line(f"Next free: {first.printer}, in {rough_span(first.done_ms - now_ms)}.")
    elif not statuses:
        print_line(NO_PRINTERS)
    elif not free:
        print_line(f"No print of {counted(len(statuses), 'printer')} tells when it is done.")


def _row(found: "Forecast", now_ms: int, clock: FarmClock) -> list[Cell]:
    by = NOTHING if found.basis is None else f"{counted(found.prints, 'print')} of {_OF[found.basis]}"
    return [
        found.printer,
        *(_in(at_ms, now_ms, clock) for at_ms in (found.done_ms, found.earliest_ms, found.latest_ms)),
        NOTHING if found.told is None else found.told.value,
        found.file or NOTHING,
        by,
        found.state.value,
    ]


def _in(at_ms: int | None, now_ms: int, clock: FarmClock) -> Cell:
    return NOTHING if at_ms is None else Displayed(rough_span(at_ms - now_ms), clock.exact(at_ms))


_OF = {
    "file_and_printer": "the file on the printer",
    "file": "the file",
    "printer": "the printer",
    "farm": "the farm",
}
