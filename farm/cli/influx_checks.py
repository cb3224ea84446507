"""What `layerline check` and `layerline doctor` find of InfluxDB."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from farm.app.wiring import now_of
from farm.cli.diagnosis import Diagnosis, failed, ok, warning
from farm.influx.settings import InfluxSettings
from farm.model.times import rfc3339

if TYPE_CHECKING:
    from farm.influx.status import QueueStatus
    from farm.ledger.ledger import Ledger

_LAGGING_S = 300


def server_diagnoses(settings: InfluxSettings) -> Iterator[Diagnosis]:
    """Whether the configured server answers and lets us at our buckets, for `layerline check`."""
    if settings.url is None:
        return
    from farm.errors import InfluxError
    from farm.influx.client import InfluxServer
    from farm.influx.setup import missing_buckets

    try:
        with InfluxServer(settings) as server:
            missing = missing_buckets(server) if settings.version == 2 else []
    except InfluxError as error:
        yield failed("InfluxDB", str(error), "everything is kept until it answers: see [influx]")
        return
    if missing:
        yield failed("InfluxDB", f"no bucket {' and '.join(missing)}", "`layerline influx init` makes them")
    else:
        yield ok("InfluxDB", f"{settings.url}, {settings.bucket} and {settings.telemetry_bucket}")


def outbox_diagnoses(ledger: "Ledger", settings: InfluxSettings) -> Iterator[Diagnosis]:
    """How far InfluxDB is behind, and why, for `layerline doctor`."""
    from farm.influx.status import OutboxStatus
    from farm.model.clock import system_clock

    if settings.url is None:
        return
    queues = OutboxStatus(ledger.engine, settings.kpi_every_seconds).queues(now_of(ledger, system_clock))
    if not queues:
        yield warning("InfluxDB", "nothing was ever sent", "the evaluator sends it: see its log")
    for queue in queues:
        yield _diagnosis(queue)


def _diagnosis(queue: "QueueStatus") -> Diagnosis:
    from farm.influx.status import RESTATED_QUEUE

    what = f"InfluxDB, {queue.queue}"
    seen = f"{queue.entries} unsent ({queue.bytes} bytes), {queue.stored} stored"
    if queue.trouble is not None:
        since = rfc3339(queue.trouble.since_ms)
        return failed(
            what, seen, f"not taken since {since}: {queue.trouble.status or ''} {queue.trouble.words}"
        )
    if queue.seconds > _LAGGING_S and queue.entries and queue.queue != RESTATED_QUEUE:
        return warning(what, seen, f"the oldest is of {queue.seconds:.0f} s ago")
    if queue.rejected or queue.dropped:
        lost = f"{queue.rejected} refused (see outbox_reject in the ledger), {queue.dropped} dropped"
        return warning(what, f"{seen}, {lost}", "what was refused or dropped is not in InfluxDB")
    return ok(what, seen)
