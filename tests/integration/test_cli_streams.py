"""Where the output goes, and what it can hold: no command ends with a traceback for it."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.fakes.farm_server import farm_ledger
from tests.fakes.sample_farm import sample_farm
from tests.integration.console import environment, program

FULL = "/dev/full"


def run(folder: Path, words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell of its own."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"{program()} {words}"],
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.skipif(not os.path.exists(FULL), reason="only Linux has a device that is always full")  # noqa: PTH110
def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, f"version > {FULL}")
    assert (done.returncode, done.stderr) == (1, "layerline: cannot write: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_written_nothing(tmp_path: Path, closed: str) -> None:
    assert run(tmp_path, f"version {closed}").returncode == 0


def test_signs_that_the_output_cannot_hold_are_written_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    farm = sample_farm(2, days=1)
    farm.batch.printers[:] = [msgspec.structs.replace(each, group="Süd") for each in farm.batch.printers]
    with farm_ledger(farm, url):
        done = run(tmp_path, f"printers --database {url}", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "S\\xfcd" in done.stdout


@pytest.mark.parametrize("variable", ["LAYERLINE_PARENT_PID", "LAYERLINE_HEARTBEAT_FD"])
def test_what_only_a_supervisor_sets_is_refused_from_others(tmp_path: Path, variable: str) -> None:
    done = run(tmp_path, "evaluator --database sqlite://", **{variable: "abc"})
    assert done.returncode == 2
    assert f"environment {variable}: is set by `layerline up` for its own parts" in done.stderr
