"""The configuration as people wrote it: file, environment and flags laid over each other.

Every value remembers where it came from, so that an error can name that place.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from farm.app.short_files import LONGEST_CONFIGURATION, read_short
from farm.errors import ConfigurationError

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: table names, keys and positions in lists."""

ENVIRONMENT_PREFIX = "LAYERLINE_"
NOT_SETTINGS = frozenset(
    {"LAYERLINE_CONFIG", "LAYERLINE_DATA", "LAYERLINE_PARENT_PID", "LAYERLINE_HEARTBEAT_FD"}
)
"""Variables of ours that are no settings: they say where to look for them, or who started us."""

MOST_NESTED = 12
"""Tables and lists within each other; the settings themselves need five."""


class Layers:
    """A tree of raw settings; what is laid later covers what was laid before."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {}
        self._origins: dict[KeyPath, str] = {}
        self._folders: dict[str, Path] = {}

    def lay(self, settings: Mapping[str, Any], origin: str, folder: Path | None = None) -> None:
        """Lay a tree over what is there. Paths in it are relative to `folder`.

        Raises ConfigurationError where a secret is given both outright and by file, and for a tree
        that is nested deeper than any setting.
        """
        refuse_deep(settings, origin)
        self._folders[origin] = folder or Path()
        self._merge(self.tree, settings, (), origin)

    def put(self, path: Sequence[str], value: Any, origin: str) -> None:
        """Lay a single value. Raises ConfigurationError as `lay` does."""
        if len(path) > MOST_NESTED:
            raise too_deep(origin)
        tree: Any = value
        for key in reversed(path):
            tree = {key: tree}
        self.lay(tree, origin)

    def origin(self, path: KeyPath) -> str | None:
        """Where the value at `path` came from; of a table, where each of its values did."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._origins:
                return self._origins[path[:end]]
        below = {origin: None for known, origin in self._origins.items() if known[: len(path)] == path}
        return ", ".join(below) or None

    def resolve(self, path: KeyPath, file: str) -> Path:
        """The file named at `path`: relative names start at the folder of their origin."""
        folder = self._folders.get(self.origin(path) or "", Path())
        return folder / Path(file).expanduser()

    def _merge(self, into: dict[str, Any], laid: Mapping[str, Any], at: KeyPath, origin: str) -> None:
        for key, value in laid.items():
            path = (*at, key)
            if f"{key}_file" in laid:
                raise ConfigurationError(f"{origin}: set `{dotted(path)}` or `{dotted(path)}_file`, not both")
            into.pop(_other_spelling(key), None)
            if isinstance(value, Mapping):
                if not isinstance(into.get(key), dict):
                    self._forget(path)
                    into[key] = {}
                self._origins.setdefault(path, origin)
                self._merge(into[key], value, path, origin)
                continue
            self._forget(path)
            self._origins[path] = origin
            into[key] = _thaw(value)

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self._origins if known[: len(path)] == path]:
            del self._origins[known]


def _other_spelling(key: str) -> str:
    """The key that says the same by file, or outright."""
    return key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"


def _thaw(value: Any) -> Any:
    """A copy that may be changed."""
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thaw(item) for item in value]
    return value


def dotted(path: KeyPath) -> str:
    """The path as people write it: `sources[1].topic`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def too_deep(origin: str) -> ConfigurationError:
    """What is said of settings within settings without end."""
    return ConfigurationError(f"{origin}: is nested deeper than {MOST_NESTED} levels; no setting is")


def refuse_deep(tree: Any, origin: str) -> None:
    """See that tables and lists lie within each other no deeper than those of settings do.

    Raises ConfigurationError.
    """
    level = [tree]
    for _ in range(MOST_NESTED):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                inner.extend(value.values())
            elif isinstance(value, list | tuple):
                inner.extend(value)
        level = inner
        if not level:
            return
    raise too_deep(origin)


def read_toml(file: Path) -> dict[str, Any]:
    """The tree of a TOML file. Raises ConfigurationError when it cannot be read."""
    try:
        # Some editors put a byte order mark before the first key.
        return tomllib.loads(read_short(file, LONGEST_CONFIGURATION).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: is not TOML: {error}") from error
    except ValueError:
        raise ConfigurationError(f"{file}: holds a number of more digits than any setting has") from None
    except RecursionError:
        raise too_deep(str(file)) from None


def environment_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, list[str], Any]]:
    """Variable, path and value of every `LAYERLINE_<SECTION>__<KEY>` that is set and not empty.

    Lists and tables are written as JSON. Raises ConfigurationError where that cannot be read.
    """
    for name, text in sorted(environment.items()):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in NOT_SETTINGS or not text:
            continue
        if name.startswith(f"{ENVIRONMENT_PREFIX}TEST_"):
            continue
        path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        yield name, path, _value(name, path, text)


def _value(name: str, path: Sequence[str], text: str) -> Any:
    """The text itself, or what it holds where it is JSON. A password may well begin with a brace."""
    if text.lstrip()[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        if len(path) > 1:
            return text
        raise ConfigurationError(f"environment {name}: is not JSON: {error}") from error
    except RecursionError:
        raise too_deep(f"environment {name}") from None
