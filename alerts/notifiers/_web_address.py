"""What can be the address of a receiver on the web."""

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Whether it is http or https with a host and a usable port, and holds no blank."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and not any(sign.isspace() for sign in text)


def is_plain_web_address(text: str) -> bool:
    """Whether it is one that can be asked as it stands: ASCII, with no password, no fragment."""
    if not is_web_address(text) or not text.isascii():
        return False
    parts = urlsplit(text)
    return parts.username is None and parts.password is None and not parts.fragment
