"""What a broker with an older queue sends again is known by its words, whatever the cuts."""

import copy
import random
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.deliveries import Checksums, Deliveries
from collector.intake.known_messages import KnownMessages
from collector.intake.pipeline import Pipeline
from collector.intake.repetition import RepetitionFilter
from collector.intake.sources import SourceTable
from collector.sessions.trail import HeldMessage, Trail
from collector.settings import parse_source
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.records import KnownRow
from tests.older_queue import SOURCES, Said, dense_stream, everything_in


class Rows:
    """Rows as the ledger keeps them."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}

    def known_rows(self) -> Iterable[KnownRow]:
        return [KnownRow(*row) for row in sorted(self.kept.items())]

    def known_row_sizes(self) -> list[tuple[int, int]]:
        return [(number, len(body)) for number, body in sorted(self.kept.items())]

    def commit(self, known: KnownMessages) -> None:
        row, cut = known.row(), known.cut
        if row is not None:
            self.kept[row.number] = row.body
        self.kept = {number: body for number, body in self.kept.items() if number > cut}
        known.committed(cut)


def test_what_was_added_is_known_before_and_after_the_commit_and_a_restart() -> None:
    rows = Rows()
    known = KnownMessages(rows)
    known.add(7)
    assert known.has(7)
    rows.commit(known)
    assert KnownMessages(rows).has(7)
    assert not KnownMessages(rows).has(8)


def test_a_commit_without_anything_new_writes_no_row() -> None:
    known = KnownMessages(Rows())
    assert known.row() is None
    known.add(1)
    assert known.row() is not None
    known.committed(0)
    assert known.row() is None


def test_a_row_is_written_anew_until_it_is_worth_one() -> None:
    rows = Rows()
    known = KnownMessages(rows)
    for key in range(600):
        known.add(key)
        if key % 10 == 9:
            rows.commit(known)
    assert [len(body) // 8 for body in rows.kept.values()] == [260, 260, 80]
    assert all(known.has(key) for key in range(600))


def test_the_oldest_are_forgotten_and_it_says_so() -> None:
    rows = Rows()
    known = KnownMessages(rows, most=600)
    for key in range(2_000):
        known.add(key)
        if key % 300 == 299:
            rows.commit(known)
    assert known.is_cut
    assert not known.has(0)
    assert all(known.has(key) for key in range(1_200, 2_000))
    again = KnownMessages(rows, most=600)
    assert again.is_cut
    assert again.has(1_799)


class Word(NamedTuple):
    """A message of a client's stream; one without time recurs."""

    session: str
    words: str
    has_time: bool


