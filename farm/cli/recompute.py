"""`layerline recompute`: do the books agree with themselves?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from typer import Exit, Option

from farm.cli.names import PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.model.times import rfc3339

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.ledger.ledger import Ledger
    from farm.ledger.recount import Difference
    from farm.model.printer import Printer

EXAMPLES = """
layerline recompute --check                       every printer, retired ones too
layerline recompute --check --printer bay1 --json
layerline recompute --check --database postgresql://layerline@db/layerline
"""


def recompute(
    check: Annotated[bool, Option("--check", help="Only look, and change nothing; must be given.")] = False,
    printer: PrinterOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Look whether the books agree with themselves, by a plain recount.

    Says every difference: jobs of a printer that overlap or end before they begin, holes and
    overlaps in the account of its time, and whatever the figures are made from that is not what
    spans and jobs come to, row by row and in sums. A collector may go on meanwhile.

    Ends with status 1 when there are differences.
    """
    from farm.app.wiring import ledger_of
    from farm.errors import InvalidQuery

    if not check:
        raise InvalidQuery("recompute only looks: say so with --check")
    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        names = PrinterNames(configuration, ledger)
        ids = names.chosen(printer)
        wanted = [one for one in names.printers.values() if ids is None or one.id in ids]
        found = [*_in_the_books(ledger, wanted), *_in_the_figures(configuration, ledger, wanted)]
    if as_json:
        print_json({"printers": len(wanted), "differences": [_record(*each) for each in found]})
    else:
        for one, each in found:
            print_line(f"{one.name}: {each.kind} at {rfc3339(each.at_ms)}: {each.detail}")
        print_line(f"{counted(len(wanted), 'printer')}, {counted(len(found), 'difference')}.")
    if found:
        raise Exit(1)


def _in_the_figures(
    configuration: "Configuration", ledger: "Ledger", wanted: "list[Printer]"
) -> "Iterator[tuple[Printer, Difference]]":
    """What the figures are made from, against every row."""
    from farm.app.wiring import read_model_of
    from farm.figures.comparison import differences

    chosen = {one.id: one for one in wanted}
    for difference in differences(read_model_of(configuration, ledger)):
        if difference.printer_id in chosen:
            yield chosen[difference.printer_id], difference


def _in_the_books(ledger: "Ledger", wanted: "list[Printer]") -> "Iterator[tuple[Printer, Difference]]":
    """Printer by printer, with a bar where somebody is watching."""
    from rich.console import Console
    from rich.progress import track

    from farm.ledger.recount import LedgerRecount

    recount = LedgerRecount(ledger.engine)
    for one in track(wanted, "printers", console=Console(stderr=True), transient=True):
        for difference in recount.differences(one.id):
            yield one, difference


def _record(printer: "Printer", difference: "Difference") -> dict[str, Any]:
    return {
        "printer_id": printer.id,
        "printer": printer.name,
        "what": difference.kind,
        "at": rfc3339(difference.at_ms),
        "detail": difference.detail,
    }
