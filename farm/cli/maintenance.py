"""`layerline maintenance`: work on printers that is planned, for which they need not be available."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer

from farm.cli.changing import (
    ChangeTerms,
    LookTerms,
    Shop,
    change_answer,
    open_shop,
    restated_line,
    with_change_terms,
    with_look_terms,
)
from farm.cli.help import Command, Group
from farm.cli.names import PrinterNames
from farm.cli.output import print_json, print_line
from farm.cli.terms import in_words_of_the_command
from farm.tables import NOTHING, Cell, Column, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.ledger.maintenance_store import MaintenanceFilter, MaintenanceStore, PlannedChange
    from farm.model.planned_maintenance import PlannedMaintenance

LIST_EXAMPLES = """
layerline maintenance list                        what is under way or to come
layerline maintenance list --printer bay1 --since 2026-11-01
layerline maintenance list --all --json
"""
PLAN_EXAMPLES = """
layerline maintenance plan --printer bay1 --from 2026-11-27T08:00 --until 2026-11-27T12:00 --why "new nozzle"
layerline maintenance plan --group "Hall A" --from 2026-12-01 --until 2026-12-01
layerline maintenance plan --farm --from 2h --until 1h --why "power cut for the electrician"
"""
WITHDRAW_EXAMPLES = """
layerline maintenance withdraw 3 --why "the nozzle has not come"
"""

COLUMNS = (
    Column("number", right=True),
    Column("what", name=True),
    Column("from", right=True),
    Column("until", right=True),
    Column("who", name=True, extra=True),
    Column("withdrawn", right=True, extra=True),
    Column("why", below=True),
)
_OPTIONS = {"maintenance": "NUMBER"}
_PAGE = 500

app = Typer(
    cls=Group,
    no_args_is_help=True,
    help="Plan work on printers: it is taken out of the hours for which they are to be available.",
)

PrinterOption = Annotated[
    str | None, Option("--printer", metavar="PRINTER", help="Of this printer: its name or id.")
]
GroupOption = Annotated[str | None, Option("--group", metavar="GROUP", help="Of this group of printers.")]


@with_look_terms
def list_planned(
    printer: PrinterOption = None,
    group: GroupOption = None,
    since: Annotated[
        str | None, Option("--since", metavar="TIME", help="What ends later; else what has not ended.")
    ] = None,
    until: Annotated[str | None, Option("--until", metavar="TIME", help="What begins earlier.")] = None,
    everything: Annotated[bool, Option("--all", help="What is over and what was withdrawn, too.")] = False,
    *,
    terms: LookTerms,
) -> None:
    """List planned work that is under way or to come, planned last first.

    --printer lists what is planned for its group and the whole farm, too. With --json an array of
    the objects of /api/v1/maintenance.
    """
    from farm.ledger.maintenance_store import MaintenanceFilter

    with open_shop(terms) as shop:
        clock, names = shop.clock, PrinterNames(shop.configuration, shop.ledger)
        since_ms = None if since is None else clock.moment(since, "--since")
        wanted = MaintenanceFilter(
            printer_id=None if printer is None else names.only(printer).id,
            group=group,
            since_ms=clock.now_ms if since_ms is None and not everything else since_ms,
            until_ms=None if until is None else clock.moment(until, "--until", at_end=True),
            withdrawn=everything,
            limit=_PAGE,
        )
        found = list(_all(_store(shop), wanted))
        if terms.as_json:
            print_json([_record(each, names) for each in found])
        elif not found:
            print_line("No work is planned.")
        else:
            print_table(COLUMNS, [_row(each, names, shop) for each in found], title=clock.told)


@with_change_terms
def plan(
    start: Annotated[
        str, Option("--from", metavar="TIME", help="When it begins: a date or a time.", show_default=False)
    ],
    until: Annotated[
        str,
        Option("--until", metavar="TIME", help="When it ends; of a date its end.", show_default=False),
    ],
    printer: PrinterOption = None,
    group: GroupOption = None,
    farm: Annotated[bool, Option("--farm", help="Of the whole farm.")] = False,
    *,
    terms: ChangeTerms,
) -> None:
    """Plan work on a printer, on a group, or on the whole farm.

    Work in the past restates it: the answer says from when on.
    """
    from farm.errors import InvalidQuery

    if [printer is not None, group is not None, farm].count(True) != 1:
        raise InvalidQuery("--printer: name one of --printer, --group and --farm")
    with open_shop(terms) as shop, in_words_of_the_command(_OPTIONS):
        done = _store(shop).plan(
            shop.changed_by(terms),
            from_ms=shop.clock.moment(start, "--from"),
            to_ms=shop.clock.moment(until, "--until", at_end=True),
            printer_id=(
                None if printer is None else PrinterNames(shop.configuration, shop.ledger).only(printer).id
            ),
            group=group,
        )
        _answer(done, "planned", shop, terms)


@with_change_terms
def withdraw(
    number: Annotated[
        int, Argument(metavar="NUMBER", help="Its number, as the list shows it.", min=1, show_default=False)
    ],
    *,
    terms: ChangeTerms,
) -> None:
    """Take planned work back, all of it: it counts for no time any more, and stays in the trail.

    For work that ended early, withdraw it and plan what it was.
    """
    with open_shop(terms) as shop, in_words_of_the_command(_OPTIONS):
        done = _store(shop).withdraw(number, shop.changed_by(terms))
        _answer(done, "withdrawn", shop, terms)


def _store(shop: Shop) -> "MaintenanceStore":
    from farm.ledger.maintenance_store import MaintenanceStore

    return MaintenanceStore(shop.ledger.engine)


def _all(store: "MaintenanceStore", wanted: "MaintenanceFilter") -> "Iterator[PlannedMaintenance]":
    import msgspec

    while True:
        page = store.entries(wanted)
        yield from page.planned
        if page.next is None:
            return
        wanted = msgspec.structs.replace(wanted, after=page.next)


def _answer(done: "PlannedChange", word: str, shop: Shop, terms: ChangeTerms) -> None:
    names, planned, clock = PrinterNames(shop.configuration, shop.ledger), done.planned, shop.clock
    if terms.as_json:
        print_json({"maintenance": _record(planned, names)} | change_answer([done.change]))
        return
    reason = f": {done.change.why}" if done.change.why else ""
    print_line(f"Work {planned.id} on {_about(planned, names)}")
    print_line(f"from {clock.exact(planned.from_ms)} until {clock.exact(planned.to_ms)}")
    print_line(f"{word} by {done.change.who}{reason}")
    print_line(restated_line([done.change], clock))


def _record(planned: "PlannedMaintenance", names: PrinterNames) -> dict[str, Any]:
    from farm.kpi.calendar_record import maintenance_record

    return maintenance_record(planned, _printer_name(planned, names))


def _row(planned: "PlannedMaintenance", names: PrinterNames, shop: Shop) -> list[Cell]:
    return [
        str(planned.id),
        _about(planned, names),
        shop.clock.instant(planned.from_ms),
        shop.clock.instant(planned.to_ms),
        planned.who,
        shop.clock.instant(planned.withdrawn_ms),
        planned.why or NOTHING,
    ]


def _about(planned: "PlannedMaintenance", names: PrinterNames) -> str:
    if planned.group is not None:
        return f"group {planned.group}"
    return _printer_name(planned, names) or "the whole farm"


def _printer_name(planned: "PlannedMaintenance", names: PrinterNames) -> str | None:
    return None if planned.printer_id is None else names.printers[planned.printer_id].name


app.command("list", cls=Command, epilog=LIST_EXAMPLES)(list_planned)
app.command(cls=Command, epilog=PLAN_EXAMPLES)(plan)
app.command(cls=Command, epilog=WITHDRAW_EXAMPLES)(withdraw)
