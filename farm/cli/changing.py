"""What commands that look or change at once have in common: by whom, in which ledger, and the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.terms import WhoOption, WhyOption, user_name, with_options_of
from farm.cli.times import UtcOption, farm_clock

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.cli.times import FarmClock
    from farm.ledger.calendar_store import CalendarStore
    from farm.ledger.ledger import Ledger
    from farm.model.calendar_change import CalendarChange, ChangedBy


@dataclass(frozen=True, kw_only=True)
class LookTerms:
    """Which ledger is looked at, and how the answer is shown."""

    utc: UtcOption = False
    database: DatabaseOption = None
    config: ConfigOption = None
    data: DataOption = None
    as_json: JsonOption = False
    verbose: VerboseOption = False


@dataclass(frozen=True, kw_only=True)
class ChangeTerms:
    """How a change is made: by whom and why, in which ledger, and how the answer is shown."""

    why: WhyOption = ""
    who: WhoOption = None
    utc: UtcOption = False
    database: DatabaseOption = None
    config: ConfigOption = None
    data: DataOption = None
    as_json: JsonOption = False
    verbose: VerboseOption = False


with_look_terms = with_options_of(LookTerms)
with_change_terms = with_options_of(ChangeTerms)


@dataclass(frozen=True)
class Shop:
    """What a command works with: the configuration, the open ledger, and the farm's clock."""

    configuration: "Configuration"
    ledger: "Ledger"
    clock: "FarmClock"

    @property
    def calendars(self) -> "CalendarStore":
        """The calendars of ledger and configuration file."""
        from farm.app.wiring import calendar_store_of

        return calendar_store_of(self.configuration, self.ledger)

    def changed_by(self, terms: ChangeTerms) -> "ChangedBy":
        """Who makes a change, and why, at the ledger's present."""
        from farm.model.calendar_change import ChangedBy

        return ChangedBy(terms.who or user_name(), terms.why, self.clock.now_ms)


@contextmanager
def open_shop(terms: LookTerms | ChangeTerms) -> "Iterator[Shop]":
    """Open the ledger for as long as the block runs."""
    from farm.app.wiring import ledger_of

    flags = flag("--database", terms.database, "ledger", "url")
    configuration = open_configuration(terms.config, terms.data, flags, verbose=terms.verbose)
    with ledger_of(configuration) as ledger:
        yield Shop(configuration, ledger, farm_clock(configuration, ledger, utc=terms.utc))


def restated_line(changes: "list[CalendarChange]", clock: "FarmClock") -> str:
    """Whether the changes restate the past, and from when on."""
    from farm.ledger.calendar_records import restated_since

    if not changes:
        return "Nothing is changed by it."
    since_ms = restated_since(changes)
    if since_ms is None:
        return "It changes nothing of the past."
    return (
        f"It restates the past: figures that reach back to {clock.exact(since_ms)} or further are others now."
    )


def change_answer(changes: "list[CalendarChange]") -> dict[str, Any]:
    """The changes as JSON."""
    from farm.ledger.calendar_records import change_record, restated_since
    from farm.model.times import rfc3339_or_none

    return {
        "restates_from": rfc3339_or_none(restated_since(changes)),
        "changes": [change_record(each) for each in changes],
    }
