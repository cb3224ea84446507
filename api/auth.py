"""Who may ask: a bearer token, or the cookie that signing in with it gives a browser.

Without a token the API stands open, but only on loopback and only under host names of
this machine, so that a web page elsewhere cannot reach it by pointing a name of its own
here (DNS rebinding).
"""

import hashlib
import hmac
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import ProblemError
from api.settings import is_loopback
from farm.model.clock import Clock
from farm.model.times import DAY_MS, SECOND_MS

COOKIE = "layerline_session"
LOGIN_PATH = "/login"
OPEN_PATHS = frozenset({LOGIN_PATH, "/logout", "/favicon.ico", "/health/live", "/health/ready"})
OPEN_PREFIXES = ("/page/", "/api/v1/health/")


class SignIn:
    """Checks tokens, and makes and checks the cookies that stand for them.

    A cookie holds its end and a keyed hash of it, never the token; a new token ends them all.
    """

    def __init__(self, token: str, session_days: int, clock: Clock) -> None:
        self._token = token.encode()
        self._session_ms = session_days * DAY_MS
        self._clock = clock

    def is_token(self, offered: str) -> bool:
        """Whether `offered` is the token, in time that does not depend on where it differs."""
        return hmac.compare_digest(offered.encode(), self._token)

    def admit(self, response: Response, *, secure: bool) -> None:
        """Gives the browser a cookie with the answer."""
        ends_s = (self._clock() + self._session_ms) // SECOND_MS
        response.set_cookie(
            COOKIE,
            f"{ends_s}.{self._seal(ends_s)}",
            max_age=self._session_ms // SECOND_MS,
            httponly=True,
            samesite="strict",
            secure=secure,
        )

    def allows(self, request: HTTPConnection) -> bool:
        """Whether the request carries the token or a cookie that still holds."""
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, offered = header.partition(" ")
            return scheme.casefold() == "bearer" and self.is_token(offered.strip())
        return self._holds(request.cookies.get(COOKIE, ""))

    def _holds(self, cookie: str) -> bool:
        ends, _, seal = cookie.partition(".")
        if not (ends.isascii() and ends.isdigit()) or len(ends) > len("9999999999"):
            return False
        genuine = hmac.compare_digest(seal.encode(), self._seal(int(ends)).encode())
        return genuine and int(ends) * SECOND_MS > self._clock()

    def _seal(self, ends_s: int) -> str:
        return hmac.new(self._token, f"layerline session until {ends_s}".encode(), hashlib.sha256).hexdigest()


class Gate:
    """ASGI middleware that lets through whom the settings allow and answers the others."""

    def __init__(self, app: ASGIApp, *, sign_in: SignIn | None, allowed_hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._sign_in = sign_in
        self._allowed_hosts = frozenset(host.casefold() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request itself, or hands it on."""
        refusal = self._refusal(HTTPConnection(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        if _comes_from_another_site(request):
            return ProblemError(
                HTTPStatus.FORBIDDEN, "cross-site", "another site's page may not change anything here"
            ).response()
        if self._sign_in is None:
            return self._wrong_host(request)
        path = request.url.path
        if path in OPEN_PATHS or path.startswith(OPEN_PREFIXES) or self._sign_in.allows(request):
            return None
        if path == "/":
            return RedirectResponse(LOGIN_PATH, HTTPStatus.SEE_OTHER)
        return unauthorized()

    def _wrong_host(self, request: HTTPConnection) -> Response | None:
        host = _host_name(request.headers.get("host", ""))
        if is_loopback(host) or host in self._allowed_hosts:
            return None
        return ProblemError(
            HTTPStatus.MISDIRECTED_REQUEST,
            "unknown-host",
            f"without a token the API answers only under names of this machine, not as {host[:200]!r}; "
            "set `api.token_file`, or name the host in `api.allowed_hosts`",
        ).response()


def unauthorized() -> Response:
    """The answer 401."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "send the API token as `Authorization: Bearer ...`",
        headers={"WWW-Authenticate": 'Bearer realm="layerline"'},
    ).response()


def _comes_from_another_site(request: HTTPConnection) -> bool:
    harmless = request.scope["method"] in {"GET", "HEAD", "OPTIONS"}
    return not harmless and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


def _host_name(header: str) -> str:
    """The name in a Host header, without its port; empty when there is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return ""
