"""The folder where an installation keeps what is its own: the ledger and the broker's password."""

import fcntl
import json
import logging
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from farm.app.short_files import LONGEST_SECRET, read_short
from farm.errors import ConfigurationError

log = logging.getLogger(__name__)

DEFAULT_FOLDER = "layerline-data"
DATA_VARIABLE = "LAYERLINE_DATA"

_CREDENTIALS_FILE = "embedded-broker.json"
_LEDGER_FILE = "ledger.db"
_LOCK_FILE = "up.lock"
_FIGURES_FILE = "figures.npz"
_OURS = (
    _CREDENTIALS_FILE,
    "embedded-broker.toml",
    "embedded-broker-status.json",
    _LEDGER_FILE,
    f"{_LEDGER_FILE}-wal",
    f"{_LEDGER_FILE}-shm",
    _LOCK_FILE,
    _FIGURES_FILE,
)
_SERVICE_FOLDER = Path("/var/lib/layerline")
_MOST_LOOKED_AT = 500
_MOST_NAMED = 3
_USER = "layerline"
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody confuses when typing from a screen."""
_PASSWORD_GROUPS = 4
_GROUP_LENGTH = 4


@dataclass(frozen=True)
class Credentials:
    """User and password of the embedded broker."""

    user: str
    password: str


class DataFolder:
    """One installation's own files; made when something is first kept in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def ledger_url(self) -> str:
        """The SQLite ledger that is used where no database is configured."""
        return f"sqlite:///{self.ledger_file.absolute()}"

    @property
    def ledger_file(self) -> Path:
        """Where the SQLite ledger is, or would be."""
        return self.path / _LEDGER_FILE

    @property
    def figures_file(self) -> Path:
        """Where what the figures are made from is kept beside the ledger; it may be deleted at any time."""
        return self.path / _FIGURES_FILE

    def make(self) -> None:
        """Make the folder, for its owner alone, and let nobody else read what we keep in it.

        A folder that was there keeps its mode; `is_open_to_others` tells of it. Raises
        ConfigurationError when it cannot be made or used.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"data folder {self.path}: cannot be made: {error.strerror}") from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"data folder {self.path}: belongs to user number {self.path.stat().st_uid}, and we may not "
                "write there; run as that user, or choose another folder with --data"
            )
        for name in _OURS:
            with suppress(OSError):  # not there, or of another user who shares the folder with us
                if (self.path / name).stat().st_mode & 0o077:
                    (self.path / name).chmod(0o600)

    @property
    def is_open_to_others(self) -> bool:
        """Whether other users of the machine can look into the folder."""
        try:
            return bool(self.path.stat().st_mode & 0o077)
        except OSError:
            return False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one `layerline up`. Raises ConfigurationError where another one holds it."""
        self.make()
        file = self.path / _LOCK_FILE
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ConfigurationError(f"{file}: is no plain file; delete it")
        with os.fdopen(descriptor, "a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise ConfigurationError(
                    f"data folder {self.path}: `layerline up` runs with it already, as process "
                    f"{lock.read().strip() or 'unknown'}; stop that one, or choose another folder with --data"
                ) from None
            except OSError as error:  # a network file system without locks
                log.warning("%s: cannot be locked (%s): start no second one", file, error.strerror)
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def credentials(self) -> Credentials | None:
        """The embedded broker's credentials, None before its first start.

        Raises ConfigurationError when the file that keeps them cannot be read.
        """
        file = self.path / _CREDENTIALS_FILE
        try:
            kept = json.loads(read_short(file, LONGEST_SECRET))
            return _credentials(kept["user"], kept["password"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            remedy = "delete it to have a new password made"
            raise ConfigurationError(f'{file}: is not {{"user": …, "password": …}}; {remedy}') from error

    def make_credentials(self) -> Credentials:
        """The kept credentials; at the first start new ones, whose password is drawn at random."""
        if (kept := self.credentials()) is not None:
            return kept
        drawn = Credentials(_USER, _draw_password())
        text = json.dumps({"user": drawn.user, "password": drawn.password})
        self.write_private(_CREDENTIALS_FILE, f"{text}\n")
        return drawn

    def private_folder(self, name: str) -> Path:
        """A folder within, for its owner alone; made where it is not there. Raises ConfigurationError."""
        self.make()
        folder = self.path / name
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(f"{folder}: cannot be made: {error.strerror}") from error
        return folder

    def write_private(self, name: str, text: str) -> Path:
        """Write a file that only the owner may read, all or nothing, and give its path."""
        self.make()
        file = self.path / name
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            draft.touch(mode=0o600)
            draft.write_text(text, "utf-8")
            draft.replace(file)
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error
        return file


def _credentials(user: object, password: object) -> Credentials:
    """Raises ValueError for what nobody can sign in with."""
    if not (isinstance(user, str) and isinstance(password, str) and user and password):
        raise ValueError("user and password must be texts")
    return Credentials(user, password)


def data_folders_near(start: Path, home: Path) -> list[Path]:
    """Data folders with a ledger in them in which somebody at `start` may have meant to look, nearest first.

    Looked at are the folders above and directly below `start` and `home`, and the one of a service.
    """
    places = [start, *_folders_in(start), *start.parents, home, *_folders_in(home)]
    candidates = [*(place / DEFAULT_FOLDER for place in places), *start.parents, start, _SERVICE_FOLDER]
    found = dict.fromkeys(folder for folder in candidates if _holds_ledger(folder))
    return list(found)[:_MOST_NAMED]


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in islice(folder.iterdir(), _MOST_LOOKED_AT) if path.is_dir())
    except OSError:
        return []


def _holds_ledger(folder: Path) -> bool:
    try:
        return (folder / _LEDGER_FILE).is_file()
    except OSError:  # closed to us
        return False


def _draw_password() -> str:
    """About 79 bits of chance, in groups that can be typed from a screen."""
    groups = [
        "".join(secrets.choice(_READABLE) for _ in range(_GROUP_LENGTH)) for _ in range(_PASSWORD_GROUPS)
    ]
    return "-".join(groups)
