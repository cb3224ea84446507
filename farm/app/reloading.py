"""New settings for a service that runs: on SIGHUP the configuration is read again.

What has changed takes effect by a new run of the service within its process: the one under way ends
in order, as at SIGTERM, and the next one goes on where it stopped. Settings of `AT_START_ONLY` stay
as they were until the process is started anew.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from farm.app.process_life import RunSignals, service
from farm.errors import ConfigurationError, LayerlineError

if TYPE_CHECKING:
    from farm.app.config import Configuration

log = logging.getLogger(__name__)

AT_START_ONLY = (
    "site.name",
    "broker",
    "embedded_broker",
    "ledger",
    "collector.client_id",
    "api.host",
    "api.port",
)
"""Sections and keys that a reload leaves alone: where books, broker and page are, and under which names."""


def keep_serving(
    configuration: "Configuration",
    read_again: "Callable[[], Configuration]",
    sections: Sequence[str],
    run: "Callable[[Configuration, threading.Event], None]",
) -> None:
    """Run the service until it ends, again and again with what SIGHUP brought.

    `sections` are those that it uses: they are checked first, and changes elsewhere are no matter of its.
    Raises ConfigurationError for wrong settings at the start; of later ones the log tells, and they
    are not taken.
    """
    configuration.check(sections)
    signals, settings = RunSignals(), _Settings(configuration, read_again, sections)
    signals.on_hang_up(lambda: settings.renew(signals.stop))
    with service():
        while True:
            error = None
            try:
                run(settings.current, signals.stop)
            except ConfigurationError as found:
                error = found
            if not settings.go_on(error) or not signals.is_to_go_on():
                return


class _Settings:
    """With which configuration the service runs, and which comes next."""

    def __init__(
        self,
        configuration: "Configuration",
        read_again: "Callable[[], Configuration]",
        sections: Sequence[str],
    ) -> None:
        self.current = configuration
        self._before: Configuration | None = None
        self._next: Configuration | None = None
        self._read_again = read_again
        self._sections = sections
        self._lock = threading.Lock()

    def renew(self, stop: threading.Event) -> None:
        """Read the settings again; where there are new ones to take, end the run under way."""
        with self._lock:
            found = reloaded(self._next or self.current, self._read_again, self._sections)
            if found is not None:
                self._next = found
                stop.set()

    def go_on(self, error: ConfigurationError | None) -> bool:
        """Whether another run follows the one that has ended: with new settings, or with those before.

        New settings that turn out not to be usable are given up. Raises `error` where they were the first.
        """
        with self._lock:
            if error is not None:
                if self._before is None:
                    raise error
                log.error("the new settings cannot be used; going on with those before: %s", error)
                self.current, self._before = self._before, None
                return True
            if self._next is None:
                return False
            self._before, self.current, self._next = self.current, self._next, None
            return True


def reloaded(
    before: "Configuration", read_again: "Callable[[], Configuration]", sections: Sequence[str]
) -> "Configuration | None":
    """The configuration as it is written now; None, and why in the log, where there is none to take."""
    try:
        found = read_again()
        found.check(sections)
        changed = differences(before, found, sections)
    except LayerlineError as error:
        log.error("the configuration was read again and is wrong; going on with the one before: %s", error)  # noqa: TRY400
        return None
    waiting = [key for key in changed if is_at_start_only(key)]
    if waiting:
        log.warning("%s changed: that takes effect at the next start", ", ".join(waiting))
        found.keep(before, waiting)
    taken = [key for key in changed if key not in waiting]
    if not taken:
        log.info("the configuration was read again: nothing to take over")
        return None
    log.info("the configuration was read again; going on with new %s", ", ".join(taken))
    return found


def is_at_start_only(key: str) -> bool:
    """Whether a change of `key` (`api.port`, `printers`) waits for the next start."""
    return key in AT_START_ONLY or key.partition(".")[0] in AT_START_ONLY


def differences(one: "Configuration", other: "Configuration", sections: Iterable[str]) -> list[str]:
    """The keys (`alerts.repeat`) whose values differ; of a section that is a list its name."""
    found = []
    for section in sections:
        old, new = one.given(section), other.given(section)
        if isinstance(old, tuple):
            found += [section] if old != new else []
        else:
            keys = type(old).model_fields
            found += [f"{section}.{key}" for key in keys if getattr(old, key) != getattr(new, key)]
    return found
