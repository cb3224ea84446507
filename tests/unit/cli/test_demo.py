"""The pieces of the demo: recordings played as if now, stand-ins, and its configuration."""

import json
import smtplib
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from importlib.resources import files
from io import StringIO
from pathlib import Path
from threading import Event
from urllib.error import HTTPError

import pytest
from rich.console import Console

from collector.adapters import adapter
from collector.playback import replay_file
from collector.sessions.publishers import Publishers, heard
from collector.settings import SourceSettings
from farm.app.config import load_configuration
from farm.app.logs import LogRedaction
from farm.cli.demo.playback import cues, played, told_now
from farm.cli.demo.receivers import MailStandIn, SlackStandIn, slack_text
from farm.cli.demo.show import Demo, PastWish
from farm.cli.demo.stage import PageAddress, Ports, choose_ports, write_configuration
from farm.model.recording import RecordedMessage, read_recording
from tests.servers import free_port

STREAK = Path(str(files("simulators"))) / "recordings" / "octoprint_three_failures.mqtt.jsonl"
BEGIN_S = 1_800_000_000.0


def message(t: float, topic: str) -> RecordedMessage:
    return RecordedMessage(t=t, topic=topic, payload="{}")


def test_what_the_broker_had_kept_with_its_time_of_old_is_not_played() -> None:
    """Played as if it were said now it would be a second clock."""
    messages = played(read_recording(STREAK), "farm/bay2/octoprint")
    kept = [m for m in read_recording(STREAK) if m.retain and "_timestamp" in m.payload]
    assert kept
    assert not set(kept) & set(messages)
    assert [m for m in messages if m.topic.endswith("/mqtt")], "its link is played"


def test_recordings_played_again_and_again_are_one_printer() -> None:
    now, publishers, octoprint = BEGIN_S, Publishers(), adapter("octoprint")
    memory = octoprint.new_memory()
    folder = STREAK.parent
    both = [("octoprint_three_failures", "farm/bay2/octoprint"), ("octoprint_success", "octoPrint")]
    for name, prefix in both * 4:
        messages = played(read_recording(folder / f"{name}.mqtt.jsonl"), prefix)
        for cue in cues(messages, now, hurried=True):
            suffix = cue.message.topic.removeprefix(f"{prefix}/")
            told = told_now(cue.message.payload, cue.shift_s, 0).encode()
            reading = octoprint.read(memory, suffix, told, False)
            if reading is not None:
                at_ms = round((now + cue.after_s) * 1000)
                publishers = heard(publishers, "octoPrint", reading.traits, at_ms)
        now += cue.after_s + 5
    assert publishers.clash is None


def test_the_page_opens_on_the_past_where_there_is_one(tmp_path: Path) -> None:
    assert Demo(tmp_path, Console(), past=PastWish(tmp_path)).page.endswith("/?window=30d")
    assert "?" not in Demo(tmp_path, Console()).page


def test_a_demo_that_is_ended_while_it_makes_its_past_makes_no_more_of_it(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    past = PastWish(tmp_path / "cache")
    assert Demo(tmp_path, Console(quiet=True), past=past).run(stop, None) == 0
    assert not (tmp_path / "ledger.db").exists()
    assert not past.folder.exists()


def test_a_demo_that_is_ended_before_it_runs_says_nothing_of_a_page(tmp_path: Path) -> None:
    stop, screen = Event(), StringIO()
    stop.set()
    assert Demo(tmp_path, Console(file=screen)).run(stop, None) == 0
    assert screen.getvalue().strip() == ""


def test_silences_are_cut_between_prints_and_kept_within() -> None:
    told = [
        message(0, "o/mqtt"),
        message(60, "o/event/PrintStarted"),
        message(90, "o/temperature/tool0"),
        message(120, "o/event/PrintFailed"),
        message(180, "o/event/Connecting"),
    ]
    assert [cue.after_s for cue in cues(told, BEGIN_S, hurried=True)] == [0, 0.5, 30.5, 60.5, 61]
    assert [cue.after_s for cue in cues(told, BEGIN_S, hurried=False)] == [0, 60, 90, 120, 180]
    assert [cue.shift_s for cue in cues(told, BEGIN_S, hurried=False)] == [BEGIN_S] * 5


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ('{"_timestamp": 100}', '{"_timestamp": 1100}'),
        ('{"eventtime": 5.5, "status": {}}', '{"eventtime": 12.5, "status": {}}'),
        ("connected", "connected"),
        ("[1]", "[1]"),
        ('{"_timestamp": "odd"}', '{"_timestamp": "odd"}'),
    ],
)
def test_the_clocks_in_a_payload_are_put_on(payload: str, told: str) -> None:
    assert told_now(payload, 1000.0, 7.0) == told


