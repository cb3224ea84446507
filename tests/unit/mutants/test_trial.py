"""A mutant is noticed, survives, hangs or does not even import; the tree stays as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.mutations import Mutant
from tests.mutants.targets import ROOT
from tests.mutants.trial import nearest_first

PROGRAM = """
import sys
from pathlib import Path
from tests.mutants.mutations import Mutant
from tests.mutants.trial import Trial, warm_up

warm_up()
path = Path("collector/sessions/report_interval.py")
old, new = sys.argv[1:]
source = path.read_text(encoding="utf-8")
assert old in source
mutant = Mutant(path, 1, "", source.replace(old, new, 1))
trial = Trial(mutant, {"tests/unit/collector/test_report_interval.py": 2})
trial.process.join()
print(trial.outcome())
"""
"""In a process of its own: this one has loaded what is to be mutated."""


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("_INTERVALS = 3", "_INTERVALS = 4", "killed"),
        ("_INTERVALS = 3", "_INTERVALS = 1 + 2", "survived"),
        ("_INTERVALS = 3", "_INTERVALS = nowhere", "invalid"),
        ("self.brisk += 1", "while True: pass", "timeout"),
    ],
)
def test_what_becomes_of_a_mutant(old: str, new: str, outcome: str) -> None:
    file = ROOT / "collector/sessions/report_interval.py"
    before = file.read_bytes()
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, old, new], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == outcome, run.stderr
    assert file.read_bytes() == before


LOADED = """
from tests.mutants.trial import Trial, warm_up

warm_up()
trial = Trial(None, {"tests/unit/collector/test_report_interval.py": 10})
trial.process.join()
print(*(name for name in trial.loaded if name.startswith("collector.sessions.")))
"""


def test_a_test_tells_what_it_loads() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["collector.sessions.report_interval"], run.stderr


@pytest.mark.parametrize(
    ("module", "order"),
    [("c/_b.py", "bac"), ("c/c.py", "cab"), ("c/d.py", "abc"), ("d/b.py", "abc")],
)
def test_the_test_that_is_named_like_the_mutated_module_goes_first(module: str, order: str) -> None:
    tests = tuple(f"tests/unit/c/test_{name}.py" for name in "abc")
    found = nearest_first(Mutant(Path(module), 1, "", ""), tests)
    assert found == tuple(f"tests/unit/c/test_{name}.py" for name in order)
