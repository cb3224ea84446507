"""First-pass yield: how many parts are good at the first attempt, without a reprint."""

from typing import Final

from farm.kpi.attempt_parts import Attempted, AttemptMeasure
from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import least, most, ratio
from farm.kpi.indicator import Cadence, Indicator, Unit
from farm.kpi.parts import EVERY_OUTCOME, EndedJobs, LeftOut, Part, Remainder, Together
from farm.kpi.targets import Profile, Target
from farm.kpi.wilson import wilson_interval


def first_pass_yield(given: KpiInput) -> KpiResult:
    """Good units ÷ units of the first attempts, a ratio; None before one ended in a known way.

    Attempts of unknown outcome were good at best, and not at worst. What followed them are reprints, which
    are no first attempts, if they were not good: at best what was not good, at worst what was.
    """
    told = given.outcomes.attempts
    value = ratio(told.good_parts, told.parts)
    possible, best = told.parts + told.unknown_parts, told.good_parts + told.unknown_parts
    doubtful_bad = told.doubtful_parts - told.doubtful_good_parts
    surely_good = told.good_parts - told.doubtful_good_parts
    surely_possible = possible - told.doubtful_good_parts
    return KpiResult(
        value=value,
        low=least(value, ratio(told.good_parts, possible), ratio(surely_good, surely_possible)),
        high=most(value, ratio(best, possible), ratio(best, possible - doubtful_bad)),
        interval=wilson_interval(told.good_parts, told.parts),
    )


_FIRST: Final = Attempted(of=AttemptMeasure.ATTEMPTS)
_REPRINTS: Final = Attempted(of=AttemptMeasure.REPRINTS)
_UNKNOWN_PARTS: Final = Attempted(of=AttemptMeasure.UNKNOWN_PARTS)

FIRST_PASS_YIELD = Indicator(
    id="first_pass_yield",
    name="First-pass yield",
    unit=Unit.RATIO,
    formula="good units of the first attempts ÷ units of the first attempts",
    source="guides of service-bureau and jewelry; ISO 22400-2 (first pass yield)",
    more_is_better=True,
    cadences=(Cadence.WEEKLY,),
    targets=(
        Target(profile=Profile.SERVICE_BUREAU, low=0.92),
        Target(profile=Profile.JEWELRY, low=0.90, meaning="its success rate is of first attempts"),
    ),
    parts=(
        Part("parts", Attempted(of=AttemptMeasure.PARTS)),
        Part("good_parts", Attempted(of=AttemptMeasure.GOOD_PARTS)),
        Part("unknown_parts", _UNKNOWN_PARTS),
        Part("doubtful_parts", Attempted(of=AttemptMeasure.DOUBTFUL_PARTS)),
        Part("attempts", _FIRST),
        Part("reprints", _REPRINTS),
    ),
    expression="good_parts ÷ parts",
    left_out=(
        LeftOut(
            "outcome_unknown",
            "its units may be good or not: they open the range",
            _UNKNOWN_PARTS,
        ),
        LeftOut("reprint", "it printed again what an attempt before did not bring", _REPRINTS),
        LeftOut(
            "no_attempt",
            "a person cancelled it, or nobody knows how it ended",
            Remainder(whole=EndedJobs(outcomes=EVERY_OUTCOME), less=Together(one=_FIRST, other=_REPRINTS)),
        ),
    ),
    calculate=first_pass_yield,
    reads=frozenset({Tally.FIRST_ATTEMPTS}),
)
