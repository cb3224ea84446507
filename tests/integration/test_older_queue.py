"""A real Mosquitto that loses power and comes back with an older queue, in mid-drain."""

import shutil
from pathlib import Path

import pytest

from farm.ledger.ledger import open_ledger
from farm.model.clock import system_clock
from farm.model.times import HOUR_MS
from tests.feeding import BrokerClient, make_session
from tests.older_queue import FILTERS, dense_stream, drain, facts_in, meet, set_back
from tests.servers import mosquitto

_PRINTERS = 40
_MET = 2 * _PRINTERS


@pytest.mark.timeout(120)
def test_a_broker_set_back_to_an_older_queue_changes_nothing(tmp_path: Path) -> None:
    """Printers of every kind, hosts that reboot and links that break are in the queue."""
    stream = dense_stream(20_000, _PRINTERS, system_clock() - HOUR_MS)
    peace, disturbed = tmp_path / "peace.db", tmp_path / "disturbed.db"
    meet(peace, stream[:_MET])
    shutil.copy(peace, disturbed)
    with mosquitto(window=20) as broker:
        for database in (peace, disturbed):
            make_session(broker, database.stem, *FILTERS)
        with BrokerClient(broker) as feeder:
            for _, topic, payload in stream[_MET:]:
                feeder.publish(topic, payload)
        assert drain(broker, peace, simulated=False).wait(60) == 0
        with open_ledger(f"sqlite:///{peace}") as ledger:
            facts = facts_in(ledger)
        process = drain(broker, disturbed, simulated=False)
        evidence = len(facts["evidence"])
        assert set_back(broker, disturbed, process, [evidence // 10, evidence // 2]) == 2
        assert process.wait(60) == 0
    with open_ledger(f"sqlite:///{disturbed}") as ledger:
        found = facts_in(ledger)
    for table, rows in facts.items():
        assert found[table] == rows, table
