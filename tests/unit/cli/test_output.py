"""What goes into files for spreadsheets, and how counts are told."""

from pathlib import Path
from typing import Any

from farm.cli.output import counted, write_csv


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
