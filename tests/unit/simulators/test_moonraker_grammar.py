"""The simulated Klipper and Moonraker against recordings of real ones, field by field."""

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from farm.model.states import Cause, Outcome
from simulators.fleet import Fleet
from simulators.protocols.moonraker import MoonrakerFrontEnd
from tests.unit.simulators.workbench import (
    RECORDINGS,
    Played,
    below,
    decoded,
    kind_of,
    one_printer,
    play,
    recorded,
)

Objects = dict[str, dict[str, Any]]

WHOLE = (
    "success",
    "success_cleared",
    "print_error",
    "emergency_stop_nonsplit",
    "three_failures",
    "moonraker_stopped",
)
SPLIT = ("cancelled", "emergency_stop")
UNSTEADY = {
    ("print_stats", "total_duration"),
    ("print_stats", "print_duration"),
    ("print_stats", "filament_used"),
    ("print_stats", "info"),
    ("virtual_sdcard", "progress"),
    ("virtual_sdcard", "file_position"),
    ("display_status", "progress"),
    ("heater_bed", "temperature"),
    ("heater_bed", "power"),
    ("extruder", "temperature"),
    ("extruder", "power"),
    ("extruder", "can_extrude"),
    ("toolhead", "print_time"),
    ("toolhead", "estimated_print_time"),
    ("toolhead", "stalls"),
    ("toolhead", "position"),
    ("idle_timeout", "printing_time"),
}
"""Fields that move with time, so that chance decides in which message they change."""


def status_messages(name: str) -> list[tuple[float, Objects]]:
    found = []
    for message in recorded(f"moonraker/{name}"):
        if message.topic.endswith("/klipper/status"):
            said = decoded(message.payload)
            found.append((said["eventtime"], said["status"]))
    return found


def simulated_status(run: Played) -> list[tuple[float, Objects]]:
    return [
        (said["eventtime"], said["status"])
        for said in (decoded(m.payload) for _, _, m in run.arrivals if m.topic == "bay-1/klipper/status")
    ]


def is_full(status: Objects) -> bool:
    return "webhooks" in status and "pause_resume" in status


def played(kind: str, protocol: str = "moonraker") -> Played:
    match kind:
        case "success":
            return play(one_printer(protocol))
        case "cancelled":
            return play(one_printer(protocol, jobs__cancelled_share=1))
        case "paused":
            return play(one_printer(protocol, jobs__paused_share=1), minutes=9)
        case "error":
            return play(one_printer(protocol, printer__first_failures=["file", "printer_error"]), minutes=12)
        case "shutdown":
            return play(
                one_printer(protocol, printer__first_failures=["operator", "thermal", "connection"]),
                minutes=15,
            )
        case "service":
            return play(one_printer(protocol), arrange=restart_the_service)
    raise AssertionError(kind)


def restart_the_service(fleet: Fleet) -> None:
    front = fleet.stations[0].front
    fleet.agenda.after(120_000, lambda: None if front.restart_service(12_000) else pytest.fail("cannot"))


KINDS = ("success", "cancelled", "paused", "error", "shutdown", "service")


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest) -> Played:
    kind: str = request.param
    return played(kind)


@pytest.fixture(scope="module", params=KINDS)
def split(request: pytest.FixtureRequest) -> Played:
    kind: str = request.param
    return played(kind, "moonraker-split")


def real_full_sets() -> list[Objects]:
    return [status for name in WHOLE for _, status in status_messages(name) if is_full(status)]


def canonical() -> dict[str, list[str]]:
    """The objects and their fields in the order of a real full set."""
    return {name: list(fields) for name, fields in real_full_sets()[0].items()}


def real_kinds() -> dict[tuple[str, str], set[str]]:
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in WHOLE:
        for _, status in status_messages(name):
            for obj, fields in status.items():
                for field, value in fields.items():
                    kinds[obj, field].add(kind_of(value))
    for name in SPLIT:
        for message in recorded(f"moonraker/{name}"):
            if "/klipper/state/" in message.topic:
                obj, field = message.topic.rsplit("/", 2)[1:]
                kinds[obj, field].add(kind_of(decoded(message.payload)["value"]))
    return kinds


def test_a_full_set_has_the_objects_and_fields_of_a_real_one_in_their_order(whole: Played) -> None:
    full = [status for _, status in simulated_status(whole) if is_full(status)]
    assert full
    for status in full:
        assert {name: list(fields) for name, fields in status.items()} == canonical()


def test_the_first_status_is_a_full_set_and_the_next_are_changes(whole: Played) -> None:
    statuses = [status for _, status in simulated_status(whole)]
    assert is_full(statuses[0])
    assert not is_full(statuses[1])
    real = [status for _, status in status_messages("success")]
    assert is_full(real[0])
    assert not is_full(real[1])


