"""The rules that raise alerts, one file each, found by listing this folder."""

import importlib
import pkgutil
from functools import cache

from alerts.rules.base import JobRule


@cache
def rule_types() -> dict[str, type[JobRule]]:
    """Every rule by its name; `base` and `_…` are none."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    modules = [
        importlib.import_module(f"{__name__}.{name}")
        for name in sorted(names)
        if name != "base" and not name.startswith("_")
    ]
    return {module.RULE.name: module.RULE for module in modules}
