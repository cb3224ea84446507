"""Every answer of the server has one course, and only InfluxDB's own refusals give a point up."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.influx.answers import HANDLING, Handling, ServerAnswer, is_of_influx
from farm.influx.shipment import parcels, ship

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STORED = ServerAnswer(status=204)
DOWN = ServerAnswer(status=None, words="connection refused")
UNPARSABLE = ServerAnswer(status=400, words="unable to parse", of_influx=True)
TOO_LARGE = ServerAnswer(status=413)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_its_course(status: int) -> None:
    expected = {204: Handling.STORED, 413: Handling.HALVE, 400: Handling.SIFT, 422: Handling.SIFT}
    assert ServerAnswer(status=status, of_influx=True).handling is expected.get(status, Handling.WAIT)


@pytest.mark.parametrize("status", sorted(HANDLING))
def test_the_table_says_what_is_done(status: int) -> None:
    assert ServerAnswer(status=status, of_influx=True).handling is HANDLING[status]


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_that_is_not_of_influxdb_keeps_the_data(status: int) -> None:
    assert ServerAnswer(status=status, words="<html>Bad Request</html>").handling is Handling.WAIT


def test_no_answer_keeps_the_data() -> None:
    assert DOWN.handling is Handling.WAIT


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"code":"invalid","message":"unable to parse"}', True),
        (b'{"error":"partial write of line protocol occurred","data":[]}', True),
        (b"<html>400 Bad Request</html>", False),
        (b'"text"', False),
        (b"\xff\xfe", False),
        (b"", False),
    ],
)
def test_influxdb_is_known_by_the_form_of_its_errors(body: bytes, expected: bool) -> None:
    assert is_of_influx(body) is expected


@pytest.mark.parametrize(
    ("words", "dropped"),
    [("partial write: field type conflict dropped=12", 12), ("partial write", None), ("undropped=3", None)],
)
def test_the_number_of_dropped_points_is_read_from_the_words(words: str, dropped: int | None) -> None:
    assert ServerAnswer(status=422, words=words).dropped == dropped


class Server:
    """Refuses some lines, takes at most so many at once, and goes away after so many requests."""

    def __init__(self, bad: Sequence[bytes] = (), most: int = 1_000_000, requests: int = 1_000_000) -> None:
        self.bad, self.most, self.left = set(bad), most, requests
        self.stored: list[bytes] = []
        self.requests = 0

    def write(self, body: bytes) -> ServerAnswer:
        self.requests += 1
        self.left -= 1
        lines = body.split(b"\n")
        if self.left < 0:
            return DOWN
        if len(lines) > self.most:
            return TOO_LARGE
        if self.bad.intersection(lines):
            return UNPARSABLE
        self.stored += lines
        return STORED


def test_an_empty_run_needs_no_request() -> None:
    server = Server()
    assert ship(server.write, []).done == server.requests == 0


def test_a_bad_line_is_found_and_all_others_are_stored_in_order() -> None:
    lines = [b"%d" % number for number in range(1000)]
    server = Server(bad=[b"637"])
    shipment = ship(server.write, lines)
    assert server.stored == [line for line in lines if line != b"637"]
    assert [(each.index, each.answer.words) for each in shipment.refusals] == [(637, "unable to parse")]
    assert (shipment.done, shipment.stored, shipment.halted) == (1000, 999, None)
    assert server.requests < 25


def test_points_that_the_server_says_it_dropped_all_of_are_not_tried_one_by_one() -> None:
    requests: list[bytes] = []

    def write(body: bytes) -> ServerAnswer:
        requests.append(body)
        count = len(body.split(b"\n"))
        return ServerAnswer(status=422, words=f"field type conflict dropped={count}", of_influx=True)

    shipment = ship(write, [b"x"] * 5000)
    assert len(requests) == 1
    assert len(shipment.refusals) == 5000


def test_a_batch_that_is_too_large_is_sent_in_halves() -> None:
    server = Server(most=100)
    shipment = ship(server.write, [b"%d" % number for number in range(1000)])
    assert (shipment.stored, len(shipment.refusals)) == (1000, 0)


def test_a_single_line_that_is_too_large_is_refused() -> None:
    assert [each.index for each in ship(Server(most=0).write, [b"a"]).refusals] == [0]


lines_and_bad = st.lists(st.integers(0, 40).map(lambda n: b"%d" % n), max_size=40, unique=True)


@given(lines_and_bad, st.sets(st.integers(0, 40)), st.integers(1, 20), st.integers(0, 60))
def test_whatever_happens_the_settled_lines_are_stored_or_refused_and_the_rest_is_kept(
    lines: list[bytes], bad: set[int], most: int, requests: int
) -> None:
    refused = {b"%d" % number for number in bad}
    server = Server(bad=list(refused), most=most, requests=requests)
    shipment = ship(server.write, lines)
    settled = lines[: shipment.done]
    assert server.stored == [line for line in settled if line not in refused]
    assert [lines[each.index] for each in shipment.refusals] == [line for line in settled if line in refused]
    assert (shipment.halted is None) == (shipment.done == len(lines))


@given(st.lists(st.binary(max_size=30), max_size=50), st.integers(1, 10), st.integers(1, 100))
def test_parcels_cover_all_lines_within_the_limits(lines: list[bytes], most: int, size: int) -> None:
    cut = list(parcels(lines, most, size))
    assert [index for start, end in cut for index in range(start, end)] == list(range(len(lines)))
    for start, end in cut:
        assert end - start <= most
        assert end - start == 1 or sum(len(line) + 1 for line in lines[start:end]) <= size
