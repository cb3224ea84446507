"""The first page, its files, and signing in to it."""

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth import COOKIE, LOGIN_PATH
from api.context import Context
from api.problems import ProblemError, not_found

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent.parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
LARGEST_FORM = 4_096
TRY_AGAIN = '<p class="wrong" role="alert">That is not the token.</p>'


class PageFile(msgspec.Struct, frozen=True):
    """One file of the page as it is sent."""

    body: bytes
    media_type: str
    tag: str


@cache
def page_files() -> dict[str, PageFile]:
    """Every file of the page by name; nothing else can be asked for."""
    return {
        path.name: PageFile(body, MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        for path in FOLDER.iterdir()
        if path.suffix in MEDIA_TYPES
        for body in [path.read_bytes()]
    }


@router.get("/")
async def index(request: Request) -> Response:
    """The first page."""
    return _answer(request, "index.html")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The mark, for browsers that ask for it under this name."""
    return _answer(request, "mark.svg")


@router.get("/page/{name}")
async def page_file(request: Request, name: str) -> Response:
    """One file of the page."""
    return _answer(request, name)


@router.get(LOGIN_PATH)
async def login_form(request: Request) -> Response:
    """The form that asks for the token."""
    return _answer(request, "login.html")


@router.post(LOGIN_PATH)
async def sign_in(request: Request, context: Context) -> Response:
    """Takes the token from the form and gives the browser a cookie for it."""
    if context.sign_in is None:
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    if not context.sign_in.is_token(await _typed_token(request)):
        form = page_files()["login.html"].body.decode().replace("<!-- wrong token -->", TRY_AGAIN)
        return HTMLResponse(form, HTTPStatus.UNAUTHORIZED)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    context.sign_in.admit(answer, secure=request.url.scheme == "https")
    return answer


@router.post("/logout")
async def sign_out() -> Response:
    """Takes the cookie back."""
    answer = RedirectResponse(LOGIN_PATH, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


async def _typed_token(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too-large",
                f"the form takes at most {LARGEST_FORM} bytes",
            )
    fields = parse_qs(body.decode("utf-8", "replace"))
    return fields.get("token", [""])[0].strip()


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name)
    if file is None:
        raise not_found("file of the page", name)
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)
