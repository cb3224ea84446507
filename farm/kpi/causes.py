"""Which printer, file, material, operator, spool or hour fails more often than chance would have it.

Each value of each dimension is compared with the rest of the farm by Fisher's exact test, one-sided:
only more failures are of interest. All comparisons of all dimensions are judged together by the
procedure of Benjamini and Hochberg, so that of what is told on average no more than the stated share is
chance; where nothing causes failures, anything at all is told in no more than that share of cases. The
ratio of the risks, with its interval, says how large the effect is.

What is found is where failures are frequent, not yet why: a printer that only prints one bad file is
found together with it. `shared_failures` names such pairs.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from math import exp, inf, lgamma, sqrt
from typing import Final, NamedTuple

import msgspec

from farm.kpi.wilson import Z_95, Interval95

FALSE_DISCOVERY_RATE: Final = 0.10
"""Of what is told, so large a share on average is chance."""
LEAST_ATTEMPTS: Final = 5
"""With fewer prints, of the value or of the rest, no comparison is made; none is counted either."""
LEAST_FAILED: Final = 3
"""Fewer failures are never told, however unlikely: one bad day looks like that."""
LEAST_SHARED: Final = 0.5
"""Two findings rest on the same prints where so large a share of the failures of one is the other's too."""
_NEGLIGIBLE: Final = 1e-17
"""A further term of a sum that is smaller than this share of it is below what a float can hold."""


class Dimension(StrEnum):
    """By what prints can be told apart."""

    PRINTER = "printer"
    FILE = "file"
    MATERIAL = "material"
    OPERATOR = "operator"
    SPOOL = "spool"
    HOUR = "hour"
    """The hour of the day in which a print began, 0 to 23, on the farm's clock."""


class FailureCount(NamedTuple):
    """How many prints failed of those that were attempted."""

    failed: int
    attempts: int


class RiskRatio(NamedTuple):
    """How many times as often one fails as the other, with the 95 % interval."""

    ratio: float
    interval: Interval95


class FailureFinding(msgspec.Struct, frozen=True):
    """A value that fails more often than the `rest` of its dimension; `p_value` is that of the test."""

    dimension: Dimension
    value: str
    count: FailureCount
    rest: FailureCount
    risk: RiskRatio
    p_value: float

    @property
    def sentence(self) -> str:
        """What was found, for a person."""
        low, high = self.risk.interval
        spared = f"; elsewhere none of {self.rest.attempts:,} failed" if not self.rest.failed else ""
        subject, times = _subject(self.dimension, self.value), _times(self.risk.ratio)
        return (
            f"{subject} fails {times} times as often as the rest of the farm, "
            f"95 % {_times(low)} to {_times(high)}, "
            f"{self.count.failed:,} of {self.count.attempts:,} prints{spared}"
        )


class FailureCauses(msgspec.Struct, frozen=True):
    """What was found, the largest effect first, among how many comparisons, at which rate of chance."""

    findings: tuple[FailureFinding, ...]
    comparisons: int
    false_discovery_rate: float


class SharedFailures(msgspec.Struct, frozen=True):
    """Two findings that rest on the same `failed` prints: the counts cannot say which of the two it is."""

    first: FailureFinding
    second: FailureFinding
    failed: int

    @property
    def sentence(self) -> str:
        """What is shared, for a person."""
        first, second = (_subject(each.dimension, each.value) for each in (self.first, self.second))
        if self.second.dimension in _NAMED_BY_A_WORD:
            second = second[0].lower() + second[1:]
        failures = "failure" if self.failed == 1 else "failures"
        return f"{first} and {second} share {self.failed:,} {failures}: it may be either of them"


