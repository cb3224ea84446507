"""Headers of a request that whoever runs the farm adds: names in the open, values secret.

They are a table, or as the content of a file one `Name: value` on each line.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""RFC 9110, 5.6.2: a token."""
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,3998}[\x21-\x7e])?")
_OURS = frozenset({"content-type", "content-length", "host", "connection", "transfer-encoding"})
_OF_A_WEBHOOK = frozenset({"idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature"})


def _lines(value: Any) -> Any:
    """The table that a text with a header on each line means. Raises ValueError that tells none of it."""
    if not isinstance(value, str):
        return value
    table = {}
    for number, line in enumerate(value.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, rest = line.partition(":")
        if not colon:
            raise ValueError(f"line {number} must be a header such as `Authorization: Bearer …`")
        table[name.strip()] = rest.strip()
    return table


def _usable(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    """The headers, if each can be sent. Raises ValueError that tells no value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a header is letters, digits and hyphens")
        if name.lower() in _OURS | _OF_A_WEBHOOK:
            raise ValueError(f"the header {name} is set by Layerline itself")
        if not _VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"the value of {name} must be ASCII text on one line, without blanks around it")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header is there twice")
    return headers


SecretHeaders = Annotated[dict[str, SecretStr], BeforeValidator(_lines), AfterValidator(_usable)]
