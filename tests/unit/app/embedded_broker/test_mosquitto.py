"""The machine's Mosquitto: found or not, its version, and the files that it is run with."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from farm.app.data_folder import Credentials
from farm.app.embedded_broker import mosquitto
from farm.app.embedded_broker.choice import SET_SO, choose_broker
from farm.app.embedded_broker.mosquitto import (
    NoMosquitto,
    access_list,
    find_mosquitto,
    mosquitto_configuration,
    users_line,
)
from farm.app.embedded_broker.settings import BrokerKind, EmbeddedBrokerSettings
from farm.errors import ConfigurationError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only one where programs are looked for."""
    monkeypatch.setattr(mosquitto, "_ALSO_IN", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(machine: Path, says: str, status: int = 3) -> Path:
    program = machine / "mosquitto"
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n", "utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("mosquitto version 2.0.11", "2.0.11"),
        ("mosquitto version 2.1.2", "2.1.2"),
        ("mosquitto version 2.0.18 (build date 2023)", "2.0.18"),
        ("mosquitto version 3.0", "3.0"),
    ],
)
def test_it_is_found_with_its_version(machine: Path, says: str, version: str) -> None:
    program = install(machine, says)
    found = find_mosquitto()
    assert (found.program, found.version) == (str(program), version)
    assert found.name == f"mosquitto {version} ({program})"
    assert choose_broker(BrokerKind.AUTO).mosquitto == found
    assert choose_broker(BrokerKind.MOSQUITTO).mosquitto == found


def test_it_is_found_where_packages_put_it(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "sbin").mkdir()
    program = install(machine / "sbin", "mosquitto version 2.0.11")
    monkeypatch.setattr(mosquitto, "_ALSO_IN", (str(machine / "sbin"),))
    assert find_mosquitto().program == str(program)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (None, "no mosquitto was found on this machine"),
        ("mosquitto version 1.6.9", "is of version 1.6.9; 2.0 or newer is needed"),
        ("hello", "does not say its version"),
    ],
)
def test_where_none_can_be_used_the_built_in_one_runs_and_says_why(
    machine: Path, says: str | None, why: str
) -> None:
    if says is not None:
        install(machine, says)
    with pytest.raises(NoMosquitto, match=why):
        find_mosquitto()
    choice = choose_broker(BrokerKind.AUTO)
    assert choice.mosquitto is None
    assert why in (choice.why_built_in or "")
    with pytest.raises(ConfigurationError, match=r'embedded_broker\.kind = "mosquitto": .*' + why):
        choose_broker(BrokerKind.MOSQUITTO)


def test_a_program_that_cannot_be_run_is_none(machine: Path) -> None:
    install(machine, "x").write_bytes(b"\x7fELF no program")
    with pytest.raises(NoMosquitto, match="cannot be run"):
        find_mosquitto()


def test_where_the_built_in_one_is_wanted_none_is_looked_for(machine: Path) -> None:
    install(machine, "mosquitto version 2.0.11")
    choice = choose_broker(BrokerKind.BUILT_IN)
    assert (choice.mosquitto, choice.why_built_in) == (None, SET_SO)


def test_the_settings_are_those_that_a_farm_needs() -> None:
    settings = EmbeddedBrokerSettings(host="::1", port=1884, queue_mb=3)
    said = mosquitto_configuration(settings, "somebody").splitlines()
    assert {
        "listener 1884 ::1",
        "user somebody",
        "allow_anonymous false",
        "password_file users",
        "acl_file access",
        "persistence true",
        "queue_qos0_messages true",
        "upgrade_outgoing_qos true",
        "max_queued_messages 0",
        "max_queued_bytes 3145728",
        "log_dest stderr",
        "connection_messages true",
    } <= set(said)
    assert not [line for line in said if line.startswith("max_keepalive")]


@pytest.mark.parametrize(
    ("host", "listener"),
    [("10.0.0.1", "listener 1883 10.0.0.1"), ("::", "listener 1883"), ("pi", "listener 1883 pi")],
)
def test_it_listens_where_it_is_told_to(host: str, listener: str) -> None:
    said = mosquitto_configuration(EmbeddedBrokerSettings(host=host), "somebody").splitlines()
    assert [line for line in said if line.startswith("listener")] == [listener]


def test_the_password_is_kept_as_a_hash_only() -> None:
    line = users_line(Credentials("layerline", "abcd-efgh"))
    assert line.startswith("layerline:$7$")
    assert "abcd-efgh" not in line
    assert line != users_line(Credentials("layerline", "abcd-efgh")), "each hash has a salt of its own"


def test_the_hash_is_what_mosquitto_s_own_program_writes(tmp_path: Path) -> None:
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("no mosquitto_passwd on PATH; get it with: apt-get install mosquitto")
    file = tmp_path / "users"
    subprocess.run([program, "-c", "-b", str(file), "layerline", "pä ss"], check=True, timeout=30)
    theirs = file.read_text("utf-8")
    _, _, rounds, salt, _ = theirs.strip().split("$")
    assert theirs == mosquitto._line("layerline", "pä ss", base64.b64decode(salt), int(rounds))


@pytest.mark.parametrize("user", ["a:b", "a\nb", " a", "a\0", "a\x7f"])
def test_a_user_that_its_file_cannot_hold_is_refused(user: str) -> None:
    with pytest.raises(ConfigurationError, match=r"embedded-broker\.json: user"):
        users_line(Credentials(user, "secret"))


def test_the_access_list_leaves_the_broker_s_own_topics_out() -> None:
    assert access_list("layerline") == "user layerline\ntopic readwrite #\n"
