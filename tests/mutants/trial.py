"""One mutant against its tests, in a process of its own that is forked warm.

Nothing is written to disk: an import hook gives the mutated source in place of the file, so
the tree may be worked on meanwhile and several trials may run at once.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import math
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

import _pytest.config
import hypothesis
import pytest
import pytest_timeout

from tests.mutants.mutations import Mutant
from tests.mutants.targets import ROOT, Target

_MEMORY = 3 << 30
"""Bytes that a mutant may take before it is ended: some loop for ever and collect."""
_WAITED = 10
_IMPORT_S = 10.0
_OURS = ("alerts", "api", "collector", "farm", "simulators")
_NOT_IMPORTED = 90
"""Exit status of a trial whose module could not even be imported."""
_NOTICED = 100
"""Exit status of a trial whose first test noticed the mutant; one more for each that had not."""


_LIBRARIES = (
    *("aiosmtplib", "alembic.command", "hypothesis.strategies._internal.regex", "jinja2", "msgspec"),
    *("numpy.random", "paho.mqtt.client", "pdb", "psycopg", "pydantic.types", "rich", "slack_sdk.webhook"),
    *("sqlalchemy.dialects.sqlite", "sqlite3", "xml.etree.ElementTree"),
)
"""What the tests load of others: loaded anew by every trial it takes longer than most tests."""

_QUIETLY = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:unraisableexception")
"""Nobody reads why a mutant was noticed, so what pytest does to tell it well is left out."""


class Outcome(StrEnum):
    """What became of a mutant. `INVALID` ones do not import and count for nothing."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMEOUT = "timeout"
    INVALID = "invalid"


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module in its mutated form."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._file = str(ROOT / mutant.path)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the mutated module, None for every other."""
        if name != self._mutant.module:
            return None
        folder = [str((ROOT / self._mutant.path).parent)] if self._mutant.path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self._file, loader=self, submodule_search_locations=folder
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutated source."""
        exec(compile(self._mutant.source, self._file, "exec"), module.__dict__)  # noqa: S102 - our own source


def warm_up() -> None:
    """Import what every trial needs and what no mutant touches, once for all forks."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in (*_LIBRARIES, *(f"_pytest.{plugin}" for plugin in _pytest.config.default_plugins)):
        importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=30,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutants")


def warm_up_for(target: Target) -> None:
    """Load what the target's trials share. Raises RuntimeError where that loads a source of it."""
    for name in target.warm:
        importlib.import_module(name)
    # What is loaded by now is not to be looked through again in every fork.
    gc.collect()
    gc.freeze()
    sources = {Mutant(path, 0, "", "").module for path in target.modules}
    if loaded := sorted(sources & set(sys.modules)):
        raise RuntimeError(f"loaded before mutants could be put in their place: {', '.join(loaded)}")


def nearest_first(mutant: Mutant, tests: tuple[str, ...]) -> tuple[str, ...]:
    """The tests with those in front that are named like the mutated module, as the others stand."""
    named = (Path("tests/unit") / mutant.path.parent / f"test_{mutant.path.name.lstrip('_')}").as_posix()
    return tuple(sorted(tests, key=lambda test: test != named))


def _run(mutant: Mutant | None, limits: Mapping[str, float], teller: Connection) -> None:
    """The life of the forked process, which at its end tells what modules of ours the tests have loaded."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    os.chdir(ROOT)
    if mutant is not None:
        sys.meta_path.insert(0, _Mutated(mutant))
        _allow(next(iter(limits.values()), _IMPORT_S))
        try:
            importlib.import_module(mutant.module)
        except BaseException:  # noqa: BLE001 - whatever a mutant does on import
            os._exit(_NOT_IMPORTED)
    for number, (test, limit_s) in enumerate(limits.items()):
        # One by one, so that what the nearest tests notice never loads the others.
        _allow(limit_s)
        code = pytest.main([*_QUIETLY, test], plugins=[pytest_timeout])
        if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            os._exit(int(code))
        if code != pytest.ExitCode.OK:
            os._exit(_NOTICED + number)
    teller.send([name for name in sys.modules if name.startswith(_OURS)])
    os._exit(0)


def _allow(seconds: float) -> None:
    """End this process when it has taken so many more seconds of CPU."""
    limit = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


class Trial:
    """A mutant (none: the code as it is) and the process that tries it.

    `limits` are the tests in their order, each with the seconds of CPU that it may take, so that a busy
    machine makes no timeout; `_WAITED` times as long as all of them by the clock, for mutants that
    wait for what never comes.
    """

    def __init__(self, mutant: Mutant | None, limits: Mapping[str, float]) -> None:
        self.mutant = mutant
        self._tests = tuple(limits)
        self._limit_s = sum(limits.values()) or _IMPORT_S
        self._began = time.monotonic()
        context = multiprocessing.get_context("fork")
        self._told, teller = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=_run, args=(mutant, limits, teller), daemon=True)
        self.process.start()
        teller.close()

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return time.monotonic() - self._began

    @property
    def loaded(self) -> frozenset[str]:
        """The modules of ours that there are once no test has failed; to be asked once."""
        return frozenset(self._told.recv())

    @property
    def noticed_by(self) -> str | None:
        """The test that noticed the mutant, None where none did or is known."""
        code = self.process.exitcode
        return self._tests[code - _NOTICED] if code is not None and code >= _NOTICED else None

    def outcome(self) -> Outcome | None:
        """What became of it, None while it runs within its limits."""
        if self.process.is_alive():
            if self.seconds <= _WAITED * self._limit_s:
                return None
            self.process.kill()
            self.process.join()
            return Outcome.TIMEOUT
        code = self.process.exitcode
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return Outcome.TIMEOUT
        if code == _NOT_IMPORTED:
            return Outcome.INVALID
        if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise RuntimeError("the tests of the target do not exist")
        return Outcome.SURVIVED if code == pytest.ExitCode.OK else Outcome.KILLED
