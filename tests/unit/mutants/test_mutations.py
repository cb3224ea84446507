"""What is changed, what is left alone, and by which words a mutant is known again."""

from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code

from tests.mutants import mutations
from tests.mutants.mutations import Mutant, mutants
from tests.mutants.operators import OWN, operators


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mutations, "ROOT", tmp_path)
    return tmp_path


def of(root: Path, code: str) -> list[Mutant]:
    (root / "rules.py").write_text(code, encoding="utf-8")
    return list(mutants(Path("rules.py")))


@pytest.mark.parametrize("name", OWN)
def test_an_operator_of_ours_does_what_its_examples_show(name: str) -> None:
    for example in OWN[name].examples():
        changed = mutate_code(example.pre_mutation_code, OWN[name](), example.occurrence)
        assert changed == example.post_mutation_code


def test_every_operator_that_is_chosen_exists() -> None:
    assert len(operators()) > 30


def test_a_bound_is_moved_and_turned_round(root: Path) -> None:
    found = {mutant.key for mutant in of(root, "def f(x):\n    return x < 5\n")}
    assert found == {
        "f: return x < 5 => return x <= 5",
        "f: return x < 5 => return x >= 5",
        "f: return x < 5 => return x < 6",
        "f: return x < 5 => return x < 4",
    }


def test_every_row_of_a_table_is_taken_out_once(root: Path) -> None:
    code = 'WORDS = {\n    "a": A,\n    "b": B,\n    "c": C,\n}\n'
    assert [mutant.key for mutant in of(root, code)] == [
        'rules: "a": A, =>',
        'rules: "b": B, =>',
        'rules: "c": C, =>',
    ]


def test_a_mutant_keeps_its_words_when_lines_move(root: Path) -> None:
    code = "def f(x):\n    return x + 1\n"
    here = of(root, code)
    there = of(root, "import os\n\n\n" + code)
    assert [mutant.key for mutant in here] == [mutant.key for mutant in there]
    assert [mutant.line for mutant in there] == [mutant.line + 3 for mutant in here]


@pytest.mark.parametrize(
    "code",
    [
        "def f(x: int | None) -> int | str: ...\n",
        "X: Annotated[int, Meta(ge=0, le=5)]\n",
        "class C(Struct, frozen=True, kw_only=True):\n    a: int\n",
        "class Port(Protocol):\n    def f(self, a: int = 5, b: bool = True): ...\n",
        "@cache(size=5)\ndef f(): ...\n",
        "def f(*, a, b): ...\n",
        "def f(x):\n    raise ValueError(f'{x} of {5 + 5}')\n",
        "if TYPE_CHECKING:\n    import os\n",
    ],
)
def test_what_holds_no_rule_is_left_alone(root: Path, code: str) -> None:
    assert of(root, code) == []


def test_every_mutant_compiles_and_differs_from_the_source_and_from_the_others(root: Path) -> None:
    code = (Path(__file__).parents[3] / "collector/sessions/report_interval.py").read_text(encoding="utf-8")
    sources = [mutant.source for mutant in of(root, code)]
    assert len(sources) == len({code, *sources}) - 1
    assert len(sources) > 40
    for source in sources:
        compile(source, "mutant", "exec")


def test_a_mutant_is_put_in_the_place_of_its_module() -> None:
    assert Mutant(Path("farm/kpi/periods.py"), 1, "", "").module == "farm.kpi.periods"
    assert Mutant(Path("farm/kpi/__init__.py"), 1, "", "").module == "farm.kpi"
