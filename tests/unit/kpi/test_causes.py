"""What fails more often than chance would have it: published figures, planted causes, and none invented."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.kpi.causes import (
    FALSE_DISCOVERY_RATE,
    LEAST_ATTEMPTS,
    LEAST_FAILED,
    Dimension,
    FailureCauses,
    FailureCount,
    FailureFinding,
    RiskRatio,
    SharedFailures,
    chance_of_at_least,
    discovery_threshold,
    find_causes,
    risk_ratio,
    shared_failures,
)
from farm.kpi.wilson import Interval95

FARMS = 200
PRINTS = 400
LEFT, RIGHT = FailureCount(11, 41), FailureCount(40, 611)
VALUES = {
    Dimension.PRINTER: [f"bay-{n:02}" for n in range(12)],
    Dimension.FILE: [f"part_{n}.gcode" for n in range(10)],
    Dimension.MATERIAL: ["PLA", "PETG", "ASA"],
    Dimension.OPERATOR: ["ana", "mei", "olga", "paul"],
    Dimension.HOUR: [str(hour) for hour in range(24)],
}
TABLES = st.integers(1, 60).flatmap(
    lambda everything: st.tuples(st.integers(0, everything), st.integers(0, everything), st.just(everything))
)

Prints = list[tuple[dict[Dimension, str], bool]]


def farm(seed: int, risks: Mapping[str, float] | None = None, usual: float = 0.08) -> Prints:
    """Prints spread by chance; each fails at the highest risk that any of its values has."""
    chance = Random(seed)
    columns = [chance.choices(values, k=PRINTS) for values in VALUES.values()]
    prints = []
    for row in zip(*columns, strict=True):
        risk = max((risks or {}).get(value, usual) for value in row)
        prints.append((dict(zip(VALUES, row, strict=True)), chance.random() < risk))
    return prints


def counted(
    prints: Prints, dimensions: Iterable[Dimension] = VALUES
) -> dict[Dimension, dict[str, FailureCount]]:
    counts: dict[Dimension, dict[str, FailureCount]] = {}
    for dimension in dimensions:
        attempts = Counter(facts[dimension] for facts, _ in prints)
        failed = Counter(facts[dimension] for facts, has_failed in prints if has_failed)
        counts[dimension] = {value: FailureCount(failed[value], n) for value, n in attempts.items()}
    return counts


@cache
def searched(seed: int, planted: tuple[tuple[str, float], ...] = ()) -> FailureCauses:
    return find_causes(counted(farm(seed, dict(planted))))


@pytest.mark.parametrize(
    ("table", "p_value"),
    [
        # R. A. Fisher, The Design of Experiments (1935), chapter II: the lady tasting tea.
        ((4, 4, 4, 8), 1 / 70),
        ((3, 4, 4, 8), 17 / 70),
        # R. A. Fisher (1935), convicts among the twins of criminals; also the example of R's fisher.test.
        ((10, 13, 12, 30), 0.0004652),
    ],
)
def test_the_exact_test_gives_the_published_chances(table: tuple[int, int, int, int], p_value: float) -> None:
    assert chance_of_at_least(*table) == pytest.approx(p_value, rel=5e-5)


@given(TABLES, st.data())
def test_the_exact_test_is_exact(table: tuple[int, int, int], data: st.DataObject) -> None:
    drawn, marked, everything = table
    held = data.draw(st.integers(max(0, drawn + marked - everything), min(drawn, marked)))
    ways = sum(
        comb(marked, k) * comb(everything - marked, drawn - k) for k in range(held, min(drawn, marked) + 1)
    )
    exact = Fraction(ways, comb(everything, drawn))
    assert chance_of_at_least(held, drawn, marked, everything) == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize(
    ("held", "drawn", "marked", "everything"), [(117, 769, 110_077, 828_036), (900, 3869, 100_000, 500_000)]
)
def test_the_exact_test_holds_for_large_farms(held: int, drawn: int, marked: int, everything: int) -> None:
    ways = comb(marked, held) * comb(everything - marked, drawn - held)
    tail = term = Fraction(1)
    for k in range(held, min(held + 400, drawn, marked)):
        term *= Fraction((marked - k) * (drawn - k), (k + 1) * (everything - marked - drawn + k + 1))
        tail += term.limit_denominator(10**30)
    exact = Fraction(ways, comb(everything, drawn)) * tail
    assert chance_of_at_least(held, drawn, marked, everything) == pytest.approx(float(exact), rel=1e-7)


@pytest.mark.parametrize("table", [(-1, 4, 4, 8), (-1, 2, 2, 8), (5, 4, 5, 8), (5, 6, 4, 8), (0, 6, 4, 8)])
def test_a_part_that_is_none_is_refused(table: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be a part"):
        chance_of_at_least(*table)


def test_the_published_example_of_many_comparisons_comes_out() -> None:
    # Y. Benjamini, Y. Hochberg, JRSS B 57 (1995), section 3.2: 15 comparisons, 4 of which are significant.
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert discovery_threshold(p_values, 0.05) == 0.0095
    assert discovery_threshold(p_values[::-1], 0.05) == 0.0095
    assert discovery_threshold([0.05], 0.05) == 0.05
    assert discovery_threshold([0.2, 0.9], 0.05) == discovery_threshold([], 0.05) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_a_threshold_is_one_of_the_chances_and_a_larger_rate_never_finds_less(
    p_values: list[float], rate: float
) -> None:
    threshold = discovery_threshold(p_values, rate)
    assert threshold in {0.0, *p_values}
    assert threshold <= discovery_threshold(p_values, min(0.99, rate * 1.5))
    assert threshold <= rate


def test_the_published_risk_ratio_comes_out() -> None:
    # A. Agresti, Categorical Data Analysis: heart attacks with placebo and with aspirin, 1.82 (1.43, 2.31).
    ratio, (low, high) = risk_ratio(FailureCount(189, 11_034), FailureCount(104, 11_037))
    assert (round(ratio, 2), round(low, 2), round(high, 2)) == (1.82, 1.43, 2.31)


def test_where_the_rest_never_failed_half_a_failure_is_added() -> None:
    ratio, (low, high) = risk_ratio(FailureCount(6, 20), FailureCount(0, 99))
    assert ratio == pytest.approx((6.5 / 20.5) / (0.5 / 99.5))
    assert 1 < low < ratio < high


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 50), st.integers(0, 500))
def test_a_ratio_lies_in_its_interval_and_turns_over_with_its_sides(a: int, b: int, c: int, d: int) -> None:
    left, right = FailureCount(a, a + b), FailureCount(c, c + d)
    there, back = risk_ratio(left, right), risk_ratio(right, left)
    assert there.interval.low <= there.ratio <= there.interval.high
    assert there.ratio * back.ratio == pytest.approx(1)
    assert there.interval.low * back.interval.high == pytest.approx(1)


def test_a_risk_without_an_attempt_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="without an attempt"):
        risk_ratio(FailureCount(0, 0), RIGHT)


def test_no_more_is_invented_than_the_stated_rate() -> None:
    """Farms without a cause: at the rate of 10 % at most every tenth may tell of one."""
    farms = [searched(seed) for seed in range(FARMS)]
    told = sum(bool(each.findings) for each in farms)
    assert 0 < told <= FARMS * FALSE_DISCOVERY_RATE
    assert min(each.comparisons for each in farms) >= 50


def test_without_the_correction_most_farms_would_be_told_of_a_cause() -> None:
    """So the farms do hold what looks like a cause, and the test before can fail."""
    looks_like_one = [
        any(
            chance_of_at_least(*count, sum(c.failed for c in values.values()), PRINTS) <= 0.05
            for values in counted(farm(seed)).values()
            for count in values.values()
        )
        for seed in range(20)
    ]
    assert sum(looks_like_one) >= 12


@pytest.mark.parametrize("value", ["bay-03", "part_7.gcode", "ASA", "olga"])
def test_a_planted_cause_is_found_and_mostly_nothing_beside_it(value: str) -> None:
    farms = [searched(seed, ((value, 0.45),)) for seed in range(30)]
    found = [{finding.value for finding in each.findings} for each in farms]
    assert sum(value in values for values in found) >= 28
    false = [len(values - {value}) / max(1, len(values)) for values in found]
    assert sum(false) / len(false) <= FALSE_DISCOVERY_RATE


def test_two_planted_causes_are_both_found_the_larger_first() -> None:
    farms = [searched(seed, (("bay-03", 0.8), ("ASA", 0.35))) for seed in range(20)]
    first = [[finding.value for finding in each.findings][:2] for each in farms]
    assert sum(values == ["bay-03", "ASA"] for values in first) >= 18


def test_a_finding_is_said_in_one_sentence() -> None:
    counts = {Dimension.PRINTER: {"bay-03": LEFT, "bay-04": RIGHT}}
    (finding,) = find_causes(counts).findings
    assert finding.sentence == (
        "bay-03 fails 4.1 times as often as the rest of the farm, 95 % 2.3 to 7.4, 11 of 41 prints"
    )


@pytest.mark.parametrize(
    ("dimension", "value", "begins"),
    [
        (Dimension.FILE, "gear.gcode", "gear.gcode fails"),
        (Dimension.MATERIAL, "ASA", "ASA fails"),
        (Dimension.OPERATOR, "olga", "What olga prints fails"),
        (Dimension.SPOOL, "17", "Spool 17 fails"),
        (Dimension.HOUR, "23", "What begins between 23:00 and 24:00 fails"),
    ],
)
def test_every_dimension_has_its_words(dimension: Dimension, value: str, begins: str) -> None:
    (finding,) = find_causes({dimension: {value: LEFT, "other": RIGHT}}).findings
    assert finding.sentence.startswith(begins)


def test_where_nothing_else_failed_the_sentence_says_so() -> None:
    counts = {Dimension.FILE: {"a": FailureCount(9, 1_200), "b": FailureCount(0, 9_000)}}
    (finding,) = find_causes(counts).findings
    assert finding.sentence.endswith("9 of 1,200 prints; elsewhere none of 9,000 failed")


def test_too_few_prints_are_not_compared_and_too_few_failures_not_told() -> None:
    assert (LEAST_ATTEMPTS, LEAST_FAILED) == (5, 3)
    few = FailureCount(LEAST_ATTEMPTS - 1, LEAST_ATTEMPTS - 1)
    many = FailureCount(0, 1_000)
    assert find_causes({Dimension.FILE: {"a": few, "b": many}}) == FailureCauses((), 0, 0.1)
    twice = FailureCount(LEAST_FAILED - 1, LEAST_ATTEMPTS)
    assert find_causes({Dimension.FILE: {"a": twice, "b": many}}) == FailureCauses((), 2, 0.1)
    thrice = FailureCount(LEAST_FAILED, LEAST_ATTEMPTS)
    assert len(find_causes({Dimension.FILE: {"a": thrice, "b": many}}).findings) == 1


def test_one_value_alone_has_nothing_to_be_compared_with() -> None:
    assert find_causes({Dimension.MATERIAL: {"PLA": FailureCount(40, 80)}}).comparisons == 0
    assert find_causes({}).findings == ()


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        find_causes({}, rate)


def test_more_comparisons_ask_for_more() -> None:
    """What is told of among two printers is chance among five hundred files that are compared as well."""
    printers = {"bay-03": FailureCount(6, 30), "bay-04": FailureCount(20, 400)}
    files = {f"{n}.gcode": FailureCount(1, 20) for n in range(500)}
    assert len(find_causes({Dimension.PRINTER: printers}).findings) == 1
    assert find_causes({Dimension.PRINTER: printers, Dimension.FILE: files}).findings == ()


def together(
    findings: Sequence[FailureFinding], failed: Sequence[Mapping[Dimension, str]]
) -> list[list[int]]:
    """On how many of the failed prints, each with what it says of itself, two findings both rest."""
    held = [{n for n, print_ in enumerate(failed) if print_.get(f.dimension) == f.value} for f in findings]
    return [[len(one & other) for other in held] for one in held]


def test_a_printer_that_only_prints_one_bad_file_shares_its_failures_with_it() -> None:
    prints: Prints = [
        ({Dimension.PRINTER: "bay-03", Dimension.FILE: "bad.gcode", Dimension.MATERIAL: "PLA"}, n < 20)
        for n in range(40)
    ]
    prints += [
        ({Dimension.PRINTER: "bay-04", Dimension.FILE: "good.gcode", Dimension.MATERIAL: material}, n < 10)
        for material in ("PLA", "ASA")
        for n in range(200)
    ]
    findings = find_causes(counted(prints, (Dimension.PRINTER, Dimension.FILE))).findings
    assert {finding.value for finding in findings} == {"bay-03", "bad.gcode"}
    failed = [facts for facts, has_failed in prints if has_failed]
    (pair,) = shared_failures(findings, together(findings, failed))
    assert pair.failed == 20
    assert pair.sentence == "bad.gcode and bay-03 share 20 failures: it may be either of them"


def test_what_is_shared_is_one_sentence_with_one_capital() -> None:
    by_file, by_hour = (
        FailureFinding(dimension, value, FailureCount(10, 20), RIGHT, risk_ratio(LEFT, RIGHT), 0.001)
        for dimension, value in ((Dimension.FILE, "Lid.gcode"), (Dimension.HOUR, "10"))
    )
    hour = "hat begins between 10:00 and 11:00"
    assert SharedFailures(by_file, by_hour, 9).sentence.startswith(f"Lid.gcode and w{hour} share")
    assert SharedFailures(by_hour, by_file, 9).sentence.startswith(f"W{hour} and Lid.gcode share")


def test_findings_that_share_little_are_not_paired() -> None:
    first, second = (
        FailureFinding(dimension, "x", FailureCount(10, 20), RIGHT, risk_ratio(LEFT, RIGHT), 0.001)
        for dimension in (Dimension.PRINTER, Dimension.FILE)
    )
    both = {Dimension.PRINTER: "x", Dimension.FILE: "x"}
    alone = {Dimension.PRINTER: "x", Dimension.FILE: "y"}
    few, many = ([both] * count + [alone] * (10 - count) for count in (4, 5))
    assert shared_failures([first, second], together([first, second], few)) == []
    assert [pair.failed for pair in shared_failures([first, second], together([first, second], many))] == [5]


def test_one_failure_that_is_shared_is_one() -> None:
    first, second = (
        FailureFinding(dimension, "x", FailureCount(1, 20), RIGHT, risk_ratio(LEFT, RIGHT), 0.001)
        for dimension in (Dimension.PRINTER, Dimension.FILE)
    )
    assert "share 1 failure:" in SharedFailures(first, second, 1).sentence
    assert "share 2 failures:" in SharedFailures(first, second, 2).sentence


@pytest.mark.parametrize(
    ("ratio", "words"), [(10, "10"), (9.94, "9.9"), (9.5, "9.5"), (1, "1.0"), (1.52, "1.5"), (0.994, "0.99")]
)
def test_a_ratio_is_told_to_two_digits(ratio: float, words: str) -> None:
    risk = RiskRatio(ratio, Interval95(0.5, 99))
    finding = FailureFinding(Dimension.FILE, "x", FailureCount(5, 20), RIGHT, risk, 0.001)
    assert finding.sentence.startswith(f"x fails {words} times as often")
    assert "95 % 0.50 to 99," in finding.sentence


def test_what_is_found_stands_by_its_effect_then_by_how_unlikely_it_is_then_by_name() -> None:
    few = {"few": FailureCount(20, 40), "others": FailureCount(10, 40)}
    many = {"many": FailureCount(80, 160), "others": FailureCount(40, 160)}
    alike = {"b": FailureCount(60, 80), "a": FailureCount(60, 80), "others": FailureCount(20, 160)}
    found = find_causes(
        {
            Dimension.SPOOL: alike,
            Dimension.FILE: few,
            Dimension.PRINTER: many,
            Dimension.MATERIAL: dict(reversed(alike.items())),
        }
    ).findings
    assert [(each.dimension, each.value) for each in found] == [
        (Dimension.MATERIAL, "a"),
        (Dimension.MATERIAL, "b"),
        (Dimension.SPOOL, "a"),
        (Dimension.SPOOL, "b"),
        (Dimension.PRINTER, "many"),
        (Dimension.FILE, "few"),
    ]


@pytest.mark.parametrize(
    ("dimension", "value", "told"),
    [
        (Dimension.SPOOL, "17", "bay1 and spool 17 share 2 failures"),
        (Dimension.OPERATOR, "Olga", "bay1 and what Olga prints share 2 failures"),
        (Dimension.HOUR, "9", "bay1 and what begins between 9:00 and 10:00 share 2 failures"),
        (Dimension.FILE, "Vase.gcode", "bay1 and Vase.gcode share 2 failures"),
    ],
)
def test_a_word_of_ours_has_a_capital_only_where_a_sentence_begins(
    dimension: Dimension, value: str, told: str
) -> None:
    count, rest, risk = FailureCount(3, 9), FailureCount(1, 9), RiskRatio(3, Interval95(1, 9))
    first = FailureFinding(Dimension.PRINTER, "bay1", count, rest, risk, 0.01)
    second = FailureFinding(dimension, value, count, rest, risk, 0.01)
    assert SharedFailures(first, second, 2).sentence.startswith(told)


def test_of_the_pairs_that_share_failures_those_with_the_most_stand_first() -> None:
    count, rest, risk = FailureCount(3, 9), FailureCount(1, 9), RiskRatio(3, Interval95(1, 9))
    bay, vase, olga = (
        FailureFinding(dimension, value, count, rest, risk, 0.01)
        for dimension, value in (
            (Dimension.PRINTER, "bay1"),
            (Dimension.FILE, "vase.gcode"),
            (Dimension.OPERATOR, "Olga"),
        )
    )
    prints = [
        *[{Dimension.PRINTER: "bay1", Dimension.FILE: "vase.gcode"}] * 2,
        *[{Dimension.PRINTER: "bay1", Dimension.OPERATOR: "Olga"}] * 3,
    ]
    assert shared_failures([bay, vase, olga], together([bay, vase, olga], prints)) == [
        SharedFailures(bay, olga, 3),
        SharedFailures(bay, vase, 2),
    ]


def test_a_value_of_too_few_prints_keeps_no_other_from_being_compared() -> None:
    counts = {"rare": FailureCount(1, 2), "bad": FailureCount(20, 40), "good": FailureCount(1, 200)}
    found = find_causes({Dimension.PRINTER: counts})
    assert [each.value for each in found.findings] == ["bad"]
    assert found.comparisons == 2
