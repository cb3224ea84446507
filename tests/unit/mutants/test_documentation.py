"""docs/testing.md and the list of survivors say what is there."""

import re
import tomllib

import pytest

from tests.mutants.accepted import accepted
from tests.mutants.targets import ROOT, TARGETS, Target

DOCUMENT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) % \| (\d+) % \|$", re.MULTILINE)
BY_NAME = {target.name: target for target in TARGETS}
ROWS = {row[0]: row[1:] for row in _ROW.findall(DOCUMENT)}


def test_every_layer_has_its_row() -> None:
    named = set(re.findall(r"`tests/(\w+)`", DOCUMENT))
    assert {"unit", "contract", "integration", "e2e", "bench", "mutants"} <= named
    assert named <= {each.name for each in (ROOT / "tests").iterdir()}


def test_every_command_is_one_of_the_makefile() -> None:
    rules = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)", DOCUMENT, re.MULTILINE)) <= rules


def test_every_target_has_its_figures_or_is_named_as_one_without() -> None:
    without = re.search(r"Not run whole since their code was last changed: (.*?)\.\n", DOCUMENT, re.DOTALL)
    named = re.findall(r"`(\w+)`", without.group(1)) if without else []
    assert sorted([*ROWS, *named]) == sorted(target.name for target in TARGETS)


@pytest.mark.parametrize("name", ROWS)
def test_the_figures_add_up_and_meet_the_mark(name: str) -> None:
    killed, survived, timeout, score, mark = (float(value) for value in ROWS[name])
    assert mark / 100 == BY_NAME[name].mark
    assert score == round(100 * (killed + timeout) / (killed + timeout + survived), 1)
    assert score / 100 >= BY_NAME[name].mark


@pytest.mark.parametrize("name", ROWS)
def test_as_many_survivors_are_listed_as_the_figures_tell(name: str) -> None:
    files = {str(path) for path in BY_NAME[name].modules}
    listed = sum(file in files for file, _ in accepted())
    assert listed == int(ROWS[name][1])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_tests_and_the_sources_of_a_target_exist(target: Target) -> None:
    assert target.modules
    for argument in target.tests:
        path, _, name = argument.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_what_a_survivor_changes_stands_in_its_file() -> None:
    """A line that was changed since must be looked at again."""
    for file, key in accepted():
        before = key.partition(": ")[2].partition(" =>")[0]
        code = " ".join(line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
        assert before in code, f"{file} has no {before!r} any more"


def test_no_source_belongs_to_two_targets() -> None:
    modules = [path for target in TARGETS for path in target.modules]
    assert len(modules) == len(set(modules))


def test_every_module_of_what_decides_is_mutated() -> None:
    of_targets = {path for target in TARGETS for path in target.modules}
    for folder in ("collector/adapters", "collector/tracker", "farm/kpi", "alerts/rules"):
        assert {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py")} <= of_targets


def test_the_library_is_a_dependency_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(name.startswith("cosmic-ray") for name in project["optional-dependencies"]["dev"])
