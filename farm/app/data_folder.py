"""The folder where an installation keeps what is its own: the ledger and the broker's password."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from farm.errors import ConfigurationError

DEFAULT_FOLDER = "layerline-data"
DATA_VARIABLE = "LAYERLINE_DATA"

_CREDENTIALS_FILE = "embedded-broker.json"
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
        return f"sqlite:///{(self.path / 'ledger.db').absolute()}"

    def make(self) -> None:
        """Make the folder, for its owner alone. Raises ConfigurationError when that cannot be done."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"data folder {self.path}: cannot be made: {error.strerror}") from error

    def credentials(self) -> Credentials | None:
        """The embedded broker's credentials, None before its first start.

        Raises ConfigurationError when the file that keeps them cannot be read.
        """
        file = self.path / _CREDENTIALS_FILE
        try:
            kept = json.loads(file.read_text("utf-8"))
            return Credentials(str(kept["user"]), str(kept["password"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
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

    def write_private(self, name: str, text: str) -> Path:
        """Write a file that only the owner may read, all or nothing, and give its path."""
        self.make()
        file, draft = self.path / name, self.path / f".{name}.{os.getpid()}"
        try:
            draft.touch(mode=0o600)
            draft.write_text(text, "utf-8")
            draft.replace(file)
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error
        return file


def _draw_password() -> str:
    """About 79 bits of chance, in groups that can be typed from a screen."""
    groups = [
        "".join(secrets.choice(_READABLE) for _ in range(_GROUP_LENGTH)) for _ in range(_PASSWORD_GROUPS)
    ]
    return "-".join(groups)
