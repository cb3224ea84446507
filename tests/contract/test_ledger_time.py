"""Real and simulated time in one kind of ledger each, in every database."""

import pytest

from farm.errors import LeaseLost, LedgerError
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import Receipt
from tests.contract.ledger_samples import SHARD, farm


def test_a_real_ledger_has_the_time_of_the_machine(ledger: Ledger) -> None:
    ledger.commit(Batch(booked_until_ms=500))
    assert ledger.now_ms(1234) == 1234


def test_a_simulated_ledger_has_the_last_instant_that_was_booked(empty_ledger: Ledger) -> None:
    empty_ledger.claim(SHARD, "run", simulated=True, now_ms=10**12)
    assert empty_ledger.now_ms(1234) == 1234
    empty_ledger.commit(Batch(booked_until_ms=500))
    empty_ledger.commit(Batch(booked_until_ms=400))
    assert empty_ledger.now_ms(1234) == 500
    assert empty_ledger.claim(SHARD, "next run", simulated=True, now_ms=10**12) == 500


def test_a_new_simulated_shard_has_booked_nothing(empty_ledger: Ledger) -> None:
    assert empty_ledger.claim(SHARD, "run", simulated=True, now_ms=10**12) is None
    assert empty_ledger.claim(SHARD, "next run", simulated=True, now_ms=10**12) is None


@pytest.mark.parametrize("simulated", [True, False])
def test_a_ledger_with_printers_refuses_the_other_time(empty_ledger: Ledger, *, simulated: bool) -> None:
    empty_ledger.claim(SHARD, "first", simulated=simulated, now_ms=0)
    empty_ledger.commit(farm("anna"))
    with pytest.raises(LedgerError, match=r"ledger of its own \(ledger\.url\)"):
        empty_ledger.claim(SHARD, "second", simulated=not simulated, now_ms=0)
    empty_ledger.commit(farm("bert"))
    assert len(empty_ledger.printers()) == 2


def test_an_empty_ledger_changes_over_and_fences_the_other_time_off(shared_url: str) -> None:
    with open_ledger(shared_url) as real, open_ledger(shared_url) as simulated:
        real.claim("real shard", "real", simulated=False, now_ms=0)
        real.commit(Batch(receipt=Receipt(1, b"messages")))
        simulated.claim(SHARD, "run", simulated=True, now_ms=0)
        assert simulated.receipts() == []
        with pytest.raises(LeaseLost):
            real.commit(farm("anna"))
        simulated.commit(Batch(booked_until_ms=77))
        assert real.now_ms(5) == 77
