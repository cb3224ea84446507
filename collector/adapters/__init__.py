"""The adapters, found by listing this folder."""

import importlib
import pkgutil
from functools import cache

from collector.adapters.base import Adapter
from farm.errors import ConfigurationError


@cache
def adapters() -> dict[str, Adapter]:
    """Every adapter by its kind."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name == "base" or module.name.startswith("_"):
            continue
        adapter: Adapter = importlib.import_module(f"{__name__}.{module.name}").ADAPTER
        found[adapter.kind] = adapter
    return found


def adapter(kind: str) -> Adapter:
    """The adapter `kind`. Raises ConfigurationError naming the kinds there are."""
    try:
        return adapters()[kind]
    except KeyError:
        allowed = ", ".join(sorted(adapters()))
        raise ConfigurationError(f"adapter {kind!r} does not exist; allowed: {allowed}") from None
