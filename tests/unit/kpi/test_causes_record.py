"""What fails too often, as an object of JSON."""

from farm.kpi.causes import (
    Dimension,
    FailureCauses,
    FailureCount,
    FailureFinding,
    RiskRatio,
    SharedFailures,
)
from farm.kpi.causes_record import CausesOfWindow, causes_record
from farm.kpi.wilson import Interval95
from farm.kpi.windows import Window
from tests.unit.kpi.events import at

BAY = FailureFinding(
    Dimension.PRINTER,
    "bay1",
    FailureCount(9, 20),
    FailureCount(4, 80),
    RiskRatio(9, Interval95(3.1, 26.2)),
    0.001,
)
VASE = FailureFinding(
    Dimension.FILE,
    "vase.gcode",
    FailureCount(8, 10),
    FailureCount(5, 90),
    RiskRatio(14.4, Interval95(5.9, 35)),
    2e-7,
)


def test_every_finding_is_told_with_its_counts_and_what_it_shares() -> None:
    window = Window("7d", at("2026-11-20T00:00"), at("2026-11-27T00:00"))
    found = FailureCauses((BAY, VASE), comparisons=31, false_discovery_rate=0.1)
    shared = SharedFailures(BAY, VASE, 7)
    assert causes_record(CausesOfWindow(window, 100, found, (shared,))) == {
        "window": {"name": "7d", "from": "2026-11-20T00:00:00.000Z", "to": "2026-11-27T00:00:00.000Z"},
        "prints": 100,
        "comparisons": 31,
        "false_discovery_rate": 0.1,
        "findings": [
            {
                "dimension": "printer",
                "value": "bay1",
                "failed": 9,
                "attempts": 20,
                "rest_failed": 4,
                "rest_attempts": 80,
                "ratio": 9,
                "interval_low": 3.1,
                "interval_high": 26.2,
                "p_value": 0.001,
                "sentence": BAY.sentence,
            },
            {
                "dimension": "file",
                "value": "vase.gcode",
                "failed": 8,
                "attempts": 10,
                "rest_failed": 5,
                "rest_attempts": 90,
                "ratio": 14.4,
                "interval_low": 5.9,
                "interval_high": 35,
                "p_value": 2e-7,
                "sentence": VASE.sentence,
            },
        ],
        "shared": [{"first": "bay1", "second": "vase.gcode", "failed": 7, "sentence": shared.sentence}],
    }
