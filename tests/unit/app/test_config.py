"""Configurations that are right, and what is said about those that are not."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from farm.app import short_files
from farm.app.config import Configuration, Flag, load_configuration
from farm.app.logs import LogRedaction
from farm.app.process_life import HEARTBEAT_VARIABLE, PARENT_VARIABLE
from farm.errors import ConfigurationError
from farm.model import limits

Write: TypeAlias = Callable[[str], Path]
SLACK = "https://hooks.slack.com/services/T0/B0/abcdefghijkl"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Write:
    def write_file(text: str) -> Path:
        file = folder / "layerline.toml"
        file.write_text(text, "utf-8")
        return file

    return write_file


def load(environment: dict[str, str] | None = None, *flags: Flag, file: Path | None = None) -> Configuration:
    return load_configuration(
        config=file, flags=flags, environment=environment or {}, redaction=LogRedaction()
    )


def complaint(environment: dict[str, str] | None = None, *flags: Flag) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(environment, *flags).check()
    return str(caught.value)


def credentials_of(configuration: Configuration) -> tuple[str | None, str | None]:
    address = configuration.broker.address
    return address.user, address.password


def test_without_any_configuration_everything_has_its_default(folder: Path) -> None:
    configuration = load()
    configuration.check()
    assert configuration.file is None
    assert configuration.site.name == "main"
    assert configuration.ledger.url == f"sqlite:///{folder}/layerline-data/ledger.db"
    assert configuration.api.host == "127.0.0.1"
    assert not configuration.is_broker_configured


def test_flags_stand_above_the_environment_and_that_above_the_file(write: Write) -> None:
    write('[collector]\nclient_id = "file"\ncommit_messages = 10\n[site]\nname = "file"')
    environment = {"LAYERLINE_COLLECTOR__CLIENT_ID": "environment", "LAYERLINE_SITE__NAME": "environment"}
    configuration = load(environment, Flag("--client-id", ("collector", "client_id"), "flag"))
    assert configuration.collector.client_id == "flag"
    assert configuration.site.name == "environment"
    assert configuration.collector.commit_messages == 10


def test_the_file_is_found_by_flag_variable_here_or_in_the_data_folder(folder: Path) -> None:
    def place(name: str) -> Path:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'[site]\nname = "{file.parent.name}-{file.stem}"', "utf-8")
        return file

    place("layerline-data/layerline.toml")
    assert load().site.name == "layerline-data-layerline"
    here = place("layerline.toml")
    assert load().file == Path(here.name)
    named = place("named.toml")
    assert load({"LAYERLINE_CONFIG": str(named)}).file == named
    other = place("other.toml")
    assert load({"LAYERLINE_CONFIG": str(named)}, file=other).file == other


def test_the_data_folder_can_be_named_by_variable(folder: Path) -> None:
    assert load({"LAYERLINE_DATA": str(folder / "elsewhere")}).data.path == folder / "elsewhere"


def test_lists_in_the_environment_are_written_as_json(folder: Path) -> None:
    configuration = load(
        {"LAYERLINE_SOURCES": '[{"adapter": "octoprint", "topic": "octoPrint", "printer": "bay1"}]'}
    )
    assert configuration.sources[0].printer == "bay1"


def test_an_empty_variable_counts_as_not_set(folder: Path) -> None:
    assert load({"LAYERLINE_SITE__NAME": ""}).site.name == "main"


def test_the_embedded_broker_is_used_with_its_password_where_none_is_configured(folder: Path) -> None:
    configuration = load()
    assert configuration.broker.username is None
    made = configuration.data.make_credentials()
    assert configuration.broker.url == "mqtt://127.0.0.1:1883"
    assert credentials_of(configuration) == (made.user, made.password)


def test_a_secret_is_read_from_the_file_beside_the_configuration(folder: Path, write: Write) -> None:
    write('[broker]\nurl = "mqtt://b"\nusername = "u"\npassword_file = "password.txt"')
    (folder / "password.txt").write_text("hunter2hunter2\n", "utf-8")
    assert credentials_of(load()) == ("u", "hunter2hunter2")


def test_a_secret_of_a_receiver_is_read_from_its_file(folder: Path, write: Write) -> None:
    write('[[alerts.receivers]]\nkind = "slack"\nwebhook_url_file = "hook.txt"')
    (folder / "hook.txt").write_text(SLACK, "utf-8")
    assert load().alerts.receivers[0].secrets()[0] == SLACK


def test_a_secret_of_a_receiver_given_twice_is_refused(write: Write) -> None:
    write(
        '[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "https://x.example/y"\n'
        'webhook_url_file = "hook.txt"'
    )
    with pytest.raises(ConfigurationError, match="not both"):
        _ = load().alerts


def test_a_secret_given_outright_covers_one_given_by_file_below_it(folder: Path, write: Write) -> None:
    write('[broker]\nurl = "mqtt://b"\nusername = "u"\npassword_file = "missing.txt"')
    assert credentials_of(load({"LAYERLINE_BROKER__PASSWORD": "{odd"})) == ("u", "{odd")


def test_every_secret_is_masked_in_the_log_from_then_on(folder: Path, write: Write) -> None:
    write(
        '[broker]\nurl = "mqtt://u:urlpassword@b"\npassword = "keypassword"\n'
        f'[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "{SLACK}"\n'
        '[api]\ntoken = "0123456789abcdef"\n[ledger]\nurl = "postgresql://u:dbp%40ss@h/d"'
    )
    redaction = LogRedaction()
    load_configuration(environment={}, redaction=redaction).check()
    for secret in ("urlpassword", "keypassword", SLACK, "0123456789abcdef", "dbp@ss", "dbp%40ss"):
        assert redaction.clean(f"password={secret}") == "password=***"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[broker", "layerline.toml: is not TOML: Expected ']'"),
        (
            "[brokr]",
            "layerline.toml: there is no section [brokr]; did you mean [broker]? (allowed: site, broker,",
        ),
        (
            '[site]\ntimezone = "UTC"',
            "layerline.toml: site.timezone: unknown key; did you mean `time_zone`? (allowed: canc",
        ),
        (
            '[site]\ntime_zone = "Europe/Berlinn"',
            (
                'layerline.toml: site.time_zone = "Europe/Berlinn": '
                "is no IANA time zone such as Europe/Berlin; nearest: Europe/Berlin"
            ),
        ),
        (
            '[site]\nname = "a/b"',
            "layerline.toml: site.name = \"a/b\": must not hold '/', since it becomes a level",
        ),
        ('[site]\nname = "a\\uffff"', "must not hold U+FFFF, a control character or no character at all"),
        ('[[sources]]\nadapter = "native"\ntopic = "a\\ufdd0/{printer}"', "must not hold U+FDD0"),
        ("[site]\ntelemetry_days = -1", "layerline.toml: site.telemetry_days = -1: must be 0.0 or more"),
        (
            '[site]\npreparing_counts_as_printing = "maybe"',
            'layerline.toml: site.preparing_counts_as_printing = "maybe": must be true or false',
        ),
        ("site = 3", "layerline.toml: site = 3: must be a table"),
        ('sources = "octoprint"', 'layerline.toml: sources = "octoprint": must be a list'),
        (
            '[[sources]]\nadapter = "native"\ntopic = "a"\n[[sources]]\nadapter = "octoprint"',
            "layerline.toml: sources[1].topic (number 2 of [[sources]]): is missing",
        ),
        (
            '[[sources]]\nadapter = "octoprint"\ntopic = "a/#"',
            'layerline.toml: sources[0].topic (number 1 of [[sources]]) = "a/#": must not hold + or #',
        ),
        (
            '[[sources]]\nadapter = "octoprnt"\ntopic = "a"',
            'sources[0].adapter (number 1 of [[sources]]) = "octoprnt": must be one of moonraker, native',
        ),
        (
            '[[sources]]\nadapter = "native"\ntopic = "a"\n[[sources]]\nadapter = "octoprint"\ntopic = "a"',
            "layerline.toml: sources: topic 'a' is read by native=a and octoprint=a",
        ),
        (
            '[[printers]]\nname = "bay1"\nmodle = "MK4"',
            "layerline.toml: printers[0].modle (number 1 of [[printers]]): unknown key; did you mean `model`",
        ),
        (
            '[[printers]]\nname = "a"\nrename = "c"\n[[printers]]\nname = "b"\nrename = "C"',
            'printers[1].rename (number 2 of [[printers]]) = "C": entry number 1 has the name already',
        ),
        (
            '[[printers]]\nname = "a"\ntopic = "x"\n[[printers]]\nname = "a"\ntopic = "y"',
            'printers[1].name (number 2 of [[printers]]) = "a": entry number 1 has the name already',
        ),
        (
            '[[printers]]\nname = "a"\nrename = "b"\n[[printers]]\nname = "a"\nrename = "c"',
            'printers[1].name (number 2 of [[printers]]) = "a": entry number 1 is about it already; put all',
        ),
        (
            '[[printers]]\nname = "a"\ntopic = "x"\n[[printers]]\nname = "b"\ntopics = ["x/", "y"]',
            'printers[1].topics (number 2 of [[printers]]) = "x": entry number 1 has the prefix already',
        ),
        (
            '[broker]\nurl = "http://b"',
            'layerline.toml: broker.url = "http://b": must be mqtt://HOST[:PORT] or',
        ),
        ('[broker]\nurl = "mqtt://b:99999"', "or mqtts://HOST[:PORT]; Port out of range 0-65535"),
        (
            '[broker]\nurl = "mqtt://u:secret@[b"',
            'broker.url = "mqtt://u:***@[b": must be mqtt://HOST[:PORT] or',
        ),
        ('[broker]\nusername = "u"', "broker.url: is missing, though `username` or `password` is set"),
        ("[api]\nport = 70000", "layerline.toml: api.port = 70000: must be 65535 or less"),
        ('[api]\nport = "http"', 'layerline.toml: api.port = "http": must be a whole number'),
        ('[api]\nhost = "0.0.0.0"', "layerline.toml: api: host '0.0.0.0' can be reached from other machines"),
        (
            '[[alerts.receivers]]\nkind = "slak"',
            "receivers]]) = \"slak\": must be one of 'apprise', 'email', 'ntfy', 'slack'",
        ),
        ('[[alerts.receivers]]\nname = "x"', "number 1 of [[alerts.receivers]]): the key 'kind' is missing"),
        (
            '[[alerts.receivers]]\nkind = "slack"',
            (
                "alerts.receivers[0].webhook_url (number 1 of [[alerts.receivers]]): "
                "is missing (or `webhook_url_file`)"
            ),
        ),
        (
            '[[alerts.receivers]]\nkind = "slack"\nwebhook = "x"',
            (
                "alerts.receivers[0].webhook (number 1 of [[alerts.receivers]]): unknown key; "
                "did you mean `webhook_url`? (allowed: kind, name, timeout_s, webhook_url, webhook_url_file)"
            ),
        ),
        ("[embedded_broker]\nport = 0", "layerline.toml: embedded_broker.port = 0: must be 1 or more"),
        (
            "[collector]\ncommit_seconds = 0",
            "layerline.toml: collector.commit_seconds = 0: must be more than 0",
        ),
        ('[grafana]\nurl = "http://g"', "layerline.toml: there is no section [grafana]"),
        (f"[site]\ntelemetry_days = {'9' * 5_000}", "layerline.toml: holds a number of more digits than any"),
        (f"# {'x' * 1_000_000}", "layerline.toml: cannot be read: File too large"),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_value_and_remedy(text: str, said: str, write: Write) -> None:
    write(text)
    assert said in complaint()


@pytest.mark.parametrize(
    ("text", "key", "limit"),
    [
        ('[site]\nname = "{}"', "site.name", limits.SITE),
        ('[[printers]]\nname = "{}"', "printers[0].name", limits.PRINTER_NAME),
        ('[[printers]]\nname = "a"\nrename = "{}"', "printers[0].rename", limits.PRINTER_NAME),
        ('[[printers]]\nname = "a"\ngroup = "{}"', "printers[0].group", limits.GROUP),
        ('[[printers]]\nname = "a"\nmodel = "{}"', "printers[0].model", limits.MODEL),
        ('[[printers]]\nname = "a"\ntopic = "{}"', "printers[0].topic", limits.PREFIX),
        ('[[sources]]\nadapter = "native"\ntopic = "{}"', "sources[0].topic", limits.SOURCE_TOPIC),
        (
            '[[sources]]\nadapter = "native"\ntopic = "a"\nprinter = "{}"',
            "sources[0].printer",
            limits.ANNOUNCED_NAME,
        ),
        (
            '[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "https://h.invalid/x"\nname = "{}"',
            "alerts.receivers[0].name",
            limits.RECEIVER,
        ),
    ],
)
def test_a_text_that_the_ledger_could_not_keep_is_refused(
    text: str, key: str, limit: limits.TextLimit, write: Write
) -> None:
    write(text.format("x" * (limit.length + 1)))
    assert f"layerline.toml: {key}" in complaint()
    write(text.format("x" * limit.length))
    load_configuration(environment={}).check()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"LAYERLINE_BROKR__URL": "mqtt://b"},
            "environment LAYERLINE_BROKR__URL: there is no section [brokr]; did you mean [broker]?",
        ),
        (
            {"LAYERLINE_BROKER__ULR": "mqtt://b"},
            "environment LAYERLINE_BROKER__ULR: broker.ulr: unknown key; did you mean `url`?",
        ),
        (
            {"LAYERLINE_API__PORT": "x"},
            'environment LAYERLINE_API__PORT: api.port = "x": must be a whole number',
        ),
        ({"LAYERLINE_SOURCES": "[{"}, "environment LAYERLINE_SOURCES: is not JSON"),
        ({"LAYERLINE_CONFIG": "nowhere.toml"}, "environment LAYERLINE_CONFIG: there is no file nowhere.toml"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(
    environment: dict[str, str], said: str, folder: Path
) -> None:
    assert said in complaint(environment)


def test_a_wrong_flag_is_refused_by_its_name(folder: Path) -> None:
    said = complaint({}, Flag("--broker", ("broker", "url"), "tcp://b"))
    assert said.startswith('--broker = "tcp://b": must be mqtt://HOST[:PORT]')


def test_everything_that_is_wrong_is_said_at_once(write: Write) -> None:
    write('[site]\nname = ""\ntime_zone = "x"\n[api]\nport = -1')
    assert len(complaint().splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        '[broker]\nurl = "http://u:hunter2hunter2@b"',
        '[broker]\npassword = ["hunter2hunter2"]',
        '[broker]\nurl = ["mqtt://u:hunter2hunter2@b"]',
        '[api]\ntoken = "hunter2"',
        '[[alerts.receivers]]\nkind = "slack"\nwebhook_url = "hunter2hunter2"',
        '[[alerts.receivers]]\nkind = "email"\npassword = "hunter2hunter2"\nport = 0',
        '[ledger]\nurl = "mysql://u:hunter2hunter2@b/d"',
        '[ledger]\nurl = 3\npassword = "hunter2hunter2"',
    ],
)
def test_no_complaint_tells_a_secret(text: str, write: Write) -> None:
    write(text)
    assert "hunter2" not in complaint()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * 65_537, "cannot be read: File too large"),
    ],
)
def test_a_secret_file_that_is_no_use_is_named(
    content: bytes | None, said: str, folder: Path, write: Write
) -> None:
    write('[broker]\nurl = "mqtt://b"\npassword_file = "secret"')
    if content is not None:
        (folder / "secret").write_bytes(content)
    assert f"layerline.toml: broker.password_file = secret: secret {said}" in complaint()


def test_a_secret_file_without_end_is_refused(write: Write) -> None:
    write('[broker]\nurl = "mqtt://b"\npassword_file = "/dev/zero"')
    assert "broker.password_file = /dev/zero: /dev/zero cannot be read: File too large" in complaint()


def test_a_variable_that_is_not_utf_8_is_refused(folder: Path) -> None:
    assert complaint({"LAYERLINE_SITE__NAME": "a\udcff"}).endswith(": must be UTF-8 text")


@pytest.fixture
def pipe(folder: Path, write: Write) -> Path:
    """A named pipe that the broker's password is to come through."""
    os.mkfifo(folder / "secret")
    write('[broker]\nurl = "mqtt://b"\npassword_file = "secret"')
    return folder / "secret"


