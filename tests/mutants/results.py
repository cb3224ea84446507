"""What is known of the mutants of a target, kept so that a run can be broken off and taken up."""

import hashlib
import json
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.targets import ROOT, Target
from tests.mutants.trial import Outcome

FOLDER = ROOT / ".mutants"


def tests_digest(target: Target) -> str:
    """Changes when a test of the target changes."""
    digest = hashlib.sha256()
    for argument in target.tests:
        path = ROOT / argument.split("::")[0]
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(f"{mutant.path}\n{mutant.source}".encode()).hexdigest()[:24]


class Results:
    """The outcomes of one target, a line each in a file.

    A mutant of a changed module is new. Where only the tests changed, those it survived are
    tried again, and what they killed stays killed.
    """

    def __init__(self, target: Target, folder: Path = FOLDER, *, fresh: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / f"{target.name}.jsonl"
        self._tests = tests_digest(target)
        self._known: dict[str, Outcome] = {}
        if fresh:
            self._path.unlink(missing_ok=True)
        elif self._path.exists():
            self._read()

    def _read(self) -> None:
        for line in self._path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            outcome = Outcome(row["outcome"])
            settled = outcome in (Outcome.KILLED, Outcome.INVALID) or row["tests"] == self._tests
            if settled:
                self._known[row["mutant"]] = outcome
            else:
                self._known.pop(row["mutant"], None)

    def __getitem__(self, mutant: Mutant) -> Outcome | None:
        """What became of the mutant, None where it is to be tried."""
        return self._known.get(_digest(mutant))

    def keep(self, mutant: Mutant, outcome: Outcome) -> None:
        """Write the outcome down."""
        digest = _digest(mutant)
        self._known[digest] = outcome
        row = {"mutant": digest, "tests": self._tests, "outcome": outcome, "key": mutant.key}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
