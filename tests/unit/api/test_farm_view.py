import pytest
from sqlalchemy import event

from api.farm_view import DROPPED_LATELY_MS, FarmView
from api.settings import ApiSettings
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.ledger.records import IntakeFault
from farm.model.alert import Alert, AlertState, Severity
from farm.model.attention import NeedKind
from farm.model.job import Job
from farm.model.printer import Printer
from farm.model.states import Outcome
from tests.fakes.farm_server import SITE, farm_ledger, fixed_clock, nothing_coming
from tests.fakes.sample_farm import NOW_MS


def alert(number: int, jobs: list[str]) -> Alert:
    return Alert(
        id=f"alert-{number}",
        rule="failed_streak",
        subject="p0",
        printer_id="p0",
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        fired_ms=number,
        title="",
        summary="",
        job_ids=tuple(jobs),
    )


def transactions_for(ledger: Ledger, alerts: list[Alert]) -> int:
    view = FarmView(
        ledger, AlertStore(ledger.engine), ApiSettings(), SITE, fixed_clock, forecaster=nothing_coming
    )
    begun: list[object] = []

    def count(connection: object) -> None:
        begun.append(connection)

    event.listen(ledger.engine, "begin", count)
    records = view.alerts(alerts)
    event.remove(ledger.engine, "begin", count)
    assert [[job.id for job in record.jobs] for record in records] == [list(each.job_ids) for each in alerts]
    return len(begun)


@pytest.mark.parametrize("jobs", [30, 300])
def test_showing_alerts_takes_as_many_transactions_whatever_they_rest_on(jobs: int) -> None:
    ids = [f"job-{number}" for number in range(jobs)]
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=0)
        printer = Printer(id="p0", site="main", name="bay1", adapter="native", first_seen_ms=0)
        ended = [
            Job(id=name, printer_id="p0", file=None, started_ms=1, ended_ms=2, outcome=Outcome.FAILED)
            for name in ids
        ]
        ledger.commit(Batch(printers=[printer], jobs=ended))
        few = transactions_for(ledger, [alert(0, ids[:1])])
        many = transactions_for(ledger, [alert(0, ids[: jobs // 2]), alert(1, ids[jobs // 2 :])])
    assert many == few


@pytest.mark.parametrize(("ago_ms", "needs"), [(DROPPED_LATELY_MS, 1), (DROPPED_LATELY_MS + 1, 0)])
def test_dropped_messages_need_a_look_for_an_hour(ago_ms: int, needs: int) -> None:
    fault = IntakeFault(source="octoprint=octoPrint", reason="not_json", count=1, last_ms=NOW_MS - ago_ms)
    with farm_ledger() as ledger:
        ledger.claim("test", "test", simulated=False, now_ms=NOW_MS)
        ledger.commit(Batch(faults=[fault], booked_until_ms=NOW_MS))
        view = FarmView(
            ledger, AlertStore(ledger.engine), ApiSettings(), SITE, fixed_clock, forecaster=nothing_coming
        )
        found = [need for need in view.attention([]).needs if need.kind is NeedKind.DROPPED_MESSAGES]
    assert len(found) == needs
