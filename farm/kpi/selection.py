"""Whose figures are wanted, where not everybody's are."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Final

import msgspec

from farm.errors import InvalidQuery
from farm.kpi.subjects import NO_NAME, Scope
from farm.model.printer import Printer

_MOST_COMPARED: Final = 2_000
"""With so many names at most a name that there is not is compared, which takes a while each."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The names of those wanted, None for all. "" stands for those without: no group, no material.

    Printers go by id or name. With files, materials, operators or spools the prints of these alone count, and
    the figures are of prints: nobody's hours are theirs.
    """

    printers: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None
    materials: tuple[str, ...] | None = None
    operators: tuple[str, ...] | None = None
    spools: tuple[str, ...] | None = None

    def texts(self) -> Mapping[Scope, tuple[str, ...]]:
        """What prints must say, by what they say it of."""
        asked = {
            Scope.FILE: self.files,
            Scope.MATERIAL: self.materials,
            Scope.OPERATOR: self.operators,
            Scope.SPOOL: self.spools,
        }
        return {scope: texts for scope, texts in asked.items() if texts is not None}

    def among(self, printers: Iterable[Printer]) -> list[Printer]:
        """Those of the printers that are wanted. Raises InvalidQuery for a name that none of them has."""
        known = list(printers)
        if self.printers is not None:
            check("printer", self.printers, {word for each in known for word in (each.id, each.name)})
            known = [each for each in known if each.id in self.printers or each.name in self.printers]
        if self.groups is not None:
            check("group", self.groups, {each.group or NO_NAME for each in known})
            known = [each for each in known if (each.group or NO_NAME) in self.groups]
        if self.models is not None:
            check("model", self.models, {each.model or NO_NAME for each in known})
            known = [each for each in known if (each.model or NO_NAME) in self.models]
        return known


EVERYBODY: Final = Selection()


def check(kind: str, asked: Iterable[str], known: Collection[str]) -> None:
    """Raises InvalidQuery, naming the nearest, for a name that is not known."""
    for name in asked:
        if name not in known:
            near = get_close_matches(name, _comparable(name, known), n=3)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            raise InvalidQuery(f"there is no {kind} {name!r}{hint}")


def _comparable(name: str, known: Collection[str]) -> list[str]:
    """What the name is compared with: of many names those that begin alike, or hold it."""
    if len(known) <= _MOST_COMPARED:
        return list(known)
    word = name.casefold()
    alike = (each for each in known if each.casefold().startswith(word[:3]) or word in each.casefold())
    return list(islice(alike, _MOST_COMPARED))
