"""What the broker sends again is known until the broker is known to have read the acknowledgement."""

from collector.intake.deliveries import Deliveries
from farm.ledger.records import Receipt


class Shard:
    """Deliveries with the receipts that a ledger would keep of them."""

    def __init__(self) -> None:
        self.deliveries = Deliveries()
        self.receipts: list[Receipt] = []

    def take(self, *packet_ids: int, payload: bytes = b"{}") -> None:
        for packet_id in packet_ids:
            self.deliveries.take(packet_id, Deliveries.mark("printer/status", payload))

    def commit(self) -> None:
        receipt, confirmed = self.deliveries.receipt(), self.deliveries.confirmed
        self.receipts += [receipt] if receipt is not None else []
        self.receipts = [kept for kept in self.receipts if kept.number > confirmed]
        self.deliveries.committed()

    def known(self, *packet_ids: int, payload: bytes = b"{}") -> list[int]:
        mark = Deliveries.mark("printer/status", payload)
        return [each for each in packet_ids if self.deliveries.were_taken(each, mark)]

    def begin_again(self) -> None:
        self.deliveries = Deliveries(self.receipts)


def test_topic_and_payload_tell_messages_apart() -> None:
    marks = {Deliveries.mark(*said) for said in (("a", b"x"), ("b", b"x"), ("a", b"y"), ("a", b"x"))}
    assert len(marks) == 3
    shard = Shard()
    shard.take(1)
    assert shard.known(1, 2) == [1]
    assert shard.known(1, payload=b"[]") == []


def test_what_was_committed_is_known_after_a_new_start_and_what_was_not_is_not() -> None:
    shard = Shard()
    shard.take(1, 2)
    shard.commit()
    shard.take(3)
    assert shard.known(1, 2, 3) == [1, 2, 3]
    shard.begin_again()
    assert shard.known(1, 2, 3) == [1, 2]
    shard.commit()
    assert len(shard.receipts) == 1


def test_an_identifier_in_use_again_confirms_all_before_it() -> None:
    shard = Shard()
    shard.take(1, 2, 3)
    shard.commit()
    shard.take(4)
    shard.commit()
    shard.take(2, payload=b"new")
    assert shard.known(1, 2, 3, 4) == [3, 4]
    assert shard.known(2, payload=b"new") == [2]
    shard.commit()
    assert [receipt.number for receipt in shard.receipts] == [1, 2, 3]
    shard.take(4, payload=b"new")
    shard.commit()
    shard.commit()
    assert [receipt.number for receipt in shard.receipts] == [3, 4]
    shard.begin_again()
    assert shard.known(2, 4, payload=b"new") == [2, 4]
    assert shard.known(1, 2, 3, 4) == []


def test_receipts_stay_few_however_long_it_goes_on() -> None:
    shard = Shard()
    for number in range(2_000):
        shard.take(*(1 + (number * 7 + each) % 50 for each in range(7)), payload=str(number).encode())
        shard.commit()
    assert len(shard.receipts) <= 9
    assert shard.known(*(1 + (1_999 * 7 + each) % 50 for each in range(7)), payload=b"1999") != []


def test_while_it_may_come_again_an_identifier_in_use_confirms_nothing() -> None:
    shard = Shard()
    shard.take(1, 2)
    shard.deliveries.take(1, Deliveries.mark("printer/status", b"new"), confirms=False)
    assert shard.known(2) == [2]
    assert shard.deliveries.unconfirmed() == [
        Deliveries.mark("printer/status", b"{}"),
        Deliveries.mark("printer/status", b"new"),
    ]
