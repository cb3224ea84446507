"""A recording that a user sends us holds what we got wrong, and nobody's secrets."""

import json

import pytest

from farm.model.payload_redaction import readable


@pytest.mark.parametrize(
    ("payload", "hidden"),
    [
        ('{"password": "hunter2"}', "hunter2"),
        ('{"mqtt_password":"a\\"b"}', 'a\\"b'),
        ('{"apiKey": "0123456789abcdef"}', "0123456789abcdef"),
        ('{"access_code": "12345678"}', "12345678"),
        ('{"result": {"token": "ey.J9.x"}}', "ey.J9.x"),
        ('{"url": "http://me:hunter2@cam.local/stream"}', "hunter2"),
        ('{"remoteAddress": "192.168.1.17"}', "192.168.1.17"),
        ('{"user": "alice"}', "alice"),
    ],
)
def test_secrets_are_left_out_and_the_payload_stays_json(payload: str, hidden: str) -> None:
    redacted = readable(payload.encode())
    assert hidden not in redacted
    assert json.loads(redacted).keys() == json.loads(payload).keys()


def test_figures_words_and_spacing_are_left_alone() -> None:
    payload = '{"eventtime":12.5,"status":{"print_stats":{"state":"printing","filename":"a b.gcode"}}}'
    assert readable(payload.encode()) == payload


@pytest.mark.parametrize(
    "payload",
    [
        b'{"password": "hunter2',
        b'{"password": "hunter2\\',
        b"password=hunter2&x=1",
        b"ValueError: password=hunter2",
        b"{'password': 'hunter2'}",
        b'{"token": hunter2}',
        b"Authorization: Bearer hunter2\r\n",
        b"cannot read -----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY----- of the host",
        b'{"error": "-----BEGIN PRIVATE KEY----- hunter2 and no end',
        b"\xff\xfe password: hunter2",
    ],
)
def test_secrets_of_a_payload_that_is_cut_off_or_no_json_are_left_out_too(payload: bytes) -> None:
    shown = readable(payload)
    assert "hunter2" not in shown
    assert "***" in shown


def test_a_payload_without_secrets_is_readable_as_it_is() -> None:
    assert readable(b'{"path": "a.gcode", "time": 1e999') == '{"path": "a.gcode", "time": 1e999'
