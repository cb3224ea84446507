"""The mark of a page goes out and comes back as it was; what is no mark is refused with its field."""

import base64
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import InvalidInput
from farm.ledger.page_marks import MarkedId, MarkedNumber, page_end, page_mark


class End(msgspec.Struct, frozen=True, array_like=True):
    at_ms: MarkedNumber
    id: MarkedId


def as_mark(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@given(st.integers(-(2**63), 2**63 - 1), st.text(string.ascii_letters + string.digits + "-", max_size=64))
def test_a_mark_comes_back_as_the_end_that_it_was_made_of(at_ms: int, entry: str) -> None:
    mark = page_mark(End(at_ms, entry))
    assert set(mark) <= set(string.ascii_letters + string.digits + "-_")
    assert page_end(mark, End, "jobs") == End(at_ms, entry)


@pytest.mark.parametrize(
    "mark",
    ["", "x", "ünï", as_mark(b"[1]"), as_mark(b'["a","b"]'), as_mark(b"not json")],
)
def test_what_no_page_gave_is_refused_with_its_field(mark: str) -> None:
    with pytest.raises(InvalidInput, match=r"after: .*mark of a page of jobs") as refused:
        page_end(mark, End, "jobs")
    assert (refused.value.field, refused.value.value) == ("after", mark)


@pytest.mark.parametrize("text", [b'[9223372036854775808,"a"]', b'[1e400,"a"]', b'[1,"a\\u0000b"]'])
def test_what_no_database_can_compare_with_is_no_mark(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        page_end(as_mark(text), End, "jobs")
