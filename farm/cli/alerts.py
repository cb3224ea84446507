"""`layerline alerts`: what fires, and what has fired."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from farm.cli.names import GroupOption, PrinterNames, PrinterOption
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.cli.standing import farm_view
from farm.cli.times import FarmClock, UtcOption, farm_clock
from farm.cli.watching import WatchOption, watch
from farm.model.times import parse_rfc3339
from farm.tables import NOTHING, Cell, Column, Displayed, print_table, terminal_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from api.farm_view import FarmView
    from api.schemas import AlertRecord
    from farm.model.alert import Alert

EXAMPLES = """
layerline alerts                                  what fires now
layerline alerts --all --since 7d                 what fired within a week, and what became of it
layerline alerts --watch
layerline alerts --all --printer bay1 --json
layerline alert ack 0f6b1a52 --for 2h             you see to it; `layerline alert --help` has more
"""

_SHOWN = 50
_SHORT_ID = 8
"""Characters of an id on a terminal, which `layerline alert` takes for the whole."""

_FIRING = (
    Column("id"),
    Column("state"),
    Column("severity", extra=True),
    Column("fired", right=True),
    Column("alert", name=True),
    Column("summary", below=True),
)
_ALL = (
    Column("id"),
    Column("state"),
    Column("fired", right=True),
    Column("alert", name=True, readable=46),
    Column("resolved"),
    Column("severity", extra=True),
    Column("summary", below=True),
)


def alerts(
    everything: Annotated[bool, Option("--all", "-a", help="Resolved ones too.")] = False,
    printer: PrinterOption = None,
    group: GroupOption = None,
    since: Annotated[
        str | None,
        Option(
            "--since", metavar="TIME", help="Only those fired since: a date, a time, yesterday, or like 24h."
        ),
    ] = None,
    until: Annotated[
        str | None,
        Option("--until", metavar="TIME", help="Only those fired until then; of a date its whole day."),
    ] = None,
    limit: Annotated[
        int, Option("--limit", "-n", metavar="N", min=1, max=1000, help="At most so many, newest first.")
    ] = _SHOWN,
    watched: WatchOption = False,
    utc: UtcOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the alerts that fire, newest first; with --all those that were resolved too.

    One that somebody sees to is `acknowledged`, one that is not told for a while `silenced`.

    With --json an array of the objects of /api/v1/alerts.
    """
    from farm.app.wiring import ledger_of
    from farm.model.alert import AlertFilter, AlertState

    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        clock = farm_clock(configuration, ledger, utc=utc)
        wanted = AlertFilter(
            states=None if everything else [AlertState.FIRING],
            printer_ids=PrinterNames(configuration, ledger).chosen(printer, group),
            since_ms=None if since is None else clock.moment(since, "--since"),
            until_ms=None if until is None else clock.moment(until, "--until", at_end=True),
            limit=limit,
        )
        view = farm_view(configuration, ledger)

        def drawn(width: int) -> "Iterator[Text]":
            found = view.alert_store.alerts(wanted).alerts
            clock = farm_clock(configuration, ledger, utc=utc)
            columns, rows = _table(_looked_at(view, found), clock, everything=everything)
            return terminal_table(columns, rows, width, title=_heading(found))

        if watched:
            watch(drawn)
            return
        page = view.alert_store.alerts(wanted)
        if as_json:
            print_json([each.model_dump(mode="json") for each in view.alerts(page.alerts)])
            return
        seen = _looked_at(view, page.alerts)
    _print(seen, clock, more=page.next is not None, everything=everything)


def _looked_at(view: "FarmView", found: "Sequence[Alert]") -> "Sequence[tuple[Alert, AlertRecord]]":
    """The alerts, each with what people do about it."""
    return list(zip(found, view.alerts(found), strict=True))


def _table(
    found: "Sequence[tuple[Alert, AlertRecord]]", clock: FarmClock, *, everything: bool
) -> "tuple[Sequence[Column], list[list[Cell]]]":
    """The columns and a row for each alert; what all of them have in common is no column."""

    def row(alert: "Alert", record: "AlertRecord") -> list[Cell]:
        told = _summary(alert, record, clock)
        fired, name = clock.ago(alert.fired_ms), Displayed(alert.id[:_SHORT_ID], alert.id)
        if not everything:
            return [name, _state(record), alert.severity.value, fired, alert.title, told]
        resolved = clock.instant(alert.resolved_ms)
        return [name, _state(record), fired, alert.title, resolved, alert.severity.value, told]

    return (_ALL if everything else _FIRING), [row(*each) for each in found]


def _state(record: "AlertRecord") -> str:
    """In one word what is to be done: nothing by others where somebody sees to it."""
    if record.acknowledged is not None:
        return "acknowledged"
    return "silenced" if record.silenced else record.state.value


def _summary(alert: "Alert", record: "AlertRecord", clock: FarmClock) -> str:
    """What is the matter, and who sees to it or has resolved it."""
    summary = alert.resolution or alert.summary or NOTHING
    if alert.resolved_by is not None:
        return f"resolved by {alert.resolved_by}: {summary}"
    if record.acknowledged is None:
        return summary
    until = clock.instant(parse_rfc3339(record.acknowledged.until))
    shown = until if isinstance(until, str) else until.short
    note = f": {record.acknowledged.note}" if record.acknowledged.note else ""
    return f"{summary} {record.acknowledged.by} sees to it until {shown}{note}"


def _heading(found: "Sequence[object]") -> str:
    return counted(len(found), "alert")


def _print(
    found: "Sequence[tuple[Alert, AlertRecord]]", clock: FarmClock, *, more: bool, everything: bool
) -> None:
    if not found:
        print_line("No alerts." if everything else "No alert fires.")
        return
    print_table(*_table(found, clock, everything=everything))
    if more:
        print_line(f"The newest {_heading(found)}; more with --limit.")
