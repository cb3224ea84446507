"""Entries of `[[printers]]` that a ledger contradicts: said by `check` and at the start, in one message."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from farm.model.printer import Address
from tests.contract.ledger_samples import a_printer
from tests.integration.console import layerline, layerline_json
from tests.servers import Mosquitto, mosquitto

SAID = (
    'layerline.toml: printers[0].rename (number 1 of [[printers]]) = "Bay2": another printer of the ledger '
    'is called "bay2", heard under farm/bay2; choose another name, or give that printer one with an entry '
    'of its own: name = "bay2", rename = "…"'
)
TAKEN = '[[printers]]\nname = "bay1"\nrename = "Bay2"\n'
SWAP = f'{TAKEN}[[printers]]\nname = "bay2"\nrename = "bay1"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where two printers are known, bay1 and bay2."""
    (tmp_path / "data").mkdir()
    bays = [a_printer(name) for name in ("bay1", "bay2")]
    with open_ledger(f"sqlite:///{tmp_path}/data/ledger.db") as ledger:
        ledger.claim("layerline-shard-0", "test", simulated=False, now_ms=1)
        places = [(Address("main", "native", f"farm/{bay.name}"), bay.id) for bay in bays]
        ledger.commit(Batch(printers=bays, addresses=places))
        ledger.release()
    return tmp_path


def names(folder: Path) -> dict[str, str]:
    with open_ledger(f"sqlite:///{folder}/data/ledger.db") as ledger:
        return {printer.name: found[0].prefix for printer, found in ledger.known_printers()}


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with mosquitto() as started:
        yield started


def configure(folder: Path, text: str) -> None:
    source = '[[sources]]\nadapter = "native"\ntopic = "farm/{printer}"\n'
    (folder / "layerline.toml").write_text(f"{source}{text}")


def test_check_names_the_printer_that_stands_in_the_way(folder: Path, broker: Mosquitto) -> None:
    configure(folder, TAKEN)
    shown = layerline("check", "--broker", broker.url, "--json", folder=folder, status=1).stdout
    assert SAID.replace('"', '\\"') in shown
    configure(folder, SWAP)
    found = {
        each["what"]: each["status"]
        for each in layerline_json("check", "--broker", broker.url, folder=folder)
    }
    assert found["printers"] == "ok"
    assert sorted(names(folder)) == ["bay1", "bay2"]


def test_the_collector_does_not_start_with_it_and_says_so_in_one_message(
    folder: Path, broker: Mosquitto
) -> None:
    configure(folder, TAKEN)
    said = layerline("collector", "--broker", broker.url, folder=folder, status=2).stderr
    assert f"layerline: {SAID}" in said
    assert "Traceback" not in said


def test_two_printers_swap_their_names_at_a_start(folder: Path, broker: Mosquitto) -> None:
    configure(folder, SWAP)
    for _ in range(2):
        layerline("collector", "--broker", broker.url, "--drain", "0.5", folder=folder)
        assert names(folder) == {"Bay2": "farm/bay1", "bay1": "farm/bay2"}


@pytest.mark.parametrize("client_id", ["a+b", "farm/#", "a b"])
def test_a_client_id_with_signs_of_topics_starts(folder: Path, broker: Mosquitto, client_id: str) -> None:
    configure(folder, "")
    options = ("--broker", broker.url, "--client-id", client_id, "--drain", "0.5")
    done = layerline("collector", *options, folder=folder)
    assert f"connected as {client_id}, session new" in done.stderr
    with open_ledger(f"sqlite:///{folder}/data/ledger.db") as ledger:
        assert client_id in {lease.client_id for lease in ledger.leases()}
