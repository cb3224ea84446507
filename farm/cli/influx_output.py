"""What the commands about InfluxDB show."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from farm.cli.times import span_text
from farm.influx.settings import InfluxSettings
from farm.influx.status import QueueStatus
from farm.model.times import SECOND_MS
from farm.tables import NOTHING, Column

QUEUE_COLUMNS = (
    Column("queue"),
    Column("unsent", right=True),
    Column("bytes", right=True),
    Column("oldest", right=True),
    Column("stored", right=True),
    Column("refused", right=True),
    Column("dropped", right=True),
    Column("waits because", below=True),
)


def settings_to_use(settings: InfluxSettings, token_file: Path) -> dict[str, str | None]:
    """The keys of `[influx]` with which what was set up is used."""
    return {
        "url": settings.url,
        "org": settings.org,
        "bucket": settings.bucket,
        "telemetry_bucket": settings.telemetry_bucket,
        "token_file": str(token_file.absolute()),
    }


def configuration_lines(use: Mapping[str, str | None]) -> list[str]:
    """The section of the configuration with these keys."""
    # A TOML string is written as a JSON string.
    return ["[influx]", *(f"{key} = {json.dumps(value)}" for key, value in use.items())]


def queue_rows(queues: Sequence[QueueStatus]) -> list[list[str]]:
    """The queues as rows of a table."""
    return [
        [
            queue.queue,
            str(queue.entries),
            str(queue.bytes),
            span_text(round(queue.seconds * SECOND_MS)) if queue.entries else NOTHING,
            str(queue.stored),
            str(queue.rejected),
            str(queue.dropped),
            f"{queue.trouble.status or ''} {queue.trouble.words}".strip() if queue.trouble else NOTHING,
        ]
        for queue in queues
    ]
