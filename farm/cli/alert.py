"""`layerline alert`: what a person does about an alert."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from typer import Argument, Option, Typer

from farm.cli import alert_silences, alert_testing
from farm.cli.changing import LookTerms, Shop, open_shop
from farm.cli.help import Command, Group
from farm.cli.output import counted, print_json, print_line
from farm.cli.terms import WhoOption, in_words_of_the_command, user_name, with_options_of
from farm.tables import NOTHING, Cell, Column, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.ledger.acknowledgement_store import AcknowledgementStore
    from farm.ledger.ledger import Ledger
    from farm.model.alert import Alert
    from farm.model.alert_action import AlertAction

ACK_EXAMPLES = """
layerline alert ack 0f6b1a52                      you see to it, for four hours
layerline alert ack 0f6b1a52 --for 2h --note "new nozzle on its way"
layerline alert ack 0f6b1a52 6a51c0c9 --until 2026-11-27T12:00 --who olga
"""
UNACK_EXAMPLES = """
layerline alert unack 0f6b1a52 --note "no time today"
"""
RESOLVE_EXAMPLES = """
layerline alert resolve 0f6b1a52 --why "nozzle replaced"
"""
TRAIL_EXAMPLES = """
layerline alert trail                             what people did lately
layerline alert trail --alert 0f6b1a52 --json
"""

_SHORTEST_PREFIX = 4
_SHORT_ID = 8
_ARGUMENTS = {"alert": "ALERT"}
_SHOWN = 50
_TRAIL = (
    Column("at", right=True),
    Column("what"),
    Column("who", name=True),
    Column("about"),
    Column("why", below=True),
)

app = Typer(
    cls=Group,
    no_args_is_help=True,
    help="Acknowledge alerts, resolve them by hand, and silence those that would come.",
)

AlertsArgument: TypeAlias = Annotated[
    list[str],
    Argument(
        metavar="ALERT",
        help="The alerts: each its id, or how it begins, 4 characters or more.",
        show_default=False,
    ),
]
NoteOption: TypeAlias = Annotated[str, Option("--note", metavar="TEXT", help="A note, kept in the trail.")]


@dataclass(frozen=True, kw_only=True)
class SayTerms(LookTerms):
    """By whom something is said, to which ledger, and how the answer is shown."""

    who: WhoOption = None


with_say_terms = with_options_of(SayTerms)
with_look_terms = with_options_of(LookTerms)


@with_say_terms
def ack(
    alerts: AlertsArgument,
    length: Annotated[
        str | None, Option("--for", metavar="TIME", help="For how long, like 2h or 3d; else four hours.")
    ] = None,
    until: Annotated[
        str | None, Option("--until", metavar="TIME", help="Until when: a date or a time.")
    ] = None,
    note: NoteOption = "",
    *,
    terms: SayTerms,
) -> None:
    """Say that you see to firing alerts: they are not repeated until then.

    That one is resolved is told all the same. With --json an array of the objects of /api/v1/alerts.
    """
    from farm.model.acknowledgement import USUAL_MS

    with open_shop(terms) as shop, in_words_of_the_command(_ARGUMENTS):
        ids = [alert_called(shop.ledger, word).id for word in alerts]
        given = store_of(shop).acknowledge(
            ids,
            who=terms.who or user_name(),
            note=note,
            until_ms=alert_silences.end_of(shop, length, until, usual_ms=USUAL_MS),
            now_ms=shop.clock.now_ms,
        )
        words = f"acknowledged by {given[0].who} until {shop.clock.exact(given[0].until_ms)}"
        _answer(shop, terms, ids, words, note)


@with_say_terms
def unack(alerts: AlertsArgument, note: NoteOption = "", *, terms: SayTerms) -> None:
    """Take acknowledgements back: the alerts are repeated again, at once where that is due.

    With --json an array of the objects of /api/v1/alerts.
    """
    with open_shop(terms) as shop, in_words_of_the_command(_ARGUMENTS):
        ids = [alert_called(shop.ledger, word).id for word in alerts]
        who = terms.who or user_name()
        store_of(shop).take_back(ids, who=who, note=note, now_ms=shop.clock.now_ms)
        _answer(shop, terms, ids, f"no longer acknowledged, says {who}", note)


@with_say_terms
def resolve(
    alerts: AlertsArgument,
    why: Annotated[str, Option("--why", metavar="TEXT", help="Why it is over.", show_default=False)],
    *,
    terms: SayTerms,
) -> None:
    """Resolve firing alerts by hand. Those who were told that they fire are told this too.

    The same evidence does not open them again; another failed print does. With --json an array of
    the objects of /api/v1/alerts.
    """
    with open_shop(terms) as shop, in_words_of_the_command(_ARGUMENTS):
        ids = [alert_called(shop.ledger, word).id for word in alerts]
        who = terms.who or user_name()
        store_of(shop).close(ids, who=who, why=why, now_ms=shop.clock.now_ms)
        _answer(shop, terms, ids, f"resolved by {who}", why)


@with_look_terms
def trail(
    alert: Annotated[
        str | None,
        Option("--alert", metavar="ALERT", help="Only about this alert: its id, or how it begins."),
    ] = None,
    limit: Annotated[
        int, Option("--limit", "-n", metavar="N", min=1, max=1000, help="At most so many, newest first.")
    ] = _SHOWN,
    *,
    terms: LookTerms,
) -> None:
    """Show what people did about alerts and with silences, newest first.

    With --json an array of the objects of /api/v1/alert-actions.
    """
    from farm.ledger.alert_trail import AlertTrail
    from farm.model.alert_record import alert_action_record

    with open_shop(terms) as shop:
        alert_id = None if alert is None else alert_called(shop.ledger, alert).id
        found = AlertTrail(shop.ledger.engine).actions(alert_id=alert_id, limit=limit).actions
        if terms.as_json:
            print_json([alert_action_record(each) for each in found])
        elif not found:
            print_line("Nobody did anything about an alert.")
        else:
            print_table(_TRAIL, [_row(each, shop) for each in found], title=shop.clock.told)


def alert_called(ledger: "Ledger", prefix: str) -> "Alert":
    """The one alert whose id begins so. Raises InvalidQuery for none, or several."""
    from farm.errors import InvalidQuery
    from farm.ledger.alert_store import AlertStore

    if len(prefix) < _SHORTEST_PREFIX:
        raise InvalidQuery(f"alert {prefix}: give at least {_SHORTEST_PREFIX} characters of its id")
    found = AlertStore(ledger.engine).alerts_with_prefix(prefix.lower(), limit=3)
    if not found:
        raise InvalidQuery(f"alert {prefix}: there is no such alert; `layerline alerts` shows their ids")
    if len(found) > 1:
        ids = ", ".join(alert.id for alert in found[:2])
        raise InvalidQuery(f"alert {prefix}: several begin so: {ids}{' ...' if len(found) > 2 else ''}")
    return found[0]


def store_of(shop: Shop) -> "AcknowledgementStore":
    """The store of what people do about alerts."""
    from farm.ledger.acknowledgement_store import AcknowledgementStore

    return AcknowledgementStore(shop.ledger.engine)


def _answer(shop: Shop, terms: SayTerms, alert_ids: "Sequence[str]", words: str, note: str) -> None:
    from farm.cli.standing import farm_view

    view = farm_view(shop.configuration, shop.ledger)
    found = view.alert_store.alerts_by_id(alert_ids)
    if terms.as_json:
        print_json([each.model_dump(mode="json") for each in view.alerts(found)])
        return
    for alert in found:
        print_line(alert.title)
    print_line(f"{counted(len(found), 'alert')} {words}{f': {note.strip()}' if note.strip() else ''}")


def _row(action: "AlertAction", shop: Shop) -> list[Cell]:
    about = f"silence {action.silence_id}" if action.alert_id is None else action.alert_id[:_SHORT_ID]
    return [
        shop.clock.instant(action.at_ms),
        action.what.value.partition(".")[2],
        action.who,
        about,
        action.why or NOTHING,
    ]


app.command(cls=Command, epilog=ACK_EXAMPLES)(ack)
app.command(cls=Command, epilog=UNACK_EXAMPLES)(unack)
app.command(cls=Command, epilog=RESOLVE_EXAMPLES)(resolve)
app.command(cls=Command, epilog=alert_silences.SILENCE_EXAMPLES)(alert_silences.silence)
app.command(cls=Command, epilog=alert_silences.SILENCES_EXAMPLES)(alert_silences.silences)
app.command(cls=Command, epilog=alert_silences.UNSILENCE_EXAMPLES)(alert_silences.unsilence)
app.command(cls=Command, epilog=TRAIL_EXAMPLES)(trail)
app.command("test", cls=Command, epilog=alert_testing.TEST_EXAMPLES)(alert_testing.send_test)
