"""Which characters no name and no setting may hold: nothing that has to carry them on can."""

import re
from typing import Final

_PLANES = range(0, 0x110000, 0x10000)
_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in _PLANES)
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_BREAKS = "\t\n\r"
_SURROGATES = "\ud800-\udfff"

UNWRITABLE: Final = re.compile(f"[{_CONTROL}{_BREAKS}{_SURROGATES}{_NO_CHARACTERS}]")
"""Control characters, half pairs, and the code points that Unicode will never make characters.

A broker may cut off whoever publishes one in a topic (MQTT 3.1.1, 1.5.3), and Mosquitto does for each
of them. Databases, file systems and terminals have no room for others.
"""
UNWRITABLE_IN_LINES: Final = re.compile(f"[{_CONTROL}{_SURROGATES}{_NO_CHARACTERS}]")
"""The same for a text of several lines."""
