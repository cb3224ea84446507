"""The value of a figure as people would write it down: names of sums, signs and numbers."""

import re
from collections.abc import Mapping

_NAME = re.compile(r"[a-z_]+")


def with_numbers(expression: str, shown: Mapping[str, str]) -> str:
    """The expression with each name replaced by what is `shown` for it. Raises KeyError for one without."""
    return _NAME.sub(lambda found: shown[found[0]], expression)


def names_in(expression: str) -> list[str]:
    """The names of sums in the expression, in their order."""
    return _NAME.findall(expression)
