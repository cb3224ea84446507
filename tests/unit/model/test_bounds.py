"""Texts are made storable and cut without two names becoming one; figures out of range are dropped."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from farm.ledger import schema
from farm.model import limits
from farm.model.bounds import fitted
from farm.model.limits import Range, TextLimit
from farm.model.observation import HistoryRow, JobReading, Observation, Telemetry

NAME = TextLimit(40, names=True)
WORDS = TextLimit(40)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@given(ANY_TEXT, st.sampled_from([NAME, WORDS]))
def test_whatever_is_fitted_can_be_kept_by_every_database(text: str, limit: TextLimit) -> None:
    kept = fitted(text, limit)
    assert len(kept) <= limit.length
    assert "\0" not in kept
    assert kept.encode().decode() == kept
    assert fitted(kept, limit) == kept


@given(ANY_TEXT, ANY_TEXT)
def test_two_names_never_become_one(one: str, other: str) -> None:
    assert (fitted(one, NAME) == fitted(other, NAME)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("x" * 600 + "1", "x" * 600 + "2"), ("a\0", "a\ufffd"), ("a\0b", "a\ud800b"), ("\ud800", "\udfff")],
)
def test_names_that_differ_only_in_what_cannot_be_kept_stay_two(one: str, other: str) -> None:
    assert fitted(one, limits.FILE) != fitted(other, limits.FILE)


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert (
        fitted("ring \N{MUSICAL SYMBOL G CLEF}.gcode", limits.FILE) == "ring \N{MUSICAL SYMBOL G CLEF}.gcode"
    )
    assert fitted("x" * 2_000, limits.DETAIL) == "x" * 2_000


def test_words_that_are_too_long_end_in_an_ellipsis() -> None:
    assert fitted("x" * 2_001, limits.DETAIL) == "x" * 1_999 + "…"


def test_a_name_that_is_too_long_keeps_its_beginning_and_ends_in_a_digest_of_the_whole() -> None:
    kept = fitted("folder/" + "x" * 600, limits.FILE)
    assert len(kept) == 512
    assert kept.startswith("folder/xxx")
    assert kept[495] == "…"


@pytest.mark.parametrize("way", ["made", "replaced", "decoded"])
def test_in_whatever_way_a_reading_is_made_it_is_within_limits(way: str) -> None:
    wrong = {"elapsed_ms": 10**15, "units": 10**30, "progress": -0.5, "file": "a\0b", "material": "x" * 65}
    if way == "made":
        reading = JobReading(**wrong)  # type: ignore[arg-type]
    elif way == "replaced":
        reading = msgspec.structs.replace(JobReading(), **wrong)
    else:
        reading = msgspec.msgpack.decode(msgspec.msgpack.encode(wrong | {"units": 2**63}), type=JobReading)
    assert (reading.elapsed_ms, reading.units, reading.progress) == (None, None, None)
    assert reading.file is not None
    assert "\0" not in reading.file
    assert len(reading.material or "") == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2_001.0, -101.0])
def test_a_temperature_that_cannot_be_is_dropped(value: float) -> None:
    assert Telemetry(nozzle=value, bed=60.0) == Telemetry(bed=60.0)


def test_a_row_of_a_history_that_began_out_of_time_is_none() -> None:
    rows = [HistoryRow(history="h", native_id=str(at), file=None, started_ms=at) for at in (10**15, 0)]
    good = HistoryRow(history="h", native_id="1", file=None, started_ms=1_795_000_000_000, ended_ms=10**15)
    assert good.ended_ms is None
    assert Observation(history=(*rows, good)).history == (good,)


@pytest.mark.parametrize(
    ("time_ms", "since_ms", "kept"),
    [(5_000, 4_000, 4_000), (5_000, -4_000, -4_000), (5_000, 6_000, None), (5_000, -(10**12), None)],
)
def test_a_reading_holds_from_no_later_than_itself_and_for_no_longer_than_a_print(
    time_ms: int, since_ms: int, kept: int | None
) -> None:
    assert Observation(time_ms=time_ms, since_ms=since_ms).since_ms == kept


COLUMNS = {
    "collector.client_id": limits.CLIENT_ID,
    "printer.site": limits.SITE,
    "printer.name": limits.PRINTER_NAME,
    "printer.group": limits.GROUP,
    "printer.model": limits.MODEL,
    "printer_address.broker": limits.BROKER,
    "printer_address.prefix": limits.PREFIX,
    "job.material": limits.MATERIAL,
    "job.operator": limits.OPERATOR,
    "job_alias.history": limits.HISTORY,
    "job_alias.native_id": limits.NATIVE_ID,
    "revision.who": limits.WHO,
    "intake_fault.source": limits.SOURCE_LABEL,
    "intake_fault.reason": limits.REASON,
    "alert.rule": limits.ALERT_RULE,
    "alert.subject": limits.ALERT_SUBJECT,
    "delivery.receiver": limits.RECEIVER,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_columns_are_as_long_as_the_table_of_limits_says(column: str) -> None:
    table, _, name = column.partition(".")
    kind = schema.metadata.tables[table].c[name].type
    assert isinstance(kind, String)
    assert kind.length == COLUMNS[column].length


def test_what_the_first_release_made_is_no_shorter_than_the_limits() -> None:
    """The tables of a ledger that stands are not made anew."""
    made = {name: limit.length for name, limit in COLUMNS.items()}
    assert made["job.material"] == 64
    assert made["job.operator"] == made["job_alias.native_id"] == made["printer.name"] == 128
    assert made["printer_address.prefix"] == 512


def test_the_index_of_file_names_holds_the_longest_one() -> None:
    """A PostgreSQL index row is at most 2,704 bytes; a character is at most 4, an instant 8."""
    assert limits.FILE.length * 4 + 8 + 64 < 2_704


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_range_holds_what_lies_within_and_nothing_else(value: float) -> None:
    assert Range(-1, 1).holds(value) == (value == value and -1 <= value <= 1)
