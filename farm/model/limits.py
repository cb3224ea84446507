"""The one table of limits: what a value can be meant to be, and how long a text may be.

The adapters' wire types, the observations, the columns of the ledger and the configuration
all read it, so that no database refuses what another one takes.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from farm.model.times import DAY_MS, SECOND_MS


class Range(NamedTuple):
    """The least and the most that a figure can be meant to be, both included."""

    least: float
    most: float

    def holds(self, value: float) -> bool:
        """Whether the figure lies within. NaN does not."""
        return self.least <= value <= self.most

    def scaled(self, factor: float) -> "Range":
        """The same range in another unit."""
        return Range(self.least * factor, self.most * factor)

    @property
    def meta(self) -> msgspec.Meta:
        """The constraint for a type that is decoded."""
        return msgspec.Meta(ge=self.least, le=self.most)


class TextLimit(NamedTuple):
    """The most characters of a text.

    What `names` something is told apart by it: where it is cut or cleaned, a digest of the
    whole stands at its end, so that two names never become one. Other texts end in an ellipsis.
    """

    length: int
    names: bool = False

    @property
    def meta(self) -> msgspec.Meta:
        """The constraint for a type that is decoded."""
        return msgspec.Meta(max_length=self.length, extra={"limit": self})


# -- times and durations, milliseconds -----------------------------------------------------------

INSTANT_MS = Range(
    int(datetime(2015, 1, 1, tzinfo=UTC).timestamp()) * SECOND_MS,
    int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * SECOND_MS,
)
"""An instant since 1970: a host without a clock wakes up in 1970, and none has run ahead to 2100."""
UPTIME_MS = Range(0, 10 * 366 * DAY_MS)
"""The time of a monotonic clock: no host stays up for more than ten years."""
SOURCE_MS = Range(0, INSTANT_MS.most)
"""A source's own time by either kind of clock."""
DURATION_MS = Range(0, 366 * DAY_MS)
"""How long a print can take: a year."""
EXPECTED_MS = Range(SECOND_MS, DURATION_MS.most)
"""How long a print is expected to take: 0 is how a source says that it does not know."""

# -- figures -------------------------------------------------------------------------------------

TEMPERATURE = Range(-100, 2_000)
"""Degrees Celsius."""
RATIO = Range(0, 1)
PERCENT = Range(0, 100)
FACTOR = Range(0, 100)
"""An override of speed or flow: 1 is as sliced."""
SPEED_MM_S = Range(0, 100_000)
HEIGHT_MM = Range(-1_000, 100_000)
FILAMENT_MM = Range(-10_000, 100_000_000)
"""Retraction can take it below zero; a hundred kilometres are no print."""
FILAMENT_G = Range(0, 1_000_000)
RESIN_ML = Range(0, 1_000_000)
"""A cubic metre: no vat takes more."""
LAYERS = Range(0, 10_000_000)
UNITS = Range(0, 1_000_000)
REMAINING_S = DURATION_MS.scaled(1 / SECOND_MS)
"""How long a print still takes."""
VERSION = Range(0, 2**31 - 1)
"""How often something was changed."""

# -- texts, characters ---------------------------------------------------------------------------

FILE = TextLimit(512, names=True)
"""A file's name with its folders: 4 bytes a character stay below what a PostgreSQL index holds."""
MATERIAL = TextLimit(64, names=True)
OPERATOR = TextLimit(128, names=True)
SPOOL = TextLimit(64, names=True)
HISTORY = TextLimit(128, names=True)
NATIVE_ID = TextLimit(128, names=True)
TOKEN = TextLimit(FILE.length + 32, names=True)
"""A source's own mark of a start, from which a job's id is worked out."""
DETAIL = TextLimit(2_000)
"""The words of a printer."""
WORD = TextLimit(64)
"""One word of a protocol: a state, a reason, an event."""

SITE = TextLimit(64)
PRINTER_NAME = TextLimit(128)
ANNOUNCED_NAME = TextLimit(100)
"""A name out of a topic, to which the adapter may have to be added to tell two printers apart."""
GROUP = TextLimit(128)
CALENDAR = TextLimit(64)
HOLIDAY = TextLimit(128)
"""What a holiday is called."""
MODEL = TextLimit(128)
CLIENT_ID = TextLimit(128)
BROKER = TextLimit(255)
PREFIX = TextLimit(512)
"""The part of a topic that is the printer's address."""
TOPIC = TextLimit(PREFIX.length + 512)
"""A whole topic: what stands behind the printer's address names an event, or a field of a status."""
SOURCE_TOPIC = TextLimit(PREFIX.length - ANNOUNCED_NAME.length)
"""The topic of a source, in which a printer's name may stand for `{printer}`."""
SOURCE_LABEL = TextLimit(255, names=True)
"""Under which what a source dropped is counted."""
REASON = TextLimit(64)
"""The fixed word for why a message was dropped."""
WHO = TextLimit(128)
WHY = TextLimit(2_000)
NOTE = TextLimit(4_000)
"""What a person notes on a job."""
REQUEST_KEY = TextLimit(128)
RECEIVER = TextLimit(128)
ALERT_RULE = TextLimit(64)
ALERT_SUBJECT = TextLimit(255)
