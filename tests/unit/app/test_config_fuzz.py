"""Whatever stands in file, environment and flags is taken, or refused in words that name the key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.notifiers import notifier_types
from alerts.rules import rule_types
from collector.intake.sources import SourceTable
from farm.app.config import SECTIONS, Configuration, Flag, load_configuration, section_model
from farm.app.config_models import written_settings
from farm.app.logs import LogRedaction
from farm.errors import ConfigurationError
from farm.ledger.engine import ledger_engine

KEYS = sorted({name for section in SECTIONS for name, _ in written_settings(section_model(section))})
RECEIVERS: dict[str, dict[str, Any]] = {
    "apprise": {"kind": "apprise", "url": "json://h.invalid/x"},
    "email": {"kind": "email", "host": "h", "sender": "a@h.invalid", "recipients": ["b@h.invalid"]},
    "ntfy": {"kind": "ntfy", "topic": "t"},
    "slack": {"kind": "slack", "webhook_url": "https://h.invalid/x"},
    "webhook": {"kind": "webhook", "url": "https://h.invalid/x"},
}
RULES = {kind: set(rule.settings_type.model_fields) for kind, rule in rule_types().items()}
assert RECEIVERS.keys() == notifier_types().keys()

SPECIAL = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "a\nb",
        "\u202e",
        "+",
        "#",
        "a/b",
        "/",
        "{printer}",
        "{",
        "x" * 70_000,
        "99999999999999999999",
        "-1",
        "nan",
        "1e999",
        "mqtt://h:99999",
        "mqtt://h:port",
        "mqtt://[::1",
        "mqtt://u:p%zz@h",
        "http://h:99999",
        "http://[x]",
        "https://h\ufffd",
        "sqlite://?timeout=abc",
        "sqlite:///f.db?nonsense=1",
        "sqlite:///f.db?timeout=5",
        "sqlite:///f.db?mode=ro&uri=true",
        "postgresql://h:port/d",
        "postgresql://h:99999/d",
        "postgresql://u@h/d?connect_timeout=abc",
        "9" * 5_000 + "h",
        "Europe/../etc",
        "a@b@c",
    ]
)
TEXTS = st.one_of(SPECIAL, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.integers(), st.integers(min_value=2**70), st.floats(), st.dates(), st.times()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """The value as TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f") if value.isascii() else quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(key)} = {toml(item)}' for key, item in value.items())}}}"
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(sign):08x}" for sign in text) + '"'


def placed(name: str, value: Any) -> tuple[dict[str, Any], str]:
    """A tree with the value at the setting, all else as it must be; and the name under which it is missed."""
    *tables, key = name.split(".")
    entry: dict[str, Any] = {key: value}
    having = [kind for kind in RECEIVERS if key in notifier_types()[kind].settings_type.model_fields]
    receiver = RECEIVERS[having[-1] if having else "email"]
    needed: Mapping[str, dict[str, Any]] = {
        "sources[]": {"adapter": "native", "topic": "a"},
        "printers[]": {"name": "a"},
        "calendars[]": {"name": "a", "hours": "mon-fri 08:00-18:00"},
        "targets[]": {"indicator": "utilization", "low": 0.5},
        "receivers[]": receiver,
        "rules[]": {"kind": next((kind for kind in RULES if key in RULES[kind]), "failed_streak")},
    }
    for table in reversed(tables):
        whole = needed.get(table, {}) | entry
        entry = {table.removesuffix("[]"): [whole] if table.endswith("[]") else whole}
    if "." not in name:
        return entry, name
    return entry, key


def used(found: Configuration) -> None:
    """All that is worked out of the configuration before anything is opened."""
    found.check()
    assert 0 < found.broker.address.port < 65_536
    SourceTable(found.sources).filters  # noqa: B018
    ledger_engine(found.ledger.url).dispose()


