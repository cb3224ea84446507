"""What the collector keeps of itself, with other bytes than it wrote."""

import pytest

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.settings import parse_source
from farm.errors import LedgerDamaged
from farm.ledger import schema
from tests.unit.collector.farm import farm

SPOILT = b"\xff\x00garbage"


@pytest.mark.parametrize("table", ["checkpoint", "session"])
@pytest.mark.parametrize("body", [SPOILT, b"", b"\x80"])
def test_a_damaged_row_is_a_damaged_ledger_and_says_which(table: str, body: bytes) -> None:
    source = "octoprint=octoPrint/{printer}"
    with farm(source, "octoPrint/bay1") as shop:
        shop.hear(1, "mqtt", b"connected")
        shop.pipeline.commit(0)
        with shop.ledger.engine.begin() as connection:
            connection.execute(schema.metadata.tables[table].update().values(body=body))
        with pytest.raises(LedgerDamaged, match=f"table {table}.* is damaged: .*backup"):
            Pipeline(shop.ledger, SourceTable([parse_source(source)]))
