"""What entries of `[[calendars]]` cannot have in common."""

import json
from collections.abc import Iterator, Sequence

from farm.kpi.calendar_settings import CalendarSettings


def contradictions(entries: Sequence[CalendarSettings]) -> Iterator[str]:
    """What two entries both have, in words: a name, a group, the word for all others."""
    names: dict[str, int] = {}
    groups: dict[str, int] = {}
    default: int | None = None
    for position, entry in enumerate(entries):
        if (other := names.setdefault(entry.name, position)) != position:
            yield _problem(position, "name", entry.name, other, "give each calendar a name of its own")
        for group in entry.groups:
            if (other := groups.setdefault(group, position)) != position:
                yield _problem(position, "groups", group, other, "a group has one calendar")
        if entry.default and default is not None:
            yield _problem(position, "default", entry.default, default, "one calendar is that of all others")
        elif entry.default:
            default = position


def _problem(position: int, key: str, value: object, other: int, remedy: str) -> str:
    place = f"calendars[{position}].{key} (number {position + 1} of [[calendars]])"
    shown = json.dumps(value, ensure_ascii=False)
    return f"{place} = {shown}: entry number {other + 1} has it already; {remedy}"
