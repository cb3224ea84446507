"""How sure a rate is at the counts it rests on."""

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The standard normal deviate that leaves 2.5 % on either side."""


class Interval95(NamedTuple):
    """The bounds between which the true rate lies with 95 % confidence, as ratios."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int) -> Interval95 | None:
    """The 95 % score interval of `successes` in `trials`, None without a trial.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    Journal of the American Statistical Association 22 (1927), 209-212. Unlike the normal
    approximation it stays inside 0 to 1 and says something also at 0 or all of few.
    Raises ValueError when there are more successes than trials or fewer than none.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no rate")
    if trials == 0:
        return None
    rate = successes / trials
    weight = Z_95 * Z_95 / trials
    centre = rate + weight / 2
    spread = Z_95 * sqrt(rate * (1 - rate) / trials + weight / (4 * trials))
    low = (centre - spread) / (1 + weight)
    high = (centre + spread) / (1 + weight)
    # Rounding may put a bound a hair beyond the rate or beyond 0 and 1.
    return Interval95(max(0.0, min(low, rate)), min(1.0, max(high, rate)))
