"""New settings for a service that runs."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.app import process_life
from farm.app.config import SECTIONS, Configuration, load_configuration
from farm.app.logs import LogRedaction
from farm.app.reloading import AT_START_ONLY, differences, is_at_start_only, keep_serving, reloaded
from farm.errors import ConfigurationError
from tests.reference import DOCS

PATIENCE_S = 20.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "layerline.toml"
    path.write_text('[alerts]\nrepeat = "4h"\n', "utf-8")
    return path


@pytest.fixture
def signals() -> Iterator[None]:
    """The handlers of signals as they were, whatever the test sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def read(file: Path) -> Configuration:
    return load_configuration(config=file, data=file.parent, environment={}, redaction=LogRedaction())


def test_what_is_written_now_is_taken_and_named_in_the_log(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = read(file)
    file.write_text('[alerts]\nrepeat = "2h"\n[[printers]]\nname = "a"\n', "utf-8")
    found = reloaded(before, lambda: read(file), ["alerts", "printers", "site"])
    assert found is not None
    assert found.alerts.repeat.total_seconds() == 2 * 3600
    assert "going on with new alerts.repeat, printers" in caplog.text


def test_a_secret_in_a_file_is_read_again(file: Path) -> None:
    text = '[[alerts.receivers]]\nkind = "slack"\nwebhook_url_file = "hook"\n'
    hook = file.with_name("hook")
    hook.write_text("https://hooks.slack.com/services/one", "utf-8")
    file.write_text(text, "utf-8")
    before = read(file)
    before.check(["alerts"])
    hook.write_text("https://hooks.slack.com/services/two", "utf-8")
    assert differences(before, read(file), ["alerts"]) == ["alerts.receivers"]


@pytest.mark.parametrize("text", ["[alerts]\nrepeat = 1", "[alerts", "[nothing]"])
def test_wrong_settings_are_not_taken(file: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    before = read(file)
    file.write_text(text, "utf-8")
    assert reloaded(before, lambda: read(file), ["alerts"]) is None
    assert "is wrong; going on with the one before" in caplog.text


def test_nothing_new_is_nothing_to_do(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert reloaded(read(file), lambda: read(file), SECTIONS) is None
    assert "nothing to take over" in caplog.text


def test_what_waits_for_the_next_start_stays_and_the_rest_is_taken(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = read(file)
    file.write_text(
        '[site]\nname = "other"\ntime_zone = "Europe/Berlin"\n[broker]\nurl = "mqtt://b"\n'
        "[api]\nport = 9000\nsession_days = 3\n",
        "utf-8",
    )
    found = reloaded(before, lambda: read(file), ["site", "broker", "api"])
    assert found is not None
    assert (found.site.name, found.site.time_zone) == ("main", "Europe/Berlin")
    assert (found.api.port, found.api.session_days) == (8642, 3)
    assert not found.is_broker_configured
    assert "site.name, broker.url, api.port changed: that takes effect at the next start" in caplog.text


def test_a_service_goes_on_with_new_settings_until_it_is_ended(file: Path, signals: None) -> None:
    seen: list[float] = []

    def run(configuration: Configuration, stop: threading.Event) -> None:
        seen.append(configuration.alerts.repeat.total_seconds() / 3600)
        if len(seen) < 3:
            file.write_text(f'[alerts]\nrepeat = "{len(seen)}h"\n', "utf-8")
            os.kill(os.getpid(), signal.SIGHUP)
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(PATIENCE_S)

    keep_serving(read(file), lambda: read(file), ["alerts"], run)
    assert seen == [4, 1, 2]


def test_a_service_that_ends_by_itself_is_not_begun_anew(file: Path, signals: None) -> None:
    runs = []
    keep_serving(read(file), lambda: read(file), ["alerts"], lambda *_: runs.append(1))
    assert runs == [1]


def test_settings_that_turn_out_not_to_be_usable_are_given_up(
    file: Path, signals: None, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[float] = []

    def run(configuration: Configuration, stop: threading.Event) -> None:
        seen.append(configuration.alerts.repeat.total_seconds() / 3600)
        if len(seen) == 1:
            file.write_text('[alerts]\nrepeat = "1h"\n', "utf-8")
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.wait(PATIENCE_S)
        elif len(seen) == 2:
            raise ConfigurationError("the name is taken")
        else:
            assert not stop.is_set()

    keep_serving(read(file), lambda: read(file), ["alerts"], run)
    assert seen == [4, 1, 4]
    assert "cannot be used; going on with those before: the name is taken" in caplog.text


def test_settings_that_are_wrong_from_the_start_are_an_error(file: Path, signals: None) -> None:
    def run(configuration: Configuration, stop: threading.Event) -> None:
        raise ConfigurationError("the port is taken")

    with pytest.raises(ConfigurationError, match="the port is taken"):
        keep_serving(read(file), lambda: read(file), ["alerts"], run)


def hung_up(*, ignored: bool, terminal_is_there: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, bool]:
    """Whether a service that was started in a terminal is asked to end, and whether it reads its settings."""
    there = iter([True, terminal_is_there])
    monkeypatch.setattr(process_life, "_has_terminal", lambda: next(there))
    signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    asked, read_again = process_life.RunSignals(), threading.Event()
    asked.on_hang_up(read_again.set)
    os.kill(os.getpid(), signal.SIGHUP)
    reads = read_again.wait(PATIENCE_S if terminal_is_there else 0.05)
    return asked.stop.is_set() and not asked.is_to_go_on(), reads


def test_a_service_ends_with_its_terminal_but_not_under_nohup(
    signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"monkeypatch": monkeypatch}
    assert hung_up(ignored=False, terminal_is_there=False, **given) == (True, False)
    assert hung_up(ignored=True, terminal_is_there=False, **given) == (False, False)
    assert hung_up(ignored=False, terminal_is_there=True, **given) == (False, True)
    assert hung_up(ignored=True, terminal_is_there=True, **given) == (False, True)


def test_the_documentation_names_what_waits_for_the_next_start() -> None:
    (paragraph,) = [
        text
        for text in (DOCS / "configuration.md").read_text("utf-8").split("\n\n")
        if text.startswith("**At the next start only**")
    ]
    assert all(f"`{name}`" in paragraph for name in AT_START_ONLY)
    assert is_at_start_only("ledger.url")
    assert not is_at_start_only("site.time_zone")
