"""What every adapter makes of bytes, figures and texts, and how adapters are found."""

import pytest

from collector.adapters import adapter, adapters
from collector.adapters._json import MAX_PAYLOAD, number, salvage, text
from farm.errors import ConfigurationError, UnreadableMessage


def reason(payload: bytes) -> str:
    with pytest.raises(UnreadableMessage) as caught:
        salvage(payload)
    return caught.value.reason


def test_a_payload_may_be_a_megabyte_and_no_more() -> None:
    assert MAX_PAYLOAD == 1_000_000
    assert salvage(b'{"a": 1}'.ljust(MAX_PAYLOAD)) == {"a": 1}
    assert reason(b'{"a": 1}'.ljust(MAX_PAYLOAD + 1)) == "too_large"


def test_an_object_is_taken_whatever_its_fields_hold() -> None:
    assert salvage('{"a": [1, null, "ä"], "b": {}}'.encode()) == {"a": [1, None, "ä"], "b": {}}


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"a": 1}{', "not_json"),
        (b"\xff{}", "not_utf8"),
        (b"[]", "wrong_shape"),
        (b'"a"', "wrong_shape"),
        (b"null", "wrong_shape"),
        (b'{"a": NaN}', "not_finite"),
        (b'{"a": -Infinity}', "not_finite"),
    ],
)
def test_anything_else_is_refused_by_a_fixed_word(payload: bytes, word: str) -> None:
    assert reason(payload) == word


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (7, 7.0),
        (0, 0.0),
        (-1.5, -1.5),
        ("2.5", 2.5),
        (" 3 ", 3.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        (False, None),
        (None, None),
        ([1], None),
        ({}, None),
    ],
)
def test_a_figure_is_a_finite_number_also_from_text(value: object, found: float | None) -> None:
    assert number(value) == found
    assert number(value) is None or type(number(value)) is float


@pytest.mark.parametrize(("value", "found"), [("a", "a"), (" ", " "), ("", None), (7, None), (None, None)])
def test_a_text_is_one_that_is_not_empty(value: object, found: str | None) -> None:
    assert text(value) == found


def test_every_protocol_has_an_adapter_by_its_name() -> None:
    assert {"moonraker", "native", "octoprint"} <= set(adapters())
    assert not {"base", "_json"} & set(adapters())
    assert all(adapter(kind).kind == kind for kind in adapters())


def test_an_adapter_that_there_is_not_is_refused_with_all_there_are() -> None:
    with pytest.raises(ConfigurationError) as caught:
        adapter("marlin")
    allowed = ", ".join(sorted(adapters()))
    assert str(caught.value) == f"adapter 'marlin' does not exist; allowed: {allowed}"
