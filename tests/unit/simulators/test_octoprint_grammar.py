"""The simulated OctoPrint against recordings of a real one, field by field."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from farm.model.states import Cause
from simulators.fleet import Fleet
from simulators.protocols.octoprint import OctoPrintFrontEnd
from tests.unit.simulators.workbench import Played, below, decoded, kind_of, one_printer, play, recorded

PREFIX = "octoPrint/bay-1"
BASES = ("octoPrint", "farm/bay2/octoprint")
PRINTS = {
    "success": ("01_success", "13_two_printers_at_once", "14_printer_data_option_on"),
    "cancelled": ("02_cancelled_by_user", "13_two_printers_at_once"),
    "halted": ("04_printer_error", "12_three_failures_in_a_row"),
    "firmware_cancels": ("15_firmware_error_cancels_job",),
}
EVERY_RECORDING = (
    "01_success",
    "02_cancelled_by_user",
    "04_printer_error",
    "06_server_killed_restarted",
    "08_subscriber_joins_midway",
    "12_three_failures_in_a_row",
    "13_two_printers_at_once",
    "15_firmware_error_cancels_job",
)
STEADY = ("temperature/", "progress/", "event/ZChange", "metadata/")
SEEN_BY_THE_WAY = (
    "event/UserLoggedIn",
    "event/ClientOpened",
    "event/ClientAuthed",
    "event/ClientClosed",
    "event/plugin_achievements",
    "event/ConnectionsAutorefreshed",
)
NOT_RECORDED = {
    f"event/{name}"
    for name in (
        "PrintPaused",
        "PrintResumed",
        "GcodeScriptAfterPrintPausedRunning",
        "GcodeScriptAfterPrintPausedFinished",
        "GcodeScriptBeforePrintResumedRunning",
        "GcodeScriptBeforePrintResumedFinished",
    )
}


def cancels_on_errors(fleet: Fleet) -> None:
    front = fleet.stations[0].front
    assert isinstance(front, OctoPrintFrontEnd)
    front._cancels_on_error = True


def halts_on_errors(fleet: Fleet) -> None:
    front = fleet.stations[0].front
    assert isinstance(front, OctoPrintFrontEnd)
    front._cancels_on_error = False


def played(kind: str) -> Played:
    match kind:
        case "success":
            return play(one_printer("octoprint"))
        case "cancelled":
            return play(one_printer("octoprint", jobs__cancelled_share=1))
        case "paused":
            return play(one_printer("octoprint", jobs__paused_share=1), minutes=9)
        case "halted":
            scenario = one_printer(
                "octoprint", printer__first_failures=["thermal", "printer_error", "thermal"]
            )
            return play(scenario, minutes=15, arrange=halts_on_errors)
        case "firmware_cancels":
            scenario = one_printer("octoprint", printer__first_failures=["printer_error"])
            return play(scenario, arrange=cancels_on_errors)
        case "killed":
            return play(one_printer("octoprint", printer__host_down_minutes=[[2.2, 2.8]]))
    raise AssertionError(kind)


KINDS = ("success", "cancelled", "paused", "halted", "firmware_cancels", "killed")


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest) -> Played:
    kind: str = request.param
    return played(kind)


def real_messages(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Topic below the base and payload of what real printers said."""
    for name in names:
        for message in recorded(f"octoprint/{name}"):
            for base in BASES:
                if message.topic.startswith(f"{base}/"):
                    yield below(message.topic, base), message.payload


def shape(said: dict[str, Any]) -> tuple[str, ...]:
    """The keys in their order. `faq` stands only in errors for which OctoPrint has a page of help."""
    return tuple(key for key in said if key != "faq")


def learnt() -> tuple[dict[str, set[tuple[str, ...]]], dict[tuple[str, str], set[str]]]:
    """From the recordings: the key orders of each topic, and the types of each field."""
    shapes: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for topic, payload in real_messages(EVERY_RECORDING):
        if topic == "mqtt" or not payload.startswith("{"):
            continue
        said = decoded(payload)
        shapes[topic].add(shape(said))
        for field, value in said.items():
            kinds[topic, field].add(kind_of(value))
    return shapes, kinds


