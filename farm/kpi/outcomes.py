"""How the jobs of a window ended, in sums."""

from collections.abc import Mapping

import msgspec

from farm.model.states import CancelledBy, Cause, Outcome


class RejectedMaterial(msgspec.Struct, frozen=True):
    """What the rejected units of jobs took that the printer had called a success: their share of the job's.

    Micrometres are of jobs that say neither grams nor millilitres, microlitres of those that say no grams.
    """

    milligrams: int = 0
    micrometres: int = 0
    microlitres: int = 0


class InspectionTally(msgspec.Struct, frozen=True):
    """Jobs that were inspected after the printer had called them a success, those of them without a good
    unit, and good and rejected units of all that were inspected.

    `lost_units` are those of the jobs that the printer had called a success less the good ones,
    `saved_units` the good ones of failed jobs and `kept_units` those of cancelled ones. A person may count
    other units than the job says: `more_units` are so many more of successes and failed jobs, and
    `more_cancelled_units` of cancelled ones. With fewer they are below 0.
    """

    jobs: int = 0
    spoiled: int = 0
    good_units: int = 0
    rejected_units: int = 0
    lost_units: int = 0
    saved_units: int = 0
    kept_units: int = 0
    more_units: int = 0
    more_cancelled_units: int = 0
    rejected: RejectedMaterial = RejectedMaterial()


class MaterialTally(msgspec.Struct, frozen=True):
    """Material that jobs used, in sums of whole units, over the jobs of which it is known.

    `weighed` jobs say their grams and come to `milligrams`; `measured` jobs say the length of their
    filament and come to `micrometres`; `metered` jobs say the millilitres of their resin and come to
    `microlitres`. A job that used nothing is in them with 0. What a job that says no grams says otherwise
    is once more in `unweighed_micrometres`, and in `unweighed_microlitres` where it says both. `silent`
    jobs say nothing.
    """

    weighed: int = 0
    milligrams: int = 0
    measured: int = 0
    micrometres: int = 0
    metered: int = 0
    microlitres: int = 0
    unweighed_micrometres: int = 0
    unweighed_microlitres: int = 0
    silent: int = 0

    @property
    def grams(self) -> float:
        """Grams of the jobs that say them."""
        return self.milligrams / 1_000

    @property
    def millimetres(self) -> float:
        """Millimetres of filament of the jobs that say them."""
        return self.micrometres / 1_000

    @property
    def millilitres(self) -> float:
        """Millilitres of resin of the jobs that say them."""
        return self.microlitres / 1_000


class EstimateTally(msgspec.Struct, frozen=True):
    """Estimates held against what it took, over the jobs that succeeded, printed and carry an estimate.

    `expected_ms` is the sum of the estimates of the source (the slicer's), `actual_ms` that of the
    printing time, `off_ms` that of the differences whichever way they go. Of actual ÷ expected, job by
    job, `thousandths` is the sum in 1/1,000 and `squared` that of the squares in 1/1,000,000, so that mean
    and spread follow from them: a ratio counts as at most 300.
    """

    jobs: int = 0
    expected_ms: int = 0
    actual_ms: int = 0
    off_ms: int = 0
    thousandths: int = 0
    squared: int = 0


class MedianTally(msgspec.Struct, frozen=True):
    """Jobs that succeeded, printed and carry no estimate, held against how long their files take.

    `median_ms` is the sum of the medians of the printing times of their files, over all jobs of a file that
    succeeded, and `actual_ms` that of their own.
    """

    jobs: int = 0
    median_ms: int = 0
    actual_ms: int = 0


class AttemptTally(msgspec.Struct, frozen=True):
    """First attempts and reprints, jobs each, and the units of the first attempts.

    `parts` are those of which it is known what they came to, `good_parts` the good ones of them,
    `unknown_parts` the others. The `doubtful` ones among the first two are of jobs that are reprints if an
    attempt of unknown outcome before them was not good.
    """

    attempts: int = 0
    reprints: int = 0
    parts: int = 0
    good_parts: int = 0
    unknown_parts: int = 0
    doubtful_parts: int = 0
    doubtful_good_parts: int = 0


class OutcomeTally(msgspec.Struct, frozen=True):
    """Jobs that ended, by outcome; what is missing from a mapping is none.

    `jobs`, their `units`, and the time (ms) that they spent printing, preparing and paused. `cancelled_by`
    parts the cancelled jobs by who did it, `failed_by` the failed ones by cause (the sum is
    `jobs[Outcome.FAILED]`; one without a cause counts as `Cause.UNKNOWN`).
    """

    jobs: Mapping[Outcome, int]
    units: Mapping[Outcome, int]
    cancelled_by: Mapping[CancelledBy, int]
    printing_ms: Mapping[Outcome, int] = {}
    inspected: InspectionTally = InspectionTally()
    preparing_ms: Mapping[Outcome, int] = {}
    paused_ms: Mapping[Outcome, int] = {}
    material: Mapping[Outcome, MaterialTally] = {}
    failed_by: Mapping[Cause, int] = {}
    estimates: EstimateTally = EstimateTally()
    by_median: MedianTally = MedianTally()
    attempts: AttemptTally = AttemptTally()

    @property
    def ended(self) -> int:
        """All jobs that ended, however they did."""
        return sum(self.jobs.values())

    def jobs_by_outcome(self) -> dict[str, int]:
        """The number of jobs of every outcome, by its word."""
        return {outcome.value: self.jobs.get(outcome, 0) for outcome in Outcome}

    def material_of(self, outcome: Outcome) -> MaterialTally:
        """What the jobs of that outcome used."""
        return self.material.get(outcome, MaterialTally())
