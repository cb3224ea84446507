"""Who was not let in by a broker of ours, why, and what helps."""

from enum import StrEnum

import msgspec

from farm.model.terminal_text import plain
from farm.model.times import MINUTE_MS

CURRENT_MS = 5 * MINUTE_MS
"""A client that is refused tries again within two minutes (paho's longest pause), most within seconds."""
LONGEST_CLIENT_ID = 100
"""Characters that are kept of it; whoever connects chooses it."""


class RefusalReason(StrEnum):
    """Why a client was not let in."""

    NO_LOGIN = "no_login"
    WRONG_USER = "wrong_user"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a word for one, not one
    WRONG_LOGIN = "wrong_login"
    PROTOCOL_VERSION = "protocol_version"
    CLIENT_ID = "client_id"
    TLS = "tls"
    NO_MQTT = "no_mqtt"
    UNFINISHED = "unfinished"
    BROKER_CLOSED = "broker_closed"
    NO_ROOM = "no_room"

    @property
    def words(self) -> str:
        """The reason as said to a person."""
        return _MEANINGS[self][0]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _MEANINGS[self][1]


_TYPE_IN = "type in user and password as `layerline up` shows them"

_MEANINGS = {
    RefusalReason.NO_LOGIN: ("no user and password", _TYPE_IN),
    RefusalReason.WRONG_USER: ("wrong user", _TYPE_IN),
    RefusalReason.WRONG_PASSWORD: ("wrong password", _TYPE_IN),
    RefusalReason.WRONG_LOGIN: ("wrong or missing user or password", _TYPE_IN),
    RefusalReason.PROTOCOL_VERSION: (
        "a version of MQTT that this broker does not speak",
        "choose MQTT 3.1.1 in the printer's settings",
    ),
    RefusalReason.CLIENT_ID: (
        "a client id that cannot be taken",
        "give it a client id, or let it ask for a clean session",
    ),
    RefusalReason.TLS: ("it speaks TLS, this broker does not", "switch TLS off in the printer's settings"),
    RefusalReason.NO_MQTT: (
        "what it sent is no MQTT",
        "switch TLS off there; the port is the broker's, not the page's",
    ),
    RefusalReason.UNFINISHED: (
        "it did not finish its first packet in time",
        "look at its network, or at who else connects there",
    ),
    RefusalReason.BROKER_CLOSED: ("the broker closed the connection", "see the broker's lines in the log"),
    RefusalReason.NO_ROOM: (
        "too many connections at a time",
        "allow more open files, for example with `ulimit -n` or LimitNOFILE",
    ),
}


class RefusedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client and one reason why it was refused. `address` or `client_id` is None where it is not known.

    `count` and `first_ms` reckon from the first refusal, or the first one after it was let in.
    """

    address: str | None
    client_id: str | None
    reason: RefusalReason
    count: int
    first_ms: int
    last_ms: int
    let_in_ms: int | None = None

    @property
    def who(self) -> str:
        """`bay2 at 192.168.1.7`, as far as it is known; safe to show."""
        name = "a client" if not self.client_id else plain(self.client_id)
        return name if self.address is None else f"{name} at {self.address}"

    def is_current(self, now_ms: int) -> bool:
        """Whether it is probably refused still: refused a short while ago, and not let in since."""
        return self.let_in_ms is None and now_ms - self.last_ms < CURRENT_MS
