"""OctoPrint and Moonraker as their own projects publish them, each in an environment of its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

OCTOPRINT = "OctoPrint==1.11.8"
MOONRAKER = "moonraker==0.11.0"
MQTT_PLUGIN = "git+https://github.com/OctoPrint/OctoPrint-MQTT@0.8.16"


def cache_folder() -> Path:
    """Where the environments are kept from run to run."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "layerline" / "real"


def octoprint(cache: Path, mqtt_plugin: str = MQTT_PLUGIN) -> Path:
    """The program `octoprint` with its MQTT plugin, from a folder or an address that pip takes."""
    environment = _environment(cache / "octoprint")
    # The plugin's build reads OctoPrint itself, so that this one must be there, and no other.
    _install(environment, "setuptools", "wheel", OCTOPRINT)
    _install(environment, "--no-build-isolation", mqtt_plugin)
    return environment / "bin" / "octoprint"


def moonraker(cache: Path) -> Path:
    """The Python that has Moonraker."""
    environment = _environment(cache / "moonraker")
    _install(environment, MOONRAKER)
    return environment / "bin" / "python"


def _environment(folder: Path) -> Path:
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    return folder


def _install(environment: Path, *what: str) -> None:
    """Install what is missing. Once done it is not looked at again."""
    done = environment / ".installed"
    line = " ".join(what)
    if done.exists() and line in done.read_text("utf-8").splitlines():
        return
    print(f"installing {what[-1]} into {environment}", file=sys.stderr)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *what], check=True)
    with done.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
