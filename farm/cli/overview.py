"""`layerline status`: the farm in one screen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farm.cli.figures import figure_cells
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json
from farm.cli.standing import NO_PRINTERS, farm_view
from farm.cli.times import FarmClock, UtcOption, farm_clock, rough_span
from farm.cli.watching import WatchOption, watch
from farm.model.states import PrinterState
from farm.model.times import rfc3339
from farm.tables import NOTHING, Cell, Column, indented, plain_table, style_of, terminal_table

if TYPE_CHECKING:
    from rich.text import Text

    from api.farm_view import Freshness
    from farm.app.config import Configuration
    from farm.figures.engine import KpiEngine
    from farm.kpi.figure import KpiFigure
    from farm.kpi.forecast import Forecast
    from farm.ledger.ledger import Ledger
    from farm.model.alert import Alert
    from farm.model.attention import Attention, Need

EXAMPLES = """
layerline status                                  how the farm stands, in one screen
layerline status --watch                          the same, anew every two seconds
layerline status --json
"""

WINDOW = "24h"
_MOST_LINES = 8
"""Printers and alerts that are named; the rest is counted."""
_TASK_OF_MANY = "See why their collector books nothing"
_STANDS_STILL = ", it stands still: is `layerline up` running?"

_HANDS = (
    Column("needs a look", name=True),
    Column("for", right=True),
    Column("what to do", name=True),
    Column("in its own words", below=True),
)
_ALERTS = (Column("fires", name=True), Column("severity"), Column("since", right=True))
_FIGURES = (
    Column("last 24 h"),
    Column("value", right=True),
    Column("range", extra=True),
    Column("95 %"),
    Column("observed", right=True),
)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The farm at one moment."""

    at_ms: int
    site: str
    states: Counter[PrinterState]
    attention: "Attention"
    next_free: "Forecast | None"
    """The print that is done first."""
    under_way: int
    alerts: "list[Alert]"
    figures: "list[KpiFigure]"
    freshness: "Freshness"
    evaluator_behind: int | None
    """Events that the evaluator has not read; None where it never ran."""


