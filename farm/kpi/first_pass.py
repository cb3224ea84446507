"""First-pass yield: how many parts are good at the first attempt, without a reprint."""

from farm.kpi.calculation import KpiInput, KpiResult, Tally
from farm.kpi.columns import least, most, ratio
from farm.kpi.indicator import Cadence, Indicator, Unit
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
        counts={
            "parts": told.parts,
            "good_parts": told.good_parts,
            "unknown_parts": told.unknown_parts,
            "doubtful_parts": told.doubtful_parts,
            "attempts": told.attempts,
            "reprints": told.reprints,
        },
    )


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
    expression="good_parts ÷ parts",
    beside={
        "parts": "units of the first attempts of which it is known what they came to",
        "good_parts": "the good ones of them",
        "unknown_parts": "units of first attempts of which it is not known",
        "doubtful_parts": "those of `parts` that are of reprints if an unknown attempt before was not good",
        "attempts": "first attempts, a plate each",
        "reprints": "jobs that printed again what an attempt before did not bring",
    },
    calculate=first_pass_yield,
    reads=frozenset({Tally.FIRST_ATTEMPTS}),
)
