"""Taking secrets out of what printers publish, before others see it."""

import re

_HIDDEN = "***"
_SECRET = re.compile(
    r'("[^"]*(?:passw|passphrase|secret|token|api_?key|access_?code|auth|credential|session|private)[^"]*"\s*:\s*")'
    r'((?:[^"\\]|\\.)*)("|\\?\Z)',  # the end may have been cut off
    re.IGNORECASE,
)
_PERSON = re.compile(r'("(?:user|username|owner|displayName|email|_user)"\s*:\s*")((?:[^"\\]|\\.)+)(")')
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_URL_LOGIN = re.compile(r"(\w+://)[^/@\s\"]+@")
_LOOSE_SECRET = re.compile(
    r"""((?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?code|authorization)['"]?\s*[:=]\s*['"]?)"""
    r"""((?:(?:bearer|basic)\s+)?[^'"\s,;&{}]+)""",
    re.IGNORECASE,
)


class PayloadRedaction:
    """Takes secrets and personal data out of a payload, and leaves its form as it was.

    Passwords, tokens and keys are blanked; people get numbers in the order of their
    appearance, so that it stays visible who was the same; addresses become 0.0.0.0.
    """

    def __init__(self) -> None:
        self._people: dict[str, str] = {}

    def __call__(self, payload: str) -> str:
        """The payload without secrets."""
        payload = _SECRET.sub(rf"\g<1>{_HIDDEN}\g<3>", payload)
        payload = _URL_LOGIN.sub(rf"\g<1>{_HIDDEN}@", payload)
        payload = _PERSON.sub(self._numbered, payload)
        return _ADDRESS.sub("0.0.0.0", payload)  # noqa: S104 - a placeholder, nothing listens there

    def _numbered(self, found: re.Match[str]) -> str:
        number = self._people.setdefault(found[2], f"person-{len(self._people) + 1}")
        return f"{found[1]}{number}{found[3]}"


def readable(payload: bytes) -> str:
    """The beginning of a payload of any form as text without secrets; what is no UTF-8 becomes `\ufffd`."""
    text = PayloadRedaction()(payload.decode("utf-8", "replace"))
    return _LOOSE_SECRET.sub(rf"\g<1>{_HIDDEN}", text)
