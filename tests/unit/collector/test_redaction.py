"""A recording that a user sends us holds what we got wrong, and nobody's secrets."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.intake.sources import SourceTable
from collector.redaction import RecordingRedaction
from farm.model.payload_redaction import scrubbed
from farm.model.recording import read_recording
from tests.recordings import RECORDINGS, recording_id
from tests.recordings import sources as sources_of

SECRET = "hunter2-9f3c"
EVENT = "octoPrint/bay1/event/PrintStarted"


def redaction() -> RecordingRedaction:
    return RecordingRedaction(SourceTable([]))


def kept(payload: str, topic: str = EVENT) -> str:
    found = redaction()(topic, payload.encode())
    assert found is not None
    return found.payload


KEYS = [
    *("password", "passwd", "pwd", "psk", "pin", "secret", "token", "jwt", "apiKey", "api_key", "api-key"),
    *("X-Api-Key", "access_code", "authorization", "Authorization", "cookie", "session", "credentials"),
    *("private_key", "wifi_pass", "passphrase", "anything", "remoteAddress", "email"),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["text", "number", "list", "object", "json in json"])
def test_a_field_that_no_adapter_reads_is_left_out_whatever_it_holds(key: str, form: str) -> None:
    value = {
        "text": SECRET,
        "number": 31337421,
        "list": [SECRET, {"x": SECRET}],
        "object": {"inner": {"deep": SECRET}},
        "json in json": json.dumps({key: SECRET}),
    }[form]
    payload = kept(json.dumps({"path": "a.gcode", key: value}))
    assert SECRET not in payload
    assert "31337421" not in payload
    assert json.loads(payload) == {"path": "a.gcode"}


@pytest.mark.parametrize(
    "words",
    [
        f"Authorization: Bearer {SECRET}",
        f"Basic {SECRET}",
        f"http://cam.local/?token={SECRET}&x=1",
        f"http://me:{SECRET}@cam.local/stream",
        f"login failed, password={SECRET}",
        f"pwd: {SECRET}",
        f'{{"api_key": "{SECRET}"}}',
        f"X-Api-Key={SECRET}",
    ],
)
@pytest.mark.parametrize("field", ["error", "reason", "path"])
def test_a_secret_within_a_text_that_is_read_is_blanked(words: str, field: str) -> None:
    assert SECRET not in kept(json.dumps({field: words}))


@pytest.mark.parametrize(
    "drawn", ["0123456789abcdef0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln"]
)
def test_what_looks_drawn_by_lot_is_blanked_in_texts_and_topics(drawn: str) -> None:
    assert drawn not in scrubbed(f"key is {drawn} here")
    found = redaction()(f"octoPrint/{drawn}/event/PrintStarted", b"{}")
    assert found is not None
    assert drawn not in found.topic


@pytest.mark.parametrize("address", ["192.168.1.17", "fe80:0:0:0:1:2:3:4"])
def test_addresses_are_blanked(address: str) -> None:
    assert address not in scrubbed(f"no answer from {address}")


def test_a_topic_that_no_adapter_reads_is_left_out_and_counted() -> None:
    sieve = redaction()
    assert sieve("home/alarm/code", b"4711") is None
    assert sieve.left_out == 1


def test_what_was_left_out_is_named() -> None:
    sieve = redaction()
    sieve(EVENT, b'{"path": "a.gcode", "remoteAddress": "x", "size": 5}')
    assert sieve.fields_left_out == {"remoteAddress": 1, "size": 1}


def test_the_same_person_keeps_the_same_number() -> None:
    sieve = redaction()
    said = [sieve(EVENT, json.dumps({"user": name}).encode()) for name in ("alice", "bob", "alice")]
    assert [json.loads(each.payload)["user"] for each in said if each] == ["person-1", "person-2", "person-1"]


@pytest.mark.parametrize(
    "name", ["a b.gcode", "gearbox_cover_v4_0.2mm_PLA_MK4S_2h33m.gcode", "Größe Ø 3.gcode", "x/y z.gcode"]
)
def test_file_names_stay(name: str) -> None:
    assert json.loads(kept(json.dumps({"path": name}))) == {"path": name}


def test_what_cannot_be_read_keeps_its_form_only() -> None:
    assert kept('{"pwd": hunter2, [1') == '{"xxx": xxxxxx0, [0'


@given(st.text(min_size=1, max_size=300))
def test_of_any_text_that_cannot_be_read_no_letter_is_kept(payload: str) -> None:
    assume(not payload.lstrip().startswith("{") and payload.strip() not in ("connected", "disconnected"))
    found = redaction()(EVENT, payload.encode("utf-8", "surrogatepass"))
    assert found is not None
    assert found.payload.encode()
    assert set(found.payload) & set(string.ascii_letters + string.digits) <= set("xX0")


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["path", "user", "time", "error", "pwd", "psk"]), _values))
def test_of_any_object_only_fields_that_are_read_are_kept(said: dict[str, object]) -> None:
    payload = kept(json.dumps(said))
    assert set(json.loads(payload)) == set(said) - {"pwd", "psk"}
    assert payload.encode()


@pytest.mark.parametrize(
    "word", ["a" * 32_000, "a=" * 16_000, "key" * 10_000, "1." * 16_000, "Bearer " * 5_000]
)
def test_a_long_word_takes_no_time(word: str) -> None:
    assert len(scrubbed(word)) <= 40_000


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_a_redacted_recording_tells_its_adapter_the_same(path: Path) -> None:
    """Every observation that came of the recording comes of what is left of it, names of people aside."""
    messages = list(read_recording(path))
    sources = SourceTable(sources_of(path))
    sieve = RecordingRedaction(sources)
    plain: dict[str, Any] = {}
    redacted: dict[str, Any] = {}
    for message in messages:
        found = sources.match(message.topic)
        if found is None:
            continue
        told = sieve(message.topic, message.raw)
        assert told is not None
        memory, other = (
            kind.setdefault(found.prefix, found.adapter.new_memory()) for kind in (plain, redacted)
        )
        before = found.adapter.read(memory, found.suffix, message.raw, message.retain)
        after = found.adapter.read(other, found.suffix, told.payload.encode(), message.retain)
        assert repr(before).replace("='operator'", "='person-1'") == repr(after)
