"""How a process of ours ends or begins anew: on a signal, or because its parent is gone."""

import ctypes
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from typing_extensions import override

from farm.errors import ConfigurationError, StartError

log = logging.getLogger(__name__)

PARENT_VARIABLE = "LAYERLINE_PARENT_PID"
HEARTBEAT_VARIABLE = "LAYERLINE_HEARTBEAT_FD"
_BEAT_EVERY_S = 1.0
_PR_SET_PDEATHSIG = 1
_IMPATIENT_STATUS = 130
"""What a shell reports for a process ended by an interrupt."""


class RunSignals:
    """What signals ask of a service: to end, or to end what is under way and begin anew.

    SIGTERM and SIGINT set `stop`; a second one ends the process at once. A supervised process
    leaves SIGINT to its parent, which ends its children in order.
    """

    def __init__(self) -> None:
        self.stop = _beating_event()
        self._ending = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN if is_supervised() else self._on_signal)

    def end(self) -> None:
        """Ask for the end, as a first SIGTERM does."""
        self._ending = True
        self.stop.set()

    def is_to_go_on(self) -> bool:
        """Whether, `stop` having been set, another run is to begin; `stop` is clear for it then."""
        if not self._ending:
            self.stop.clear()
        # Looked at again: a signal may have come between the two lines above.
        return not self._ending

    def on_hang_up(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread at each SIGHUP: that is how a service is told to read its settings again.

        One that was started in a terminal ends in order when that is closed, which sends SIGHUP too;
        under `nohup` it goes on.
        """
        unmoved = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN or is_supervised()
        in_terminal = _has_terminal()
        asked = threading.Event()

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            if not in_terminal or _has_terminal():
                asked.set()
            elif not unmoved:
                log.info("stopping, since the terminal was closed")
                self.end()

        def obey() -> None:
            while True:
                asked.wait()
                asked.clear()
                work()

        threading.Thread(target=obey, name="reload", daemon=True).start()
        signal.signal(signal.SIGHUP, on_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._ending:
            os._exit(_IMPATIENT_STATUS)
        log.info("stopping on %s", signal.Signals(number).name)
        self.end()


def hold_hang_ups() -> None:
    """Let a SIGHUP that comes while a service is being started wait for `RunSignals.on_hang_up`.

    Unheld it would end the process. One that was started in a terminal is to end with it, and holds none.
    """
    if not _has_terminal():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


@contextmanager
def started_with_hang_ups_held() -> Iterator[None]:
    """Processes that this thread starts meanwhile begin as `hold_hang_ups` leaves them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_event() -> threading.Event:
    """An event that SIGTERM or SIGINT sets, as `RunSignals` has it."""
    return RunSignals().stop


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


class BeatingEvent(threading.Event):
    """An event that tells the supervisor that we live whenever the main thread looks at it.

    Every loop of a service asks between two pieces of work whether it is to stop. One that does
    so no more hangs.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._beaten_at = -_BEAT_EVERY_S

    @override
    def is_set(self) -> bool:
        self._beat()
        return super().is_set()

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self._beat()
        return super().wait(timeout)

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beaten_at < _BEAT_EVERY_S or threading.current_thread() is not threading.main_thread():
            return
        self._beaten_at = now
        # A supervisor that reads too slowly, or is gone, is no reason to stop.
        with suppress(OSError):
            os.write(self._descriptor, b".")


def _beating_event() -> threading.Event:
    descriptor = os.environ.get(HEARTBEAT_VARIABLE)
    if descriptor is None:
        return threading.Event()
    return BeatingEvent(_told_number(HEARTBEAT_VARIABLE, descriptor))


@contextmanager
def service() -> Iterator[None]:
    """The work of a process that is meant to run for ever.

    A pipe that breaks is a fault there, to be shown as any other. The command line would take
    it for a reader of its output who has left, and end without a word. Raises StartError for it.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise StartError(f"ended, since a connection was lost and not waited for: {error!r}") from error


def leave_out_of_garbage_collection() -> None:
    """Never again look for garbage among the objects that there are now.

    Modules, classes and settings stay to the end, and looking through them over and over took the
    collector a sixth of its time for each message.
    """
    gc.collect()
    gc.freeze()


def lives(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def is_supervised() -> bool:
    """Whether `layerline up` started this process."""
    return PARENT_VARIABLE in os.environ


def _told_number(variable: str, told: str) -> int:
    """The number that a supervisor told. Raises ConfigurationError for anything else."""
    if not told.isascii() or not told.isdigit():
        raise ConfigurationError(
            f"environment {variable}: is set by `layerline up` for its own parts; unset it"
        )
    return int(told)


def end_with_parent() -> None:
    """Let this process end when the one that started it does, however that ends.

    Does nothing for a process that is not supervised. Raises ConfigurationError where what told it so is
    no supervisor's.
    """
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None:
        return
    parent_id = _told_number(PARENT_VARIABLE, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_lifeline, name="lifeline", daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_id:  # it ended before the line above could take hold
            os.kill(os.getpid(), signal.SIGTERM)


def _watch_lifeline() -> None:
    """Wait until standard input closes: our parent holds its other end for as long as it lives."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
