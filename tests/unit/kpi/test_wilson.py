import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.wilson import wilson_interval

COUNTS = st.integers(0, 10**9).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@given(COUNTS)
def test_the_interval_holds_the_rate_and_stays_inside_zero_to_one(counts: tuple[int, int]) -> None:
    successes, trials = counts
    interval = wilson_interval(successes, trials)
    if trials == 0:
        assert interval is None
    else:
        assert interval is not None
        assert 0 <= interval.low <= successes / trials <= interval.high <= 1


@given(COUNTS.filter(lambda counts: counts[1] > 0))
def test_failures_mirror_successes(counts: tuple[int, int]) -> None:
    successes, trials = counts
    good, bad = wilson_interval(successes, trials), wilson_interval(trials - successes, trials)
    assert good is not None
    assert bad is not None
    assert good.low == pytest.approx(1 - bad.high, abs=1e-9)
    assert good.high == pytest.approx(1 - bad.low, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values_come_out(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, trials)
    assert interval is not None
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 1000), st.integers(1, 100))
def test_more_trials_at_the_same_rate_make_surer(trials: int, factor: int) -> None:
    few = wilson_interval(trials, 2 * trials)
    many = wilson_interval(trials * (factor + 1), 2 * trials * (factor + 1))
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("successes", "trials"), [(2, 1), (-1, 1), (0, -1)])
def test_counts_that_are_no_rate_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("trials", [1, 21, 42, 10_000])
def test_rounding_puts_no_bound_beyond_none_and_all(trials: int) -> None:
    """Of 21 and 42 the formula alone gives a hair less than nothing."""
    least, most = wilson_interval(0, trials), wilson_interval(trials, trials)
    assert least is not None
    assert most is not None
    assert (least.low, most.high) == (0.0, 1.0)
