"""The health of a farm that runs: its broker, found out by trying, and what its ledger says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from api.farm_view import DROPPED_LATELY_MS
from collector.broker_trials import BrokerTrials
from farm.cli.checks import check_soundness, remedy_of
from farm.cli.diagnosis import Diagnosis, failed, ok, warning
from farm.cli.output import counted
from farm.cli.times import FarmClock, farm_clock, rough_span
from farm.errors import BrokerRefused, BrokerUnreachable, LedgerError
from farm.model.alert import DeliveryState
from farm.model.clash import clash_remedy
from farm.model.clock import system_clock
from farm.model.payload_redaction import readable
from farm.model.times import DAY_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.app.config import Configuration
    from farm.ledger.alert_store import AlertStore
    from farm.ledger.ledger import Ledger
    from farm.model.alert import Delivery

_REFUSED_LATELY_MS = DAY_MS
"""For so long after the last attempt a message that was not taken is something to look at."""
_REFUSED = frozenset({DeliveryState.FAILED, DeliveryState.PARTIAL})
_STALE_MS = 60 * SECOND_MS
_LAGGING_ENTRIES = 1_000
_RECENT_ALERTS = 100


def examine_broker(configuration: "Configuration") -> Iterator[Diagnosis]:
    """Which broker of ours runs and whom it refused; each property that the farm needs of its broker."""
    if not configuration.is_broker_configured:
        from farm.cli.broker_checks import embedded_broker_diagnoses

        yield from embedded_broker_diagnoses(configuration)
    trials = BrokerTrials(configuration.broker.address)
    try:
        for result in trials.run():
            if result.passed:
                yield ok(result.name, result.seen)
            else:
                yield failed(result.name, result.seen, result.cost)
    except (BrokerRefused, BrokerUnreachable) as error:
        remedy = "is `layerline up` running?" if not configuration.is_broker_configured else ""
        yield failed("broker", str(error), remedy)


def examine_ledger(configuration: "Configuration") -> Iterator[Diagnosis]:
    """What the ledger says of the collector, the evaluator, dropped messages and deliveries."""
    from farm.app.wiring import ledger_of
    from farm.cli.influx_checks import outbox_diagnoses
    from farm.ledger.alert_store import AlertStore

    try:
        with ledger_of(configuration) as ledger:
            store, clock = AlertStore(ledger.engine), farm_clock(configuration, ledger, utc=False)
            yield check_soundness(ledger.engine)
            yield _printers(ledger)
            yield from clash_diagnoses(ledger, clock)
            yield from _freshness(ledger, clock)
            yield from _shards(ledger, clock)
            yield _feed_lag(ledger, store)
            yield from dropped_diagnoses(ledger, clock)
            yield from _deliveries(store)
            yield from outbox_diagnoses(ledger, configuration.influx)
    except LedgerError as error:
        yield failed("ledger", str(error), remedy_of(error))


def _printers(ledger: "Ledger") -> Diagnosis:
    printers = ledger.printers()
    if not printers:
        return warning("printers", "none has been heard of", "`layerline up` shows what to type into them")
    return ok("printers", f"{len(printers)} known, {counted(len(ledger.open_jobs()), 'job')} under way")


def clash_diagnoses(ledger: "Ledger", clock: FarmClock) -> Iterator[Diagnosis]:
    """Every printer as which two publish."""
    for status in ledger.statuses():
        clash = status.clash
        if clash is not None and clash.stands(clock.now_ms):
            ago = rough_span(clock.now_ms - clash.last_ms)
            seen = f"{clash.words}; since {clock.exact(clash.since_ms)}, last seen {ago} ago"
            yield failed(f"printer {status.printer.name}", seen, clash_remedy(status.printer.adapter))


def _freshness(ledger: "Ledger", clock: FarmClock) -> Iterator[Diagnosis]:
    """Every collector: one that lives does not stand in for another."""
    shards = [shard for shard in ledger.shards() if shard.booked_until_ms]
    if not shards:
        yield ok("collector", "has not booked anything yet")
    for shard in shards:
        what = "collector" if len(shards) == 1 else f"collector {shard.client_id}"
        age_ms = max(0, clock.now_ms - shard.booked_until_ms)
        seen = f"booked last {age_ms / SECOND_MS:.1f} s ago, at {clock.exact(shard.booked_until_ms)}"
        if age_ms > _STALE_MS:
            remedy = "it does not run, or does not reach broker or ledger: see its log"
            yield failed(what, f"{seen}, {counted(shard.printers, 'printer')}", remedy)
        else:
            yield ok(what, seen)


def _shards(ledger: "Ledger", clock: FarmClock) -> Iterator[Diagnosis]:
    for lease in ledger.leases():
        host, _, process = lease.holder.partition("/")
        holder = f"{host}, process {process.partition('/')[0]}" if process else host
        held = "left in order" if lease.beats is None else f"held by {holder}"
        yield ok(f"shard {lease.client_id}", f"{held}; booked until {clock.exact(lease.booked_until_ms)}")


def _feed_lag(ledger: "Ledger", store: "AlertStore") -> Diagnosis:
    from alerts.evaluator import READER

    head, bookmark = ledger.feed_head(), store.bookmark(READER)
    if bookmark is None:
        return warning("evaluator", "has never run", "no alert is sent without it")
    lag = max(0, head - bookmark.seq)
    if lag > _LAGGING_ENTRIES:
        return failed(
            "evaluator", f"{counted(lag, 'event')} behind", "it does not run, or cannot keep up: see its log"
        )
    return ok("evaluator", f"{counted(lag, 'event')} behind")


def dropped_diagnoses(ledger: "Ledger", clock: FarmClock) -> Iterator[Diagnosis]:
    """A warning of what was dropped, or could not be taken, lately; what is longer ago is only counted."""
    faults = sorted(ledger.faults(), key=lambda fault: (fault.source, fault.reason))
    recent = [fault for fault in faults if clock.now_ms - fault.last_ms <= DROPPED_LATELY_MS]
    for fault in recent:
        sample = f": {fault.sample}" if fault.sample else ""
        ago = rough_span(clock.now_ms - fault.last_ms)
        seen = f"{fault.count:,} × {fault.reason}, the last {ago} ago{sample}"
        yield warning(f"dropped, {fault.source}", seen, "what was dropped is not in any figure")
    if not recent:
        yield ok("dropped messages", _long_ago(sum(fault.count for fault in faults)))
    yield _rejected(ledger, clock)


def _long_ago(count: int) -> str:
    return f"none in the last hour, {count:,} before" if count else "none"


def _rejected(ledger: "Ledger", clock: FarmClock) -> Diagnosis:
    newest = ledger.rejected_messages(limit=1)
    if not newest:
        return ok("rejected messages", "none")
    last, kept = newest[0], ledger.rejected_count()
    if clock.now_ms - last.at_ms > DROPPED_LATELY_MS:
        return ok("rejected messages", _long_ago(kept))
    seen = (
        f"{kept} kept, the newest of {last.source}, {rough_span(clock.now_ms - last.at_ms)} ago: "
        f"{last.reason}, {counted(last.size, 'byte')} on {last.topic}: {readable(last.detail.encode())}"
    )
    remedy = "GET /api/v1/rejected-messages shows their beginnings; send us one that should have been read"
    return warning("rejected messages", seen, remedy)


def _deliveries(store: "AlertStore") -> Iterator[Diagnosis]:
    """By receiver: a failure while a message of the last day was refused, else only counted."""
    from farm.model.alert import AlertFilter

    totals = store.totals()
    alerts = store.alerts(AlertFilter(limit=_RECENT_ALERTS)).alerts
    since_ms = system_clock() - _REFUSED_LATELY_MS  # deliveries live on the wall clock
    recent = [
        each for each in store.deliveries([alert.id for alert in alerts]) if _tried_ms(each) >= since_ms
    ]
    for receiver in sorted({total.receiver for total in totals}):
        counts = {total.state: total.count for total in totals if total.receiver == receiver}
        seen = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
        own = [delivery for delivery in recent if delivery.receiver == receiver]
        answer = _last_refusal(own)
        if any(delivery.state in _REFUSED for delivery in own):
            yield failed(f"deliveries to {receiver}", seen, answer)
        elif answer:
            yield warning(f"deliveries to {receiver}", seen, answer)
        else:
            yield ok(f"deliveries to {receiver}", seen)


def _tried_ms(delivery: "Delivery") -> int:
    return delivery.tried[-1].at_ms if delivery.tried else delivery.created_ms


def _last_refusal(deliveries: "Sequence[Delivery]") -> str:
    """What was answered to the last attempt of the newest message that is not through."""
    through = (DeliveryState.DELIVERED, DeliveryState.SUPPRESSED)
    refused = [d.tried[-1] for d in deliveries if d.state not in through and d.tried and not d.tried[-1].ok]
    return max(refused, key=lambda attempt: attempt.at_ms).answer if refused else ""
