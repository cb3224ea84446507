"""The data model of InfluxDB: which fact becomes which point."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.influx.line_protocol import field, fields, line, series, timestamp
from farm.influx.points import (
    KnownPrinters,
    TimedFigure,
    feed_lines,
    job_sequence,
    kpi_line,
    revised_lines,
    span_line,
    telemetry_head,
    telemetry_line,
)
from farm.kpi.indicator import Unit
from farm.kpi.subjects import Scope
from farm.model.feed import FeedEntry, FeedKind
from farm.model.job import Job
from farm.model.printer import Address, Printer
from farm.model.span import Span
from farm.model.states import Cause, Outcome, PrinterState, Provenance
from tests.influx_farm import a_figure

AT = 1_795_000_000_000
PRINTER = Printer(
    id="p-1", site="main", name="Left 1", group="left", model="MK4", adapter="moonraker", first_seen_ms=AT
)
KNOWN = KnownPrinters({"p-1": PRINTER}, {"p-1": [Address("main", "moonraker", "left1")]})
JOB = Job(
    id="j-1",
    printer_id="p-1",
    file="gear.gcode",
    started_ms=AT,
    ended_ms=AT + 60_000,
    outcome=Outcome.FAILED,
    provenance=Provenance.OBSERVED,
    cause=Cause.THERMAL,
    printing_ms=50_000,
    progress=1,
)
TAGS = "adapter=moonraker,event={},printer=p-1,site=main"


def entry(kind: FeedKind, seq: int = 7, **body: object) -> FeedEntry:
    return FeedEntry(kind=kind, at_ms=AT, printer_id="p-1", job_id="j-1", body=body, seq=seq)


def told(kind: FeedKind, job: Job = JOB) -> FeedEntry:
    return entry(kind, **msgspec.to_builtins(job))


def only(entry: FeedEntry) -> str:
    lines = feed_lines(entry, KNOWN)
    assert len(lines) == 1
    return lines[0].decode()


def test_a_state_is_a_point_at_its_instant_with_the_place_in_the_feed_below_the_millisecond() -> None:
    made = only(entry(FeedKind.STATE_CHANGED, seq=7, state="printing", before="idle", source="observed"))
    assert made == (
        f"printer_state,{TAGS.format('state')} "
        'state="printing",before="idle",source="observed",name="Left 1",group="left",model="MK4" '
        "1795000000000000007"
    )


def test_two_events_of_one_millisecond_are_two_points() -> None:
    made = {only(entry(FeedKind.STATE_CHANGED, seq=seq, state="idle")).rsplit(" ", 1)[1] for seq in (7, 8)}
    assert len(made) == 2


def test_the_end_of_a_job_carries_everything_as_fields() -> None:
    made = only(told(FeedKind.JOB_ENDED))
    head, body = made.split(" ", 1)
    assert head == f"job_event,{TAGS.format('ended')}"
    for part in ('job="j-1"', 'outcome="failed"', 'cause="thermal"', "printing_ms=50000i", "progress=1.0"):
        assert part in body
    assert "cancelled_by" not in body


def test_a_revised_job_keeps_its_points_time_so_that_it_takes_their_place() -> None:
    revised = msgspec.structs.replace(JOB, outcome=Outcome.SUCCEEDED, cause=None, revision=1)
    ended = only(told(FeedKind.JOB_ENDED))
    again = [line.decode() for line in revised_lines(told(FeedKind.JOB_REVISED, revised), KNOWN)]
    assert [each.split(" ", 1)[0].split("event=")[1].split(",")[0] for each in again] == ["started", "ended"]
    assert again[1].rsplit(" ", 1)[1] == ended.rsplit(" ", 1)[1]
    assert 'outcome="succeeded"' in again[1]


def test_the_start_of_a_job_says_nothing_of_how_it_ended() -> None:
    made = only(told(FeedKind.JOB_STARTED))
    assert "outcome" not in made
    assert 'file="gear.gcode"' in made
    assert made.endswith(f" {AT * 1_000_000 + job_sequence('j-1')}")


def test_a_start_that_nobody_knows_of_a_job_under_way_has_no_point() -> None:
    nameless = msgspec.structs.replace(JOB, started_ms=None, ended_ms=None, outcome=None)
    assert feed_lines(told(FeedKind.JOB_STARTED, nameless), KNOWN) == []


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        (FeedKind.JOB_PAUSED, "paused"),
        (FeedKind.JOB_RESUMED, "resumed"),
        (FeedKind.JOB_REVISED, "revised"),
    ],
)
def test_what_happens_within_a_job_is_told_as_it_was_then(kind: FeedKind, event: str) -> None:
    made = only(told(kind))
    assert made.startswith(f"job_event,{TAGS.format(event)} ")
    assert made.endswith(f" {AT}000007")


def test_a_verdict_is_told_by_whom_and_why_beside_the_outcome() -> None:
    after = {"good_units": 3, "rejected_units": 1, "reason": "warping", "who": "olga"}
    words: dict[str, Any] = {
        "file": "gear.gcode",
        "units": 4,
        "who": "olga",
        "note": "corner up",
        "version": 2,
    }
    made = only(entry(FeedKind.JOB_INSPECTED, **words, before=None, after=after))
    assert made == (
        f"job_event,{TAGS.format('inspected')} "
        'job="j-1",name="Left 1",group="left",model="MK4",file="gear.gcode",units=4i,who="olga",'
        'note="corner up",version=2i,good_units=3i,rejected_units=1i,reason="warping",withdrawn=false '
        f"{AT * 1_000_000 + job_sequence('j-1 2')}"
    )


def test_a_verdict_is_the_same_point_wherever_it_stands_in_the_feed() -> None:
    made = {only(entry(FeedKind.JOB_INSPECTED, seq=seq, version=2, after={})) for seq in (7, 8)}
    assert len(made) == 1
    assert only(entry(FeedKind.JOB_INSPECTED, version=3, after={})) not in made


def test_a_withdrawn_verdict_has_no_counts() -> None:
    made = only(entry(FeedKind.JOB_INSPECTED, who="olga", note="", version=3, before={}, after=None))
    assert "good_units" not in made
    assert "withdrawn=true" in made


def test_a_printer_is_told_with_its_addresses() -> None:
    made = only(entry(FeedKind.PRINTER_APPEARED))
    assert made.startswith(f"printer_state,{TAGS.format('appeared')} ")
    assert r'addresses="[{\"broker\":\"main\",\"adapter\":\"moonraker\",\"prefix\":\"left1\"}]"' in made
    assert f"first_seen_ms={AT}i" in made


def test_an_alert_names_its_rule_as_a_field() -> None:
    made = only(entry(FeedKind.ALERT_FIRED, rule="streak", severity="critical", title="3 failed", told=False))
    assert made.startswith(f"alert,{TAGS.format('fired')} ")
    assert 'rule="streak",severity="critical",title="3 failed",told=false,name="Left 1"' in made


def test_an_alert_about_the_farm_has_no_printer() -> None:
    alert = FeedEntry(kind=FeedKind.ALERT_RESOLVED, at_ms=AT, body={"rule": "success_rate"}, seq=3)
    assert feed_lines(alert, KNOWN) == [
        b'alert,event=resolved rule="success_rate",told=true 1795000000000000003'
    ]


def test_every_kind_of_the_feed_has_its_place_in_the_data_model() -> None:
    made = {kind: feed_lines(told(kind), KNOWN) for kind in FeedKind}
    without = [kind for kind, lines in made.items() if not lines]
    by_people = [
        FeedKind.ALERT_ACKNOWLEDGED,
        FeedKind.ALERT_UNACKNOWLEDGED,
        FeedKind.ALERT_CLOSED,
        FeedKind.ALERT_SILENCED,
        FeedKind.ALERT_UNSILENCED,
    ]
    assert without == [FeedKind.SPANS_REVISED, FeedKind.CALENDAR_CHANGED, *by_people]


def test_a_span_written_again_stands_at_its_start() -> None:
    span = Span("p-1", PrinterState.OFFLINE, AT, None, "link")
    assert span_line(PRINTER, span).decode() == (
        f"printer_state,{TAGS.format('state')} "
        'state="offline",source="link",name="Left 1",group="left",model="MK4" 1795000000000000000'
    )


def test_telemetry_keeps_whole_numbers_whole_and_all_others_not() -> None:
    made = telemetry_line(telemetry_head(PRINTER), AT, 1_000_005, {"nozzle": 210, "layer": 3, "fan": 0.5})
    head = b"telemetry,adapter=moonraker,printer=p-1,site=main"
    assert made == head + b" nozzle=210.0,layer=3i,fan=0.5 1795000000000000005"


def test_telemetry_without_a_figure_that_can_be_written_is_no_point() -> None:
    head = telemetry_head(PRINTER)
    assert telemetry_line(head, AT, 1, {"nozzle": math.nan, "bed": math.inf, "fan": None}) is None
    assert telemetry_line(head, AT, 1, {"layer": 2**64}) is None


def test_a_figure_without_data_has_no_value() -> None:
    figure = a_figure(
        "utilization", Scope.GROUP, "left", counts={"printers": 0}, amounts={"available_hours": 0}
    )
    point = TimedFigure(AT, "main", figure)
    assert kpi_line(point).decode() == (
        "kpi,group=left,kpi=utilization,scope=group,site=main,window=24h "
        'label="left",unit="ratio",count_printers=0i,amount_available_hours=0.0 1795000000000000000'
    )


def test_a_printers_figure_is_tagged_with_the_printer() -> None:
    figure = a_figure(
        "throughput", Scope.PRINTER, "p-1", label="Left 1", window="24h", unit=Unit.UNITS, value=3
    )
    point = TimedFigure(AT, "main", figure)
    made = kpi_line(point).decode()
    assert made.startswith("kpi,kpi=throughput,printer=p-1,scope=printer,site=main,window=24h ")
    assert "value=3.0" in made


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (3, "3i"), (3.0, "3.0"), (2**63, None), (math.nan, None), (-math.inf, None),
        (None, None), ('a "b" \\', r'"a \"b\" \\"'), ("", '""'),
    ],
)  # fmt: skip
def test_a_field_is_written_by_its_type(value: float | str | None, text: str | None) -> None:
    assert field(value) == text


def test_what_has_a_meaning_in_line_protocol_is_escaped_in_tags() -> None:
    assert series("m", {"b": "x y,z=1", "a": "line\nbreak", "c": "end\\", "d": "", "e": None}) == (
        r"m,a=line\ break,b=x\ y\,z\=1,c=end"
    )


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    )
)
def test_a_line_never_holds_a_value_that_line_protocol_does_not_know(
    values: dict[str, str | int | float | bool | None],
) -> None:
    figures = fields({name: value for name, value in values.items() if not isinstance(value, str)})
    assert not {part.split("=", 1)[-1] for part in figures.split(",")} & {"nan", "inf", "-inf"}
    assert line("m", fields(values), 1)


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 10**12))
def test_a_points_millisecond_can_be_read_from_its_time(at_ms: int, sequence: int) -> None:
    assert timestamp(at_ms, sequence) // 1_000_000 == at_ms
