"""The worked examples of the guides out of a month of messages: through tracker, ledger and figures."""

import json
from collections.abc import Iterator

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.kpi.figure import KpiFigure
from farm.kpi.selection import Selection
from farm.kpi.standing import Standing
from farm.kpi.subjects import Scope
from farm.kpi.targets import Profile
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, parse_rfc3339, rfc3339
from farm.settings import SiteSettings
from tests.figures import kpi_engine

BEGIN = parse_rfc3339("2026-01-01T00:00:00Z")
JANUARY = "2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"
THIRTY_DAYS = "2026-01-01T00:00:00Z..2026-01-31T00:00:00Z"
FIRST_WEEK = "2026-01-01T00:00:00Z..2026-01-08T00:00:00Z"
NOW = BEGIN + 33 * DAY_MS
SIGN_MS = 290 * SECOND_MS

Message = tuple[int, str, dict[str, object]]


def prints(
    printer: str, begins: list[int], length_ms: int, failed: int = 0, units: int = 1
) -> Iterator[Message]:
    """Prints of one length, the first so many of which fail, with a sign of life while they last."""
    for number, begin in enumerate(begins):
        end, job = begin + length_ms, {"id": f"{printer}-{begin}", "file": "part.gcode", "units": units}
        yield begin, f"farm/{printer}/event", {"event": "job_started", "job": job}
        yield from signs(printer, begin, end)
        ending = "job_failed" if number < failed else "job_succeeded"
        yield end, f"farm/{printer}/event", {"event": ending, "job": job}


def signs(printer: str, from_ms: int, until_ms: int) -> Iterator[Message]:
    """A sign of life, as often as is needed."""
    for at_ms in range(from_ms + SIGN_MS, until_ms, SIGN_MS):
        yield at_ms, f"farm/{printer}/telemetry", {"bed": 60}


def month() -> list[Message]:
    """January of four printers, one for each example, and one plate of February."""
    days = [BEGIN + day * DAY_MS for day in range(33)]
    messages = [
        *prints("tries", [BEGIN + number * 3 * HOUR_MS for number in range(200)], HOUR_MS // 3, failed=20),
        *prints("plates", [BEGIN + number * 4 * HOUR_MS for number in range(150)], HOUR_MS, units=3),
        *prints("plates", [BEGIN + 32 * DAY_MS], HOUR_MS, units=3),
        *prints("models", days[:10], 10 * HOUR_MS, units=2),
        *prints("busy", days[:28], 19 * HOUR_MS),
        *prints("busy", days[28:29], 18 * HOUR_MS),
    ]
    messages += [
        (BEGIN - MINUTE_MS, f"farm/{printer}/state", {"state": "idle"})
        for printer in ("tries", "plates", "models", "busy")
    ]
    # Between its prints it is idle, and seen to be.
    ends = [day + 19 * HOUR_MS for day in days[:28]] + [days[28] + 18 * HOUR_MS]
    for end, following in zip(ends, [*days[1:29], days[30] + HOUR_MS], strict=True):
        messages.append((end + 1, "farm/busy/state", {"state": "idle"}))
        messages += signs("busy", end, following)
    return sorted(messages, key=lambda message: message[:2])


@pytest.fixture(scope="module")
def lived() -> Iterator[Ledger]:
    """A ledger in which all that was said stands booked."""
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline = Pipeline(ledger, SourceTable([parse_source("native=farm/{printer}")]))
        booked = BEGIN
        for at_ms, topic, said in month():
            body = {"v": 1, "at": rfc3339(at_ms), **said}
            pipeline.take(topic, json.dumps(body).encode(), False, at_ms + 100)
            if at_ms - booked >= HOUR_MS:
                booked = at_ms + 100
                pipeline.commit(booked)
                pipeline.tick(booked)
        pipeline.tick(NOW)
        pipeline.finish(NOW)
        yield ledger


def figure_of(
    ledger: Ledger, kpi_id: str, printer: str, window: str = JANUARY, profile: Profile | None = None
) -> KpiFigure:
    engine = kpi_engine(ledger, SiteSettings(profile=profile))
    wanted = Selection(printers=(printer,))
    (figure,) = engine.evaluate([kpi_id], engine.window(window, NOW), Scope.FARM, NOW, wanted=wanted)
    return figure


@pytest.mark.parametrize("profile", [Profile.JEWELRY, Profile.RESIN_MINIATURES])
def test_180_good_of_200_prints_in_a_month_are_90_percent_in_two_shops(
    lived: Ledger, profile: Profile
) -> None:
    figure = figure_of(lived, "print_success_rate", "tries", profile=profile)
    assert (figure.counts["succeeded"], figure.counts["attempts"]) == (180, 200)
    assert (figure.value, figure.shown, figure.low, figure.high) == (0.9, "90.00 %", 0.9, 0.9)
    (target,) = figure.targets
    assert (target.target.low, target.standing) == (0.9, Standing.WITHIN)


def test_550_hours_printed_of_720_are_76_39_percent(lived: Ledger) -> None:
    figure = figure_of(lived, "utilization", "busy", THIRTY_DAYS)
    assert (figure.amounts["utilized_hours"], figure.amounts["available_hours"]) == (550, 720)
    assert (figure.shown, figure.observed_share) == ("76.39 %", 1)


def test_450_units_in_january_are_108_2_percent_of_416_and_a_week_lies_above_its_floor(
    lived: Ledger,
) -> None:
    figure = figure_of(lived, "throughput", "plates", profile=Profile.RESIN_MINIATURES)
    assert (figure.value, figure.shown, figure.counts["succeeded"]) == (450, "450 units", 150)
    monthly, _ = figure.targets
    assert (monthly.target.low, monthly.standing, monthly.share) == (416, Standing.WITHIN, 450 / 416)
    week = figure_of(lived, "throughput", "plates", FIRST_WEEK, Profile.RESIN_MINIATURES)
    _, floor = week.targets
    assert week.value == 126
    assert (floor.target.low, floor.standing, floor.share) == (104, Standing.WITHIN, 126 / 104)


def test_100_hours_for_20_models_are_5_hours_each(lived: Ledger) -> None:
    figure = figure_of(lived, "avg_production_time", "models")
    assert (figure.amounts["production_hours"], figure.counts["units"]) == (100, 20)
    assert (figure.value, figure.shown) == (5.0, "5.00 h")
