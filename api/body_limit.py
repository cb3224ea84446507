"""Requests with bodies larger than anything that can be said here are refused unread."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError

LARGEST_BODY = 65_536


class BodyLimit:
    """ASGI middleware that takes in a body before it is worked on, up to `LARGEST_BODY` bytes.

    Of a client who leaves before the end of it nothing is worked on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, or answers 413, or lets it go with its client."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        taken: list[Message] = []
        size = 0
        while not taken or taken[-1].get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            taken.append(message)
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                await _too_large()(scope, receive, send)
                return

        async def again() -> Message:
            return taken.pop(0) if taken else await receive()

        await self._app(scope, again, send)


def _too_large() -> ASGIApp:
    detail = f"a request takes at most {LARGEST_BODY} bytes"
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail).response()
