"""Tables that can be read at 80 columns, and whole in a pipe."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from farm.tables import (
    Cell,
    Column,
    Displayed,
    fitted,
    indented,
    plain_table,
    print_table,
    shortened,
    terminal_table,
)

COLUMNS = (
    Column("job"),
    Column("printer", name=True),
    Column("file", name=True),
    Column("outcome"),
    Column("printed", right=True, extra=True),
    Column("started", extra=True),
    Column("what was said", below=True),
)
ROW: list[Cell] = [
    Displayed("5f0f1c9a", "5f0f1c9a-2a60-5a0c-8f8e-1c2d3e4f5a6b"),
    "the-third-printer-from-the-left",
    "orders/2026/november/enclosure_lid_rev7_0.2mm_PETG.gcode",
    "succeeded",
    "2 h 05 min",
    Displayed("Tue 14:30", "2026-11-17T14:30:00+01:00"),
    "a heater did not get warm, and then it did, which nobody had thought of before",
]
SHORT: list[Cell] = ["1", "a", "b", "failed", "3 s", "–", "–"]


def lines(width: int) -> list[str]:
    return [line.plain for line in terminal_table(COLUMNS, [ROW, SHORT], width)]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_longer_than_the_window(width: int) -> None:
    assert max(map(cell_len, lines(width))) <= width


def test_a_narrow_window_shortens_names_and_leaves_out_what_is_extra() -> None:
    head, first, *_ = lines(64)
    assert head.split() == ["job", "printer", "file", "outcome"]
    assert re.match(r"5f0f1c9a  the-third…\S+-left  orders/\S+…\S*PETG.gcode  succeeded", first)


def test_what_is_extra_comes_back_with_room_one_column_after_the_other() -> None:
    heads = [tuple(lines(width)[0].split()) for width in range(60, 130)]
    assert all(set(fewer) <= set(more) for fewer, more in pairwise(heads))
    assert "printed" in heads[-1]


def test_running_text_stands_below_its_row_until_there_is_room_beside() -> None:
    narrow = lines(80)
    assert narrow[2].startswith("  a heater did not get warm")
    assert narrow[-1].startswith("1 "), "nothing stands below a row that says nothing"
    assert lines(300)[1].endswith("before")


def test_a_pipe_gets_everything_in_full() -> None:
    head, first, second = plain_table(COLUMNS, [ROW, SHORT])
    assert head.startswith("job ")
    for cell in ROW:
        assert (cell.whole if isinstance(cell, Displayed) else cell) in first
    assert first.index("2 h 05 min") + len("2 h 05 min") == second.index("3 s") + len("3 s")


def test_what_is_no_terminal_gets_the_table_of_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(COLUMNS, [ROW], title="Jobs")
    assert capsys.readouterr().out.splitlines() == ["Jobs", *plain_table(COLUMNS, [ROW])]


def test_the_middle_of_a_name_is_left_out() -> None:
    assert shortened("enclosure_lid_rev7.gcode", 12) == "enclo….gcode"
    assert shortened("short", 12) == "short"


@settings(deadline=None)  # what is loaded by the first call takes its time
@given(st.text(max_size=40), st.integers(2, 30))
def test_a_shortened_name_fits(name: str, width: int) -> None:
    assert cell_len(shortened(name, width)) <= width


@settings(deadline=None)  # what is loaded by the first call takes its time
@given(
    st.lists(st.lists(st.text("ab漢字 ", max_size=60), min_size=7, max_size=7), min_size=1),
    st.integers(60, 200),
)
def test_columns_take_no_more_than_there_is_where_words_allow(rows: list[list[str]], room: int) -> None:
    widths = fitted(COLUMNS, rows, room)
    fixed = [at for at in widths if not COLUMNS[at].name]
    least = sum(widths[at] for at in fixed) + 12 * (len(widths) - len(fixed)) + 2 * (len(widths) - 1)
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= max(room, least)


def test_running_text_is_indented_in_all_its_lines() -> None:
    told = indented("one two three four five six", 14, 2)
    assert len(told) > 1
    assert all(line.startswith("  ") and len(line) <= 14 for line in told)


def test_a_column_that_may_go_does_so_before_a_name_is_shortened_below_its_readable_length() -> None:
    title, when = "bay-01-weak-heater: 3 failed prints in a row", "27 Nov 10:33"
    columns = [Column("alert", name=True, readable=44), Column("resolved"), Column("severity", extra=True)]
    assert list(fitted(columns, [[title, when, "critical"]], 68)) == [0, 1, 2]
    assert fitted(columns, [[title, when, "critical"]], 67) == {0: 44, 1: 12}
    assert fitted(columns, [[title, when, "critical"]], 50) == {0: 36, 1: 12}


@given(st.integers(20, 60))
def test_a_number_stays_on_the_line_of_its_unit(room: int) -> None:
    text = "idle 73.1 h, cleared 42.9 h, 95 % of it, 84 cancelled, at 240 °C, 1 min 03 s"
    told = indented(text, room)
    assert " ".join(line.strip() for line in told) == text
    assert not [line for line in told[:-1] if line[-1].isdigit()]


def test_running_text_that_no_row_has_takes_no_room() -> None:
    heads = [
        next(terminal_table(COLUMNS, rows, 300)).plain.endswith("what was said")
        for rows in ([SHORT], [ROW, SHORT])
    ]
    assert heads == [False, True]
    assert plain_table(COLUMNS, [SHORT])[0].endswith("what was said")
