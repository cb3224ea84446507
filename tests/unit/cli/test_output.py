"""What goes into files for spreadsheets, and how counts are told."""

from pathlib import Path
from typing import Any

import pytest

from farm.cli.output import between_words, counted, write_csv


def test_csv_ends_its_lines_with_lf_and_says_true_as_json_does(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"a": True, "b": None, "c": 'x"y'}, {"a": False, "b": 1.5, "c": "one\ntwo"}]
    write_csv(rows, ["a", "b", "c"], tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == b'a,b,c\ntrue,,"x""y"\nfalse,1.5,"one\ntwo"\n'


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    assert [counted(count, "printer") for count in (0, 1, 2, 1200)] == [
        "0 printers",
        "1 printer",
        "2 printers",
        "1,200 printers",
    ]


SENTENCE = (
    "phone_stand_r2_0.28mm_PLA.gcode fails 8.1 times as often as the rest of the farm, 95 % 5.5 to 12, "
    "24 of 85 prints."
)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_line_is_broken_between_words_where_the_terminal_ends(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = between_words(SENTENCE, 4)
    assert max(map(len, lines)) <= width
    assert " ".join(line.strip() for line in lines) == SENTENCE
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_word_longer_than_the_terminal_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert between_words("job a2942e62-dade-5ac9-90b1-ed46285d9896", 0) == [
        "job",
        "a2942e62-dade-5ac9-90b1-ed46285d9896",
    ]


def test_an_empty_line_and_one_that_fits_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert between_words("", 4) == [""]
    assert between_words("hours      mon-fri 08:00-18:00", 4) == ["hours      mon-fri 08:00-18:00"]
