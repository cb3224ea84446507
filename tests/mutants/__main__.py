"""`make mutants`: change one rule at a time and look whether the quick tests notice."""

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from tests.mutants.accepted import accepted
from tests.mutants.mutations import Mutant, mutants
from tests.mutants.results import Results
from tests.mutants.targets import TARGETS, Target
from tests.mutants.trial import Outcome, Trial, nearest_first, warm_up, warm_up_for

_POLL_S = 0.2
_PATIENCE = 5
"""A mutant may take so many times as long as the code as it is."""
_LEAST_S = 10.0
_MOST_S = 300.0


@dataclass
class Figures:
    """How the mutants of a target fared. `unlisted` are survivors without a reason; while there are
    `untried` ones the figures are those of a part."""

    target: str
    mark: float
    counts: Counter[str] = field(default_factory=Counter)
    unlisted: list[tuple[str, int, str]] = field(default_factory=list)
    survivors: list[tuple[str, int, str]] = field(default_factory=list)
    untried: int = 0

    @property
    def score(self) -> float:
        """Noticed ÷ all; a timeout was noticed, an accepted survivor was not."""
        noticed = self.counts[Outcome.KILLED] + self.counts[Outcome.TIMEOUT]
        whole = noticed + self.counts[Outcome.SURVIVED]
        return noticed / whole if whole else 1.0

    @property
    def good(self) -> bool:
        """Whether all were tried, the mark is met and every survivor has a reason."""
        return self.score >= self.mark and not self.unlisted and not self.untried

    @property
    def remark(self) -> str:
        """What stands behind the figures in the table."""
        if self.untried:
            return f"  {self.untried} untried"
        return "" if self.good else "  short"


class TestsFail(Exception):
    """The tests of a target fail before anything is changed."""


class Measured(NamedTuple):
    """How many seconds of CPU a test may take, by what it takes on the code as it is, and what it loads."""

    limit_s: float
    loaded: frozenset[str]


def _measured(target: Target) -> dict[str, Measured]:
    """Every test of the target, the quickest first. Raises TestsFail."""
    found: dict[str, Measured] = {}
    for test in target.tests:
        before_s = _cpu_of_trials()
        trial = Trial(None, {test: _MOST_S})
        while (outcome := trial.outcome()) is None:
            wait([trial.process.sentinel], _POLL_S)
        if outcome is not Outcome.SURVIVED:
            raise TestsFail(f"{target.name}: {test} fails on the code as it is")
        found[test] = Measured(_PATIENCE * (_cpu_of_trials() - before_s), trial.loaded)
    in_order = sorted(found, key=lambda test: found[test].limit_s)
    return {test: found[test]._replace(limit_s=max(_LEAST_S, found[test].limit_s)) for test in in_order}


def _order(mutant: Mutant, tests: Mapping[str, Measured]) -> tuple[str, ...]:
    """The tests that can notice the mutant, since they load its module; the nearest first."""
    able = (test for test, measured in tests.items() if mutant.module in measured.loaded)
    return nearest_first(mutant, tuple(able))