def test_changes_keep_the_order_of_a_full_set_as_real_ones_do(whole: Played) -> None:
    order = canonical()
    names = list(order)
    real = [status for name in WHOLE for _, status in status_messages(name)]
    for status in [*real, *(status for _, status in simulated_status(whole))]:
        assert [name for name in names if name in status] == list(status)
        for name, fields in status.items():
            assert [field for field in order[name] if field in fields] == list(fields)


def test_every_field_has_a_type_that_it_has_on_a_real_printer(whole: Played) -> None:
    kinds = real_kinds()
    for _, status in simulated_status(whole):
        for name, fields in status.items():
            for field, value in fields.items():
                assert kind_of(value) in kinds[name, field], f"{name}.{field} is {value!r}"


def test_only_what_differs_from_before_is_sent(whole: Played) -> None:
    for messages in (simulated_status(whole), status_messages("success")):
        known: Objects = {}
        for _, status in messages:
            if is_full(status):
                known = {}
            for name, fields in status.items():
                for field, value in fields.items():
                    before = known.setdefault(name, {})
                    assert field not in before or before[field] != value, f"{name}.{field}"
                    before[field] = value


def test_eventtime_is_the_hosts_own_clock_and_never_falls_while_it_runs(whole: Played) -> None:
    times = [eventtime for eventtime, _ in simulated_status(whole)]
    assert times == sorted(times)
    assert times[-1] < 1_000_000


def state_changes(messages: list[tuple[float, Objects]]) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    """Each new word of `print_stats.state` outside full sets, with what steadily changes with it."""
    found = []
    for _, status in messages:
        word = status.get("print_stats", {}).get("state")
        if word is None or is_full(status):
            continue
        fields = {(name, field) for name, values in status.items() for field in values}
        found.append((word, frozenset(fields - UNSTEADY)))
    return found


def mandatory(messages: list[tuple[float, Objects]], word: str) -> frozenset[tuple[str, str]]:
    """What changed together with the state in every one of these messages."""
    sets = [fields for found, fields in state_changes(messages) if found == word]
    assert sets, f"no change to {word}"
    return frozenset.intersection(*sets)


@pytest.mark.parametrize(
    ("word", "recording", "kind"),
    [
        ("printing", "success", "success"),
        ("complete", "success", "success"),
        ("error", "print_error", "error"),
        ("paused", "emergency_stop_nonsplit", "shutdown"),
        ("standby", "success_cleared", "success"),
    ],
)
def test_a_change_of_state_comes_with_the_fields_that_change_with_it_on_a_real_printer(
    word: str, recording: str, kind: str
) -> None:
    assert mandatory(simulated_status(played(kind)), word) == mandatory(status_messages(recording), word)


def words_of(messages: list[tuple[float, Objects]]) -> list[str]:
    """The words of print_stats.state in their order, with those of webhooks beside them."""
    found: list[str] = []
    for _, status in messages:
        for name in ("webhooks", "print_stats"):
            word = status.get(name, {}).get("state")
            if word is not None:
                found.append(f"{name} {word}")
    return found


@pytest.mark.parametrize(
    ("recording", "kind", "upto"),
    [
        ("success", "success", 4),
        ("print_error", "error", 2),
        ("emergency_stop_nonsplit", "shutdown", 5),
        ("moonraker_stopped", "service", 4),
    ],
)
def test_states_follow_each_other_as_on_a_real_printer(recording: str, kind: str, upto: int) -> None:
    real = words_of(status_messages(recording))
    ours = words_of(simulated_status(played(kind)))
    if real[0] != "webhooks ready":
        ours = ours[2:]
    assert ours[:upto] == real[:upto]


def test_after_a_shutdown_the_print_looks_paused_while_nothing_is_paused() -> None:
    statuses = simulated_status(played("shutdown"))
    shut = next(status for _, status in statuses if status.get("webhooks", {}).get("state") == "shutdown")
    assert shut["print_stats"]["state"] == "paused"
    assert "pause_resume" not in shut
    assert "message" not in shut["print_stats"]


def test_a_print_whose_file_was_printed_before_is_named_again_only_after_a_clearing() -> None:
    scenario = one_printer("moonraker", printer__plays=["parts/clip_x4.gcode"] * 4)
    seen: set[bool] = set()
    for seed in range(1, 5):
        run = play(scenario.model_copy(update={"seed": seed}), minutes=14)
        shown = ""
        for _, status in simulated_status(run)[1:]:
            stats = status.get("print_stats", {})
            if stats.get("state") == "printing":
                assert ("filename" in stats) == (shown != "parts/clip_x4.gcode")
                seen.add("filename" in stats)
            shown = stats.get("filename", shown)
            if shown == "" and seen == {True, False}:
                return
    assert seen == {True, False}


