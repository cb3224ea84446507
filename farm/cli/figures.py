"""`layerline kpi`: the indicators, with what they rest on."""

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import UtcOption, farm_clock
from farm.cli.working import Workings, print_working
from farm.tables import NOTHING, Column, print_table

if TYPE_CHECKING:
    from farm.cli.times import FarmClock
    from farm.kpi.figure import KpiFigure
    from farm.kpi.indicator import Unit
    from farm.kpi.standing import TargetStanding
    from farm.kpi.subjects import Scopes
    from farm.kpi.windows import Window

KPI_EXAMPLES = """
layerline kpi                                     every indicator of the farm, last 24 hours
layerline kpi utilization --window week --by printer
layerline kpi --printer bay1 --window 14d         those of one printer
layerline kpi print_success_rate --by file,material --window month
layerline kpi --material PETG --by printer        the prints from one material, by printer
layerline kpi print_success_rate --window 2026-11-01..2026-11-08 --by group --json
layerline kpi utilization --window week --printer bay1 --show-working
"""

WINDOW_HELP = (
    "today, yesterday, week, month; a length such as 8h, 2d, 2w; a day such as 2026-11-01; "
    "or FROM..TO, days within."
)

_ROWS = 10
_ROWS_OF_JSON = 100
_NOUNS = frozenset(
    {
        "attempts",
        "failing_printers",
        "faults",
        "good_parts",
        "good_units",
        "parts",
        "printers",
        "repairs",
        "reprints",
        "units",
        "unknown_parts",
    }
)
"""Counts of what has a singular."""

_COLUMNS = (
    Column("indicator"),
    Column("of", name=True),
    Column("value", right=True),
    Column("range", extra=True),
    Column("95 %"),
    Column("observed", right=True),
    Column("counts", below=True),
    Column("before", below=True),
    Column("targets", below=True),
)