def _cpu_of_trials() -> float:
    """Seconds that the trials which ended took, on a busy machine as on an idle one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _try_all(target: Target, todo: list[Mutant], results: Results, jobs: int) -> None:
    """Try the mutants, so many at a time, and keep every outcome as it comes."""
    if not todo:
        return
    tests = _measured(target)
    running: list[Trial] = []
    waiting = list(reversed(todo))
    orders: dict[Path, tuple[str, ...]] = {}
    done, began, survived = 0, time.monotonic(), 0
    while running or waiting:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            if mutant.path not in orders:
                orders[mutant.path] = _order(mutant, tests)
            running.append(Trial(mutant, {test: tests[test].limit_s for test in orders[mutant.path]}))
        wait([trial.process.sentinel for trial in running], _POLL_S)
        for trial in list(running):
            outcome = trial.outcome()
            if outcome is None or trial.mutant is None:
                continue
            running.remove(trial)
            if (noticing := trial.noticed_by) is not None and tests[noticing].limit_s == _LEAST_S:
                # What noticed one mutant of a module is the likeliest to notice the next; if it is quick.
                order = orders[trial.mutant.path]
                orders[trial.mutant.path] = tuple(sorted(order, key=lambda test: test != noticing))
            results.keep(trial.mutant, outcome)
            done += 1
            survived += outcome is Outcome.SURVIVED
            _say(target, done, len(todo), survived, time.monotonic() - began)


def _say(target: Target, done: int, whole: int, survived: int, seconds: float) -> None:
    left = seconds / done * (whole - done)
    end = "\n" if done == whole or not sys.stderr.isatty() else ""
    if sys.stderr.isatty() or done % 100 == 0 or done == whole:
        line = f"{target.name:<16} {done:>5} of {whole}, {survived} survived, {left / 60:4.1f} min left"
        sys.stderr.write(f"\r{line}{end}")
        sys.stderr.flush()


def _figures(target: Target, found: list[Mutant], results: Results) -> Figures:
    reasons = accepted()
    figures = Figures(target.name, target.mark)
    for mutant in found:
        outcome = results[mutant]
        if outcome is None:
            figures.untried += 1
            continue
        figures.counts[outcome] += 1
        if outcome is Outcome.SURVIVED:
            row = (str(mutant.path), mutant.line, mutant.key)
            figures.survivors.append(row)
            if (str(mutant.path), mutant.key) not in reasons:
                figures.unlisted.append(row)
    return figures


def table(rows: Iterable[Figures]) -> str:
    """The figures as a table of at most 80 columns."""
    lines = [f"{'target':<16}{'killed':>8}{'survived':>10}{'timeout':>9}{'score':>9}{'mark':>8}"]
    for row in rows:
        counts = row.counts
        lines.append(
            f"{row.target:<16}{counts[Outcome.KILLED]:>8}{counts[Outcome.SURVIVED]:>10}"
            f"{counts[Outcome.TIMEOUT]:>9}{row.score:>9.1%}{row.mark:>8.0%}"
            f"{row.remark}"
        )
    return "\n".join(lines)


def markdown(rows: Iterable[Figures]) -> str:
    """The rows of the table in docs/testing.md."""
    return "\n".join(
        f"| `{row.target}` | {row.counts[Outcome.KILLED]} | {row.counts[Outcome.SURVIVED]} "
        f"| {row.counts[Outcome.TIMEOUT]} | {100 * row.score:.1f} % | {100 * row.mark:.0f} % |"
        for row in rows
    )


def _print_unlisted(rows: list[Figures]) -> None:
    for row in rows:
        for path, line, key in row.unlisted:
            print(f"{path}:{line}  {key}")
    unlisted = sum(len(row.unlisted) for row in rows)
    if unlisted:
        print(f"{unlisted} survivors without a reason in tests/mutants/accepted.toml")


def main() -> int:
    """Run what is asked for; 1 where a target falls short."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(names)}; all if none")
    parser.add_argument("--json", action="store_true", help="figures and survivors as JSON")
    parser.add_argument("--markdown", action="store_true", help="figures as rows for docs/testing.md")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    parser.add_argument("--jobs", type=int, default=1, help="trials at a time (1)")
    parser.add_argument("--only-report", action="store_true", help="try nothing, print what is known")
    asked = parser.parse_args()
    unknown = sorted(set(asked.targets) - set(names))
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(names)}")
    warm_up()
    rows = []
    for target in TARGETS:
        if asked.targets and target.name not in asked.targets:
            continue
        warm_up_for(target)
        found = [mutant for path in target.modules for mutant in mutants(path)]
        results = Results(target, fresh=asked.fresh)
        if not asked.only_report:
            todo = [mutant for mutant in found if results[mutant] is None]
            _try_all(target, todo, results, asked.jobs)
        rows.append(_figures(target, found, results))
    if asked.json:
        print(json.dumps([asdict(row) | {"score": row.score, "good": row.good} for row in rows], indent=1))
    elif asked.markdown:
        print(markdown(rows))
    else:
        _print_unlisted(rows)
        print(table(rows))
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