def find_causes(
    counts: Mapping[Dimension, Mapping[str, FailureCount]],
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
) -> FailureCauses:
    """What fails more often than chance would have it, the largest effect first; often nothing.

    `counts` holds, for each dimension, every value that occurs; their sum is what a value's rest is
    taken from. Raises ValueError for counts that are none, and for a rate that does not lie between
    0 and 1.
    """
    if not 0 < false_discovery_rate < 1:
        raise ValueError(f"a false discovery rate of {false_discovery_rate} does not lie between 0 and 1")
    compared = [
        each
        for dimension, values in counts.items()
        for each in _comparisons(dimension, values, false_discovery_rate)
    ]
    threshold = discovery_threshold([each.p_value for each in compared], false_discovery_rate)
    found = [
        _finding(each) for each in compared if each.p_value <= threshold and each.count.failed >= LEAST_FAILED
    ]
    found.sort(key=lambda each: (-each.risk.ratio, each.p_value, each.dimension, each.value))
    return FailureCauses(tuple(found), len(compared), false_discovery_rate)


def shared_failures(
    findings: Sequence[FailureFinding], together: Sequence[Sequence[int]]
) -> list[SharedFailures]:
    """The pairs of findings of different dimensions that rest on the same prints, the most shared first.

    `together` says for the findings of two places on how many failed prints both rest.
    """
    pairs = [
        SharedFailures(findings[a], findings[b], together[a][b])
        for a, b in combinations(range(len(findings)), 2)
        if together[a][b]
    ]
    wide = [pair for pair in pairs if pair.failed >= LEAST_SHARED * _fewer_failures(pair)]
    return sorted(wide, key=lambda pair: -pair.failed)


def chance_of_at_least(
    failed: int, attempts: int, all_failed: int, all_attempts: int, enough: float = 1.0
) -> float:
    """The chance that `attempts` prints, drawn blindly from the farm's, hold `failed` failures or more.

    The upper tail of the hypergeometric distribution, which is the one-sided P value of the exact test:
    R. A. Fisher, "The Design of Experiments", Oliver & Boyd 1935, chapter II; "The Logic of Inductive
    Inference", Journal of the Royal Statistical Society 98 (1935), 39-54. Its first term comes from
    `lgamma`, exact to 8 digits for a million prints, the others from it by whole numbers.

    Of a chance above `enough` it may give only a part, that is above it too and is found sooner.

    Raises ValueError where the counts cannot be those of a part and a whole.
    """
    if not (0 <= failed <= min(attempts, all_failed) and attempts - failed <= all_attempts - all_failed):
        raise ValueError(f"{failed} of {attempts} cannot be a part of {all_failed} of {all_attempts}")
    least = max(0, attempts + all_failed - all_attempts)
    if failed <= least:
        return 1.0
    if failed * all_attempts > attempts * all_failed:
        return min(1.0, _tail(failed, attempts, all_failed, all_attempts, enough))
    # Below the mean the other tail is the shorter sum: successes in the place of failures.
    good, all_good = attempts - failed + 1, all_attempts - all_failed
    return max(0.0, 1.0 - _tail(good, attempts, all_good, all_attempts))


def discovery_threshold(p_values: Sequence[float], rate: float) -> float:
    """The largest P value that counts as a discovery; 0 where none does.

    Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate: A Practical and Powerful Approach
    to Multiple Testing", Journal of the Royal Statistical Society B 57 (1995), 289-300: of m values in
    order the last, i-th, that is at most i/m of the rate. It holds for independent tests and for those
    that lean the same way; P values of an exact test are too large rather than too small, so the share
    of chance stays below the rate.
    """
    count = len(p_values)
    passed = (p for i, p in enumerate(sorted(p_values), 1) if p <= rate * i / count)
    return max(passed, default=0.0)


