"""Bodies are taken in whole, up to a size, before anything is done with a request."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.body_limit import LARGEST_BODY, BodyLimit

LEFT: Message = {"type": "http.disconnect"}


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def ask(messages: Sequence[Message], method: str = "POST") -> tuple[bytes | None, list[Message]]:
    """The body that the application behind the limit gets, None where it is not asked, and the answer."""
    coming: Iterator[Message] = iter(messages)
    got: list[bytes] = []
    answer: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        more = True
        while more:
            message = await receive()
            got.append(message["body"])
            more = message["more_body"]

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        answer.append(message)

    asyncio.run(BodyLimit(app)({"type": "http", "method": method}, receive, send))
    return b"".join(got) if got else None, answer


def test_a_body_in_parts_is_handed_on_whole() -> None:
    assert ask([part(b"to", more=True), part(b"ken", more=False)]) == (b"token", [])


def test_a_body_of_the_largest_size_is_handed_on() -> None:
    body, answer = ask([part(b"x" * LARGEST_BODY, more=True), part(b"", more=False)])
    assert (body, answer) == (b"x" * LARGEST_BODY, [])


def test_a_larger_one_is_refused_unread() -> None:
    body, answer = ask([part(b"x" * LARGEST_BODY, more=True), part(b"x", more=True)])
    assert body is None
    assert answer[0]["status"] == 413


@pytest.mark.parametrize("begun", [[], [part(b"to", more=True)]])
def test_of_a_client_who_leaves_before_the_end_nothing_is_worked_on(begun: list[Message]) -> None:
    assert ask([*begun, LEFT]) == (None, [])
