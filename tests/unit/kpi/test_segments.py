"""Windows and closed hours cut into intervals of which each is all of one kind."""

from farm.kpi.account import Interval
from farm.kpi.segments import Segment, segments
from farm.kpi.windows import Window


def window(from_ms: int, to_ms: int) -> Window:
    return Window("w", from_ms, to_ms)


def test_windows_that_overlap_are_cut_at_every_edge_and_none_is_counted_twice() -> None:
    assert segments([window(0, 10), window(5, 20), window(5, 20)]) == [
        Segment(0, 5, False),
        Segment(5, 10, False),
        Segment(10, 20, False),
    ]


def test_time_in_no_window_is_in_no_segment() -> None:
    assert segments([window(0, 10), window(30, 40)], [Interval(-5, 15)]) == [
        Segment(0, 10, True),
        Segment(30, 40, False),
    ]
    assert segments([]) == []


def test_closed_hours_that_touch_or_overlap_are_closed_until_the_last_of_them_ends() -> None:
    closed = [Interval(2, 6), Interval(4, 8), Interval(8, 9), Interval(12, 14)]
    assert segments([window(0, 20)], closed) == [
        Segment(0, 2, False),
        Segment(2, 4, True),
        Segment(4, 6, True),
        Segment(6, 8, True),
        Segment(8, 9, True),
        Segment(9, 12, False),
        Segment(12, 14, True),
        Segment(14, 20, False),
    ]
