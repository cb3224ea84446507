"""What every adapter makes of bytes, figures and texts, and how adapters are found."""

import json

import msgspec
import pytest

from collector.adapters import adapter, adapters
from collector.adapters._json import MAX_PAYLOAD, WireDecoder, number, salvage, shown, text
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


# -- field by field -------------------------------------------------------------------------


class Inner(msgspec.Struct):
    depth: int | None = None


class Wire(msgspec.Struct):
    plain: int = 0
    count: int | None = None
    ratio: float | None = None
    word: str | None = None
    inner: Inner | None = None
    broken: int = 0


DECODER = WireDecoder(Wire)


def loosely(**fields: object) -> tuple[Wire, tuple[str, ...]]:
    """What is read beside a field that keeps the whole from being read in one go."""
    return DECODER.decode(json.dumps(fields | {"broken": []}).encode())


def test_a_sound_payload_is_read_in_one_go_up_to_a_megabyte() -> None:
    padding = MAX_PAYLOAD - len(b'{"count":7}')
    assert DECODER.strictly(b'{"count":7}' + b" " * padding) == Wire(count=7)
    assert DECODER.strictly(b'{"count":7}' + b" " * (padding + 1)) is None
    assert DECODER.strictly(b'{"count":"7"}') is None
    assert DECODER.decode(b'{"count":7}') == (Wire(count=7), ())


def test_a_figure_is_also_read_from_text_and_a_text_never_as_a_figure() -> None:
    found, refused = loosely(plain=" 7 ", count=" 8 ", ratio=" 0.5 ", word="9")
    assert found == Wire(plain=7, count=8, ratio=0.5, word="9")
    assert refused == ("broken is list",)


def test_each_field_that_cannot_be_read_is_named_and_the_others_stay() -> None:
    found, refused = loosely(plain="soon", count={}, ratio=0.5, inner=7)
    assert found == Wire(ratio=0.5)
    assert refused == ("plain is 'soon'", "count is dict", "inner is 7", "broken is list")
    found, refused = loosely(inner={"depth": []})
    assert found == Wire(inner=Inner())
    assert refused == ("inner.depth is list", "broken is list")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 60, repr("a" * 60)),
        ("a" * 61, repr("a" * 60)),
        (10**40 - 1, str(10**40 - 1)),
        (10**40, "an integer without end"),
        (1 - 10**40, str(1 - 10**40)),
        (-(10**40), "an integer without end"),
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        ([1], "list"),
    ],
)
def test_a_value_is_shown_shortly(value: object, words: str) -> None:
    assert shown(value) == words


@pytest.mark.parametrize(("digits", "kind"), [(40, int), (41, float)])
def test_an_integer_of_more_than_forty_digits_costs_nothing(digits: int, kind: type) -> None:
    found = salvage(b'{"a": ' + b"1" * digits + b"}")["a"]
    assert type(found) is kind
    assert found == pytest.approx(int("1" * digits))
