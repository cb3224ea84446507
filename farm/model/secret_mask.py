"""Secrets made unreadable in logs, answers and what is shown, and nothing else with them."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST_SECRET = 4
"""Shorter ones are values everywhere, and protect nothing."""
UNMISTAKABLE = 12
"""A secret of so many characters stands nowhere by chance."""

_AFTER_A_NAME = "|".join(
    f"(?<=(?i:{name}){sign})" for name in ("password", "token", "secret") for sign in (" ", ": ", " = ")
)
"""Behind what a value stands in prose."""


class SecretMask:
    """The secrets that must not be shown, and the masking of them.

    A long secret is masked wherever it stands. A short one may well be a word (`wrong`) or a piece of
    a path, so it is masked only where it stands as a value: in the credentials of an address, behind
    `=` or `:`, after a word such as `password`, or alone in quotes.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: list[str] = []
        self._words: list[str] = []
        self._as_value: re.Pattern[str] | None = None
        for secret in secrets:
            self.register(secret)

    def register(self, secret: str) -> None:
        """Mask `secret` from now on, also where it stands URL-encoded or as a JSON text."""
        if len(secret) < _SHORTEST_SECRET:
            return
        encoded = (quote(secret, safe=""), quote(secret), quote_plus(secret))
        spellings = {secret, *encoded, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        # The longest first, so that no remainder of a secret that holds another stays behind.
        if len(secret) >= UNMISTAKABLE:
            self._spellings = sorted({*self._spellings, *spellings}, key=len, reverse=True)
            return
        self._words = sorted({*self._words, *spellings}, key=len, reverse=True)
        self._as_value = _value_pattern(self._words)

    def clean(self, text: str) -> str:
        """The text with every known secret masked."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        if self._as_value is not None and any(word in text for word in self._words):
            text = self._as_value.sub(MASK, text)
        return text


def _value_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Where one of the words stands as a value. Only the word itself is matched."""
    word = "|".join(re.escape(each) for each in words)
    return re.compile(
        rf"(?:(?<=[=:])|(?<=//))(?:{word})(?=$|[\s@&,;)\]}}\"'])"
        rf"|(?<=([\"'`]))(?:{word})(?=\1)"
        rf"|(?:{_AFTER_A_NAME})(?:{word})(?![\w/])"
    )
