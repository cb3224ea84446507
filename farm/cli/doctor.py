"""The health of a farm that runs: its broker, found out by trying, and what its ledger says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from collector.broker_trials import BrokerTrials
from farm.cli.checks import check_soundness
from farm.cli.diagnosis import Diagnosis, failed, ok, warning
from farm.errors import BrokerRefused, BrokerUnreachable, LedgerError
from farm.model.clock import system_clock
from farm.model.payload_redaction import readable
from farm.model.times import SECOND_MS, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.app.config import Configuration
    from farm.ledger.alert_store import AlertStore
    from farm.ledger.ledger import Ledger
    from farm.model.alert import Delivery

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
            store = AlertStore(ledger.engine)
            yield check_soundness(ledger.engine)
            yield _printers(ledger)
            yield from _freshness(ledger)
            yield from _shards(ledger)
            yield _feed_lag(ledger, store)
            yield from _dropped(ledger)
            yield from _deliveries(store)
            yield from outbox_diagnoses(ledger, configuration.influx)
    except LedgerError as error:
        yield failed("ledger", str(error))


def _printers(ledger: "Ledger") -> Diagnosis:
    printers = ledger.printers()
    if not printers:
        return warning("printers", "none has been heard of", "`layerline up` shows what to type into them")
    return ok("printers", f"{len(printers)} known, {len(ledger.open_jobs())} jobs under way")


def _freshness(ledger: "Ledger") -> Iterator[Diagnosis]:
    """Every collector: one that lives does not stand in for another."""
    shards = [shard for shard in ledger.shards() if shard.booked_until_ms]
    now_ms = ledger.now_ms(system_clock())
    if not shards:
        yield ok("collector", "has not booked anything yet")
    for shard in shards:
        what = "collector" if len(shards) == 1 else f"collector {shard.client_id}"
        age_ms = max(0, now_ms - shard.booked_until_ms)
        seen = f"booked last at {rfc3339(shard.booked_until_ms)}, {age_ms / SECOND_MS:.1f} s ago"
        if age_ms > _STALE_MS:
            remedy = "it does not run, or does not reach broker or ledger: see its log"
            yield failed(what, f"{seen}, {shard.printers} printers", remedy)
        else:
            yield ok(what, seen)


def _shards(ledger: "Ledger") -> Iterator[Diagnosis]:
    for lease in ledger.leases():
        host, _, process = lease.holder.partition("/")
        holder = f"{host}, process {process.partition('/')[0]}" if process else host
        held = "left in order" if lease.beats is None else f"held by {holder}"
        yield ok(f"shard {lease.client_id}", f"{held}; booked until {rfc3339(lease.booked_until_ms)}")


def _feed_lag(ledger: "Ledger", store: "AlertStore") -> Diagnosis:
    from alerts.evaluator import READER

    head, bookmark = ledger.feed_head(), store.bookmark(READER)
    if bookmark is None:
        return warning("evaluator", "has never run", "no alert is sent without it")
    lag = max(0, head - bookmark.seq)
    if lag > _LAGGING_ENTRIES:
        return failed("evaluator", f"{lag} events behind", "it does not run, or cannot keep up: see its log")
    return ok("evaluator", f"{lag} events behind")


def _dropped(ledger: "Ledger") -> Iterator[Diagnosis]:
    faults = sorted(ledger.faults(), key=lambda fault: (fault.source, fault.reason))
    for fault in faults:
        sample = f", last: {fault.sample}" if fault.sample else ""
        seen = f"{fault.count} × {fault.reason}, last at {rfc3339(fault.last_ms)}{sample}"
        yield warning(f"dropped, {fault.source}", seen, "what was dropped is not in any figure")
    if not faults:
        yield ok("dropped messages", "none")
    yield _rejected(ledger)


def _rejected(ledger: "Ledger") -> Diagnosis:
    newest = ledger.rejected_messages(limit=1)
    if not newest:
        return ok("rejected messages", "none")
    last = newest[0]
    seen = (
        f"{ledger.rejected_count()} kept, the newest of {last.source} at {rfc3339(last.at_ms)}: "
        f"{last.reason}, {last.size} bytes on {last.topic}: {readable(last.detail.encode())}"
    )
    remedy = "GET /api/v1/rejected-messages shows their beginnings; send us one that should have been read"
    return warning("rejected messages", seen, remedy)


def _deliveries(store: "AlertStore") -> Iterator[Diagnosis]:
    from farm.model.alert import AlertFilter, DeliveryState

    totals = store.totals()
    alerts = store.alerts(AlertFilter(limit=_RECENT_ALERTS)).alerts
    recent = store.deliveries([alert.id for alert in alerts])
    for receiver in sorted({total.receiver for total in totals}):
        counts = {total.state: total.count for total in totals if total.receiver == receiver}
        seen = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        answer = _last_refusal([delivery for delivery in recent if delivery.receiver == receiver])
        if counts.get(DeliveryState.FAILED) or counts.get(DeliveryState.PARTIAL):
            yield failed(f"deliveries to {receiver}", seen, answer)
        elif answer:
            yield warning(f"deliveries to {receiver}", seen, answer)
        else:
            yield ok(f"deliveries to {receiver}", seen)


def _last_refusal(deliveries: "Sequence[Delivery]") -> str:
    """What was answered to the last attempt of the newest message that is not through."""
    from farm.model.alert import DeliveryState

    through = (DeliveryState.DELIVERED, DeliveryState.SUPPRESSED)
    refused = [d.tried[-1] for d in deliveries if d.state not in through and d.tried and not d.tried[-1].ok]
    return max(refused, key=lambda attempt: attempt.at_ms).answer if refused else ""
