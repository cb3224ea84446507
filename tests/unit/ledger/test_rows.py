import msgspec
import pytest
from sqlalchemy import Table

from farm.ledger import rows, schema
from farm.ledger.records import TelemetryRow
from farm.model.feed import FeedEntry, FeedKind
from farm.model.observation import Telemetry

COLUMNS: list[tuple[Table, tuple[str, ...], set[str]]] = [
    (schema.printer, rows.PRINTER_COLUMNS, set()),
    (schema.printer_address, rows.ADDRESS_COLUMNS, set()),
    (schema.job, rows.JOB_COLUMNS, set()),
    (schema.job_alias, rows.ALIAS_COLUMNS, set()),
    (schema.evidence, rows.EVIDENCE_COLUMNS, set()),
    (schema.snapshot, rows.SNAPSHOT_COLUMNS, set()),
    (schema.checkpoint, rows.CHECKPOINT_COLUMNS, set()),
    (schema.telemetry, rows.TELEMETRY_COLUMNS, {"id"}),
    (schema.intake_fault, rows.FAULT_COLUMNS, set()),
    (schema.revision, rows.REVISION_COLUMNS, {"id"}),
    (schema.feed, rows.FEED_COLUMNS, set()),
]


@pytest.mark.parametrize(("table", "written", "given"), COLUMNS, ids=[table.name for table, _, _ in COLUMNS])
def test_every_column_is_written_or_given_by_the_database(
    table: Table, written: tuple[str, ...], given: set[str]
) -> None:
    assert set(written) | given == {column.name for column in table.columns}
    assert len(set(written)) == len(written)


def test_text_of_the_feed_is_json_in_every_script() -> None:
    entry = FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=5, printer_id="p", body={"file": "Größe Ø.gcode"})
    row = rows.feed_row(7, entry)
    assert row[:5] == (7, 5, "job.ended", "p", None)
    assert msgspec.json.decode(row[5]) == {"file": "Größe Ø.gcode"}


def test_telemetry_that_says_nothing_takes_next_to_no_room() -> None:
    sample = TelemetryRow("p", 5, Telemetry())
    assert rows.telemetry_row(sample) == ("p", 5, b"{}")
