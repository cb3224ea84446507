"""The demo's past kept between demos: made once, brought up to the present at each later start."""

import hashlib
import logging
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from farm.app.config import Configuration
from farm.cli.demo.past import SCENARIO, Progress, make_past
from farm.errors import LedgerError
from farm.ledger.ledger import Ledger, open_ledger
from farm.ledger.schema import metadata
from farm.model.clock import Clock
from farm.model.times import DAY_MS, MINUTE_MS
from simulators.scenario import packaged_scenarios

log = logging.getLogger(__name__)

PAST_MS = 28 * DAY_MS
_LONGEST_GAP_MS = 28 * DAY_MS
_LONGEST_PAST_MS = 70 * DAY_MS
"""Beyond this the file has grown enough, and the past is made anew."""
_SHORTEST_STRETCH_MS = 5 * MINUTE_MS
"""A shorter time since the end of the past is like the time that a start takes."""


def cache_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where programs of this user keep what can be made again."""
    if platform == "win32":
        base = environment.get("LOCALAPPDATA")
    elif platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "layerline"


class KeptPast:
    """The demo's past in `folder`, of this version and scenario; that of another one is thrown away."""

    def __init__(self, folder: Path) -> None:
        # By the tables too: one kept by a version under way may lack a column.
        text = packaged_scenarios()[SCENARIO].read_text("utf-8") + _tables()
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        self._folder = folder
        self.file = folder / f"{SCENARIO}-{version('layerline')}-{digest}.db"

    def provide(
        self,
        configuration: Configuration,
        target: Path,
        clock: Clock,
        *,
        fresh: bool = False,
        past_ms: int = PAST_MS,
        progress: Progress = lambda _: None,
    ) -> None:
        """Write a ledger that holds the past until now to `target`, and keep it for the next time.

        `fresh` makes it anew. A folder that cannot be written to is told of in the log, no more.
        """
        now_ms = clock()
        with open_ledger("sqlite://") as ledger:
            until_ms = None if fresh else self._load(ledger, configuration, now_ms)
            from_ms = now_ms - past_ms if until_ms is None else until_ms
            is_carried_on = now_ms - from_ms >= _SHORTEST_STRETCH_MS
            if is_carried_on:
                make_past(configuration, ledger, from_ms, now_ms, clock=clock, progress=progress)
            _save(ledger, target)
            if is_carried_on:
                self._keep(ledger)

    def _load(self, ledger: Ledger, configuration: Configuration, now_ms: int) -> int | None:
        """Fill the ledger with what is kept; until when (ms) that goes, None where it is of no use."""
        if not self.file.exists():
            return None
        try:
            with open_ledger(f"sqlite:///{self.file.absolute()}", create=False) as kept:
                until_ms = max(
                    lease.booked_until_ms
                    for lease in kept.leases()
                    if lease.client_id == configuration.collector.client_id
                )
                from_ms = min(printer.first_seen_ms for printer in kept.printers(everything=True))
                if not 0 <= now_ms - until_ms <= _LONGEST_GAP_MS or now_ms - from_ms > _LONGEST_PAST_MS:
                    return None
                _copy(kept, ledger)
        except (LedgerError, sqlite3.Error, ValueError) as error:
            log.warning("the past that was kept in %s cannot be used and is made anew: %s", self.file, error)
            return None
        return until_ms

    def _keep(self, ledger: Ledger) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _save(ledger, self.file)
            for other in self._folder.glob(f"{SCENARIO}-*.db*"):
                if other != self.file:
                    other.unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            log.warning("the past cannot be kept in %s, and is made anew the next time: %s", self.file, error)


def _tables() -> str:
    return "\n".join(str(column) for table in metadata.sorted_tables for column in table.columns)


def _save(ledger: Ledger, file: Path) -> None:
    """Write a copy of the ledger to `file`, all or nothing."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        with closing(sqlite3.connect(draft)) as target:
            _backup(ledger, target)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Ledger, target: Ledger) -> None:
    with closing(target.engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  both are SQLite here
        _backup(source, connection)


def _backup(ledger: Ledger, target: sqlite3.Connection) -> None:
    with closing(ledger.engine.raw_connection()) as pooled:
        source = pooled.driver_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101  both are SQLite here
        source.backup(target)