class Reader:
    """Works a stream in as the pipeline does."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.known = KnownMessages(rows)
        self.repetitions = RepetitionFilter(self.known)
        self.trails: dict[str, Trail] = {}
        self.worked_in: list[Word] = []

    def take(self, word: Word) -> None:
        topic = f"{word.session}/{'status' if word.has_time else 'link'}"
        mark = Deliveries.mark(topic, word.words.encode())
        trail = self.trails.setdefault(word.session, Trail())
        if topic not in self.repetitions.settled:
            message = HeldMessage(topic, word.session, word.words.encode(), 0, *mark)
            is_new, released = self.repetitions.judge(word.session, message, trail)
            for held in released:
                self._work_in(
                    Word(held.suffix, held.payload.decode(), False),
                    Checksums(held.topic_sum, held.payload_sum),
                )
            if not is_new:
                return
        self._work_in(word, mark)

    def _work_in(self, word: Word, mark: Checksums) -> None:
        self.worked_in.append(word)
        trail = self.trails[word.session]
        if word.has_time:
            self.repetitions.remember_timed(mark, trail)
        else:
            self.repetitions.remember(mark, trail)

    def commit(self) -> "Reader":
        """Commit; gives the reader that a restart would begin with."""
        self._rows.commit(self.known)
        again = Reader(copy.deepcopy(self._rows))
        again.trails, again.worked_in = copy.deepcopy(self.trails), list(self.worked_in)
        return again


def stream_of(shape: list[tuple[str, bool]]) -> list[Word]:
    """Every session begins with a message that has a time; no two of those say the same."""
    found = [Word(session, f"first of {session}", True) for session in "ab"]
    for number, (session, has_time) in enumerate(shape):
        words = f"{number}" if has_time else ("online", "offline")[number % 2]
        found.append(Word(session, words, has_time))
    return found


def last_times(stream: list[Word]) -> int:
    """How far an older queue goes back at least here: the tails without a time are told by the receipts."""
    return min(
        max(place for place, word in enumerate(stream) if word.session == session and word.has_time)
        for session in "ab"
    )


shapes = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=40)


@given(shapes, st.data())
@settings(max_examples=300)
def test_set_back_at_any_cut_any_number_of_times_all_is_worked_in_once(
    shape: list[tuple[str, bool]], data: st.DataObject
) -> None:
    stream = stream_of(shape)
    reader, reached = Reader(Rows()), 2
    for word in stream[:2]:
        reader.take(word)
    standby, safe = reader.commit(), reached
    for _ in range(data.draw(st.integers(0, 4))):
        if data.draw(st.booleans()):  # we end too: what was not committed is forgotten, not acknowledged
            reader, reached = standby, safe
            standby = reader.commit()
        begin = min(data.draw(st.integers(0, reached)), last_times(stream[:reached]))
        end = data.draw(st.integers(begin, len(stream)))
        commit_at = data.draw(st.integers(begin, end))
        reader.repetitions.begin()
        for place in range(begin, end):
            reader.take(stream[place])
            if place == commit_at:
                standby, safe = reader.commit(), max(reached, place + 1)
        reached = max(reached, end)
    reader.repetitions.begin()
    for word in stream[min(reached, last_times(stream[:reached])) :]:
        reader.take(word)
    held = [Word(m.suffix, m.payload.decode(), False) for t in reader.trails.values() for m in t.held]
    for session in "ab":
        own = [word for word in reader.worked_in + held if word.session == session]
        assert own == [word for word in stream if word.session == session]


def test_the_same_words_without_a_time_are_new_behind_new_ones() -> None:
    reader = Reader(Rows())
    known = [Word("a", "1", True), Word("a", "offline", False), Word("a", "online", False)]
    new = [Word("a", "2", True), Word("a", "offline", False)]
    for word in known:
        reader.take(word)
    reader.repetitions.begin()
    for word in [*known, *new]:
        reader.take(word)
    assert reader.worked_in == [*known, *new]


def test_what_a_publisher_that_never_says_a_time_says_is_never_passed_over() -> None:
    reader = Reader(Rows())
    words = [Word("a", "printing", False), Word("a", "idle", False)]
    for word in words:
        reader.take(word)
    reader.repetitions.begin()
    for word in words:
        reader.take(word)
    assert reader.worked_in == [*words, *words]


def test_what_is_long_or_many_is_not_held() -> None:
    reader = Reader(Rows())
    for word in (Word("a", "1", True), Word("a", "online", False)):
        reader.take(word)
    reader.repetitions.begin()
    trail = reader.trails["a"]
    long = HeldMessage("a/link", "a", b"x" * 20_001, 0, *Deliveries.mark("a/link", b"online"))
    assert reader.repetitions.judge("a", long, copy.deepcopy(trail)).is_new
    reader.repetitions.begin()
    for _ in range(20):
        reader.take(Word("a", "online", False))
    assert (len(trail.held), len(reader.worked_in)) == (20, 2)
    reader.take(Word("a", "online", False))
    assert (len(trail.held), len(reader.worked_in)) == (0, 23)


# -- the whole way to the books ---------------------------------------------------------------

STREAM = dense_stream(1_000, 4)


def _pipeline(ledger: Ledger) -> Pipeline:
    return Pipeline(ledger, SourceTable([parse_source(source) for source in SOURCES]))


def _take(pipeline: Pipeline, said: list[Said], *, waited: bool = True) -> None:
    for at, topic, payload in said:
        pipeline.take(topic, payload, False, at, mark=Deliveries.mark(topic, payload), waited=waited)


def books(chance: random.Random, times: int) -> dict[str, list[object]]:
    """The books of the stream, set back so often; every other time we begin anew from the ledger too."""
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline, reached = _pipeline(ledger), 0
        for number in range(times):
            begin = chance.randrange(reached + 1)
            end = chance.randrange(begin, len(STREAM))
            pipeline.repetitions.begin()
            _take(pipeline, STREAM[begin:end])
            pipeline.commit(STREAM[max(reached, end) - 1][0] if reached or end else 0)
            reached = max(reached, end)
            if number % 2:
                pipeline = _pipeline(ledger)
        pipeline.repetitions.begin()
        _take(pipeline, STREAM[chance.randrange(reached + 1) :])
        pipeline.caught_up()
        pipeline.commit(STREAM[-1][0])
        return everything_in(ledger)


@pytest.mark.parametrize("seed", range(12))
def test_set_back_at_any_cut_the_books_of_printers_of_every_kind_are_the_same(seed: int) -> None:
    """Klipper hosts that reboot within the stream and are set back to before it are among them."""
    chance = random.Random(seed)
    disturbed, undisturbed = books(chance, 1 + seed % 5), books(chance, 0)
    for table, rows in undisturbed.items():
        assert disturbed[table] == rows, table


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_again_in_a_live_stream_is_known_too(seed: int) -> None:
    """A broker between the printer and ours may be the one with the older queue."""
    chance = random.Random(seed)
    stream = [said for said in STREAM if not said[1].endswith(("/mqtt", "/moonraker/status"))]
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline, reached = _pipeline(ledger), 0
        for _ in range(3):
            begin = chance.randrange(reached + 1)
            _take(pipeline, stream[begin : begin + 300], waited=False)
            reached = max(reached, begin + 300)
        _take(pipeline, stream[reached:], waited=False)
        pipeline.commit(stream[-1][0])
        disturbed = everything_in(ledger)
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline = _pipeline(ledger)
        _take(pipeline, stream, waited=False)
        pipeline.commit(stream[-1][0])
        undisturbed = everything_in(ledger)
    for table in ("job", "span", "evidence"):
        assert disturbed[table] == undisturbed[table], table
