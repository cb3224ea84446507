"""Taking secrets and personal data out of what printers publish, before others see it."""

import re

HIDDEN = "***"
LONGEST_TEXT = 2_000
"""Characters of a text that are kept; a longer one is no file name and no message of a printer."""
_NAMES_A_SECRET = re.compile(
    r"passw|passphrase|(?:^|[^a-z])(?:pass|pin|psk|key|code)$|pwd$|(?:api|access|private|secret)[_-]?(?:key|code)"
    r"|secret|token|jwt|auth|bearer|basic|cookie|credential|session|login",
    re.IGNORECASE,
)
_NAMES_A_PERSON = re.compile(r"^_?(?:user|username|owner|displayname|email)$", re.IGNORECASE)
# The end of what is cut off is missing.
_QUOTED = re.compile(r'"([^"\\]{1,64})"(\s{0,3}:\s{0,3})"((?:[^"\\]|\\.)*)("|\\?\Z)')
# What is assigned may itself be the name of what follows, as in "error: password=x".
_ASSIGNED = re.compile(
    r"""([\w.\-]{1,64})(["']?\s{0,3}[=:]\s{0,3}["']?)([^\s"'&;,?={}]++)(?!["']?\s{0,3}=)"""
)
_SCHEME = re.compile(r"\b(Bearer|Basic|Token|Digest)\s{1,8}\S+", re.IGNORECASE)
_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----.*?(?:-----END [A-Z ]{1,40}-----|\Z)", re.DOTALL)
_URL_LOGIN = re.compile(r"(\w{1,16}://)[^/@\s\"]{1,512}@")
_ADDRESS = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{0,4}", re.IGNORECASE
)
_LOOKS_DRAWN = re.compile(
    r"\beyJ[\w\-]{8,}(?:\.[\w\-]*){0,2}|\b(?=[A-Za-z]{0,64}\d)(?=\d{0,64}[A-Za-z])[A-Za-z0-9]{24,}\b"
)


def scrubbed(text: str) -> str:
    """The beginning of a text without what in it looks like a secret, a person, a login or an address.

    Linear in its length.
    """
    text = text[:LONGEST_TEXT]
    text = _KEY_BLOCK.sub(rf"-----BEGIN \g<1>----- {HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    text = _URL_LOGIN.sub(rf"\g<1>{HIDDEN}@", text)
    text = _QUOTED.sub(_without_quoted_secret, text)
    text = _ASSIGNED.sub(_without_secret, text)
    text = _LOOKS_DRAWN.sub(HIDDEN, text)
    return _ADDRESS.sub("0.0.0.0", text)  # noqa: S104 - a placeholder, nothing listens there


def readable(payload: bytes) -> str:
    """The beginning of a payload of any form as text without secrets; what is no UTF-8 becomes `\ufffd`."""
    # A sign of UTF-8 takes four bytes at most.
    return scrubbed(payload[: 4 * LONGEST_TEXT].decode("utf-8", "replace"))


def _without_quoted_secret(found: re.Match[str]) -> str:
    key, colon, _, end = found.groups()
    hides = _NAMES_A_SECRET.search(key) or _NAMES_A_PERSON.search(key)
    return f'"{key}"{colon}"{HIDDEN}{end}' if hides else found[0]


def _without_secret(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if _NAMES_A_SECRET.search(found[1]) else found[0]
