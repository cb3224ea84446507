"""`layerline alert silence`: alerts that match are not told for a while."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from typer import Argument, Option

from farm.cli.changing import ChangeTerms, LookTerms, Shop, open_shop, with_change_terms, with_look_terms
from farm.cli.output import counted, print_json, print_line
from farm.cli.standing import farm_view
from farm.cli.terms import in_words_of_the_command, user_name
from farm.tables import NOTHING, Cell, Column, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from api.farm_view import FarmView
    from farm.ledger.silence_store import SilenceStore
    from farm.model.alert import Alert
    from farm.model.silence import Silence

SILENCE_EXAMPLES = """
layerline alert silence printer=bay1 --for 2h --preview
layerline alert silence printer=bay1 --for 2h --why "new nozzle"
layerline alert silence "group=Hall *" severity=warning --from 2026-12-24 --until 2026-12-26
"""
SILENCES_EXAMPLES = """
layerline alert silences                          in force or to come
layerline alert silences --all --json
"""
UNSILENCE_EXAMPLES = """
layerline alert unsilence 3 --why "the nozzle is in"
"""

_COLUMNS = (
    Column("number", right=True),
    Column("state"),
    Column("alerts", name=True),
    Column("from", right=True, extra=True),
    Column("until", right=True),
    Column("who", name=True, extra=True),
    Column("why", below=True),
)
_ARGUMENTS = {"matchers": "MATCHER", "silence": "NUMBER"}
_PAGE = 500

UntilOption: TypeAlias = Annotated[
    str | None, Option("--until", metavar="TIME", help="When it ends: a date or a time; or --for.")
]


@with_change_terms
def silence(
    matchers: Annotated[
        list[str],
        Argument(
            metavar="MATCHER",
            help="LABEL=PATTERN with rule, printer, group, severity or subject; `*` stands for any signs, "
            "`?` for one. All must match.",
            show_default=False,
        ),
    ],
    length: Annotated[
        str | None, Option("--for", metavar="TIME", help="For how long, like 2h or 3d; or --until.")
    ] = None,
    until: UntilOption = None,
    start: Annotated[
        str | None, Option("--from", metavar="TIME", help="When it begins: a date or a time; else now.")
    ] = None,
    preview: Annotated[
        bool, Option("--preview", help="Only show which alerts it would be about now.")
    ] = False,
    *,
    terms: ChangeTerms,
) -> None:
    """Keep alerts that match from being told for a while.

    What fires meanwhile is recorded, and told when the silence is over and it still fires. With
    --json an object: silence (null with --preview), alerts as in /api/v1/alerts.
    """
    with open_shop(terms) as shop, in_words_of_the_command(_ARGUMENTS):
        wanted, now_ms, store = _matchers(matchers), shop.clock.now_ms, _store(shop)
        from_ms = now_ms if start is None else max(now_ms, shop.clock.moment(start, "--from"))
        end_ms = None if preview and length is until is None else end_of(shop, length, until, from_ms)
        made = None
        if not preview and end_ms is not None:
            made = store.make(
                wanted,
                from_ms=from_ms,
                to_ms=end_ms,
                who=terms.who or user_name(),
                why=terms.why,
                now_ms=now_ms,
            )
        _answer(shop, terms, made, store.caught(wanted))


@with_look_terms
def silences(
    everything: Annotated[bool, Option("--all", "-a", help="Those that are over, too.")] = False,
    *,
    terms: LookTerms,
) -> None:
    """List silences that are in force or to come, made last first.

    With --json an array of the objects of /api/v1/silences.
    """
    with open_shop(terms) as shop:
        found = list(_all(shop, everything=everything))
        if terms.as_json:
            print_json([_record(each, shop) for each in found])
        elif not found:
            print_line("No silences." if everything else "No silence is in force or to come.")
        else:
            print_table(_COLUMNS, [_row(each, shop) for each in found], title=shop.clock.told)


@with_change_terms
def unsilence(
    number: Annotated[
        int, Argument(metavar="NUMBER", help="Its number, as the list shows it.", min=1, show_default=False)
    ],
    *,
    terms: ChangeTerms,
) -> None:
    """End a silence now: what fires still is told."""
    with open_shop(terms) as shop, in_words_of_the_command(_ARGUMENTS):
        store, who = _store(shop), terms.who or user_name()
        ended = store.end(number, who=who, why=terms.why, now_ms=shop.clock.now_ms)
        if terms.as_json:
            print_json(_record(ended, shop))
            return
        reason = f": {terms.why.strip()}" if terms.why.strip() else ""
        print_line(f"Silence {ended.id} of {_about(ended)} ended by {who}{reason}")


def end_of(
    shop: Shop, length: str | None, until: str | None, from_ms: int | None = None, usual_ms: int | None = None
) -> int:
    """When it ends (ms): so long after `from_ms` (else now), or at an instant. Raises InvalidQuery."""
    from farm.errors import InvalidQuery
    from farm.kpi.moments import span_ms

    if length is not None and until is not None:
        raise InvalidQuery("--until: give --for or --until, not both")
    if until is not None:
        return shop.clock.moment(until, "--until", at_end=True)
    lasting_ms = usual_ms if length is None else span_ms(length)
    if lasting_ms is None and length is None:
        raise InvalidQuery("--for: say for how long, like 2h, or with --until until when")
    if lasting_ms is None:
        raise InvalidQuery(f"--for {length}: must be a length of time like 90m, 2h, 3d")
    return (shop.clock.now_ms if from_ms is None else from_ms) + lasting_ms


def _matchers(words: "Sequence[str]") -> dict[str, str]:
    from farm.errors import InvalidQuery

    found: dict[str, str] = {}
    for word in words:
        label, sign, pattern = word.partition("=")
        if not sign:
            raise InvalidQuery(f"MATCHER {word}: must be LABEL=PATTERN, like printer=bay1")
        if label.strip() in found:
            raise InvalidQuery(f"MATCHER {word}: {label} is named twice; make a silence for each")
        found[label.strip()] = pattern
    return found


def _store(shop: Shop) -> "SilenceStore":
    from farm.ledger.silence_store import SilenceStore

    return SilenceStore(shop.ledger.engine)


def _all(shop: Shop, *, everything: bool) -> "Iterator[Silence]":
    mark = None
    while True:
        page = _store(shop).silences(shop.clock.now_ms, everything=everything, after=mark, limit=_PAGE)
        yield from page.silences
        mark = page.next
        if mark is None:
            return


def _answer(shop: Shop, terms: ChangeTerms, made: "Silence | None", caught: "Sequence[Alert]") -> None:
    if terms.as_json:
        view: FarmView = farm_view(shop.configuration, shop.ledger)
        alerts = [each.model_dump(mode="json") for each in view.alerts(caught)]
        print_json({"silence": None if made is None else _record(made, shop), "alerts": alerts})
        return
    clock = shop.clock
    if made is not None:
        print_line(f"Silence {made.id} of {_about(made)}")
        print_line(f"from {clock.exact(made.from_ms)} until {clock.exact(made.to_ms)}, says {made.who}")
    verb = "matches" if len(caught) == 1 else "match"
    print_line(f"{counted(len(caught), 'alert')} of those that fire now {verb}.")
    for alert in caught:
        print_line(f"  {alert.title}", indent=4)


def _record(silence: "Silence", shop: Shop) -> dict[str, Any]:
    from farm.model.alert_record import silence_record_at

    return silence_record_at(silence, shop.clock.now_ms)


def _row(silence: "Silence", shop: Shop) -> list[Cell]:
    clock = shop.clock
    return [
        str(silence.id),
        silence.state(clock.now_ms).value.replace("_", " "),
        _about(silence),
        clock.instant(silence.from_ms),
        clock.instant(silence.over_ms),
        silence.who,
        silence.why or NOTHING,
    ]


def _about(silence: "Silence") -> str:
    return ", ".join(f"{label}={pattern}" for label, pattern in silence.matchers.items())
