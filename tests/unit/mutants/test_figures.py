"""What a run of the mutants keeps, prints and demands."""

from pathlib import Path

import pytest

from tests.mutants import results
from tests.mutants.__main__ import Figures, markdown, table
from tests.mutants.accepted import UnreadableReasons, accepted
from tests.mutants.mutations import Mutant
from tests.mutants.results import Results
from tests.mutants.targets import Target
from tests.mutants.trial import Outcome

MUTANT = Mutant(Path("farm/rules.py"), 3, "f: a => b", "b")
TARGET = Target("rules", ("farm/rules.py",), ("tests/test_rules.py",))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_rules.py").write_text("# one")
    return tmp_path


def figures(killed: int, survived: int, timeout: int = 0) -> Figures:
    found = Figures("rules", 0.85)
    found.counts.update({Outcome.KILLED: killed, Outcome.SURVIVED: survived, Outcome.TIMEOUT: timeout})
    return found


def test_a_run_that_was_broken_off_goes_on_where_it_was(root: Path) -> None:
    Results(TARGET, root).keep(MUTANT, Outcome.SURVIVED)
    assert Results(TARGET, root)[MUTANT] is Outcome.SURVIVED
    assert Results(TARGET, root, fresh=True)[MUTANT] is None


@pytest.mark.parametrize(
    ("outcome", "known"),
    [
        (Outcome.KILLED, Outcome.KILLED),
        (Outcome.INVALID, Outcome.INVALID),
        (Outcome.SURVIVED, None),
        (Outcome.TIMEOUT, None),
    ],
)
def test_other_tests_try_again_what_was_not_killed(
    root: Path, outcome: Outcome, known: Outcome | None
) -> None:
    Results(TARGET, root).keep(MUTANT, outcome)
    (root / "tests/test_rules.py").write_text("# two")
    assert Results(TARGET, root)[MUTANT] is known


def test_another_source_is_another_mutant(root: Path) -> None:
    Results(TARGET, root).keep(MUTANT, Outcome.KILLED)
    assert Results(TARGET, root)[Mutant(MUTANT.path, 3, MUTANT.key, "c")] is None


def test_the_score_counts_a_timeout_as_noticed_and_an_invalid_mutant_not_at_all() -> None:
    found = figures(16, 3, 1)
    found.counts[Outcome.INVALID] = 100
    assert found.score == 0.85
    assert found.good


def test_a_target_falls_short_by_its_score_or_by_a_survivor_without_a_reason() -> None:
    assert not figures(84, 16).good
    unlisted = figures(99, 1)
    unlisted.unlisted.append(("farm/rules.py", 3, "f: a => b"))
    assert not unlisted.good


def test_figures_of_a_part_are_not_taken_for_those_of_the_whole() -> None:
    part = figures(100, 0)
    part.untried = 7
    assert not part.good
    assert table([part]).endswith("7 untried")


def test_the_table_fits_a_terminal() -> None:
    untried = figures(12345, 12345, 12345)
    untried.untried = 12345
    lines = table([figures(12345, 12345, 12345), untried, figures(0, 1)]).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith("short")


def test_the_rows_for_the_page_are_those_of_the_table() -> None:
    assert markdown([figures(16, 3, 1)]) == "| `rules` | 16 | 3 | 1 | 85.0 % | 85 % |"


@pytest.mark.parametrize(
    "text",
    [
        '[[survivor]]\nfile = "a.py"\nreason = " "\nmutants = ["x"]',
        '[[survivor]]\nfile = "a.py"\nmutants = ["x"]',
        '[[survivor]]\nfile = "a.py"\nreason = "r"\nmutants = ["x", "x"]',
    ],
)
def test_a_survivor_without_a_reason_or_listed_twice_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "accepted.toml").write_text(text)
    with pytest.raises(UnreadableReasons):
        accepted(tmp_path / "accepted.toml")
