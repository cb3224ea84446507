"""A recording that a user sends us holds what we got wrong, and nobody's secrets."""

import json

import pytest

from collector.record import Redaction


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
    redacted = Redaction()(payload)
    assert hidden not in redacted
    assert json.loads(redacted).keys() == json.loads(payload).keys()


def test_the_same_person_keeps_the_same_number() -> None:
    redaction = Redaction()
    assert redaction('{"user": "alice"}') == redaction('{"user": "alice"}') == '{"user": "person-1"}'
    assert redaction('{"owner": "bob"}') == '{"owner": "person-2"}'


def test_figures_words_and_spacing_are_left_alone() -> None:
    payload = '{"eventtime":12.5,"status":{"print_stats":{"state":"printing","filename":"a b.gcode"}}}'
    assert Redaction()(payload) == payload
