"""What comes again without a word is told by its order, and what is new is never dropped."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.intake.deliveries import Deliveries
from collector.intake.mqtt import Arrival
from collector.intake.redelivery import RedeliveryFilter

Said = tuple[str, str]


def arrival(said: Said) -> Arrival:
    return Arrival(said[0], said[1].encode(), False, 1, False)


def redelivery(known: Sequence[Said]) -> RedeliveryFilter:
    return RedeliveryFilter(Deliveries.mark(topic, payload.encode()) for topic, payload in known)


def worked_in(known: Sequence[Said], stream: Sequence[Said]) -> list[Said]:
    """What of the stream is worked in, in order."""
    found, under_test = [], redelivery(known)
    for said in stream:
        message = arrival(said)
        found += under_test.sort(message, Deliveries.mark(message.topic, message.payload)).fresh
    found += under_test.release()
    return [(message.topic, message.payload.decode()) for message in found]


ABC = [("t", "a"), ("t", "b"), ("t", "c")]


@pytest.mark.parametrize("since", range(4))
def test_all_since_some_message_comes_again_before_the_first_new_one(since: int) -> None:
    assert worked_in(ABC, [*ABC[since:], ("t", "d"), ("t", "c")]) == [("t", "d"), ("t", "c")]


def test_what_only_begins_like_it_was_new() -> None:
    assert worked_in(ABC, [("t", "b"), ("t", "x")]) == [("t", "b"), ("t", "x")]
    assert worked_in(ABC, [("t", "a"), ("t", "b")]) == [("t", "a"), ("t", "b")]


def test_each_topic_is_told_by_itself() -> None:
    known = [("t", "a"), ("u", "a"), ("t", "b"), ("u", "b")]
    stream = [("t", "b"), ("u", "a"), ("u", "b"), ("v", "a"), ("t", "c"), ("u", "c")]
    assert worked_in(known, stream) == [("v", "a"), ("t", "c"), ("u", "c")]


def test_the_same_words_over_and_over_come_again_as_often() -> None:
    known = [("t", "up"), ("t", "up"), ("t", "up")]
    assert worked_in(known, [("t", "up")] * 3 + [("t", "down")]) == [("t", "down")]


def test_it_holds_back_until_it_knows() -> None:
    under_test = redelivery(ABC)
    message = arrival(("t", "b"))
    assert under_test.sort(message, Deliveries.mark(message.topic, message.payload)) == ([], [])
    assert (under_test.is_holding, under_test.is_over) == (True, False)
    assert under_test.release() == [message]
    assert (under_test.is_holding, under_test.is_over) == (False, True)


def test_a_topic_of_which_all_is_known_to_be_new_is_released_in_order() -> None:
    under_test = redelivery([*ABC, ("u", "a")])
    first, other = arrival(("t", "a")), arrival(("u", "a"))
    mark = Deliveries.mark("t", b"a")
    assert under_test.sort(first, mark) == ([], [])
    assert under_test.release_topic(mark.topic) == [first]
    assert under_test.release_topic(mark.topic) == []
    assert under_test.sort(other, Deliveries.mark("u", b"a")).again == [other]
    assert under_test.is_over


def test_with_nothing_unconfirmed_it_is_over_at_once() -> None:
    assert redelivery([]).is_over


def test_it_does_not_wait_for_ever_for_a_silent_topic() -> None:
    under_test = redelivery(ABC)
    message = arrival(("u", "x"))
    for _ in range(1_003):
        assert not under_test.is_over
        assert under_test.sort(message, Deliveries.mark("u", b"x")).fresh == [message]
    assert under_test.is_over


topics, words = st.sampled_from("tuv"), st.integers(0, 30).map(str)


@given(st.lists(st.tuples(topics, words)), st.data())
def test_whatever_comes_again_nothing_new_is_lost(known: list[Said], data: st.DataObject) -> None:
    """Each topic goes back by itself; what is new has words of its own."""
    stream: list[Said] = []
    for topic in "tuv":
        own = [said for said in known if said[0] == topic]
        stream += own[data.draw(st.integers(0, len(own))) :]
    new = [(topic, f"new {word}") for topic, word in data.draw(st.lists(st.tuples(topics, words)))]
    found = worked_in(known, stream + new)
    assert [said for said in found if said in new] == new


@given(st.lists(st.tuples(topics, words), unique=True), st.data())
def test_where_words_differ_nothing_comes_twice(known: list[Said], data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(known)))
    assert worked_in(known, [*known[since:], ("t", "new"), ("u", "new")]) == [("t", "new"), ("u", "new")]
