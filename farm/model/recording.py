"""Recordings: what a broker carried, one JSON line a message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from farm.errors import RecordingError
from farm.model import limits
from farm.model.times import SECOND_MS

_SECONDS = msgspec.Meta(ge=0, le=limits.INSTANT_MS.most / SECOND_MS)


class RecordedMessage(msgspec.Struct, frozen=True):
    """One message: `t` is the time of receipt in seconds since 1970.

    `retain` is true only for messages that the broker had kept from before the subscription.
    """

    t: Annotated[float, _SECONDS]
    topic: str
    payload: str
    qos: int = 0
    retain: bool = False

    @property
    def received_ms(self) -> int:
        """The time of receipt in milliseconds since 1970."""
        return round(self.t * 1000)

    @property
    def raw(self) -> bytes:
        """The payload as it was on the wire."""
        return self.payload.encode("utf-8", "surrogateescape")


def read_recording(path: Path) -> Iterator[RecordedMessage]:
    """The messages of the file, in order. Blank lines are passed over.

    Raises RecordingError naming file and line when a line is not a recorded message.
    """
    decoder = msgspec.json.Decoder(RecordedMessage)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                raise RecordingError(f"{path}, line {number}: {error}") from error
