"""The installed program, run as people run it."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import wait_until

PATIENCE_S = 60.0


def program() -> str:
    """The console script beside the Python that runs the tests."""
    return str(Path(sys.executable).with_name("layerline"))


def environment(folder: Path) -> dict[str, str]:
    """Ours without any LAYERLINE_ variable, a terminal's width, and what the user's cache holds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAYERLINE_")}
    return {
        **kept,
        "LAYERLINE_DATA": str(folder / "data"),
        "COLUMNS": "160",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def layerline(*arguments: str, folder: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in `folder`; it must end with `status`."""
    done = subprocess.run(
        [program(), *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def layerline_json(*arguments: str, folder: Path) -> Any:
    """What a command prints with --json."""
    return json.loads(layerline(*arguments, "--json", folder=folder).stdout)


def on_terminal(*arguments: str, folder: Path, columns: int = 80) -> str:
    """What a command shows on a terminal so wide, its log and bars among it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    kept = {**environment(folder), "TERM": "xterm"}
    del kept["COLUMNS"]
    command = [program(), *arguments]
    with subprocess.Popen(command, cwd=folder, env=kept, stdin=theirs, stdout=theirs, stderr=theirs) as shown:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
        shown.wait(PATIENCE_S)
    os.close(ours)
    return written.decode("utf-8", "replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """What is written next; nothing once nobody holds the other end, which Linux calls an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


class Running:
    """A command under way, its output kept in files."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._files = [folder / f"{arguments[0]}.out", folder / f"{arguments[0]}.err"]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            # Away from the terminal that the tests may run in, as under systemd or Docker.
            self.process = subprocess.Popen(
                [program(), *arguments],
                cwd=folder,
                env=environment(folder),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """What it wrote so far, standard output first."""
        return "".join(file.read_text("utf-8", "replace") for file in self._files)

    def wait_for(self, words: str, limit_s: float = PATIENCE_S) -> None:
        """Wait until it has written these words."""

        def written() -> bool:
            assert self.process.poll() is None or words in self.text, f"it ended:\n{self.text}"
            return words in self.text

        wait_until(written, f"{words!r} is written", limit_s)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and give its exit status."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Running]:
    """A command under way, killed at the end if it still is."""
    command = Running(folder, *arguments)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.end(signal.SIGKILL)
