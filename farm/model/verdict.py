"""Verdicts: what a person found who inspected a job that had ended. An outcome stays what it is."""

import msgspec

from farm.model.states import RejectionReason


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a job: units that are good, units that are rejected, and why.

    Of the two counts one may be left out: it is the rest of the job's units. `units_differ`
    says on purpose that together they are not as many as the job's.
    """

    job_id: str
    good_units: int | None = None
    rejected_units: int | None = None
    reason: RejectionReason | None = None
    note: str = ""
    units_differ: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The inspection of a job that holds: by whom and when. `version` counts the changes up to it."""

    job_id: str
    good_units: int
    rejected_units: int
    reason: RejectionReason | None
    note: str
    who: str
    at_ms: int
    version: int


class VerdictChange(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a verdict's trail. Where it was withdrawn both counts are None, and `note` says why."""

    job_id: str
    version: int
    at_ms: int
    who: str
    good_units: int | None
    rejected_units: int | None
    reason: RejectionReason | None
    note: str

    @property
    def is_withdrawal(self) -> bool:
        """Whether no verdict stands any more since then."""
        return self.good_units is None

    @property
    def verdict(self) -> Verdict | None:
        """What holds from this step on."""
        if self.good_units is None or self.rejected_units is None:
            return None
        return Verdict(
            job_id=self.job_id,
            good_units=self.good_units,
            rejected_units=self.rejected_units,
            reason=self.reason,
            note=self.note,
            who=self.who,
            at_ms=self.at_ms,
            version=self.version,
        )