def test_every_message_has_the_keys_of_a_real_one_in_their_order(run: Played) -> None:
    shapes, _ = learnt()
    for _, _, message in run.arrivals:
        topic = below(message.topic, PREFIX)
        if topic == "mqtt" or topic in NOT_RECORDED:
            continue
        assert topic in shapes, f"no real printer published {topic}"
        assert shape(decoded(message.payload)) in shapes[topic], topic


def test_every_field_has_the_type_that_it_has_on_a_real_printer(run: Played) -> None:
    _, kinds = learnt()
    for _, _, message in run.arrivals:
        topic = below(message.topic, PREFIX)
        if topic == "mqtt" or topic in NOT_RECORDED:
            continue
        for field, value in decoded(message.payload).items():
            assert kind_of(value) in kinds[topic, field], f"{topic}: {field} is {value!r}"


def test_payloads_are_written_as_pythons_json_writes_them(run: Played) -> None:
    for _, _, message in run.arrivals:
        if below(message.topic, PREFIX) != "mqtt":
            assert message.payload.decode() == json.dumps(json.loads(message.payload))


def test_time_stamps_are_the_whole_seconds_of_the_hosts_clock(run: Played) -> None:
    for at_ms, _, message in run.arrivals:
        if below(message.topic, PREFIX) != "mqtt":
            assert decoded(message.payload)["_timestamp"] == at_ms // 1000


def test_only_what_the_plugin_keeps_is_retained_and_only_the_link_is_at_qos_1(run: Played) -> None:
    kept = ("mqtt", "progress/", "temperature/", "event/ZChange", "event/FirmwareData")
    for _, _, message in run.arrivals:
        topic = below(message.topic, PREFIX)
        assert message.retain == topic.startswith(kept), topic
        assert message.qos == (1 if topic == "mqtt" else 0), topic


def test_figures_lie_within_their_ranges(run: Played) -> None:
    for _, _, message in run.arrivals:
        topic = below(message.topic, PREFIX)
        if topic.startswith("temperature/"):
            said = decoded(message.payload)
            assert 15 < said["actual"] < 320
            assert 0 <= said["target"] < 320
        if topic == "progress/printing":
            assert 0 <= decoded(message.payload)["progress"] <= 100


def steps(messages: Iterable[tuple[str, str | bytes]]) -> list[str]:
    """The order of what happened, without what comes steadily or by the way."""
    found = []
    for topic, payload in messages:
        if topic.startswith((*STEADY, *SEEN_BY_THE_WAY)):
            continue
        if topic == "event/PrinterStateChanged":
            found.append(decoded(payload)["state_id"])
        else:
            found.append(payload if topic == "mqtt" else topic.removeprefix("event/"))
    return [step.decode() if isinstance(step, bytes) else step for step in found]


def prints_in(order: list[str], last: str) -> list[list[str]]:
    """What lies between each choice of a file and the `last` step of its print."""
    prints: list[list[str]] = []
    current: list[str] | None = None
    for step in order:
        if step == "FileSelected":
            current = []
        if current is not None:
            current.append(step)
            if step == last and len(current) > 8:
                prints.append(current)
                current = None
    return prints


def real_prints(kind: str, last: str) -> list[list[str]]:
    found = []
    for name in PRINTS[kind]:
        for base in BASES:
            messages = [
                (below(message.topic, base), message.payload)
                for message in recorded(f"octoprint/{name}")
                if message.topic.startswith(f"{base}/") and not message.retain
            ]
            found += prints_in(steps(messages), last)
    return found


def simulated_prints(run: Played, last: str) -> list[list[str]]:
    return prints_in(steps((below(m.topic, PREFIX), m.payload) for _, _, m in run.arrivals), last)


