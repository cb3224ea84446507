"""The receivers of alerts, one file each, found by listing this folder."""

import importlib
import pkgutil
from functools import cache
from typing import Any

from alerts.notifiers.base import Notifier, NotifierSettings

NotifierType = type[Notifier[Any, Any]]


@cache
def notifier_types() -> dict[str, NotifierType]:
    """Every notifier by the kind that its settings name; `base` and `_…` are none."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    modules = [
        importlib.import_module(f"{__name__}.{name}")
        for name in sorted(names)
        if name != "base" and not name.startswith("_")
    ]
    return {_kind(module.NOTIFIER): module.NOTIFIER for module in modules}


def make_notifier(settings: NotifierSettings) -> Notifier[Any, Any]:
    """The notifier for these settings."""
    return notifier_types()[_kind_of(settings)](settings)


def _kind(notifier: NotifierType) -> str:
    kind: str = notifier.settings_type.model_fields["kind"].default
    return kind


def _kind_of(settings: NotifierSettings) -> str:
    kind: str = type(settings).model_fields["kind"].default
    return kind