def test_a_pipe_that_nobody_writes_to_is_refused_in_time(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_files, "PIPE_PATIENCE_S", 0.1)
    assert "broker.password_file = secret: secret cannot be read: is no plain file" in complaint()


def test_a_pipe_whose_writer_never_ends_is_refused_in_time(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_files, "PIPE_PATIENCE_S", 0.1)
    with pipe.open("r+b", buffering=0) as writer:
        writer.write(b"a beginning")
        assert "broker.password_file = secret: secret cannot be read: is no plain file" in complaint()


def test_a_secret_comes_through_a_pipe(pipe: Path) -> None:
    writer = threading.Thread(target=pipe.write_bytes, args=(b"through a pipe\n",))
    writer.start()
    password = load().broker.password
    writer.join()
    assert password is not None
    assert password.get_secret_value() == "through a pipe"


def test_a_secret_given_twice_in_one_place_is_refused(write: Write) -> None:
    write('[broker]\npassword = "x"\npassword_file = "y"')
    assert complaint() == "layerline.toml: set `broker.password` or `broker.password_file`, not both"


def test_what_is_wrong_is_said_once_though_two_sections_are_made_from_it(write: Write) -> None:
    write('[embedded_broker]\nport = "x"\nkind = "nope"\n')
    assert len(complaint().splitlines()) == 2


def test_a_command_is_not_stopped_by_a_section_that_it_does_not_use(write: Write) -> None:
    write("[api]\nport = -1")
    assert load().collector.client_id == "layerline-shard-0"


def test_what_a_supervisor_tells_its_children_is_no_setting(tmp_path: Path) -> None:
    plain = load_configuration(data=tmp_path, environment={}, redaction=LogRedaction())
    told = {PARENT_VARIABLE: "1", HEARTBEAT_VARIABLE: "5"}
    child = load_configuration(data=tmp_path, environment=told, redaction=LogRedaction())
    child.check()
    assert child.api == plain.api
    with pytest.raises(ConfigurationError, match="LAYERLINE_PARENT_NAME"):
        load({"LAYERLINE_PARENT_NAME": "1"})