def risk_ratio(count: FailureCount, rest: FailureCount) -> RiskRatio:
    """How many times as often `count` fails as `rest`, with the 95 % interval of its logarithm.

    D. Katz, J. Baptista, S. P. Azen, M. C. Pike, "Obtaining Confidence Intervals for the Risk Ratio in
    Cohort Studies", Biometrics 34 (1978), 469-474. Where one of the two never failed the logarithm does
    not exist: then 0.5 is added to all four counts, after S. D. Walter, "The Distribution of Levin's
    Measure of Attributable Risk", Biometrika 62 (1975), 371-372.

    Raises ValueError where one of the two has no attempt.
    """
    if not (count.attempts and rest.attempts):
        raise ValueError("without an attempt there is no risk to compare")
    added = 0.0 if count.failed and rest.failed else 0.5
    a, n = count.failed + added, count.attempts + added
    c, m = rest.failed + added, rest.attempts + added
    ratio = (a / n) / (c / m)
    spread = Z_95 * sqrt(max(0.0, 1 / a - 1 / n + 1 / c - 1 / m))
    return RiskRatio(ratio, Interval95(ratio * exp(-spread), ratio * exp(spread)))


class _Comparison(msgspec.Struct, frozen=True):
    """A value and the rest of its dimension, with the chance of so many failures."""

    dimension: Dimension
    value: str
    count: FailureCount
    rest: FailureCount
    p_value: float


def _finding(found: _Comparison) -> FailureFinding:
    risk = risk_ratio(found.count, found.rest)
    return FailureFinding(found.dimension, found.value, found.count, found.rest, risk, found.p_value)


def _comparisons(
    dimension: Dimension, values: Mapping[str, FailureCount], rate: float
) -> Iterable[_Comparison]:
    """Every value of which there are enough prints, with its test; whether it is found is said later.

    No P value above the rate of false discoveries is ever a discovery, so how far above it lies is left open.
    """
    all_failed = sum(count.failed for count in values.values())
    all_attempts = sum(count.attempts for count in values.values())
    for value, count in values.items():
        rest = FailureCount(all_failed - count.failed, all_attempts - count.attempts)
        if min(count.attempts, rest.attempts) < LEAST_ATTEMPTS:
            continue
        # What fails no more often than all do is never told, and the chance of so many is a half at least.
        is_more = count.failed * all_attempts > count.attempts * all_failed
        p_value = chance_of_at_least(*count, all_failed, all_attempts, rate) if is_more else 1.0
        yield _Comparison(dimension, value, count, rest, p_value)


def _tail(least: int, drawn: int, marked: int, everything: int, enough: float = 1.0) -> float:
    """The sum of the chances of `least` and more marked ones among those drawn, above the mean.

    It ends where it is more than `enough`.
    """
    most = min(drawn, marked)
    if least > most:
        return 0.0
    term = exp(
        _log_choices(marked, least)
        + _log_choices(everything - marked, drawn - least)
        - _log_choices(everything, drawn)
    )
    total = term
    for held in range(least, most):
        fewer = (held + 1) * (everything - marked - drawn + held + 1)
        term *= (marked - held) * (drawn - held) / fewer
        total += term
        if term < total * _NEGLIGIBLE or total > enough:
            break
    return total


def _log_choices(among: int, chosen: int) -> float:
    """The logarithm of the number of ways to choose so many."""
    if not 0 <= chosen <= among:
        return -inf
    return lgamma(among + 1) - lgamma(chosen + 1) - lgamma(among - chosen + 1)


def _fewer_failures(pair: SharedFailures) -> int:
    return min(pair.first.count.failed, pair.second.count.failed)


_NAMED_BY_A_WORD = frozenset({Dimension.HOUR, Dimension.OPERATOR, Dimension.SPOOL})
"""What begins with a word of ours, which has a capital only at the beginning of a sentence."""


def _subject(dimension: Dimension, value: str) -> str:
    if dimension is Dimension.HOUR:
        return f"What begins between {int(value)}:00 and {int(value) + 1}:00"
    if dimension is Dimension.OPERATOR:
        return f"What {value} prints"
    return f"Spool {value}" if dimension is Dimension.SPOOL else value


def _times(ratio: float) -> str:
    """Two digits that count: `4.1`, `17`, `0.36`."""
    if ratio >= 10:
        return f"{ratio:,.0f}"
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