def test_a_service_that_restarts_says_offline_and_online_and_then_everything() -> None:
    run = played("service")
    topics = [(below(m.topic, "bay-1"), m.payload) for _, _, m in run.arrivals]
    offline = topics.index(("moonraker/status", b'{"server":"offline"}'))
    assert topics[offline + 1] == ("moonraker/status", b'{"server":"online"}')
    assert topics[offline + 2][0] == "klipper/status"
    status = decoded(topics[offline + 2][1])["status"]
    assert is_full(status)
    assert status["print_stats"]["state"] == "printing"
    assert status["print_stats"]["total_duration"] > 0


def test_links_and_payloads_are_written_as_real_ones(whole: Played) -> None:
    real = {
        m.payload for m in recorded("moonraker/moonraker_stopped") if m.topic.endswith("moonraker/status")
    }
    ours = {m.payload.decode() for _, _, m in whole.arrivals if m.topic.endswith("moonraker/status")}
    assert ours <= real
    for _, _, message in whole.arrivals:
        assert msgspec.json.encode(msgspec.json.decode(message.payload)) == message.payload


def test_whole_status_is_not_retained_and_the_link_is(whole: Played) -> None:
    for _, _, message in whole.arrivals:
        assert message.retain == message.topic.endswith("moonraker/status")
        assert message.qos == 0


def test_split_status_keeps_every_field_on_a_topic_of_its_own(split: Played) -> None:
    real = {
        m.topic.split("/", 1)[1] for m in recorded("moonraker/emergency_stop") if "/klipper/state/" in m.topic
    }
    ours = {below(m.topic, "bay-1") for _, _, m in split.arrivals if "/klipper/state/" in m.topic}
    assert ours == real
    for _, _, message in split.arrivals:
        assert message.retain
        if "/klipper/state/" in message.topic:
            assert list(decoded(message.payload)) == ["eventtime", "value"]


def test_a_split_full_set_comes_field_by_field_in_the_order_of_a_real_one() -> None:
    real = [
        m.topic.split("/", 1)[1] for m in recorded("moonraker/emergency_stop") if "/klipper/state/" in m.topic
    ]
    first = real[: real.index("klipper/state/pause_resume/is_paused") + 1]
    ours = [
        below(m.topic, "bay-1")
        for _, _, m in played("success", "moonraker-split").arrivals
        if "/state/" in m.topic
    ]
    assert ours[: len(first)] == first


def test_a_cancel_in_split_mode_changes_what_it_changes_on_a_real_printer() -> None:
    def changed(messages: list[tuple[str, str | bytes]]) -> list[str]:
        at = next(
            i
            for i, (topic, raw) in enumerate(messages)
            if topic == "print_stats/state" and b"cancelled" in _raw(raw)
        )
        moment = decoded(messages[at][1])["eventtime"]
        together = [topic for topic, raw in messages if decoded(raw)["eventtime"] == moment]
        return [topic for topic in together if tuple(topic.split("/")) not in UNSTEADY]

    real = [
        (m.topic.split("/klipper/state/")[1], m.payload)
        for m in recorded("moonraker/cancelled")
        if "/klipper/state/" in m.topic and not m.retain
    ]
    ours = [
        (m.topic.split("/klipper/state/")[1], m.payload)
        for _, _, m in played("cancelled", "moonraker-split").arrivals
        if "/klipper/state/" in m.topic
    ]
    assert changed(list(ours)) == changed(list(real))


def _raw(payload: str | bytes) -> bytes:
    return payload if isinstance(payload, bytes) else payload.encode()


def test_it_answers_questions_as_a_real_moonraker_does() -> None:
    run = play(one_printer("moonraker"), minutes=2)
    file = run.fleet.book.jobs[0].file.encode()
    request = b'{"jsonrpc": "2.0", "method": "%s", "params": %s, "id": 7}'
    query = request % (b"printer.objects.query", b'{"objects": {"print_stats": null, "webhooks": null}}')
    for payload in (
        query,
        request % (b"server.history.list", b'{"limit": 5}'),
        request % (b"no.such", b"{}"),
        request % (b"server.files.metadata", b'{"filename": "%s"}' % file),
        request % (b"server.files.metadata", b'{"filename": "another"}'),
    ):
        run.front.answer(payload)
    answers = answers_of(run)
    asked = [
        decoded(m.payload)
        for m in recorded("moonraker/late_subscriber_api")
        if m.topic.endswith("moonraker/api/response")
    ]
    assert list(answers[0]["result"]) == list(asked[1]["result"])
    assert list(answers[0]["result"]["status"]["print_stats"]) == list(
        asked[1]["result"]["status"]["print_stats"]
    )
    row, real = answers[1]["result"]["jobs"][0], asked[2]["result"]["jobs"][0]
    assert list(row) == list(real)
    assert [kind_of(v) for v in row.values()] == [kind_of(v) for v in real.values()]
    assert row["status"] == real["status"] == "in_progress"
    assert answers[2]["error"] == asked[3]["error"]
    for metadata in (row["metadata"], {k: v for k, v in answers[3]["result"].items() if k != "filename"}):
        told = {name: kind_of(value) for name, value in metadata.items()}
        assert told == {name: kind_of(real["metadata"][name]) for name in told}
        assert metadata["estimated_time"] == round((run.fleet.book.jobs[0].expected_ms or 0) / 1_000)
    assert answers[3]["result"]["filename"] == file.decode()
    assert answers[4]["error"]["code"] == 404


