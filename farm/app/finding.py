"""What a check came to."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How a check came out. A warning is worth knowing and stops nothing."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was checked: what was seen, and what to do or what it costs."""

    what: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def ok(what: str, seen: str) -> Finding:
    """All is well."""
    return Finding(what, Verdict.OK, seen)


def warning(what: str, seen: str, remedy: str = "") -> Finding:
    """Worth knowing."""
    return Finding(what, Verdict.WARNING, seen, remedy)


def failed(what: str, seen: str, remedy: str = "") -> Finding:
    """Does not work."""
    return Finding(what, Verdict.FAILED, seen, remedy)
