"""What is written to the log, and what never is."""

import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from farm.app.logs import LogFormat, LogRedaction, set_up_logging

SECRET = 'pa/ss "wörd"'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_record_is_one_line_with_instant_level_and_logger(stream: io.StringIO) -> None:
    set_up_logging(stream=stream)
    logging.getLogger("collector.service").warning("connection lost\nfor %d s", 5)
    instant, level, rest = stream.getvalue().split(maxsplit=2)
    assert instant.endswith("Z")
    assert level == "WARNING"
    assert rest == "collector.service: connection lost\n  for 5 s\n"


def test_debug_records_are_written_only_when_asked_for(stream: io.StringIO) -> None:
    set_up_logging(stream=stream)
    logging.getLogger("collector").debug("quiet")
    set_up_logging(stream=stream, verbose=True)
    logging.getLogger("collector").debug("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_json_records_can_be_read_back(stream: io.StringIO) -> None:
    set_up_logging(LogFormat.JSON, stream=stream)
    logging.getLogger("api").error("größer als %s", "je")
    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "api", "größer als je")


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize("shown", [SECRET, quote(SECRET), quote(SECRET, safe=""), repr(SECRET)])
def test_a_secret_is_masked_however_it_is_spelt(form: LogFormat, shown: str, stream: io.StringIO) -> None:
    set_up_logging(form, stream=stream, redaction=LogRedaction([SECRET]))
    logging.getLogger("alerts").info("signing in with %s", shown)
    assert "ss" not in stream.getvalue().split("with")[1]
    assert "***" in stream.getvalue()


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_secret_in_a_traceback_is_masked(form: LogFormat, stream: io.StringIO) -> None:
    set_up_logging(form, stream=stream, redaction=LogRedaction(["hunter2hunter2"]))
    try:
        raise ValueError("https://user:hunter2hunter2@mail/")  # noqa: TRY301  the traceback is what is tested
    except ValueError:
        logging.getLogger("alerts").exception("delivery failed")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert LogRedaction(["secret", "secret-and-more"]).clean("<secret-and-more>") == "<***>"


def test_a_very_short_secret_masks_nothing() -> None:
    assert LogRedaction(["a"]).clean("a banana") == "a banana"


@pytest.mark.parametrize(
    "text",
    [
        "mqtt://layerline:wrong@127.0.0.1:1883 does not answer",
        "amqp://wrong@host",
        "password=wrong&user=me",
        'refused {"password": "wrong"}',
        "invalid value 'wrong'",
        "ValueError('wrong')",
        "the password wrong was refused",
        "Password: wrong",
        "token = wrong",
        "AUTH:wrong",
    ],
)
def test_a_short_secret_is_masked_where_it_is_a_value(text: str) -> None:
    cleaned = LogRedaction(["wrong"]).clean(text)
    assert "wrong" not in cleaned
    assert cleaned == text.replace("wrong", "***")


@pytest.mark.parametrize(
    "text",
    [
        "Not authorized: wrong user or password, or not on the access list",
        "/srv/wrong/layerline/ledger.db cannot be read",
        "sqlite:////tmp/wrong-password/ledger.db",
        "password wrongly typed",
        "the wrongest of words",
        "layerline: wrong usage",
        "/etc/password: wrong/way",
    ],
)
def test_a_short_secret_leaves_paths_and_prose_as_they_are(text: str) -> None:
    assert LogRedaction(["wrong"]).clean(text) == text


def test_of_two_short_secrets_the_longer_one_is_masked_whole() -> None:
    assert LogRedaction(["open", "open-door"]).clean("x=open-door y=open") == "x=*** y=***"
