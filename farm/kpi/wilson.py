"""How sure a rate is at the counts it rests on."""

from typing import NamedTuple

import numpy as np

from farm.kpi.columns import Column, ratio, root, within

Z_95 = 1.959963984540054
"""The standard normal deviate that leaves 2.5 % on either side."""


class Interval95(NamedTuple):
    """The bounds between which the true rate lies with 95 % confidence, as ratios."""

    low: float
    high: float


def wilson_interval(successes: float | Column, trials: float | Column) -> Interval95 | None:
    """The 95 % score interval of `successes` in `trials`, None without a trial.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    Journal of the American Statistical Association 22 (1927), 209-212. Unlike the normal
    approximation it stays inside 0 to 1 and says something also at 0 or all of few.
    Raises ValueError when there are more successes than trials or fewer than none.
    """
    if not np.all((np.asarray(successes) >= 0) & (np.asarray(successes) <= trials)):
        raise ValueError(f"{successes} of {trials} is no rate")
    rate, weight = ratio(successes, trials), ratio(Z_95 * Z_95, trials)
    if rate is None or weight is None:
        return None
    centre = rate + weight / 2
    spread = Z_95 * root(ratio(rate * (1 - rate), trials) + ratio(weight, 4 * trials))
    low, high = (centre - spread) / (1 + weight), (centre + spread) / (1 + weight)
    # Rounding may put a bound a hair beyond the rate or beyond 0 and 1.
    return Interval95(within(low, 0.0, rate), within(high, rate, 1.0))
