"""A column is as narrow as its numbers allow, and holds them all the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.figures.job_rows import COUNTED, EndedJob, JobColumns
from farm.figures.narrow import narrow

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200) | st.integers(-(2**33), 2**33)


@given(st.lists(NUMBERS, max_size=5))
def test_the_numbers_are_the_same(numbers: list[int]) -> None:
    column = np.array(numbers, dtype=np.int64)
    assert narrow(column).tolist() == numbers


@pytest.mark.parametrize(
    ("number", "bytes_each"), [(0, 1), (-128, 1), (128, 2), (-32_769, 4), (2**31 - 1, 4), (2**31, 8)]
)
def test_they_take_no_more_bytes_than_they_need(number: int, bytes_each: int) -> None:
    assert narrow(np.array([0, number], dtype=np.int64)).itemsize == bytes_each


@given(st.lists(st.lists(st.integers(-1, 2**31 - 1), min_size=COUNTED, max_size=COUNTED), max_size=4))
def test_jobs_are_told_as_they_were_put_in_however_narrow_their_columns(jobs: list[list[int]]) -> None:
    ended = [(str(number), EndedJob(*[abs(each) % 100 for each in job])) for number, job in enumerate(jobs)]
    columns = JobColumns.joined([JobColumns.of(ended), JobColumns.of(ended[:1])])
    told = sorted(columns.row(place) for place in range(columns.length))
    assert told == sorted([job for _, job in ended] + [job for _, job in ended[:1]])
    taken = columns.rows.some(slice(None))
    assert (taken.printing_ms * 2**40).tolist() == [
        columns.row(place).printing_ms * 2**40 for place in range(columns.length)
    ]
