"""The protocols that simulated printers speak: one file each, found by listing this folder."""

import pkgutil
from functools import cache
from importlib import import_module
from typing import NamedTuple

from simulators.protocols.base import FrontEnd


class SimulatedProtocol(NamedTuple):
    """A protocol: its name, what speaks it, and the `--source` that reads it.

    `source` holds `{printer}` where the printer's name stands, and so gives its prefix.
    `share` is how common it is in a mixed farm. `adapter` is the adapter that reads it.
    `step_ms` is how exactly it tells when a state changed: its clock's step, or the time between
    two looks at what has changed. It may tell how many units a plate holds, and preparing apart from
    printing.
    """

    name: str
    front_end: type[FrontEnd]
    adapter: str
    source: str
    share: float
    step_ms: int
    tells_units: bool = False
    tells_preparing: bool = True


@cache
def protocols() -> dict[str, SimulatedProtocol]:
    """Every protocol by its name."""
    found: dict[str, SimulatedProtocol] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name == "base" or module.name.startswith("_"):
            continue
        for protocol in import_module(f"{__name__}.{module.name}").PROTOCOLS:
            found[protocol.name] = protocol
    return found


def step_ms(adapter: str) -> int:
    """How exactly printers that the adapter reads tell when a state changed, at worst (ms)."""
    return max(protocol.step_ms for protocol in protocols().values() if protocol.adapter == adapter)


def tells_units(adapter: str) -> bool:
    """Whether printers that the adapter reads tell how many units a plate holds."""
    return all(protocol.tells_units for protocol in protocols().values() if protocol.adapter == adapter)


def tells_preparing(adapter: str) -> bool:
    """Whether printers that the adapter reads tell preparing apart from printing."""
    return all(protocol.tells_preparing for protocol in protocols().values() if protocol.adapter == adapter)
