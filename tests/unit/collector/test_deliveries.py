"""What the broker sends again is known until the broker is known to have heard of it."""

from collector.deliveries import Deliveries

MARKS = [Deliveries.mark(packet_id, "printer/status", b"{}") for packet_id in range(1, 4)]


def test_packet_topic_and_payload_tell_messages_apart() -> None:
    one = Deliveries.mark(1, "a", b"x")
    assert (
        len(
            {one, Deliveries.mark(2, "a", b"x"), Deliveries.mark(1, "b", b"x"), Deliveries.mark(1, "a", b"y")}
        )
        == 4
    )
    assert Deliveries.mark(1, "a", b"x") == one


def test_what_was_taken_is_known_and_comes_back_from_the_commit() -> None:
    deliveries = Deliveries()
    deliveries.take(MARKS[0])
    restored = Deliveries(deliveries.encode())
    for known in (deliveries, restored):
        assert MARKS[0] in known
        assert MARKS[1] not in known


def test_acknowledged_is_forgotten_only_behind_an_answered_fence() -> None:
    deliveries = Deliveries()
    deliveries.take(MARKS[0])
    deliveries.acknowledge()
    assert deliveries.unfenced == 1
    deliveries.fence()
    deliveries.take(MARKS[1])
    deliveries.acknowledge()
    deliveries.take(MARKS[2])
    assert deliveries.unfenced == 1
    assert all(mark in deliveries for mark in MARKS)
    deliveries.confirm()
    assert [mark in deliveries for mark in MARKS] == [False, True, True]
    assert Deliveries(deliveries.encode()).encode() == deliveries.encode()


def test_a_fence_that_was_never_answered_stands_until_the_next_one_is() -> None:
    deliveries = Deliveries()
    for mark in MARKS:
        deliveries.take(mark)
        deliveries.acknowledge()
        deliveries.fence()
    assert all(mark in deliveries for mark in MARKS)
    deliveries.confirm()
    assert not any(mark in deliveries for mark in MARKS)


def test_what_was_restored_stays_until_a_fence_of_the_new_connection() -> None:
    before = Deliveries()
    before.take(MARKS[0])
    restored = Deliveries(before.encode())
    restored.take(MARKS[1])
    restored.acknowledge()
    assert MARKS[0] in restored
    restored.fence()
    restored.confirm()
    assert MARKS[0] not in restored
