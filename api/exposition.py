"""The figures for Prometheus, read from the ledger at each scrape.

Labels are bounded: states, outcomes, causes, reasons, receivers and configured sources;
never a printer, a job or a file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from api.farm_view import FarmView
from api.live import LiveStream
from api.views import seconds
from farm.errors import LedgerError
from farm.influx.status import QueueStatus
from farm.kpi.forecast import is_free, next_free
from farm.model.alert import EVALUATOR, AlertFilter, AlertState, Severity
from farm.model.printer_status import PrinterStatus
from farm.model.states import PrinterState

MOST_SOURCES = 100
"""Sources told apart among the dropped messages; the rest is summed up as `other`."""


Outbox: TypeAlias = Callable[[int], Sequence[QueueStatus]]
"""Gives how the queues to InfluxDB stand at an instant (ms)."""


class FarmCollector(Collector):
    """Gives the farm's figures to a registry of prometheus_client."""

    def __init__(self, farm_view: FarmView, live: LiveStream, outbox: Outbox | None = None) -> None:
        self._farm_view = farm_view
        self._live = live
        self._outbox = outbox

    def describe(self) -> list[Metric]:
        """Nothing: the ledger is not to be read when the registry is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now; without the ledger only that it does not answer."""
        yield self._build()
        try:
            figures = list(self._figures())
        except LedgerError as error:
            self._farm_view.outage.failed(error, "/metrics cannot tell anything else")
            figures = []
        yield GaugeMetricFamily(
            "layerline_ledger_reachable", "Whether the ledger answered this scrape.", bool(figures)
        )
        yield from figures

    def _figures(self) -> Iterator[Metric]:
        yield from self._printers()
        yield self._jobs()
        yield self._alerts()
        yield self._deliveries()
        yield self._dropped()
        yield from self._feed()
        if self._outbox is not None:
            yield from _queues(self._outbox(self._farm_view.now_ms()))

    def _build(self) -> Metric:
        return InfoMetricFamily("layerline_build", "The running program.", {"version": program_version()})

    def _printers(self) -> Iterator[Metric]:
        statuses = self._farm_view.reader.statuses()
        states = Counter(status.state for status in statuses)
        family = GaugeMetricFamily("layerline_printers", "Printers by state.", labels=["state"])
        for state in PrinterState:
            family.add_metric([state], states[state])
        yield family
        yield from self._coming(statuses)
        yield from self._ages()

    def _coming(self, statuses: Sequence[PrinterStatus]) -> Iterator[Metric]:
        now_ms = self._farm_view.now_ms()
        yield GaugeMetricFamily(
            "layerline_printers_free", "Printers that could print now.", sum(map(is_free, statuses))
        )
        first = next_free(self._farm_view.forecasts(statuses, now_ms))
        family = GaugeMetricFamily(
            "layerline_next_free_seconds", "Until the print that ends first is done, by the forecast."
        )
        if first is not None and first.done_ms is not None:
            family.add_metric([], seconds(first.done_ms - now_ms))
        yield family

    def _ages(self) -> Iterator[Metric]:
        freshness = self._farm_view.freshness()
        if freshness.oldest is None:
            return
        yield GaugeMetricFamily(
            "layerline_collector_age_seconds",
            "Time since the collector last booked; of several, the one that booked longest ago.",
            seconds(freshness.oldest.age_ms),
        )
        family = GaugeMetricFamily(
            "layerline_shard_age_seconds", "Time since each collector last booked.", labels=["shard"]
        )
        for each in freshness.shards:
            family.add_metric([each.shard], seconds(each.age_ms))
        yield family

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily(
            "layerline_jobs_ended",
            "Jobs that ever ended, by outcome and cause. A gauge, since later evidence moves jobs.",
            labels=["outcome", "cause"],
        )
        for count in self._farm_view.reader.ended_jobs():
            family.add_metric([count.outcome, count.cause or ""], count.jobs)
        return family

    def _alerts(self) -> Metric:
        page = self._farm_view.alert_store.alerts(AlertFilter(states=[AlertState.FIRING], limit=1_000))
        severities = Counter(alert.severity for alert in page.alerts)
        family = GaugeMetricFamily("layerline_alerts_open", "Open alerts by severity.", labels=["severity"])
        for severity in Severity:
            family.add_metric([severity], severities[severity])
        return family

    def _deliveries(self) -> Metric:
        family = GaugeMetricFamily(
            "layerline_deliveries",
            "Messages about alerts by receiver and state.",
            labels=["receiver", "state"],
        )
        for total in self._farm_view.alert_store.totals():
            family.add_metric([total.receiver, total.state], total.count)
        return family

    def _dropped(self) -> Metric:
        counts: Counter[tuple[str, str]] = Counter()
        told_apart: set[str] = set()
        for fault in self._farm_view.reader.faults():
            if len(told_apart) < MOST_SOURCES:
                told_apart.add(fault.source)
            counts[fault.source if fault.source in told_apart else "other", fault.reason] += fault.count
        family = CounterMetricFamily(
            "layerline_dropped_messages",
            "Messages that could not be made sense of, by source and reason.",
            labels=["source", "reason"],
        )
        for labels, count in counts.items():
            family.add_metric(labels, count)
        return family

    def _feed(self) -> Iterator[Metric]:
        bookmark = self._farm_view.alert_store.bookmark(EVALUATOR)
        head = self._farm_view.reader.feed_head()
        yield GaugeMetricFamily("layerline_feed_head", "Number of the last entry of the feed.", head)
        yield GaugeMetricFamily(
            "layerline_stream_lag_entries",
            "Entries of the feed that the live stream has not sent yet.",
            self._live.lag(head),
        )
        if bookmark is not None:
            yield GaugeMetricFamily(
                "layerline_evaluator_lag_entries",
                "Entries of the feed that the evaluator has not seen yet.",
                max(0, head - bookmark.seq),
            )
        yield GaugeMetricFamily("layerline_stream_clients", "Clients on the live stream.", self._live.clients)


def _queues(queues: Sequence[QueueStatus]) -> Iterator[Metric]:
    """How far InfluxDB is behind, queue by queue."""
    unsent = GaugeMetricFamily(
        "layerline_outbox_entries", "Entries that InfluxDB has not got yet.", labels=["queue"]
    )
    age = GaugeMetricFamily(
        "layerline_outbox_age_seconds", "Age of the oldest entry that InfluxDB has not got.", labels=["queue"]
    )
    settled = CounterMetricFamily(
        "layerline_outbox_settled",
        "Entries by what became of them: stored, rejected by InfluxDB, or dropped for want of room.",
        labels=["queue", "fate"],
    )
    for queue in queues:
        unsent.add_metric([queue.queue], queue.entries)
        age.add_metric([queue.queue], queue.seconds)
        settled.add_metric([queue.queue, "stored"], queue.stored)
        settled.add_metric([queue.queue, "rejected"], queue.rejected)
        settled.add_metric([queue.queue, "dropped"], queue.dropped)
    yield from (unsent, age, settled)


def program_version() -> str:
    """The version of the installed program, `unknown` when it runs uninstalled."""
    try:
        return version("layerline")
    except PackageNotFoundError:
        return "unknown"
