"""A PostgreSQL of our own that can be stopped, started again, and made to hang."""

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.servers import _memory, _postgresql_programs, _postgresql_user, free_port, wait_until

_PATIENCE_S = 30.0
_LOOPBACK = "127.0.0.1"


class PrivatePostgresql:
    """Down at first. Its data outlive `stop` and `start`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._user, self._port = _postgresql_user(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._held: list[int] = []
        if self._user is not None:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        initdb = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "layerline", "-A", "trust"]
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, user=self._user,
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Its one database."""
        return f"postgresql://layerline@{_LOOPBACK}:{self._port}/postgres"

    @property
    def data(self) -> Path:
        """The folder of its files."""
        return self._folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["-c", f"listen_addresses={_LOOPBACK}", "-c", f"unix_socket_directories={self._folder}"]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", "data", "-p", str(self._port), "-F", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, user=self._user,
            )  # fmt: skip
        wait_until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """End all sessions and the server. Nothing when it is down."""
        self.resume()
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def hang(self) -> None:
        """Let it and its sessions do nothing, with every connection held open."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._held = [pid, *map(int, children)]
        for each in self._held:
            os.kill(each, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on. Nothing when it does."""
        for each in self._held:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)
        self._held = []

    def _answers(self) -> bool:
        assert self._process is not None
        log = (self._folder / "postgres.log").read_text("utf-8", "replace")
        assert self._process.poll() is None, f"postgres ended:\n{log}"
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def private_postgresql() -> Iterator[PrivatePostgresql]:
    """A server that is still down, with an empty database."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server found; get it with: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="layerline-postgresql-", dir=_memory()) as folder:
        server = PrivatePostgresql(programs, Path(folder))
        try:
            yield server
        finally:
            server.stop()
