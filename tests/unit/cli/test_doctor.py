"""What the doctor says of printers as which two publish."""

from zoneinfo import ZoneInfo

import msgspec

from farm.cli.diagnosis import CheckStatus
from farm.cli.doctor import clash_diagnoses
from farm.cli.times import FarmClock
from farm.ledger.batch import Batch
from farm.model.clash import STANDS_MS, ClashSign, PublisherClash
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
