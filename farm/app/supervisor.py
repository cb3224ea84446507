"""Child processes kept running: started in order, restarted with back-off, ended in reverse order."""

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import IO, TextIO, cast

from farm.app.process_life import HEARTBEAT_VARIABLE, PARENT_VARIABLE, started_with_hang_ups_held
from farm.errors import StartError
from farm.model.back_off import BackOff

log = logging.getLogger(__name__)

CONFIGURATION_STATUS = 2
"""The exit status of a part whose configuration is wrong: starting it again cannot help."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
_STABLE_S = 30.0
"""A child that ran for so long starts again without having earlier deaths held against it."""
_LOOK_EVERY_S = 0.1
_STOP_PATIENCE_S = 10.0
_ASK_EVERY_S = 15.0
_MOST_BEATS = 4096
_COLOURS = (36, 32, 35, 34, 33)
"""Of the names on a terminal: cyan, green, magenta, blue, yellow."""


@dataclass(frozen=True)
class SupervisedPart:
    """One process to keep running. `is_ready`, where given, is awaited before the next part starts.

    One that beats (`process_life.stop_event`) and then falls silent for `silent_s` seconds hangs,
    and is started again. So is one whose `is_alive`, asked now and then, says no for so long.
    """

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] | None = None
    ready_within_s: float = 120.0
    environment: Mapping[str, str] = field(default_factory=dict)
    is_alive: Callable[[], bool] | None = None
    reloads: bool = False
    """Whether SIGHUP lets it read its settings again."""
    silent_s: float = 600.0
    """Longer than anything takes that a part does at one go, such as bringing a large ledger up to date."""


class LogStream:
    """The output of all children as one, each line with the name of its part before it."""

    def __init__(self, stream: TextIO, width: int, *, prefixed: bool = True) -> None:
        self._stream = stream
        self._width = width
        self._prefixed = prefixed
        self._colours: dict[str, int] = {}
        self._lock = threading.Lock()

    def write(self, name: str, line: str) -> None:
        """Write one line of the part `name`."""
        text = f"{self._prefix(name)}{line}\n" if self._prefixed else f"{line}\n"
        with self._lock:
            self._stream.write(text)
            self._stream.flush()

    def as_file(self, name: str) -> TextIO:
        """A file whose lines come here as those of `name`."""
        return cast(TextIO, _Lines(self, name))

    def _prefix(self, name: str) -> str:
        if not self._stream.isatty():
            return f"{name:<{self._width}} | "
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\x1b[{colour}m{name:<{self._width}} |\x1b[0m "

    def follow(self, name: str, output: IO[bytes]) -> threading.Thread:
        """Copy what a child writes until it closes its output."""

        def copy() -> None:
            with output:
                for line in output:
                    self.write(name, line.decode("utf-8", "replace").rstrip("\r\n"))

        thread = threading.Thread(target=copy, name=f"output of {name}", daemon=True)
        thread.start()
        return thread


class _Lines(io.TextIOBase):
    """Hands what is written to it to a log stream, line by line."""

    def __init__(self, stream: LogStream, name: str) -> None:
        self._into = stream
        self._name = name

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._into.write(self._name, line)
        return len(text)


class _Running:
    """A process under way and the thread that copies its output."""

    def __init__(self, part: SupervisedPart, stream: LogStream) -> None:
        environment = {**os.environ, **part.environment, PARENT_VARIABLE: str(os.getpid())}
        self.started = time.monotonic()
        # The lifeline stays open for as long as we live: the child takes its end for ours.
        lifeline, self._lifeline = os.pipe()
        self._heartbeat, beating = os.pipe()
        os.set_blocking(self._heartbeat, False)
        environment[HEARTBEAT_VARIABLE] = str(beating)
        # A descriptor has no path; the child has its own of both, and ours are closed.
        with open(lifeline, "rb") as stdin, open(beating, "wb"), ExitStack() as held:  # noqa: PTH123
            if part.reloads:
                held.enter_context(started_with_hang_ups_held())
            self.process = subprocess.Popen(
                list(part.command),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[beating],
            )
        self._alive_at: float | None = None
        self._asked_at = self.started
        self._copier = stream.follow(part.name, cast(IO[bytes], self.process.stdout))

    def silence_s(self, is_alive: Callable[[], bool] | None) -> float:
        """For how many seconds it has given no sign of life; 0 for one that never gave any."""
        now = time.monotonic()
        if self._beats() or self._answers(is_alive, now):
            self._alive_at = now
        return 0.0 if self._alive_at is None else now - self._alive_at

    def _beats(self) -> bool:
        try:
            return bool(os.read(self._heartbeat, _MOST_BEATS))
        except BlockingIOError:
            return False

    def _answers(self, is_alive: Callable[[], bool] | None, now: float) -> bool:
        if is_alive is None or now - self._asked_at < _ASK_EVERY_S:
            return False
        self._asked_at = now
        return is_alive()

    def settle(self) -> float:
        """Take in the last lines of the ended process; gives the seconds that it lived."""
        os.close(self._lifeline)
        os.close(self._heartbeat)
        self._copier.join(1)
        return time.monotonic() - self.started


class _Child:
    """A part with its running process, if it has one."""

    def __init__(self, part: SupervisedPart, stream: LogStream) -> None:
        self.part = part
        self.running: _Running | None = None
        self._stream = stream
        self._back_off = BackOff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        self._due = 0.0

    def start(self) -> None:
        self.running = _Running(self.part, self._stream)

    def poll(self) -> int | None:
        """Start it again when it is due; give the exit status when it has just ended."""
        if self.running is None:
            if time.monotonic() >= self._due:
                self.start()
            return None
        silence_s = self.running.silence_s(self.part.is_alive)
        if silence_s > self.part.silent_s:
            log.error("%s has given no sign of life for %.0f s; killing it", self.part.name, silence_s)
            self.running.process.kill()
            self.running.process.wait()
        status = self.running.process.poll()
        if status is not None:
            if self._settle(self.running) >= _STABLE_S:
                self._back_off.reset()
            delay = self._back_off.next()
            self._due = time.monotonic() + delay
            log.error("%s ended with status %d; starting it again in %.1f s", self.part.name, status, delay)
        return status

    def wait_until_ready(self, stop: threading.Event) -> None:
        """Wait for the part to be ready. Raises StartError when it ends first or takes too long."""
        if self.part.is_ready is None or self.running is None:
            return
        deadline = time.monotonic() + self.part.ready_within_s
        while not stop.is_set() and not self.part.is_ready():
            if (status := self.running.process.poll()) is not None:
                self._settle(self.running)
                raise StartError(
                    f"{self.part.name} ended with status {status} while it was being started", status
                )
            if time.monotonic() > deadline:
                raise StartError(f"{self.part.name} is not ready after {self.part.ready_within_s:g} s")
            stop.wait(_LOOK_EVERY_S)

    def reload(self) -> None:
        """Let it read its settings again, also one that is just being started: it takes that up then."""
        running = self.running
        if running is not None and self.part.reloads:
            with suppress(ProcessLookupError):
                running.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it in order, and by force when it does not listen."""
        if self.running is None:
            return
        process = self.running.process
        process.terminate()
        try:
            process.wait(_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            log.warning("%s does not end; killing it", self.part.name)
            process.kill()
            process.wait()
        self._settle(self.running)

    def _settle(self, running: _Running) -> float:
        self.running = None
        return running.settle()


class Supervisor:
    """Keeps parts running until it is told to stop."""

    def __init__(self, parts: Sequence[SupervisedPart], stream: LogStream | None = None) -> None:
        width = max((len(part.name) for part in parts), default=0)
        stream = stream or LogStream(sys.stderr, width)
        self._children = [_Child(part, stream) for part in parts]

    def start(self, stop: threading.Event) -> None:
        """Start every part, each when the one before is ready.

        Raises StartError when one does not get ready; the others are ended.
        """
        try:
            for child in self._children:
                if not stop.is_set():
                    child.start()
                    child.wait_until_ready(stop)
        except BaseException:
            self.stop()
            raise

    def keep(self, stop: threading.Event) -> int:
        """Restart what dies until `stop` is set, then end all. Gives the exit status."""
        try:
            while not stop.wait(_LOOK_EVERY_S):
                for child in self._children:
                    if child.poll() == CONFIGURATION_STATUS:
                        log.error("%s cannot run as it is configured; stopping", child.part.name)
                        return CONFIGURATION_STATUS
        finally:
            self.stop()
        return 0

    def reload(self) -> None:
        """Let every part that can do so read its settings again."""
        for child in self._children:
            child.reload()

    def stop(self) -> None:
        """End every part, the last started first."""
        for child in reversed(self._children):
            child.stop()
