"""What a check came to."""

from enum import StrEnum

import msgspec


class CheckStatus(StrEnum):
    """How a check came out. A warning is worth knowing and stops nothing."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Diagnosis(msgspec.Struct, frozen=True):
    """One thing that was checked: what was seen, and what to do or what it costs."""

    what: str
    status: CheckStatus
    seen: str
    remedy: str = ""


def ok(what: str, seen: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(what, CheckStatus.OK, seen)


def warning(what: str, seen: str, remedy: str = "") -> Diagnosis:
    """Worth knowing."""
    return Diagnosis(what, CheckStatus.WARNING, seen, remedy)


def failed(what: str, seen: str, remedy: str = "") -> Diagnosis:
    """Does not work."""
    return Diagnosis(what, CheckStatus.FAILED, seen, remedy)
