"""The wheel holds all that the program needs: page, templates, migrations, recordings, scenarios."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed: pip install hatchling"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        yield opened


def of_the_program(name: str) -> bool:
    return ".dist-info/" not in name


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: zipfile.ZipFile) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(filter(of_the_program, wheel.namelist())) == there


@pytest.mark.parametrize(
    "needed",
    [
        "api/page/index.html",
        "alerts/notifiers/templates/email.html",
        "farm/ledger/migrations/versions/revision_0001.py",
        "simulators/recordings/octoprint_success.mqtt.jsonl",
        "simulators/scenarios/demo.toml",
        "farm/py.typed",
    ],
)
def test_what_is_no_code_is_in_it_too(wheel: zipfile.ZipFile, needed: str) -> None:
    assert wheel.read(needed) == (ROOT / needed).read_bytes()


def test_the_wheel_brings_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    (about,) = {name.split("/")[0] for name in wheel.namelist() if not of_the_program(name)}
    assert "layerline = farm.cli:main" in wheel.read(f"{about}/entry_points.txt").decode()
    assert wheel.read(f"{about}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_a_user_installs_none_of_what_only_developers_need(wheel: zipfile.ZipFile) -> None:
    (about,) = {name.split("/")[0] for name in wheel.namelist() if not of_the_program(name)}
    needed = [
        line.removeprefix("Requires-Dist: ")
        for line in wheel.read(f"{about}/METADATA").decode().splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert len(needed) == len(PROJECT["project"]["dependencies"])
    assert not [line for line in needed if line.startswith(("pytest", "mypy", "hatchling", "hypothesis"))]
