"""The machine's own Mosquitto, run with settings, users and an access list of ours in the data folder."""

import base64
import ctypes
import hashlib
import logging
import os
import pwd
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, cast

from farm.app.data_folder import Credentials, DataFolder
from farm.app.embedded_broker.mosquitto_log import LetIn, MosquittoLog
from farm.app.embedded_broker.settings import EVERY_ADDRESS, BrokerKind, EmbeddedBrokerSettings
from farm.app.embedded_broker.status import StatusKeeper
from farm.app.listening import listens
from farm.errors import ConfigurationError, StartError

log = logging.getLogger(__name__)

FOLDER = "mosquitto"
"""In the data folder."""
CONFIGURATION_FILE, USERS_FILE, ACCESS_FILE = "mosquitto.conf", "users", "access"

_PROGRAM = "mosquitto"
_ALSO_IN = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin")
"""Where the packages put it, which is not on every user's PATH."""
_OLDEST = (2, 0)
_VERSION = re.compile(r"mosquitto version (\d+)\.(\d+)(?:\.(\d+))?")
_ANSWERS_WITHIN_S = 5
_MEGABYTE = 1024 * 1024
_LARGEST_PACKET = 16 * _MEGABYTE
_INFLIGHT = 2_000
"""Unacknowledged messages per session: the collector commits as many at once."""
_AUTOSAVE_S = 30
_ITERATIONS = 1_000
"""The password is drawn at random from about 2^79: nothing is to be made harder to guess, and each
connection costs so many rounds."""
_SALT_BYTES = 12
_UNWRITABLE = re.compile(r"[:\x00-\x1f\x7f]")
_STARTS_WITHIN_S = 60.0
_FORMER_ENDS_WITHIN_S = 20.0
_SAVES_WITHIN_S = 9.0
"""A little less than the supervisor waits for us."""
_QUEUES_FILE = "mosquitto.db"
_CANNOT_READ = "Couldn't open database"
"""What it says of such a file that is damaged."""
_LOOK_EVERY_S = 0.5
_LAST_LINES = 5
_READ_BYTES = 65_536
_LONGEST_LINE = 10_000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Mosquitto:
    """A Mosquitto that was found on this machine."""

    program: str
    version: str

    @property
    def name(self) -> str:
        """`mosquitto 2.0.11 (/usr/sbin/mosquitto)`."""
        return f"mosquitto {self.version} ({self.program})"


class NoMosquitto(Exception):
    """There is none that can be used; the text says why."""


