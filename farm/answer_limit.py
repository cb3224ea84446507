"""A limit for the size of an answer, which HTTP libraries do not have: they read until the end."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LARGEST_ANSWER: Final = 65_536
"""Bytes of an answer that only has to say whether something was taken."""


class TooLongAnswer(http.client.HTTPException):
    """An answer that goes on beyond what was allowed for it, or cannot be measured."""


class AnswerLimit:
    """How long the answers of one connection may be. Used for one request at a time."""

    def __init__(self) -> None:
        self.largest = LARGEST_ANSWER

    @contextmanager
    def up_to(self, largest: int) -> Iterator[None]:
        """Allow so many bytes for the answers within the block."""
        before, self.largest = self.largest, largest
        try:
            yield
        finally:
            self.largest = before

    def response_class(self) -> type[http.client.HTTPResponse]:
        """What a connection of `http.client` is to read its answers with (its `response_class`)."""
        limit = self

        class Response(_BoundedResponse):
            @property
            def largest(self) -> int:
                return limit.largest

        return Response


class _BoundedResponse(http.client.HTTPResponse):
    taken = 0

    @property
    def largest(self) -> int:
        return LARGEST_ANSWER

    def begin(self) -> None:
        """Read the head. Raises TooLongAnswer where the body is packed, though nobody asked for that."""
        super().begin()
        if self.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            # Packed, a small answer can become one of any size.
            raise TooLongAnswer("the answer is packed, which was not asked for")

    def read(self, amt: int | None = None) -> bytes:
        """Some of the body, all of it unless told otherwise. Raises TooLongAnswer."""
        room = self.largest - self.taken + 1
        data = super().read(room if amt is None else min(amt, room))
        self.taken += len(data)
        if self.taken > self.largest:
            self.close()
            raise TooLongAnswer(f"the answer is longer than {self.largest} bytes")
        if amt is None and self.length:
            raise http.client.IncompleteRead(data, self.length)
        return data
