"""The help pages: no words of the library's, and nothing that a narrow terminal breaks to pieces."""

import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from farm.cli.help import choices_apart, continued
from farm.cli.root import app
from farm.errors import InvalidQuery

WIDTH = 80
RUNNER = CliRunner(env={"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH)})
GROUP: Any = typer.main.get_command(app)


def commands(group: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found += commands(command, (*prefix, name)) if hasattr(command, "commands") else [(*prefix, name)]
    return found


@pytest.mark.parametrize("command", commands(GROUP), ids=" ".join)
def test_a_help_page_names_values_and_no_types(command: tuple[str, ...]) -> None:
    shown = RUNNER.invoke(app, [*command, "--help"], prog_name="layerline").output
    usage = " ".join(shown.split("\n\n")[0].split())
    arguments = usage.removeprefix(f"Usage: layerline {' '.join(command)} [OPTIONS]").split()
    assert all(re.fullmatch(r"[A-Z]+(\.\.\.)?|\[[A-Z]+\]\.\.\.", argument) for argument in arguments), usage
    assert not re.search(r"<(int|str|list|float|path|Path)\b", shown), shown


@pytest.mark.parametrize("command", commands(GROUP), ids=" ".join)
def test_an_example_is_broken_only_where_a_shell_goes_on(command: tuple[str, ...]) -> None:
    shown = RUNNER.invoke(app, [*command, "--help"]).output
    assert all(len(line) <= WIDTH for line in shown.splitlines())
    examples = shown.split("\nExamples\n")[1].rstrip().splitlines()
    assert all(len(line) <= WIDTH for line in examples)
    assert all(line.startswith("  ") for line in examples)


def test_an_example_goes_on_before_an_option() -> None:
    command = 'layerline job verdict 5f0f --good 3 --note "front left" --who olga'
    assert continued(command, 80) == [f"  {command}"]
    assert continued(command, 44) == [
        "  layerline job verdict 5f0f --good 3 \\",
        '      --note "front left" --who olga',
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs", "-n", "0"], "--limit 0: must be 1 or more"),
        (["alerts", "-n", "many"], "--limit many: must be a whole number"),
        (["up", "--port", "99999"], "--port 99999: must be 65535 or less"),
        (
            ["jobs", "--outcome", "good"],
            "--outcome good: must be one of succeeded, failed, cancelled, unknown",
        ),
        (["export", "nothing"], "WHAT nothing: must be one of jobs, states, telemetry"),
    ],
)
def test_a_wrong_value_is_told_with_its_remedy(words: list[str], told: str) -> None:
    with pytest.raises(InvalidQuery) as wrong:
        RUNNER.invoke(app, words, catch_exceptions=False)
    assert str(wrong.value) == told


def test_an_argument_that_is_missing_is_told_with_the_usage() -> None:
    done = RUNNER.invoke(app, ["job", "show"], prog_name="layerline")
    assert done.exit_code == 2
    assert "Usage: layerline job show [OPTIONS] JOB" in done.stderr
    assert "Missing argument 'JOB'" in done.stderr


def test_what_may_be_chosen_goes_on_in_further_lines() -> None:
    label = "STATE <maintenance|engineering|waiting-for-operator|bed-cleared>"
    assert choices_apart(label, 80) == [label]
    assert choices_apart(label, 30) == [
        "STATE <maintenance|",
        "  engineering|",
        "  waiting-for-operator|",
        "  bed-cleared>",
    ]
    assert choices_apart("-v, --verbose", 10) == ["-v, --verbose"]
