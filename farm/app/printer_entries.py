"""What entries of `[[printers]]` cannot have in common."""

import json
from collections.abc import Iterator, Sequence

from farm.settings import PrinterSettings


def contradictions(entries: Sequence[PrinterSettings]) -> Iterator[str]:
    """What two entries both have, in words: a name in whatever capitals, a printer, a prefix of topics."""
    names: dict[str, int] = {}
    found_by: dict[str, int] = {}
    prefixes: dict[str, int] = {}
    for position, entry in enumerate(entries):
        key = "name" if entry.rename is None else "rename"
        if (other := names.setdefault(entry.target.casefold(), position)) != position:
            remedy = (
                "give each printer a name of its own; one heard in several ways has one entry with `topics`"
            )
            yield _problem(position, key, entry.target, f"entry number {other + 1} has the name", remedy)
        elif not entry.prefixes and (other := found_by.setdefault(entry.name, position)) != position:
            remedy = "put all about it into one entry"
            yield _problem(position, "name", entry.name, f"entry number {other + 1} is about it", remedy)
        for prefix in entry.prefixes:
            if (other := prefixes.setdefault(prefix, position)) != position:
                key, remedy = "topics" if entry.topics else "topic", "a topic belongs to one printer"
                yield _problem(position, key, prefix, f"entry number {other + 1} has the prefix", remedy)


def _problem(position: int, key: str, value: str, fault: str, remedy: str) -> str:
    place = f"printers[{position}].{key} (number {position + 1} of [[printers]])"
    return f"{place} = {json.dumps(value, ensure_ascii=False)}: {fault} already; {remedy}"
