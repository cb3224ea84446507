"""What of a message may leave the farm: what the adapters read of it, and nothing else.

A list of words that name secrets is never complete. So everything is left out that no adapter
reads, and only within the texts that one does read are secrets looked for.
"""

import json
import re
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.adapters.base import Fields
from collector.intake.sources import SourceTable

HIDDEN = "***"
LONGEST_TEXT = 2_000
"""Characters of a text that are kept; a longer one is no file name and no message of a printer."""
_PEOPLE = frozenset({"user", "operator"})
_NAMES_A_SECRET = re.compile(
    r"passw|passphrase|(?:^|[^a-z])(?:pass|pin|psk|key|code)$|pwd$|(?:api|access|private|secret)[_-]?(?:key|code)"
    r"|secret|token|jwt|auth|bearer|basic|cookie|credential|session|login",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"([\w.\-]{1,64})(\"?\s{0,3}[=:]\s{0,3}\"?)([^\s\"&;,?=]+)")
_SCHEME = re.compile(r"\b(Bearer|Basic|Token|Digest)\s+\S+", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(\w{1,16}://)[^/@\s\"]{1,512}@")
_ADDRESS = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{0,4}", re.IGNORECASE
)
_LOOKS_DRAWN = re.compile(
    r"\beyJ[\w\-]{8,}(?:\.[\w\-]*){0,2}|\b(?=[A-Za-z]{0,64}\d)(?=\d{0,64}[A-Za-z])[A-Za-z0-9]{24,}\b"
)
_SIGNS = str.maketrans(string.ascii_letters + string.digits, "x" * 26 + "X" * 26 + "0" * 10)


class Redacted(NamedTuple):
    """Topic and payload of a message as they may be handed on."""

    topic: str
    payload: str


class RecordingRedaction:
    """Takes the messages of a broker and gives what of each may be handed on.

    `left_out` counts the messages that no adapter reads; `fields_left_out` names the fields that were
    dropped of the others. People get numbers in the order of their appearance, so that it stays
    visible who was the same; addresses become 0.0.0.0.
    """

    def __init__(self, sources: SourceTable) -> None:
        self._sources = sources
        self._people: dict[str, str] = {}
        self.left_out = 0
        self.fields_left_out: dict[str, int] = {}

    def __call__(self, topic: str, payload: bytes) -> Redacted | None:
        """The message without secrets and personal data, None where no adapter reads it."""
        found = self._sources.match(topic)
        if found is None:
            self.left_out += 1
            return None
        fields = found.adapter.recorded_fields(found.suffix)
        prefix = "/".join(scrubbed(level) for level in found.prefix.split("/"))
        return Redacted(f"{prefix}/{found.suffix}", self._payload(payload, fields, found.adapter.plain_words))

    def _payload(self, payload: bytes, fields: Fields, words: Sequence[str]) -> str:
        text = payload.decode("utf-8", "replace")
        if not text or text.strip() in words:
            return text
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return self._shape(text)
        if not isinstance(said, dict):
            return self._shape(text)
        return json.dumps(self._kept(said, fields), ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def _shape(text: str) -> str:
        """The form of what could not be read: its signs stay, letters and digits do not."""
        return text[:LONGEST_TEXT].translate(_SIGNS)

    def _kept(self, said: dict[str, Any], fields: Fields) -> dict[str, Any]:
        kept = {}
        for name, value in said.items():
            if name in fields:
                kept[name] = self._value(name, value, fields[name])
            else:
                self.fields_left_out[name] = self.fields_left_out.get(name, 0) + 1
        return kept

    def _value(self, name: str, value: Any, inner: Fields | None) -> Any:
        if isinstance(value, str):
            return self._person(value) if name in _PEOPLE else scrubbed(value)
        if value is None or isinstance(value, int | float):
            return value
        if inner is None:
            return HIDDEN
        if isinstance(value, list):
            return [self._value(name, each, inner) for each in value]
        return self._kept(value, inner)

    def _person(self, name: str) -> str:
        return self._people.setdefault(name, f"person-{len(self._people) + 1}") if name else name


def scrubbed(text: str) -> str:
    """The text without what in it looks like a secret, a login or an address; linear in its length."""
    text = text[:LONGEST_TEXT]
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    text = _URL_LOGIN.sub(rf"\g<1>{HIDDEN}@", text)
    text = _ASSIGNED.sub(_without_secret, text)
    text = _LOOKS_DRAWN.sub(HIDDEN, text)
    return _ADDRESS.sub("0.0.0.0", text)  # noqa: S104 - a placeholder, nothing listens there


def _without_secret(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if _NAMES_A_SECRET.search(found[1]) else found[0]
