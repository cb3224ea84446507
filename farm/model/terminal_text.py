"""Text of anybody's made harmless for a terminal, a log and whoever reads them."""

import re
import unicodedata

# Control characters can move the cursor and give a terminal commands; direction characters make
# a text read otherwise than it is; line separators end a line where none ends.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def plain(text: str) -> str:
    r"""The text on one line, with what could steer a terminal or the reader's eye written out: `\x1b`."""
    return _HARMFUL.sub(_written_out, text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines, which it keeps."""
    return "\n".join(plain(line) for line in text.replace("\r\n", "\n").split("\n"))


def plain_json(document: str) -> str:
    """The JSON document with the same values, in which nothing can steer a terminal."""
    # What is below a blank is written out in texts already; outside of them it is layout.
    return _HARMFUL.sub(lambda found: found[0] if found[0] < " " else f"\\u{ord(found[0]):04x}", document)


def _written_out(found: re.Match[str]) -> str:
    sign = found[0]
    shown = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(sign)
    if shown is None:
        shown = f"\\x{ord(sign):02x}" if unicodedata.category(sign) == "Cc" else f"\\u{ord(sign):04x}"
    return shown
