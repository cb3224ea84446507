"""What of a message may leave the farm: what the adapters read of it, and nothing else.

A list of words that name secrets is never complete. So everything is left out that no adapter
reads, and only within the texts that one does read are secrets looked for.
"""

import json
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.adapters.base import Fields
from collector.intake.sources import SourceTable
from farm.model.payload_redaction import HIDDEN, LONGEST_TEXT, scrubbed

_PEOPLE = frozenset({"user", "operator"})
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
