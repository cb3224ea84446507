"""A printer: known by an id of ours, reached under addresses that may change."""

import uuid

import msgspec

_PRINTERS = uuid.UUID("6f2f3c0e-6f0e-4f0b-9a3e-1c0b6d8f5a11")
_SESSIONS = uuid.UUID("0d0a5f0e-5a5b-4f53-9f0e-6a3f0c1b7c2d")


class Address(msgspec.Struct, frozen=True, order=True):
    """Where a printer publishes: which adapter reads which topic prefix of which broker."""

    broker: str
    adapter: str
    prefix: str


class Printer(msgspec.Struct, frozen=True, kw_only=True):
    """A printer with its labels. It counts from `first_seen_ms` until `retired_ms`."""

    id: str
    site: str
    name: str
    group: str | None = None
    model: str | None = None
    adapter: str
    first_seen_ms: int
    retired_ms: int | None = None
    ignored: bool = False

    @property
    def is_current(self) -> bool:
        """Whether it counts now: neither retired nor ignored."""
        return self.retired_ms is None and not self.ignored


def printer_id(site: str, address: Address) -> str:
    """A stable UUID for a printer first met at `address`.

    Derived and not drawn, so that two collectors that meet a printer at the same
    moment, and a replay of a recording, agree.
    """
    return str(uuid.uuid5(_PRINTERS, "\x1f".join((site, address.broker, address.adapter, address.prefix))))


def session_id(address: Address) -> str:
    """A stable UUID for the session at `address`, whichever printer it belongs to."""
    return str(uuid.uuid5(_SESSIONS, "\x1f".join((address.broker, address.adapter, address.prefix))))