def kpi(
    names: Annotated[
        list[str] | None,
        Argument(metavar="NAME", help="Indicators by id; none for all.", show_default=False),
    ] = None,
    window: Annotated[str, Option("--window", metavar="WINDOW", help=WINDOW_HELP)] = "24h",
    by: Annotated[
        str | None,
        Option(
            "--by",
            metavar="SCOPE[,SCOPE]",
            help="For each farm, site, group, model, printer, file, material, operator, cause, hour or "
            "weekday, or of up to three together; else of what is asked for, or of the farm.",
        ),
    ] = None,
    printer: PrinterOption = None,
    group: GroupOption = None,
    show_working: Annotated[
        bool,
        Option(
            "--show-working",
            help="Show how each figure came about: its sums, what was left out, and the rows.",
        ),
    ] = False,
    rows: Annotated[
        int | None,
        Option(
            "--rows",
            metavar="N",
            min=1,
            max=1_000,
            help="With --show-working at most so many jobs and spans each; else 10, with --json 100.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        Option("--model", metavar="MODEL", help="Only printers of this model; repeatable."),
    ] = None,
    file: Annotated[
        list[str] | None,
        Option("--file", metavar="FILE", help='Only prints of this file ("" for none); repeatable.'),
    ] = None,
    material: Annotated[
        list[str] | None,
        Option("--material", metavar="MATERIAL", help="Only prints from this material; repeatable."),
    ] = None,
    operator: Annotated[
        list[str] | None,
        Option("--operator", metavar="NAME", help="Only prints of this operator; repeatable."),
    ] = None,
    spool: Annotated[
        list[str] | None,
        Option("--spool", metavar="SPOOL", help="Only prints from this spool; repeatable."),
    ] = None,
    limit: Annotated[
        int,
        Option(
            "--limit",
            metavar="N",
            min=1,
            max=1_000,
            help="So many files, materials and so on, those printed most.",
        ),
    ] = 100,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Work out indicators, each with the counts that it rests on.

    A figure without data says so and is never 0. `range` is where it would lie at worst and
    at best if everything unknown were known, `95 %` how far chance alone could move it, and
    `observed` the share of time that was really seen: docs/words.md. Beside them stand the figure
    of the window before and the targets of `site.profile` or `[[targets]]`.
    """
    from farm.app.wiring import kpi_engine_of, ledger_of
    from farm.errors import InvalidQuery
    from farm.kpi.figure import figure_record
    from farm.kpi.selection import Selection

    if rows is not None and not show_working:
        raise InvalidQuery("--rows: says how much of a working is shown; add --show-working")
    asked = {
        "printer": printer,
        "group": group,
        "model": model,
        "file": file,
        "material": material,
        "operator": operator,
        "spool": spool,
    }
    scopes = _scopes(by or next((scope for scope, names in asked.items() if names), "farm"))
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    with ledger_of(configuration) as ledger:
        engine, clock = kpi_engine_of(configuration, ledger), farm_clock(configuration, ledger, utc=utc)
        bounds = window_in(clock, window)
        chosen = PrinterNames(configuration, ledger).chosen(printer, group)
        wanted = Selection(
            printers=_names(chosen),
            models=_names(model),
            files=_names(file),
            materials=_names(material),
            operators=_names(operator),
            spools=_names(spool),
        )
        figures = engine.evaluate(
            names or None, bounds, scopes, clock.now_ms, wanted=wanted, limit=limit, compared=True
        )
        show = Workings(engine, scopes, bounds, clock.now_ms, wanted)
        if show_working and as_json:
            print_json([show.record(figure, rows or _ROWS_OF_JSON) for figure in figures])
            return
        workings = [show.pages(figure) for figure in figures] if show_working else []
    if as_json:
        print_json([figure_record(figure) for figure in figures])
        return
    if not figures:
        print_line("No figures: nobody that was asked for was there in this window.")
        return
    _print_figures(figures, clock)
    if figures.left_out:
        print_line(f"{counted(figures.left_out, 'other')} with fewer prints left out: --limit says how many.")
    for pages in workings:
        print_working(pages, clock, rows or _ROWS)


def _scopes(text: str) -> "Scopes":
    from farm.errors import InvalidQuery
    from farm.kpi.subjects import parse_scopes

    try:
        return parse_scopes(text)
    except InvalidQuery as error:
        raise InvalidQuery(f"--by {error}") from None


def _names(asked: list[str] | None) -> tuple[str, ...] | None:
    return None if asked is None else tuple(asked)


def window_in(clock: "FarmClock", text: str) -> "Window":
    """The window that `--window` names on that clock. Raises InvalidQuery."""
    from farm.errors import InvalidQuery
    from farm.kpi.windows import parse_window

    try:
        return parse_window(text, clock.now_ms, clock.zone)
    except InvalidQuery as error:
        raise InvalidQuery(f"--window: {error}") from None


def figure_cells(figure: "KpiFigure") -> tuple[str, str, str]:
    """Range, 95 % interval and observed share of a figure, as people read them."""
    from farm.kpi.indicator import shown

    def to(low: str, high: str) -> str:
        """Both bounds, with the unit once."""
        return f"{low.split(' ', maxsplit=1)[0]}–{high}"

    bounds = NOTHING
    if figure.low is not None and figure.high is not None and figure.low != figure.high:
        bounds = to(shown(figure.low, figure.unit), shown(figure.high, figure.unit))
    interval = figure.interval
    chance = to(f"{interval.low * 100:.1f}", f"{interval.high * 100:.1f} %") if interval else NOTHING
    share = NOTHING if figure.observed_share is None else f"{figure.observed_share * 100:.1f} %"
    return bounds, chance, share


def counted_as(name: str, count: int) -> str:
    """One of the counts that a figure rests on, in words: `1 attempt`, `3 cancelled by person`."""
    noun = name.removesuffix("s") if count == 1 and name in _NOUNS else name
    return f"{count:,} {noun.replace('_', ' ')}"


def hours_as(name: str, amount: float) -> str:
    """One of the hours that a figure is made of, in words: `bed not cleared 12.5 h`."""
    return f"{name.removesuffix('_hours').replace('_', ' ')} {amount:,.1f} h"


def made_of(figure: "KpiFigure") -> str:
    """What the figure rests on: its counts, or its hours where it has none."""
    counted = [counted_as(name, count) for name, count in figure.counts.items() if count]
    spent = [hours_as(name, hours) for name, hours in figure.amounts.items() if hours and not figure.counts]
    return ", ".join(counted or spent) or NOTHING


def before_of(figure: "KpiFigure") -> str:
    """The figure of the window before, and which way it went: `before 72.21 %: ▲ better`."""
    from farm.kpi.indicator import shown

    before = figure.before
    if before is None or before.value is None:
        return NOTHING
    told = f"before {shown(before.value, figure.unit)}"
    if before.side is None or before.change is None:
        return told
    arrow = "=" if not before.change else "▲" if before.change > 0 else "▼"
    return f"{told}: {arrow} {before.side.value}"


def held_to(figure: "KpiFigure") -> str:
    """How the figure stands to the targets of the farm: `target 70–85 %: within`."""
    return "; ".join(_standing(each, figure.unit) for each in figure.targets) or NOTHING


def _standing(found: "TargetStanding", unit: "Unit") -> str:
    from farm.kpi.figure import target_shown

    told = f"{found.target.level.value} {target_shown(found.target, unit)}"
    if found.target.meaning:
        told += f" ({found.target.meaning})"
    share = "" if found.share is None else f", {found.share * 100:.1f} % of it"
    if found.not_compared is not None:
        return f"{told}: not compared, {found.not_compared}{share}"
    if found.standing is None or found.side is None:
        return told
    side = "" if found.side.value == "same" else f", {found.side.value}"
    sure = "" if found.sure else " (not sure)"
    return f"{told}: {found.standing.value}{side}{sure}{share if found.target.per else ''}"


def _print_figures(figures: list["KpiFigure"], clock: "FarmClock") -> None:
    def row(figure: "KpiFigure") -> list[str]:
        bounds, chance, share = figure_cells(figure)
        beside = (made_of(figure), before_of(figure), held_to(figure))
        return [figure.id, figure.label, figure.shown, bounds, chance, share, *beside]

    window = figures[0].window
    name = "" if ".." in window.name else f" {window.name}:"
    title = f"Window{name} {clock.exact(window.from_ms)} to {clock.exact(window.to_ms)}"
    print_table(_COLUMNS, [row(figure) for figure in figures], title=title)