def status(
    watched: WatchOption = False,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show the farm in one screen: states, what needs a look, alerts and figures.

    The last lines say whether all of it is fresh. With --json one object: at, site, printers (how
    many by state), attention, jobs_under_way, next_free, alerts, figures, collectors, evaluator_behind.
    """
    from farm.app.wiring import kpi_engine_of, ledger_of

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        engine = kpi_engine_of(configuration, ledger)

        def drawn(width: int) -> "Iterator[Text]":
            seen = overview_of(configuration, ledger, engine)
            return _on_terminal(seen, farm_clock(configuration, ledger, utc=utc), width)

        if watched:
            watch(drawn)
        elif as_json:
            print_json(_record(overview_of(configuration, ledger, engine)))
        else:
            seen = overview_of(configuration, ledger, engine)
            _print(seen, farm_clock(configuration, ledger, utc=utc))


def overview_of(configuration: "Configuration", ledger: "Ledger", engine: "KpiEngine") -> Overview:
    """How the farm stands now."""
    from farm.kpi.catalogue import HEADLINES
    from farm.kpi.forecast import next_free
    from farm.kpi.subjects import Scope
    from farm.model.alert import EVALUATOR, AlertFilter, AlertState

    view = farm_view(configuration, ledger, engine)
    now_ms = view.now_ms()
    printers = view.printers()
    bookmark = view.alert_store.bookmark(EVALUATOR)
    return Overview(
        at_ms=now_ms,
        site=configuration.site.name,
        states=Counter(each.state for each in printers),
        attention=view.attention(),
        next_free=next_free(engine.forecasts(ledger.statuses(), now_ms)),
        under_way=sum(each.job is not None for each in printers),
        alerts=view.alert_store.alerts(AlertFilter(states=[AlertState.FIRING], limit=1000)).alerts,
        figures=engine.evaluate(HEADLINES, engine.window(WINDOW, now_ms), Scope.FARM, now_ms),
        freshness=view.freshness(),
        evaluator_behind=None if bookmark is None else max(0, ledger.feed_head() - bookmark.seq),
    )


def _record(seen: Overview) -> dict[str, Any]:
    from api.forecast import printer_forecast
    from api.views import attention_view
    from farm.kpi.figure import figure_record

    first = seen.next_free
    return {
        "at": rfc3339(seen.at_ms),
        "site": seen.site,
        "printers": {state.value: count for state, count in sorted(seen.states.items())},
        "attention": attention_view(seen.attention).model_dump(mode="json"),
        "jobs_under_way": seen.under_way,
        "next_free": None if first is None else printer_forecast(first).model_dump(mode="json"),
        "alerts": [
            {"id": each.id, "title": each.title, "fired_at": rfc3339(each.fired_ms)} for each in seen.alerts
        ],
        "figures": [figure_record(figure) for figure in seen.figures],
        "collectors": [
            {
                "shard": each.shard,
                "printers": each.printers,
                "booked_at": rfc3339(each.booked_ms),
                "stale": each.stale,
            }
            for each in seen.freshness.shards
        ],
        "evaluator_behind": seen.evaluator_behind,
    }


def _together(needs: "Sequence[Need]") -> "list[Need]":
    """The needs with one row for all printers of a collector that stands still: the cause is one."""
    from msgspec.structs import replace

    from farm.model.attention import NeedKind

    alike = Counter((need.since_ms, need.task) for need in needs if need.kind is NeedKind.STALE_COLLECTOR)
    found: list[Need] = []
    for need in needs:
        count = alike.get((need.since_ms, need.task), 0)
        if need.kind is not NeedKind.STALE_COLLECTOR or count == 1:
            found.append(need)
        elif count:
            found.append(replace(need, printer=counted(count, "printer"), task=_TASK_OF_MANY))
            del alike[need.since_ms, need.task]
    return found


def _tables(
    seen: Overview, clock: FarmClock, needs: "Sequence[Need]"
) -> list[tuple[Sequence[Column], list[list[Cell]]]]:
    """The tables of the screen, those that have rows."""
    hands: list[list[Cell]] = [
        [
            need.printer or "farm",
            NOTHING if need.since_ms is None else clock.lasting(need.since_ms),
            need.task,
            need.words or NOTHING,
        ]
        for need in needs
    ]
    alerts: list[list[Cell]] = [
        [each.title, each.severity.value, clock.ago(each.fired_ms)] for each in seen.alerts
    ]
    figures: list[list[Cell]] = []
    for figure in seen.figures:
        bounds, chance, share = figure_cells(figure)
        figures.append([figure.id.replace("_", " "), figure.shown, bounds, chance, share])
    return [
        (columns, rows) for columns, rows in ((_HANDS, hands), (_ALERTS, alerts), (_FIGURES, figures)) if rows
    ]


def _head(seen: Overview, clock: FarmClock) -> list[str]:
    """Which farm, when, and what its printers are doing."""
    whole = sum(seen.states.values())
    states = ", ".join(f"{seen.states[state]} {state.value}" for state in PrinterState if seen.states[state])
    jobs = f"{counted(seen.under_way, 'job')} under way"
    first = seen.next_free
    is_stale = any(each.stale for each in seen.freshness.shards)
    if first is not None and first.done_ms is not None and not is_stale:
        jobs += f"; next free: {first.printer}, in {rough_span(first.done_ms - seen.at_ms)}"
    at = f"{clock.exact(seen.at_ms)[:16].replace('T', ' ')} {clock.zone.key}"
    return [
        f"Farm {seen.site}, {counted(whole, 'printer')}, {at}",
        states or NO_PRINTERS,
        f"{jobs}.",
    ]


def _foot(seen: Overview) -> list[tuple[str, str]]:
    """Whether collector and evaluator are up to date, each with the colour for it."""
    lines = []
    for each in seen.freshness.shards:
        named = "" if len(seen.freshness.shards) == 1 else f" {each.shard}"
        booked = f"Collector{named}: booked {rough_span(each.age_ms)} ago"
        lines.append((f"{booked}{_STANDS_STILL if each.stale else ''}", "warning" if each.stale else ""))
    if not lines:
        lines.append(("Collector: has not booked anything yet", "warning"))
    if seen.evaluator_behind is None:
        lines.append(("Evaluator: has never run, no alert is sent without it", "warning"))
    else:
        lines.append((f"Evaluator: {counted(seen.evaluator_behind, 'event')} behind", ""))
    return lines


def _quiet(seen: Overview) -> str:
    if not seen.attention.is_quiet or seen.alerts:
        return ""
    return "Nothing needs hands, and no alert fires."


def _on_terminal(seen: Overview, clock: FarmClock, width: int) -> "Iterator[Text]":
    from rich.text import Text

    first, *others = _head(seen, clock)
    yield Text(first, style="bold")
    yield from (Text(piece) for line in others for piece in indented(line, width, 0))
    for columns, rows in _tables(seen, clock, _together(seen.attention.needs)):
        yield Text("")
        yield from terminal_table(columns, rows[:_MOST_LINES], width)
        if len(rows) > _MOST_LINES:
            yield Text(f"and {len(rows) - _MOST_LINES} more", style="dim")
    yield Text("")
    if quiet := _quiet(seen):
        yield Text(quiet, style="green")
    yield from (Text(line, style=style_of(word)) for line, word in _foot(seen))


def _print(seen: Overview, clock: FarmClock) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        for line in _on_terminal(seen, clock, console.width):
            console.print(line, no_wrap=True, crop=False, overflow="ignore")
        return
    lines = _head(seen, clock)
    for columns, rows in _tables(seen, clock, seen.attention.needs):
        lines += ["", *plain_table(columns, rows)]
    lines += ["", *filter(None, [_quiet(seen)]), *(line for line, _ in _foot(seen))]
    console.file.write("".join(f"{line}\n" for line in lines))
