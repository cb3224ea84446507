"""Groups of printers by name, as people ask for them."""

from collections.abc import Collection
from difflib import get_close_matches

from farm.errors import InvalidInput


def see_that_group_is_known(group: str, groups: Collection[str]) -> None:
    """See that the group is one of those that printers are in.

    Raises InvalidInput, naming those that are spelt nearly so, or what puts printers into groups.
    """
    if group not in groups:
        near = get_close_matches(group, groups, n=3)
        hint = f"nearest: {', '.join(near)}" if near else "`group` under [[printers]] puts printers into one"
        raise InvalidInput("group", group, f"no printer is in a group of this name; {hint}")
