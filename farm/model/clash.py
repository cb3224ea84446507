"""Two printers that publish under one prefix: what gave them away, since when, and what to do."""

from enum import StrEnum

import msgspec

from farm.model.times import MINUTE_MS

STANDS_MS = 15 * MINUTE_MS
"""For so long after its last sign two publishers count as being there."""


class ClashSign(StrEnum):
    """By what the publishers are told apart."""

    CLOCK = "clock"
    NOZZLE = "nozzle"
    BED = "bed"
    PROGRESS = "progress"


_SEEN = {
    ClashSign.CLOCK: "two clocks take turns",
    ClashSign.NOZZLE: "the nozzle is hot and cold in turns, within seconds",
    ClashSign.BED: "two bed targets take turns within seconds",
    ClashSign.PROGRESS: "two prints go on in turns",
}

_REMEDIES = {
    "octoprint": "give each OctoPrint a base topic of its own (Settings, MQTT, Topics, Base topic)",
    "moonraker": "give each Moonraker an instance_name of its own in moonraker.conf, and restart it",
}
_REMEDY = "give each publisher a topic prefix of its own"


class PublisherClash(msgspec.Struct, frozen=True, kw_only=True):
    """Two publishers under the topics below `prefix`, first and last seen at `since_ms` and `last_ms`."""

    prefix: str
    sign: ClashSign
    since_ms: int
    last_ms: int

    def stands(self, at_ms: int) -> bool:
        """Whether at `at_ms` the publishers still count as being there."""
        return at_ms - self.last_ms <= STANDS_MS

    @property
    def words(self) -> str:
        """What is seen, for people."""
        return f"two printers publish under {self.prefix}/: {_SEEN[self.sign]}"


def clash_remedy(adapter: str) -> str:
    """What to do about it, in the words of the program that publishes."""
    return _REMEDIES.get(adapter, _REMEDY)