def test_a_recording_played_now_gives_the_same_prints(tmp_path: Path) -> None:
    source = SourceSettings(adapter="octoprint", topic="farm/{printer}/octoprint")
    played = tmp_path / "played.jsonl"
    with played.open("w", encoding="utf-8") as out:
        for cue in cues(list(read_recording(STREAK)), BEGIN_S, hurried=True):
            now = {
                "t": BEGIN_S + cue.after_s,
                "topic": cue.message.topic,
                "payload": told_now(cue.message.payload, cue.shift_s, 0.0),
            }
            out.write(json.dumps(now) + "\n")
    before, after = replay_file(STREAK, [source]), replay_file(played, [source])
    assert [(job.outcome, job.cause) for job in after.jobs] == [
        (job.outcome, job.cause) for job in before.jobs
    ]
    for old, new in zip(before.jobs, after.jobs, strict=True):
        assert abs(old.printing_ms - new.printing_ms) <= 2_000


@pytest.fixture
def arrived() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def slack(arrived: list[tuple[str, str]]) -> Iterator[SlackStandIn]:
    stand_in = SlackStandIn(0, lambda *message: arrived.append(message))
    stand_in.start()
    yield stand_in
    stand_in.stop()


def post(url: str, body: bytes) -> bytes:
    with urllib.request.urlopen(url, data=body, timeout=10) as answer:  # noqa: S310  our own server
        content: bytes = answer.read()
        return content


def test_the_slack_stand_in_tells_what_a_message_says(
    slack: SlackStandIn, arrived: list[tuple[str, str]]
) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Three* failed"}}]
    assert post(slack.url, json.dumps({"blocks": blocks}).encode()) == b"ok"
    assert arrived == [("Slack", "Three failed")]


@pytest.mark.parametrize("body", [b"not json", b"{}", b"[]"])
def test_the_slack_stand_in_refuses_what_slack_refuses(
    body: bytes, slack: SlackStandIn, arrived: list[tuple[str, str]]
) -> None:
    with pytest.raises(HTTPError, match="400") as caught:
        post(slack.url, body)
    caught.value.close()
    assert arrived == []


def test_marks_of_slack_are_carried_out() -> None:
    text = "<!date^1^{time}|14:53 UTC> <http://page|Open> :x: `a&amp;b`"
    assert slack_text({"text": text}) == "14:53 UTC Open: http://page ✗ a&b"


def test_the_mail_stand_in_tells_subject_and_text(arrived: list[tuple[str, str]]) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Drei Fehldrucke – größer"
    mail.set_content("Bay 1")
    port = free_port()
    stand_in = MailStandIn(port, lambda *message: arrived.append(message))
    stand_in.start()
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
            server.send_message(mail, "a@example.com", ["b@example.com"])
    finally:
        stand_in.stop()
    assert arrived == [("mail", "To: b@example.com\nSubject: Drei Fehldrucke – größer\n\nBay 1")]


def test_the_demo_configuration_is_right(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, Ports(broker=1, page=2, slack=3, mail=4))
    configuration = load_configuration(config=file, data=tmp_path, environment={}, redaction=LogRedaction())
    configuration.check()
    assert (configuration.api.host, configuration.embedded_broker.host) == ("127.0.0.1", "127.0.0.1")
    assert [receiver.name for receiver in configuration.alerts.receivers] == ["slack", "email"]


def test_a_demo_for_others_asks_for_a_token_of_its_own(tmp_path: Path) -> None:
    tokens = set()
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        page = PageAddress("0.0.0.0", 9000)  # noqa: S104  what is asked for
        file = write_configuration(folder, choose_ports(page.port), page)
        configuration = load_configuration(config=file, data=folder, environment={}, redaction=LogRedaction())
        configuration.check()
        assert (configuration.api.host, configuration.api.port) == ("0.0.0.0", 9000)  # noqa: S104  as above
        assert configuration.api.token is not None
        assert page.token == configuration.api.token.get_secret_value()
        tokens.add(page.token)
        assert "127.0.0.1" not in str(configuration.alerts.public_url)
        assert file.stat().st_mode & 0o077 == 0
    assert len(tokens) == 2


def test_a_taken_port_is_passed_over() -> None:
    first = choose_ports()
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.slack))
        taken.listen()
        second = choose_ports()
    assert second.slack != first.slack