def outcome(**given_settings: Any) -> str | None:
    """What is said of the configuration, None where it is taken. Raises nothing else."""
    try:
        used(load_configuration(redaction=LogRedaction(), **given_settings))
    except ConfigurationError as error:
        return str(error)
    return None


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "layerline.toml"


COMMON = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@COMMON
@given(name=st.sampled_from(KEYS), value=VALUES)
@example(name="alerts.receivers[].ca_file", value="x" * 5_000)
@example(name="alerts.receivers[].kind", value="9" * 5_000)
def test_a_value_in_the_file_is_taken_or_its_key_is_named(name: str, value: Any, file: Path) -> None:
    tree, key = placed(name, value)
    file.write_text("".join(f"{table} = {toml(item)}\n" for table, item in tree.items()), "utf-8")
    said = outcome(environment={})
    assert said is None or (key in said and len(said) < 3_000 and "Traceback" not in said), said


@COMMON
@given(name=st.sampled_from(KEYS), value=TEXTS | VALUES.map(lambda value: json.dumps(value, default=str)))
@example(name="api.host", value="x" * 5_000)
def test_a_value_in_the_environment_is_taken_or_its_key_is_named(name: str, value: str, file: Path) -> None:
    variable = "LAYERLINE_" + name.replace("[]", "").replace(".", "__").upper()
    said = outcome(environment={variable: value.replace("\0", "")})
    section = name.replace("[]", "").split(".")[0]
    assert said is None or (section in said.lower() and len(said) < 3_000), said


@COMMON
@given(name=st.sampled_from(KEYS), value=SCALARS)
@example(name="embedded_broker.host", value="#")
@example(name="embedded_broker.host", value="::1")
@example(name="api.token_name", value="mqtt://[::1")
def test_a_value_of_a_flag_is_taken_or_the_flag_is_named(name: str, value: Any, file: Path) -> None:
    path = tuple(name.replace("[]", "").split("."))
    said = outcome(environment={}, flags=[Flag("--flag", path, value)])
    assert said is None or "--flag" in said or path[0] in said, said


@COMMON
@given(text=st.one_of(st.text(max_size=60), st.text("[]{}=\"'.,#\n ab1", max_size=60)), mark=st.booleans())
def test_any_text_is_a_file_that_is_taken_or_refused(text: str, mark: bool, file: Path) -> None:
    file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.encode("utf-8", "replace"))
    said = outcome(environment={})
    assert said is None or "layerline.toml" in said, said


@COMMON
@given(octets=st.binary(max_size=60))
def test_any_bytes_are_a_file_that_is_taken_or_refused(octets: bytes, file: Path) -> None:
    file.write_bytes(octets)
    said = outcome(environment={})
    assert said is None or "layerline.toml" in said, said


DEEP = 20_000


@pytest.mark.parametrize(
    "text",
    [
        f"site = {'[' * DEEP}{']' * DEEP}",
        f"site = {'{a=' * DEEP}1{'}' * DEEP}",
        f"{'site.' * 1_000}a = 1",
        f"[{'site.' * 500}a]\nb = 1",
    ],
)
def test_a_file_nested_without_end_is_refused(text: str, file: Path) -> None:
    file.write_text(text)
    assert "layerline.toml: is nested deeper than" in str(outcome(environment={}))


def test_a_variable_nested_without_end_is_refused(file: Path) -> None:
    said = outcome(environment={"LAYERLINE_SOURCES": "[" * DEEP + "]" * DEEP})
    assert "environment LAYERLINE_SOURCES: is nested deeper than" in str(said)
    said = outcome(environment={"LAYERLINE_SITE" + "__A" * DEEP: "1"})
    assert "is nested deeper than" in str(said)


def test_a_file_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[site]\r\nname = "hall"\r\n')
    assert load_configuration(environment={}).site.name == "hall"


def test_a_secret_of_a_file_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_text('[broker]\nurl = "mqtt://h"\npassword_file = "p"\n')
    (file.parent / "p").write_bytes(b"\xef\xbb\xbfsecret\r\n")
    assert load_configuration(environment={}).broker.address.password == "secret"