def find_mosquitto() -> Mosquitto:
    """The machine's Mosquitto, on PATH or where packages put it. Raises NoMosquitto with the reason."""
    program = shutil.which(_PROGRAM, path=os.pathsep.join([os.environ.get("PATH", ""), *_ALSO_IN]))
    if program is None:
        raise NoMosquitto("no mosquitto was found on this machine")
    try:
        # It has no option for its version; its help begins with it.
        done = subprocess.run(
            [program, "-h"],
            capture_output=True,
            timeout=_ANSWERS_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoMosquitto(f"{program} cannot be run: {error}") from error
    found = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    if found is None:
        raise NoMosquitto(f"{program} does not say its version")
    version = ".".join(part for part in found.groups() if part is not None)
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise NoMosquitto(f"{program} is of version {version}; 2.0 or newer is needed")
    return Mosquitto(program, version)


def mosquitto_configuration(settings: EmbeddedBrokerSettings, user: str) -> str:
    """Its settings, with names of files that begin at its folder; `user` is whom it runs as.

    No `max_keepalive`: it would refuse whoever asks for a longer one, and printers choose a minute.
    """
    # With an address of IPv6, also with the one for all, it listens on IPv6 alone.
    where = f"{settings.port}" if settings.host == EVERY_ADDRESS else f"{settings.port} {settings.host}"
    return f"""\
# Written by Layerline at each start.
per_listener_settings false
listener {where}
user {user}
allow_anonymous false
password_file {USERS_FILE}
acl_file {ACCESS_FILE}
sys_interval 0

persistence true
persistence_location ./
autosave_interval {_AUTOSAVE_S}
persistent_client_expiration 30d

# Printers mostly publish at QoS 0, which a broker neither queues nor sends again unless told to.
queue_qos0_messages true
upgrade_outgoing_qos true
# As many messages as fit: the bound is in bytes, for each session.
max_queued_messages 0
max_queued_bytes {settings.queue_mb * _MEGABYTE}
max_inflight_messages {_INFLIGHT}
max_packet_size {_LARGEST_PACKET}

# Who is let in and who is not is read from these lines.
connection_messages true
log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type notice
log_type information
"""


def users_line(credentials: Credentials) -> str:
    """The user with the hash of the password, as `mosquitto_passwd` writes it.

    Raises ConfigurationError for a name that its file cannot hold.
    """
    user = credentials.user
    if _UNWRITABLE.search(user) or user != user.strip():
        raise ConfigurationError(
            "embedded-broker.json: user: must hold no colon, no control character and no blank at its ends"
        )
    return _line(user, credentials.password, secrets.token_bytes(_SALT_BYTES), _ITERATIONS)


def _line(user: str, password: str, salt: bytes, rounds: int) -> str:
    """Kind 7 of its file: PBKDF2 with SHA-512."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{user}:$7${rounds}${_base64(salt)}${_base64(key)}\n"


def access_list(user: str) -> str:
    """Printers and Layerline read and write every topic; what begins with $ belongs to the broker."""
    return f"user {user}\ntopic readwrite #\n"


def run_mosquitto(
    mosquitto: Mosquitto,
    settings: EmbeddedBrokerSettings,
    folder: DataFolder,
    credentials: Credentials,
    status: StatusKeeper,
    stop: Event,
) -> None:
    """Run it until `stop` is set, then let it save its queues and end.

    Where it cannot read what it kept, that is set aside and it begins anew. Raises StartError when it
    ended before it listened, with its words, and RuntimeError when it ended later.
    """
    _await_former(settings)
    place = _prepare(settings, folder, credentials)
    try:
        _run(mosquitto, settings, place, status, stop)
    except StartError as error:
        if _CANNOT_READ not in str(error) or not _set_aside(place / _QUEUES_FILE):
            raise
        _run(mosquitto, settings, place, status, stop)


def _set_aside(queues: Path) -> bool:
    """Give the damaged file another name; whether that could be done."""
    damaged = queues.with_name(f"{queues.name}.damaged")
    try:
        queues.replace(damaged)
    except OSError:
        return False
    log.error(
        "mosquitto cannot read %s: it begins anew, what waited there for the collector is lost, and printers "
        "are known again when they next speak; the damaged file is kept as %s", queues, damaged.name,
    )  # fmt: skip
    return True


def _run(
    mosquitto: Mosquitto, settings: EmbeddedBrokerSettings, place: Path, status: StatusKeeper, stop: Event
) -> None:
    command = [mosquitto.program, "-c", CONFIGURATION_FILE]
    with subprocess.Popen(
        command,
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,  # an interrupt at the terminal is our parent's to hand on
        preexec_fn=_end_with_parent,  # noqa: PLW1509  it only asks the kernel for a signal
    ) as process:
        try:
            _Watch(process, cast(IO[bytes], process.stdout), status).run(mosquitto, settings, stop)
        finally:
            _end(process, place / _QUEUES_FILE)
            status.write()


class _Watch:
    """A Mosquitto that runs, and what its log says."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: IO[bytes], status: StatusKeeper) -> None:
        self._process = process
        self._output = output
        self._status = status
        self._clients = MosquittoLog()
        self._begun = b""
        self._last: list[str] = []

    def run(self, mosquitto: Mosquitto, settings: EmbeddedBrokerSettings, stop: Event) -> None:
        """Read what it says until `stop` is set. Raises as `run_mosquitto`."""
        started, listening = time.monotonic(), False
        while not stop.is_set():
            is_open = self._read(_LOOK_EVERY_S if listening else _LOOK_EVERY_S / 10)
            if not is_open or self._process.poll() is not None:
                self._raise_ended(listening)
            if not listening and listens(settings.local_host, settings.port):
                listening = True
                self._status.runs(BrokerKind.MOSQUITTO, mosquitto.name)
            elif not listening and time.monotonic() - started > _STARTS_WITHIN_S:
                raise StartError(f"mosquitto does not listen within {_STARTS_WITHIN_S:g} s")
            for refused in self._clients.settle(time.monotonic()):
                self._status.refused(refused.address, refused.client_id, refused.reason)
            self._status.write_when_due()

    def _raise_ended(self, listening: bool) -> None:
        try:
            code = self._process.wait(_ANSWERS_WITHIN_S)
        except subprocess.TimeoutExpired:
            code = None
        while self._read(0):
            pass
        said = "; ".join(self._last) or "nothing"
        if not listening:
            raise StartError(f"mosquitto ended with status {code} when it was started; it said: {said}", code)
        raise RuntimeError(f"mosquitto ended with status {code}; it said last: {said}")

    def _read(self, wait_s: float) -> bool:
        """Take in what it has written. False when it has closed its output."""
        readable, _, _ = select.select([self._output], [], [], wait_s)
        if not readable:
            return wait_s > 0
        data = os.read(self._output.fileno(), _READ_BYTES)
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace").rstrip("\r"))
        self._begun = self._begun[-_LONGEST_LINE:]
        return bool(data)

    def _take(self, line: str) -> None:
        found = self._clients.read(line, time.monotonic())
        if found is None:
            self._last = [*self._last[1 - _LAST_LINES :], line]
            log.log(_level(line), "%s", line)
            return
        log.debug("%s", line)
        for what in found:
            if isinstance(what, LetIn):
                self._status.let_in(what.address, what.client_id)
            else:
                self._status.refused(what.address, what.client_id, what.reason)


def _prepare(settings: EmbeddedBrokerSettings, folder: DataFolder, credentials: Credentials) -> Path:
    """Write its files and give its folder."""
    place = folder.private_folder(FOLDER)
    me = pwd.getpwuid(os.getuid()).pw_name
    folder.write_private(f"{FOLDER}/{USERS_FILE}", users_line(credentials))
    folder.write_private(f"{FOLDER}/{ACCESS_FILE}", access_list(credentials.user))
    folder.write_private(f"{FOLDER}/{CONFIGURATION_FILE}", mosquitto_configuration(settings, me))
    return place


def _await_former(settings: EmbeddedBrokerSettings) -> None:
    """One whose watcher was killed is saving its queues, and will be gone in a moment."""
    deadline = time.monotonic() + _FORMER_ENDS_WITHIN_S
    while listens(settings.local_host, settings.port) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S / 10)
    if listens(settings.local_host, settings.port):
        raise OSError(f"something listens on {settings.local_host}:{settings.port} already")


def _end_with_parent() -> None:
    """In the new process: save and end when we are gone, however that happens."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: "subprocess.Popen[bytes]", queues: Path) -> None:
    """Have it save its queues, and end it at once then.

    One that ends by itself first publishes the last will of every printer, as if all of them had been
    lost: what stands would stand no more after each restart of ours.
    """
    if process.poll() is not None:
        return
    before = _written_at(queues)
    process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + _SAVES_WITHIN_S
    while process.poll() is None and _written_at(queues) == before:
        if time.monotonic() > deadline:
            log.warning("mosquitto does not save its queues within %g s; killing it", _SAVES_WITHIN_S)
            break
        time.sleep(_LOOK_EVERY_S / 10)
    process.kill()
    process.wait()


def _written_at(file: Path) -> int | None:
    """When the file was last put in place, None where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _level(line: str) -> int:
    return logging.WARNING if line.startswith(("Error", "Warning")) else logging.INFO


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
