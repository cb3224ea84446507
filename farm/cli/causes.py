"""`layerline causes`: which printer, file, material, operator, spool or hour fails more often than chance."""

from typing import Annotated

from typer import Option

from farm.cli.figures import WINDOW_HELP, window_in
from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import UtcOption, farm_clock

EXAMPLES = """
layerline causes                                  what fails too often, last 30 days
layerline causes --window 2026-10-01..2026-11-01 --group "Hall A"
layerline causes --window 14d --json
"""

_HANGING = 2


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
    from farm.app.wiring import kpi_engine_of, ledger_of
    from farm.kpi.causes_record import causes_record
    from farm.kpi.selection import Selection

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        clock = farm_clock(configuration, ledger, utc=utc)
        chosen = PrinterNames(configuration, ledger).chosen(printer, group)
        wanted = Selection(printers=None if chosen is None else tuple(chosen))
        engine, bounds = kpi_engine_of(configuration, ledger), window_in(clock, window)
        found = engine.causes(bounds, clock.now_ms, wanted=wanted)
    if as_json:
        print_json(causes_record(found))
        return
    findings = found.found.findings
    for sentence in [*(each.sentence for each in findings), *(each.sentence for each in found.shared)]:
        print_line(f"{sentence}.", _HANGING)
    if not findings:
        print_line("Nothing fails more often than chance would have it.")
    print_line(f"{counted(found.prints, 'print')}, {counted(found.found.comparisons, 'comparison')}.")