def mark_of(order: list[str]) -> str:
    """How a print went, by its last words."""
    if "PrintDone" in order:
        return "success"
    return "cancelled" if "PrintCancelled" in order else "failed"


@pytest.mark.parametrize(
    ("kind", "ends"), [("success", "success"), ("cancelled", "cancelled"), ("firmware_cancels", "cancelled")]
)
def test_a_print_takes_the_steps_of_a_real_one_in_their_order(kind: str, ends: str) -> None:
    real = [order for order in real_prints(kind, "OPERATIONAL") if mark_of(order) == ends]
    ours = [order for order in simulated_prints(played(kind), "OPERATIONAL") if mark_of(order) == ends]
    assert real
    assert ours
    if kind == "firmware_cancels":
        real += [before_homing(order) for order in real]
    for order in ours:
        assert order in real


def before_homing(order: list[str]) -> list[str]:
    """The same, had it ended before the axes were homed."""
    return [step for step in order if step != "Home"]


def apart(order: list[str]) -> tuple[list[str], list[str]]:
    """What the two threads of a failure say: the closing of the connection, and the print's end."""
    told = ("MetadataStatisticsUpdated", "PrintFailed")
    return [s for s in order if s not in told], [s for s in order if s in told]


def test_a_halted_firmware_takes_the_steps_of_a_real_one_though_two_threads_race() -> None:
    halted = [order for order in real_prints("halted", "OPERATIONAL") if "ERROR" in order]
    real = [apart(order) for order in halted + [before_homing(order) for order in halted]]
    ours = [order for order in simulated_prints(played("halted"), "OPERATIONAL") if "ERROR" in order]
    assert len(ours) >= 3
    for order in ours:
        assert apart(order) in real
        assert order.index("Error") < order.index("PrintFailed")


def test_a_killed_server_says_nothing_but_its_last_will_and_starts_anew() -> None:
    messages = [
        (below(m.topic, "octoPrint"), m.payload) for m in recorded("octoprint/06_server_killed_restarted")
    ]
    real = steps(messages)
    ours = steps((below(m.topic, PREFIX), m.payload) for _, _, m in played("killed").arrivals)
    after = real[real.index("disconnected") :]
    begin = ours.index("disconnected")
    came_back = ours[begin : begin + len(after)]
    unseen = [*after[:2], "FileSelected"]
    assert came_back == after or came_back[:3] == unseen


def test_a_connection_that_drops_gives_no_error_state() -> None:
    run = play(
        one_printer("octoprint", printer__first_failures=["connection", "connection", "connection"]),
        minutes=15,
    )
    orders = simulated_prints(run, "OPERATIONAL")[:3]
    assert len(orders) == 3
    for order in orders:
        assert "ERROR" not in order
        assert "PrintFailed" in order
        assert order[-4:-1] == ["Connecting", "OPEN_SERIAL", "CONNECTING"]


def test_a_pause_by_a_person_names_them_and_one_by_the_printer_does_not() -> None:
    by_person = [
        decoded(m.payload) for _, _, m in played("paused").arrivals if m.topic.endswith("/PrintPaused")
    ]
    assert by_person
    assert all("user" in said and "position" in said for said in by_person)
    runs_out = one_printer(
        "octoprint",
        printer__model="Workhorse 250",
        jobs__foresight=0,
    )
    heavy = runs_out.model_copy(
        update={"files": (runs_out.files[0].model_copy(update={"grams": 1200.0, "minutes": 3.0}),)}
    )
    asked = [decoded(m.payload) for _, _, m in play(heavy).arrivals if m.topic.endswith("/PrintPaused")]
    assert asked
    assert all("user" not in said and "position" not in said for said in asked)


def test_it_can_have_every_failure_that_it_shows() -> None:
    for cause in sorted(OctoPrintFrontEnd.shows - {Cause.ADHESION}):
        run = play(one_printer("octoprint", printer__first_failures=[cause]), arrange=halts_on_errors)
        first = run.fleet.book.jobs[0]
        assert first.cause is cause
        assert first.end_sent
