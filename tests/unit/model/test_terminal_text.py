"""What anybody may have written steers no terminal and turns no text round."""

import json
import logging
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.app.logs import JsonFormatter, LogRedaction, TextFormatter
from farm.cli.output import print_json, print_line, write_csv
from farm.model.terminal_text import plain, plain_json, plain_lines
from farm.tables import print_table

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b31m\u202egpj.exe\r\nb\u2028c\ud800"
SHOWN = r"a\x1b[2J\x1b]0;owned\x07\x9b31m\u202egpj.exe\r\nb\u2028c\ud800"


def is_harmless(text: str) -> bool:
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return all(
        sign == "\n"
        or (
            unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"}
            and unicodedata.bidirectional(sign) not in directions
        )
        for sign in text
    )


def test_what_steers_a_terminal_is_written_out() -> None:
    assert plain(HOSTILE) == SHOWN
    assert plain("Gehäuse Größe 2 – v1.gcode 部品 🙂") == "Gehäuse Größe 2 – v1.gcode 部品 🙂"
    assert plain_lines("a\x1b\nb") == "a\\x1b\nb"


@given(st.text())
def test_whatever_is_written_is_harmless(text: str) -> None:
    assert is_harmless(plain(text).replace("\n", "\0"))
    assert is_harmless(plain_lines(text))
    assert plain(plain(text)) == plain(text)


@given(
    st.recursive(
        st.text() | st.none() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_keeps_its_values(value: Any) -> None:
    document = plain_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(document) == value
    assert is_harmless(document)


@pytest.mark.parametrize("width", ["20", "80"])
def test_tables_and_lines_are_harmless(width: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", width)
    print_table(["file"], [[HOSTILE], ["[bold]x[/bold]"]], title=f"[/]{HOSTILE}")
    print_line(HOSTILE)
    print_json({"file": HOSTILE})
    shown = capsys.readouterr().out
    assert is_harmless(shown)
    assert SHOWN in shown
    assert "[bold]x[/bold]" in shown


def test_a_file_of_figures_keeps_what_a_terminal_must_not_be_shown(tmp_path: Any) -> None:
    write_csv([{"file": "a\u202eb"}], ["file"], tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text("utf-8") == "file\na\u202eb\n"


@pytest.mark.parametrize("formatter", [TextFormatter(LogRedaction()), JsonFormatter(LogRedaction())])
def test_the_log_is_harmless(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s", (HOSTILE,), None)
    assert is_harmless(formatter.format(record))
    assert r"\u202e" in formatter.format(record)
