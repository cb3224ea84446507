"""Where a page of a list ends: `next` of the page, handed back as `after`.

A mark holds the sort key of the page's last entry, so that the next page goes on strictly after it
whatever was added meanwhile. To everybody else it is a word without meaning.
"""

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec

from farm.errors import InvalidInput

MarkT = TypeVar("MarkT", bound=msgspec.Struct)
MarkedNumber = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An instant or a number in a mark that anybody may have written: what the database can compare with."""
MarkedId = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[!-~]*$")]
"""An id in a mark, likewise."""


def page_mark(end: msgspec.Struct) -> str:
    """The mark of a page that ends with the entry of this sort key; it needs no escaping in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(end)).decode().rstrip("=")


def page_end(mark: str, kind: type[MarkT], entries: str) -> MarkT:
    """The sort key in a mark. Raises InvalidInput where it is none of a page of such `entries`."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)), type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        remedy = f"`next` of the page before is the mark of a page of {entries}"
        raise InvalidInput("after", mark, remedy) from error
