"""A verdict as every outer surface shows it: API and command line."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from farm.model.times import rfc3339

if TYPE_CHECKING:
    from farm.model.verdict import Verdict, VerdictChange


def verdict_record(verdict: "Verdict") -> dict[str, Any]:
    """The verdict, its time in RFC 3339."""
    return {
        "job_id": verdict.job_id,
        "good_units": verdict.good_units,
        "rejected_units": verdict.rejected_units,
        "reason": verdict.reason,
        "note": verdict.note,
        "who": verdict.who,
        "at": rfc3339(verdict.at_ms),
        "version": verdict.version,
    }


VERDICT_COLUMNS = (
    "good_units",
    "rejected_units",
    "verdict_reason",
    "verdict_note",
    "verdict_who",
    "verdict_at",
)
"""The names of what a verdict says, where it stands in one row with the job."""


def verdict_columns(verdict: "Verdict | None") -> dict[str, Any]:
    """The verdict by `VERDICT_COLUMNS`, its time in RFC 3339; all None where nobody has inspected the job."""
    if verdict is None:
        return dict.fromkeys(VERDICT_COLUMNS)
    said = (
        verdict.good_units,
        verdict.rejected_units,
        verdict.reason,
        verdict.note,
        verdict.who,
        rfc3339(verdict.at_ms),
    )
    return dict(zip(VERDICT_COLUMNS, said, strict=True))


def verdict_of_job(job_id: str, verdicts: "Mapping[str, Verdict]") -> dict[str, Any] | None:
    """The verdict of that job as a record; None where nobody has inspected it."""
    verdict = verdicts.get(job_id)
    return None if verdict is None else verdict_record(verdict)


def change_record(change: "VerdictChange") -> dict[str, Any]:
    """One step of a verdict's trail; the counts are None where it was withdrawn."""
    return {
        "job_id": change.job_id,
        "version": change.version,
        "at": rfc3339(change.at_ms),
        "who": change.who,
        "withdrawn": change.is_withdrawal,
        "good_units": change.good_units,
        "rejected_units": change.rejected_units,
        "reason": change.reason,
        "note": change.note,
    }
