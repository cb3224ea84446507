"""The farm as the API shows it: reads the ledger and puts its parts together."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from api import schemas, views
from api.settings import ApiSettings
from api.setup import RefusalProvider
from api.streaks import LatestStreaks
from farm.kpi.forecast import Forecast
from farm.kpi.windows import Window
from farm.ledger.acknowledgement_store import AcknowledgementStore
from farm.ledger.alert_store import AlertStore
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger_reader import LedgerReader
from farm.ledger.silence_store import SilenceStore
from farm.ledger.verdict_store import VerdictStore
from farm.model.alert import Alert, AlertFilter, AlertState, Delivery
from farm.model.attention import Attention, Need, attention
from farm.model.clock import Clock
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.printer_status import PrinterStatus
from farm.model.silence import Silence, labels_of
from farm.model.states import PrinterState
from farm.model.times import HOUR_MS, SECOND_MS, rfc3339
from farm.outage import Outage
from farm.settings import SiteSettings

DROPPED_LATELY_MS = HOUR_MS
"""For so long after the last one dropped messages are something to look at."""
MOST_OPEN_ALERTS = 200
"""Open alerts on the stream; the list behind `/alerts` goes on."""


class ShardFreshness(msgspec.Struct, frozen=True):
    """When one collector last booked, how long ago that was, and how many printers it holds."""

    shard: str
    printers: int
    booked_ms: int
    age_ms: int
    stale: bool


class Freshness(msgspec.Struct, frozen=True):
    """How fresh the figures are, by collector: those of one are no fresher for another that lives."""

    shards: tuple[ShardFreshness, ...]

    @property
    def oldest(self) -> ShardFreshness | None:
        """The collector that booked longest ago; None while nothing was seen."""
        return min(self.shards, key=lambda shard: shard.booked_ms, default=None)

    @property
    def stale(self) -> tuple[ShardFreshness, ...]:
        """The collectors that have stopped booking."""
        return tuple(shard for shard in self.shards if shard.stale)


class PrinterDocument(msgspec.Struct, frozen=True):
    """A printer as a JSON text; `noticeable` differs when a person would see a difference."""

    text: bytes
    noticeable: tuple[object, ...]


Forecaster: TypeAlias = Callable[[Sequence[PrinterStatus], int], Sequence[Forecast]]
"""Gives when the prints of printers that stand so are done, as things are at an instant (ms)."""


class FarmView:
    """Answers what the routes and the live stream ask about the farm, at the ledger's present."""

    def __init__(
        self,
        reader: LedgerReader,
        alert_store: AlertStore,
        settings: ApiSettings,
        site: SiteSettings,
        clock: Clock,
        refusals: RefusalProvider | None = None,
        *,
        forecaster: Forecaster,
    ) -> None:
        self.reader = reader
        self._forecaster = forecaster
        self._refusals = refusals
        self.alert_store = alert_store
        self.verdict_store = VerdictStore(reader.engine)
        self.acknowledgements = AcknowledgementStore(reader.engine)
        self.silences = SilenceStore(reader.engine)
        self.site = site
        self.guarded = settings.token is not None
        self._stale_ms = settings.stale_seconds * SECOND_MS
        self._clock = clock
        self._streaks = LatestStreaks(reader)
        self.outage = Outage("the ledger")

    def now_ms(self) -> int:
        """The ledger's present in milliseconds since 1970."""
        now_ms = self.reader.now_ms(self._clock())
        self.outage.over()
        return now_ms

    def labels(self) -> dict[str, Printer]:
        """Every printer that ever was, by id."""
        return {printer.id: printer for printer in self.reader.printers(everything=True)}

    def printers(self, printer_ids: Collection[str] | None = None) -> list[schemas.PrinterStatusRecord]:
        """How the printers stand, by name; all of them or those asked for."""
        return self._statuses(self.reader.statuses(printer_ids))

    def _statuses(self, statuses: Sequence[PrinterStatus]) -> list[schemas.PrinterStatusRecord]:
        now_ms = self.now_ms()
        streaks = self._streaks.of([status.printer.id for status in statuses])
        coming = {each.printer_id: each for each in self.forecasts(statuses, now_ms)}
        return [
            views.status_view(
                status, streaks[status.printer.id], coming.get(status.printer.id), now_ms, self._stale_ms
            )
            for status in statuses
        ]

    def forecasts(self, statuses: Sequence[PrinterStatus], now_ms: int) -> Sequence[Forecast]:
        """When the prints under way are done, the first to be done first."""
        return self._forecaster(statuses, now_ms)

    def printer_detail(self, status: PrinterStatus, window: Window) -> schemas.PrinterDetail:
        """A printer with the account of the window and the latest hundred jobs that ended in it."""
        printer_ids, now_ms = [status.printer.id], self.now_ms()
        return views.printer_detail(
            status,
            self._streaks.of(printer_ids)[status.printer.id],
            next(iter(self.forecasts([status], now_ms)), None),
            now_ms,
            self._stale_ms,
            window=window,
            spans=self.reader.spans(window.from_ms, window.to_ms, printer_ids),
            jobs=self.jobs(
                self.reader.jobs(
                    JobFilter(printer_ids=printer_ids, since_ms=window.from_ms, until_ms=window.to_ms)
                ).jobs
            ),
        )

    def jobs(self, jobs: Collection[Job]) -> list[schemas.JobRecord]:
        """Jobs with the labels of their printers and their verdicts."""
        labels = self.labels()
        verdicts = self.verdict_store.verdicts([job.id for job in jobs])
        return [views.job_view(job, labels, verdicts) for job in jobs]

    def job_detail(self, job: Job) -> schemas.JobDetail:
        """A job with everything that was changed about it."""
        return views.job_detail(
            job,
            self.labels(),
            self.verdict_store.verdicts([job.id]),
            revisions=self.reader.revisions(job.id),
            trail=self.verdict_store.trail(job.id),
        )

    def alerts(self, alerts: Sequence[Alert]) -> list[schemas.AlertRecord]:
        """Alerts with their evidence and deliveries, and what people do about them now."""
        if not alerts:
            return []
        now_ms = self.now_ms()
        standing = self.acknowledgements.standing([alert.id for alert in alerts])
        holding = {each.alert_id: each for each in standing.values() if each.holds(now_ms)}
        silences = self.silences.in_force_since(now_ms, now_ms)
        labels = self.labels()
        found = self.reader.jobs_by_id({job_id for alert in alerts for job_id in alert.job_ids})
        jobs = {job.id: job for job in self.jobs(found.values())}
        deliveries = self._deliveries_by_alert(alerts)
        return [
            views.alert_view(
                alert,
                labels,
                [jobs[job_id] for job_id in alert.job_ids if job_id in jobs],
                deliveries.get(alert.id, []),
                acknowledged=holding.get(alert.id),
                silences=_silencing(alert, labels, silences),
            )
            for alert in alerts
        ]

    def _deliveries_by_alert(self, alerts: Sequence[Alert]) -> Mapping[str, list[Delivery]]:
        by_alert: dict[str, list[Delivery]] = {}
        for delivery in self.alert_store.deliveries([alert.id for alert in alerts]):
            by_alert.setdefault(delivery.alert_id, []).append(delivery)
        return by_alert

    def freshness(self) -> Freshness:
        """How long ago each collector booked."""
        now_ms = self.now_ms()
        return Freshness(
            tuple(
                ShardFreshness(
                    shard=each.client_id,
                    printers=each.printers,
                    booked_ms=each.booked_until_ms,
                    age_ms=max(0, now_ms - each.booked_until_ms),
                    stale=now_ms - each.booked_until_ms > self._stale_ms,
                )
                for each in self.reader.shards()
                if each.booked_until_ms
            )
        )

    def attention(self, statuses: Sequence[PrinterStatus] | None = None) -> Attention:
        """What needs a look now; `statuses` are those of all printers, where they are at hand."""
        if statuses is None:
            statuses = self._current(None)
        now_ms = self.now_ms()
        broken = [each.printer.id for each in statuses if each.state is PrinterState.ERROR]
        dropped = (
            views.dropped_need(fault)
            for fault in self.reader.faults()
            if now_ms - fault.last_ms <= DROPPED_LATELY_MS
        )
        last_jobs = self.reader.last_ended_jobs(broken)
        return attention(statuses, last_jobs, now_ms, self._stale_ms, (*dropped, *self._refused()))

    def _refused(self) -> Iterable[Need]:
        """Whom the broker refuses now, by the clock on the wall, whatever the ledger's time is."""
        now_ms = self._clock()
        refused = () if self._refusals is None else self._refusals()
        return (views.refused_need(client) for client in refused if client.is_current(now_ms))

    def printer_documents(self, printer_ids: Collection[str] | None) -> dict[str, PrinterDocument]:
        """The printers as JSON texts, by id; of those asked for, only those that count now."""
        return self._documents(self._current(printer_ids))

    def farm_documents(self) -> tuple[dict[str, PrinterDocument], bytes]:
        """All printers as JSON texts, by id, and what needs a look as another."""
        statuses = self._current(None)
        found = views.attention_view(self.attention(statuses))
        return self._documents(statuses), found.model_dump_json().encode()

    def _current(self, printer_ids: Collection[str] | None) -> list[PrinterStatus]:
        return [each for each in self.reader.statuses(printer_ids) if each.printer.is_current]

    def _documents(self, statuses: Sequence[PrinterStatus]) -> dict[str, PrinterDocument]:
        return {
            view.id: PrinterDocument(view.model_dump_json().encode(), _noticeable(view))
            for view in self._statuses(statuses)
        }

    def alert_document(self) -> bytes:
        """The open alerts as a JSON list, newest first."""
        page = self.alert_store.alerts(AlertFilter(states=[AlertState.FIRING], limit=MOST_OPEN_ALERTS))
        texts = (view.model_dump_json().encode() for view in self.alerts(page.alerts))
        return b"[%s]" % b",".join(texts)

    def tick_document(self) -> bytes:
        """The time, and whether every collector still books, as a JSON object."""
        freshness = self.freshness()
        oldest = freshness.oldest
        return msgspec.json.encode(
            {
                "at": rfc3339(self.now_ms()),
                "collector_booked_at": None if oldest is None else rfc3339(oldest.booked_ms),
                "stale": bool(freshness.stale),
                "shards": len(freshness.shards),
                "stale_shards": [
                    {"shard": each.shard, "printers": each.printers, "booked_at": rfc3339(each.booked_ms)}
                    for each in freshness.stale
                ],
            }
        )


def _silencing(alert: Alert, labels: Mapping[str, Printer], silences: Sequence[Silence]) -> list[Silence]:
    """Those of the silences in force that keep the alert from being told; none once it is over."""
    if alert.state is not AlertState.FIRING:
        return []
    told_apart_by = labels_of(alert, labels.get(alert.printer_id or ""))
    return [silence for silence in silences if silence.matches(told_apart_by)]


def _noticeable(view: schemas.PrinterStatusRecord) -> tuple[object, ...]:
    """All but what changes with every message: tenths of a degree, seconds, when it was heard."""
    job = view.job
    run = None if job is None else (job.id, job.file, job.units, round((job.progress or 0) * 1_000))
    readings = tuple(None if value is None else round(value) for _, value in view.readings)
    labels = (view.name, view.group, view.model)
    return (view.state, view.since, view.source, view.observed, view.failed_streak, labels, run, readings)