ASK = b'{"jsonrpc": "2.0", "method": "%s", "params": {"objects": {}}, "id": 7}'


def answers_of(run: Played) -> list[Any]:
    return [decoded(m.payload) for _, _, m in run.arrivals if m.topic == "bay-1/moonraker/api/response"]


def test_asked_before_its_klipper_is_there_it_says_so_as_a_real_moonraker_does() -> None:
    def ask_as_soon_as_it_is_there(fleet: Fleet) -> None:
        front, line = fleet.stations[0].front, fleet.stations[0].line
        greet = line.greet

        def greeted(fresh: bool) -> None:
            greet(fresh)
            front.answer(ASK % b"printer.objects.query")
            front.answer(ASK % b"server.info")

        line.greet = greeted

    refusal, info = answers_of(play(one_printer("moonraker"), minutes=2, arrange=ask_as_soon_as_it_is_there))
    said = [decoded(m.payload) for m in recorded("moonraker/klipper_died") if "api/response" in m.topic]
    assert refusal["error"] in [each.get("error") for each in said]
    told = info["result"]
    assert (told["klippy_connected"], told["klippy_state"]) == (False, "disconnected")


@pytest.mark.parametrize(
    ("changes", "seed", "word"),
    [
        ({"printer__first_failures": ["thermal"]}, 5, "klippy_shutdown"),
        ({"printer__first_failures": ["file"]}, 5, "error"),
        ({"printer__first_failures": ["well"]}, 5, "completed"),
        ({"printer__host_down_minutes": [[1.5, 2.0]]}, 5, "interrupted"),
        ({"printer__host_down_minutes": [[1.5, 2.0]]}, 1, "klippy_disconnect"),
    ],
)
def test_its_history_tells_of_a_print_what_a_real_one_would(
    changes: dict[str, Any], seed: int, word: str
) -> None:
    scenario = one_printer("moonraker", **changes).model_copy(update={"seed": seed})
    run = play(scenario)
    run.front.answer(ASK % b"server.history.list")
    (answer,) = answers_of(run)
    first = answer["result"]["jobs"][-1]
    assert (first["job_id"], first["status"]) == ("000001", word)
    assert (first["end_time"] is None) == (word == "interrupted")


def test_a_moonraker_that_was_stopped_in_order_never_learns_how_its_print_ended() -> None:
    def stop_it(fleet: Fleet) -> None:
        def stop() -> None:
            fleet.stations[0].front.restart_service(5_000)

        fleet.agenda.after(90_000, stop)

    run = play(one_printer("moonraker"), arrange=stop_it)
    assert run.fleet.book.jobs[0].outcome is Outcome.SUCCEEDED
    run.front.answer(ASK % b"server.history.list")
    (answer,) = answers_of(run)
    first = answer["result"]["jobs"][-1]
    (real,) = decoded((RECORDINGS / "moonraker/moonraker_stopped.history.json").read_bytes())["result"][
        "jobs"
    ]
    assert first["status"] == real["status"] == "server_exit"
    assert first["end_time"] < (run.fleet.book.jobs[0].ended_ms or 0) / 1_000


def test_it_can_have_every_failure_that_it_shows() -> None:
    for cause in sorted(MoonrakerFrontEnd.shows - {Cause.ADHESION}):
        run = play(one_printer("moonraker-split", printer__first_failures=[cause]))
        first = run.fleet.book.jobs[0]
        assert first.cause is cause
        assert first.end_sent


def test_a_file_that_is_not_named_again_after_an_outage_is_not_told() -> None:
    def cut(fleet: Fleet) -> None:
        line = fleet.stations[0].line
        at_ms = 60_000
        fleet.agenda.after(at_ms, lambda: line.lose("network"))
        fleet.agenda.after(at_ms + 1_000, lambda: line.regain("network"))

    scenario = one_printer("moonraker", printer__plays=["parts/clip_x4.gcode"] * 2)
    told: set[bool] = set()
    for seed in range(1, 9):
        jobs = play(scenario.model_copy(update={"seed": seed}), minutes=8, arrange=cut).fleet.book.jobs
        assert jobs[0].file_sent
        told.add(jobs[1].file_sent)
    assert told == {True, False}
