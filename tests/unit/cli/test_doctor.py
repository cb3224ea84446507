"""What the doctor says of printers as which two publish, and of messages that were dropped."""

from zoneinfo import ZoneInfo

import msgspec

from farm.cli.diagnosis import CheckStatus
from farm.cli.doctor import clash_diagnoses, dropped_diagnoses
from farm.cli.times import FarmClock
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.records import IntakeFault, RejectedMessage
from farm.model.clash import STANDS_MS, ClashSign, PublisherClash
from farm.model.times import HOUR_MS
from tests.fakes.farm_server import farm_ledger
from tests.fakes.sample_farm import NOW_MS, sample_farm


def clock_at(now_ms: int) -> FarmClock:
    return FarmClock(ZoneInfo("Europe/Berlin"), now_ms)


def test_two_publishers_are_named_with_their_prefix_and_the_remedy_until_it_is_over() -> None:
    farm = sample_farm(1, days=0.1)
    (stored,) = farm.batch.sessions
    clash = PublisherClash(prefix="octoPrint", sign=ClashSign.BED, since_ms=NOW_MS - 5_000, last_ms=NOW_MS)
    with farm_ledger(farm) as ledger:
        assert list(clash_diagnoses(ledger, clock_at(NOW_MS))) == []
        told = msgspec.structs.replace(stored, clash=clash)
        ledger.commit(Batch(sessions=[told], booked_until_ms=NOW_MS))
        (found,) = clash_diagnoses(ledger, clock_at(NOW_MS))
        assert list(clash_diagnoses(ledger, clock_at(NOW_MS + STANDS_MS + 1))) == []
    assert found.status is CheckStatus.FAILED
    assert found.what == f"printer {farm.printers[0].name}"
    assert "two printers publish under octoPrint/" in found.seen
    assert "of its own" in found.remedy


def dropped_until(ledger: Ledger, now_ms: int) -> list[tuple[CheckStatus, str]]:
    return [(found.status, found.seen) for found in dropped_diagnoses(ledger, clock_at(now_ms))]


def test_a_warning_of_dropped_messages_ages_out_within_the_hour() -> None:
    fault = IntakeFault(source="octoprint=octoPrint", reason="not_json", count=3, last_ms=NOW_MS)
    rejected = RejectedMessage(
        at_ms=NOW_MS,
        source="octoprint=octoPrint",
        reason="internal_error",
        topic="t",
        detail="",
        size=1,
        payload=b"{",
    )
    with farm_ledger() as ledger:
        ledger.claim("sample", "test", simulated=False, now_ms=NOW_MS)
        assert dropped_until(ledger, NOW_MS) == [(CheckStatus.OK, "none")] * 2
        ledger.commit(Batch(faults=[fault], rejected=[rejected], booked_until_ms=NOW_MS))
        warned = dropped_until(ledger, NOW_MS + HOUR_MS)
        later = dropped_until(ledger, NOW_MS + HOUR_MS + 1)
    assert [status for status, _ in warned] == [CheckStatus.WARNING] * 2
    assert warned[0][1] == "3 × not_json, the last 60 min ago"
    assert later == [
        (CheckStatus.OK, "none in the last hour, 3 before"),
        (CheckStatus.OK, "none in the last hour, 1 before"),
    ]
