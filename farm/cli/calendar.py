"""`layerline calendar`: when the shop is open, and for which printers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

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
from farm.cli.output import print_json, print_line
from farm.cli.terms import in_words_of_the_command
from farm.tables import NOTHING, Cell, Column, print_table

if TYPE_CHECKING:
    from farm.cli.times import FarmClock
    from farm.ledger.calendar_store import KnownCalendar
    from farm.model.calendar_change import CalendarChange

LIST_EXAMPLES = """
layerline calendar list
layerline calendar list --json
"""
SHOW_EXAMPLES = """
layerline calendar show shop                      hours, dates, and who changed them
"""
SET_EXAMPLES = """
layerline calendar set shop --hours "mon-fri 08:00-18:00, sat 09:00-13:00" --default
layerline calendar set shop --closed 2026-12-24..2027-01-01 --why "Christmas"
layerline calendar set shop --open "2026-12-19 09:00-14:00"
layerline calendar set shop --holiday "2026-12-25 Christmas Day"
layerline calendar set shop --usual 2026-12-30    hours of the weekday again
"""
ASSIGN_EXAMPLES = """
layerline calendar assign shop --default
layerline calendar assign nights --group "Hall B"
"""
UNASSIGN_EXAMPLES = """
layerline calendar unassign --group "Hall B"      the calendar of all others again
"""
REMOVE_EXAMPLES = """
layerline calendar remove nights --why "one shift only"
"""

COLUMNS = (
    Column("calendar", name=True),
    Column("holds for", name=True),
    Column("kept in"),
    Column("version", right=True, extra=True),
    Column("dates", right=True, extra=True),
    Column("hours", below=True),
)
CHANGE_COLUMNS = (
    Column("changed", right=True),
    Column("what"),
    Column("who", name=True),
    Column("restates from", right=True, extra=True),
    Column("why", below=True),
)
_TRAIL_LENGTH = 20
_OPTIONS = {
    "exceptions": "--closed or --open",
    "holidays": "--holiday",
    "name": "NAME",
    "calendar": "NAME",
    "version": "NAME",
}

app = Typer(
    cls=Group,
    no_args_is_help=True,
    help="Say when the shop is open: weekly hours, holidays, other hours on a date.",
)

NameArgument = Annotated[str, Argument(metavar="NAME", help="The calendar's name.", show_default=False)]
GroupsOption: TypeAlias = Annotated[
    list[str] | None,
    Option("--group", metavar="GROUP", help="Printers of this group; repeatable."),
]
DefaultOption: TypeAlias = Annotated[
    bool, Option("--default", help="All printers whose group has no calendar of its own.")
]


@with_look_terms
def list_calendars(*, terms: LookTerms) -> None:
    """List the calendars, and for which printers each holds.

    With --json an array of the objects of /api/v1/calendars.
    """
    with open_shop(terms) as shop:
        found = shop.calendars.calendars()
        if terms.as_json:
            print_json([_record(each, shop) for each in found])
        elif not found:
            print_line("There is no calendar: the shop is always open.")
        else:
            print_table(COLUMNS, [_row(each) for each in found], title=_clock_told(shop))


@with_look_terms
def show(name: NameArgument, *, terms: LookTerms) -> None:
    """Show a calendar: its hours, its dates, for whom it holds, and who changed it last."""
    from farm.ledger.calendar_records import change_record
    from farm.ledger.calendar_trail import CalendarTrail

    with open_shop(terms) as shop:
        known = _known(shop, name)
        trail = CalendarTrail(shop.ledger.engine).changes(calendar=name, limit=_TRAIL_LENGTH).changes
        if terms.as_json:
            print_json(_record(known, shop) | {"changes": [change_record(each) for each in trail]})
            return
        for line in _lines(known, shop):
            print_line(line)
        if trail:
            print_line("")
            print_table(CHANGE_COLUMNS, [_change_row(each, shop.clock) for each in trail])


@with_change_terms
def set_calendar(
    name: NameArgument,
    hours: Annotated[
        str | None,
        Option(
            "--hours",
            metavar="TEXT",
            help='Weekly hours, such as "mon-fri 08:00-12:00 13:00-18:00, sat 09:00-13:00".',
        ),
    ] = None,
    closed: Annotated[
        list[str] | None,
        Option("--closed", metavar="DATES", help="Closed then: a date, or FIRST..LAST; repeatable."),
    ] = None,
    opened: Annotated[
        list[str] | None,
        Option(
            "--open",
            metavar='"DATES HOURS"',
            help='Other hours then, such as "2026-12-19 09:00-14:00"; repeatable.',
        ),
    ] = None,
    holiday: Annotated[
        list[str] | None,
        Option(
            "--holiday",
            metavar='"DATE NAME"',
            help='Closed then, such as "2026-12-25 Christmas Day"; repeatable.',
        ),
    ] = None,
    usual: Annotated[
        list[str] | None,
        Option("--usual", metavar="DATES", help="The hours of the weekday again then; repeatable."),
    ] = None,
    group: GroupsOption = None,
    default: DefaultOption = False,
    *,
    terms: ChangeTerms,
) -> None:
    """Make a calendar, or change one: what no option names stays as it is.

    Times are those of the shop's clock (site.time_zone); 22:00-06:00 goes on into the next day.
    A change restates the past: the answer says from when on open hours are others.
    """
    from farm.cli.calendar_edit import CalendarEdit

    edit = CalendarEdit(
        hours=hours,
        closed=tuple(closed or ()),
        opened=tuple(opened or ()),
        holidays=tuple(holiday or ()),
        usual=tuple(usual or ()),
    )
    with open_shop(terms) as shop, in_words_of_the_command(_OPTIONS):
        store, by = shop.calendars, shop.changed_by(terms)
        known = store.known(name)
        calendar = edit.applied(name, None if known is None else known.calendar)
        held = () if known is None else known.groups
        groups = None if group is None else sorted({*held, *group})
        changes = store.set_calendar(
            calendar,
            by,
            groups=groups,
            default=True if default else None,
            version=0 if known is None else known.version,
        )
        _answer(shop, name, changes, terms)


@with_change_terms
def assign(
    name: NameArgument,
    group: GroupsOption = None,
    default: DefaultOption = False,
    *,
    terms: ChangeTerms,
) -> None:
    """Let a calendar hold for groups of printers, or for all that have no other.

    It restates the past of these printers: the answer says from when on.
    """
    _assign(name, group, terms, default=default)


@with_change_terms
def unassign(
    group: GroupsOption = None,
    default: DefaultOption = False,
    *,
    terms: ChangeTerms,
) -> None:
    """Take the calendar from groups of printers: that of all others holds for them again.

    With --default nothing holds for all others: they are always open.
    """
    _assign(None, group, terms, default=default)


@with_change_terms
def remove(name: NameArgument, *, terms: ChangeTerms) -> None:
    """Take a calendar away: its printers are as if they had never had it. The trail keeps it."""
    with open_shop(terms) as shop, in_words_of_the_command(_OPTIONS):
        changes = shop.calendars.remove_calendar(name, shop.changed_by(terms))
        _answer(shop, name, changes, terms, told=f"Calendar {name} is taken away.")


def _assign(name: str | None, groups: list[str] | None, terms: ChangeTerms, *, default: bool) -> None:
    from farm.errors import InvalidQuery

    if not groups and not default:
        raise InvalidQuery("--group: name a group, or all others with --default")
    with open_shop(terms) as shop, in_words_of_the_command(_OPTIONS):
        by = shop.changed_by(terms)
        changes = shop.calendars.assign(name, by, groups=groups or (), default=default)
        told = (
            "" if name else f"No calendar of their own any more: {_all_named(groups or (), default=default)}."
        )
        _answer(shop, name, changes, terms, told=told)


def _all_named(groups: Sequence[str], *, default: bool) -> str:
    return ", ".join([*groups, *(["all others"] if default else [])])


def _answer(
    shop: Shop, name: str | None, changes: "list[CalendarChange]", terms: ChangeTerms, told: str = ""
) -> None:
    """Show what stands now, or what is `told` in its place, and whether the past is restated."""
    known = None if name is None else shop.calendars.known(name)
    if terms.as_json:
        calendar = None if known is None else _record(known, shop)
        print_json({"calendar": calendar} | change_answer(changes))
        return
    if known is not None:
        for line in _lines(known, shop):
            print_line(line)
    elif told:
        print_line(told)
    print_line(restated_line(changes, shop.clock))


def _known(shop: Shop, name: str) -> "KnownCalendar":
    """The calendar of that name. Raises InvalidQuery where there is none."""
    from farm.cli.names import nearest
    from farm.errors import InvalidQuery

    known = shop.calendars.known(name)
    if known is None:
        names = [each.calendar.name for each in shop.calendars.calendars()]
        near = nearest(name, names) or "; `layerline calendar list` shows all"
        raise InvalidQuery(f"calendar {name}: there is no such calendar{near}")
    return known


def _record(known: "KnownCalendar", shop: Shop) -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    from farm.ledger.calendar_records import known_calendar_record

    return known_calendar_record(known, ZoneInfo(shop.configuration.site.time_zone))


def _row(known: "KnownCalendar") -> list[Cell]:
    from farm.kpi.opening_hours import week_text

    calendar = known.calendar
    return [
        calendar.name,
        _holds_for(known),
        "file" if known.version is None else "ledger",
        NOTHING if known.version is None else str(known.version),
        str(len(calendar.dates)),
        week_text(calendar.hours),
    ]


def _change_row(change: "CalendarChange", clock: "FarmClock") -> list[Cell]:
    return [
        clock.instant(change.at_ms),
        change.what.value.removeprefix("calendar."),
        change.who,
        clock.instant(change.restates_from_ms),
        change.why or NOTHING,
    ]


def _holds_for(known: "KnownCalendar") -> str:
    return _all_named(known.groups, default=known.default) or "nobody"


def _clock_told(shop: Shop) -> str:
    return f"Hours: {shop.configuration.site.time_zone}"


def _lines(known: "KnownCalendar", shop: Shop) -> list[str]:
    from farm.kpi.opening_hours import dates_text, day_text, runs_of_dates, week_text

    calendar = known.calendar
    lines = [
        f"{calendar.name}, on the clock of {shop.configuration.site.time_zone}",
        f"hours      {week_text(calendar.hours)}",
    ]
    closed = [each.day for each in calendar.exceptions if not each.hours]
    lines += [f"closed     {dates_text(first, last)}" for first, last in runs_of_dates(closed)]
    lines += [f"open       {each.day} {day_text(each.hours)}" for each in calendar.exceptions if each.hours]
    lines += [f"holiday    {each.day} {each.name}" for each in calendar.holidays]
    kept = "the configuration file" if known.version is None else f"the ledger, version {known.version}"
    return [*lines, f"holds for  {_holds_for(known)}", f"kept in    {kept}"]


app.command("list", cls=Command, epilog=LIST_EXAMPLES)(list_calendars)
app.command(cls=Command, epilog=SHOW_EXAMPLES)(show)
app.command("set", cls=Command, epilog=SET_EXAMPLES)(set_calendar)
app.command(cls=Command, epilog=ASSIGN_EXAMPLES)(assign)
app.command(cls=Command, epilog=UNASSIGN_EXAMPLES)(unassign)
app.command(cls=Command, epilog=REMOVE_EXAMPLES)(remove)
