"""Real servers for the tests: each started privately on a free loopback port and stopped again.

A test that needs a server which this machine lacks is skipped and says how to get it.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.choice import prepare_broker
from farm.app.embedded_broker.mosquitto import NoMosquitto, find_mosquitto
from farm.app.embedded_broker.settings import BrokerKind, EmbeddedBrokerSettings
from farm.app.embedded_broker.status import read_status

_PATIENCE_S = 60.0
_PAUSE_S = 0.02
_ROOM = 2**30
_LOOPBACK = "127.0.0.1"


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = _PATIENCE_S) -> None:
    """Look until `condition` holds. Raises AssertionError naming `what` after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:g} s"
        time.sleep(_PAUSE_S)


def free_port() -> int:
    """A port of the loopback that nothing listened on a moment ago."""
    with closing(socket.socket()) as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection((_LOOPBACK, port), timeout=1)):
        return True
    return False


class Mosquitto:
    """A private broker, anonymous, set as a farm needs it. Its state outlives `stop` and `start`."""

    def __init__(self, program: str, folder: Path, extra: Sequence[str], window: int) -> None:
        self.host = _LOOPBACK
        self.port = free_port()
        self._program = program
        self._folder = folder
        self._extra = extra
        self._window = window
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker as `mqtt://host:port`."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process."""
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def log(self) -> str:
        """What the broker wrote since it was first started."""
        return (self._folder / "mosquitto.log").read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it, again on the same port, and wait until it listens."""
        assert self._process is None, "the broker is running already"
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text("\n".join(self._settings()) + "\n", "utf-8")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_up, "mosquitto listens")

    def stop(self) -> None:
        """End it in order: sessions and queues are written to disk. Nothing when it is down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it had not saved is gone. Nothing when it is down."""
        self._end(signal.SIGKILL)

    def save(self) -> None:
        """Let it write its sessions, queues and retained messages to disk now, and wait for that."""
        before = self._saved()
        os.kill(self.pid, signal.SIGUSR1)
        wait_until(lambda: self._saved() != before, "mosquitto's file of sessions and queues")

    def _saved(self) -> int | None:
        """The file's identity: a new one takes the place of the old one when it is whole."""
        file = self._folder / "mosquitto.db"
        return file.stat().st_mtime_ns if file.exists() else None

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"mosquitto ended:\n{self.log}"
        return _listens(self.port)

    def _settings(self) -> list[str]:
        return [
            # Started as root it would become `mosquitto`, who cannot write in our folder.
            f"user {pwd.getpwuid(os.getuid()).pw_name}",
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self._folder}/",
            "queue_qos0_messages true",
            "upgrade_outgoing_qos true",
            "max_queued_messages 0",
            f"max_inflight_messages {self._window}",
            *self._extra,
        ]


@contextmanager
def mosquitto(extra: Sequence[str] = (), *, window: int = 2000) -> Iterator[Mosquitto]:
    """A running private Mosquitto; `extra` are further lines of its configuration.

    `window` is how many messages it hands out before it waits for acknowledgements.
    """
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no mosquitto on PATH; get it with: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="layerline-mosquitto-") as folder:
        broker = Mosquitto(program, Path(folder), extra, window)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


class EmbeddedBroker:
    """A broker of our own, as `layerline up` runs it. What it keeps outlives `stop` and `start`."""

    def __init__(self, kind: BrokerKind, folder: Path, queue_mb: int, host: str) -> None:
        self.settings = EmbeddedBrokerSettings(kind=kind, host=host, port=free_port(), queue_mb=queue_mb)
        self.folder = DataFolder(folder)
        self.host, self.port = _LOOPBACK, self.settings.port
        self.credentials, self._command = prepare_broker(self.settings, self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker with user and password as `mqtt://user:password@host:port`."""
        return f"mqtt://{self.credentials.user}:{self.credentials.password}@{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process that `layerline up` would watch over."""
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it logged since it was first started."""
        return (self.folder.path / "broker.log").read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it, again on the same port, and wait until it listens."""
        with (self.folder.path / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._is_up, "the embedded broker listens")

    def stop(self) -> None:
        """End it in order. Nothing when it is down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the process that is watched over. Nothing when it is down."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the embedded broker ended:\n{self.log}"
        status = read_status(self.folder)
        return status is not None and status.process == self._process.pid and _listens(self.port)


@contextmanager
def embedded_broker(
    kind: BrokerKind = BrokerKind.BUILT_IN, *, queue_mb: int = 64, host: str = _LOOPBACK
) -> Iterator[EmbeddedBroker]:
    """A running broker of our own: the one that comes along, or the machine's Mosquitto."""
    if kind is BrokerKind.MOSQUITTO:
        try:
            find_mosquitto()
        except NoMosquitto as error:
            pytest.skip(f"{error}; get it with: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="layerline-broker-") as folder:
        broker = EmbeddedBroker(kind, Path(folder), queue_mb, host)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server where we may create databases.

    The server of LAYERLINE_TEST_POSTGRESQL_URL if that is set, else a private one in a
    temporary folder, without fsync.
    """
    given = os.environ.get("LAYERLINE_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip(
            "no PostgreSQL server found; get it with: apt-get install postgresql, "
            "or set LAYERLINE_TEST_POSTGRESQL_URL to one where databases may be created"
        )
    with (
        tempfile.TemporaryDirectory(prefix="layerline-postgresql-", dir=_memory()) as folder,
        _private_postgresql(programs, Path(folder)) as url,
    ):
        yield url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of a new empty database on the server, dropped afterwards."""
    name = f"layerline_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _memory() -> Path | None:
    """A file system in memory with room to spare: new databases are made several times faster there."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder made there is private
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return memory if roomy else None


def _postgresql_programs() -> Path | None:
    """The folder that holds initdb and postgres, the newest version first."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: folder.parent.name.zfill(4),
        reverse=True,
    )
    on_path = shutil.which("postgres")
    folders = [*installed, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _postgresql_user() -> str | None:
    """Whom to become, since PostgreSQL refuses to run as root; None when we are not root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


@contextmanager
def _private_postgresql(programs: Path, folder: Path) -> Iterator[str]:
    user = _postgresql_user()
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, log, port = folder / "data", folder / "postgres.log", free_port()
    url = f"postgresql://layerline@{_LOOPBACK}:{port}/postgres"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "layerline", "-A", "trust"]
    subprocess.run(
        [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=folder, user=user,
    )  # fmt: skip
    settings = {
        "listen_addresses": _LOOPBACK,
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "autovacuum": "off",
    }
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, user=user,
        )  # fmt: skip
    try:
        wait_until(lambda: _answers(process, url, log), "PostgreSQL answers")
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown: sessions are ended
        process.wait(_PATIENCE_S)


def _answers(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, f"postgres ended:\n{log.read_text('utf-8', 'replace')}"
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
