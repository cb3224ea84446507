"""Of whom or of what a figure is: printers by what they are, or prints by what they say of themselves."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from farm.errors import InvalidQuery
from farm.model.printer import Printer

NO_NAME: Final = ""
"""The id of what holds the printers without a group or model, and the prints that say nothing."""
MOST_SCOPES: Final = 3
"""By so many scopes at once figures are told apart."""


class Scope(StrEnum):
    """By what figures are told apart."""

    PRINTER = "printer"
    GROUP = "group"
    MODEL = "model"
    SITE = "site"
    FARM = "farm"
    FILE = "file"
    MATERIAL = "material"
    OPERATOR = "operator"
    SPOOL = "spool"
    CAUSE = "cause"
    """Why prints failed."""
    HOUR = "hour"
    """The hour of the day in which prints ended, 0 to 23, on the farm's clock."""
    WEEKDAY = "weekday"
    """The day of the week on which they ended, 1 for Monday to 7, on the farm's clock."""


Scopes: TypeAlias = tuple[Scope, ...]
"""Some of them together."""

OF_PRINTERS: Final = frozenset({Scope.PRINTER, Scope.GROUP, Scope.MODEL, Scope.SITE, Scope.FARM})
"""What stands for printers with their hours; the others stand for prints alone."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


_TEXT_OF: Final[Mapping[Scope, Callable[[Printer], str | None]]] = {
    scope: attrgetter(scope.value) for scope in (Scope.GROUP, Scope.MODEL, Scope.SITE)
}
_WORDS = "|".join(Scope)
SCOPES_PATTERN: Final = rf"^({_WORDS})(,({_WORDS})){{0,{MOST_SCOPES - 1}}}$"
"""A regular expression that all texts fulfil that name scopes, for whoever checks before asking."""


class Named(NamedTuple):
    """What a subject is called: by its id it is asked for again, by its label people read it."""

    id: str
    label: str


class Subject(msgspec.Struct, frozen=True):
    """Whose figures are taken.

    `scope` is a word of `Scope`, or several with commas between. Of one, `id` is the printer's id, the
    name of group, model or site, the text of file, material, operator or spool, the cause's word, or the
    number of hour or weekday; of several it is a JSON list of these. A subject of prints has no `printers`.
    """

    scope: str
    id: str
    label: str
    printers: tuple[Printer, ...] = ()


def parse_scopes(text: str) -> Scopes:
    """The scopes that `text` names, with commas between. Raises InvalidQuery, which says what may be."""
    words = [word.strip() for word in text.split(",")]
    if unknown := [word for word in words if word not in list(Scope)]:
        raise InvalidQuery(f"{unknown[0]}: must be one of {', '.join(Scope)}, or some with commas between")
    found = tuple(Scope(word) for word in words)
    if len(set(found)) < len(found) or (Scope.FARM in found and len(found) > 1) or len(found) > MOST_SCOPES:
        raise InvalidQuery(
            f"{text}: must be at most {MOST_SCOPES} different scopes, and the farm stands alone"
        )
    return found


def as_scopes(by: Scope | Scopes) -> Scopes:
    """One scope as some."""
    return (by,) if isinstance(by, Scope) else by


def together(names: Sequence[Named]) -> Named:
    """What a subject by several scopes is called."""
    if len(names) == 1:
        return names[0]
    ids = json.dumps([each.id for each in names], ensure_ascii=False, separators=(",", ":"))
    return Named(ids, " · ".join(each.label for each in names))


def named(scope: Scope, text: str | None) -> Named:
    """What printers or prints are called that say `text` of themselves."""
    return Named(text, text) if text else Named(NO_NAME, f"no {scope.value}")


def name_of(printer: Printer, scope: Scope, farm_name: str) -> Named:
    """What the subject of the printer is called, by a scope of printers."""
    if scope is Scope.FARM:
        return Named(farm_name, farm_name)
    if scope is Scope.PRINTER:
        return Named(printer.id, printer.name)
    return named(scope, _TEXT_OF[scope](printer))


def subjects_of(printers: Iterable[Printer], by: Scope | Scopes, farm_name: str) -> list[Subject]:
    """The printers put together as `by` says, in the order of their names; those without one come first.

    The farm is there even without a printer.
    """
    scopes = as_scopes(by)
    word = ",".join(scopes)
    ordered = sorted(printers, key=lambda printer: (printer.name, printer.id))
    if scopes == (Scope.FARM,):
        return [Subject(word, farm_name, farm_name, tuple(ordered))]

    parts: dict[tuple[Named, ...], list[Printer]] = {}
    for printer in ordered:
        names = tuple(name_of(printer, scope, farm_name) for scope in scopes)
        parts.setdefault(names, []).append(printer)
    return [
        Subject(word, *together(names), tuple(members))
        for names, members in sorted(parts.items(), key=lambda part: _place(part[0]))
    ]


def _place(names: Sequence[Named]) -> list[tuple[bool, str, str]]:
    """By their labels; what has no name comes first."""
    return [(bool(each.id), each.label, each.id) for each in names]
