"""The rules that raise alerts, one file each, found by listing this folder."""

import importlib
import pkgutil
from functools import cache
from typing import Any

from alerts.rules.base import JobRule, PrinterRule, RuleSettings

AnyRule = JobRule[Any] | PrinterRule[Any]


@cache
def rule_types() -> dict[str, type[AnyRule]]:
    """Every rule by its kind; `base` and `_…` are none."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    modules = [
        importlib.import_module(f"{__name__}.{name}")
        for name in sorted(names)
        if name != "base" and not name.startswith("_")
    ]
    return {_kind_of(module.RULE.settings_type): module.RULE for module in modules}


def make_rule(settings: RuleSettings) -> AnyRule:
    """The rule with these settings."""
    return rule_types()[_kind_of(type(settings))](settings)


def _kind_of(settings: type[RuleSettings]) -> str:
    kind: str = settings.model_fields["kind"].default
    return kind
