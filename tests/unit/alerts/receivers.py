"""Real receivers on the loopback: an HTTP server and a mail server that do as they are told."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port, wait_until


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: str = "ok", **headers: str) -> Behaviour:
    """Answer with this status; `Retry_After="3"` becomes a header."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        data = body.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return behave


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang_up_in_the_middle(handler: BaseHTTPRequestHandler) -> None:
    """Promise a long answer, send a little of it and close."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    handler.wfile.flush()
    hang_up(handler)


def talk_nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Answer with what is no HTTP."""
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.wfile.flush()
    hang_up(handler)


@dataclass
class HttpReceiver:
    """Takes requests; `behaviours` are used up one a request, the last one stays."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=lambda: [answer(200)])
    release: threading.Event = field(default_factory=threading.Event)

    def behave(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    def never_answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Take the request and be silent until the test ends."""
        self.release.wait(60)
        handler.close_connection = True

    def wait_for(self, count: int, limit_s: float = 15) -> list[Request]:
        wait_until(lambda: len(self.requests) >= count, f"{count} requests came", limit_s)
        return self.requests


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """A webhook that takes everything until it is told otherwise."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.requests.append(
                Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            )
            first, *rest = receiver.behaviours
            receiver.behaviours = rest or [first]
            first(self)

        def do_HEAD(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            receiver.requests.append(Request(self.path, headers, b"", "HEAD"))
            receiver.behaviours[0](self)

        def do_GET(self) -> None:
            answer(200, "<html>please sign in</html>")(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gives up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/services/T000/B000/v3ry-s3cret-t0ken"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class MailServer:
    """Takes mail; `refusals` says what is answered to which recipient, time after time."""

    port: int = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    answer_to_data: str | None = None
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    ca_file: Path = Path()

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer_to_data is not None:
            return self.answer_to_data
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 2.0.0 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (b"layerline", b"p4ss:w0rd/?")
        if good:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=good, handled=good)


def vouched_for(ca_file: Path) -> ssl.SSLContext:
    """What a server for `localhost` speaks TLS with; the CA that vouches for it is written to `ca_file`."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(ca_file))
    return context


class _Controller(Controller):
    """Remembers whom it met, since it would leave open what is open when it stops."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.met: list[SMTP] = []

    def factory(self) -> SMTP:
        conversation: SMTP = super().factory()  # type: ignore[no-untyped-call]  # the library's
        self.met.append(conversation)
        return conversation


@contextmanager
def mail_server(
    folder: Path, security: str = "starttls", *, offer_starttls: bool = True
) -> Iterator[MailServer]:
    """A mail server for `localhost` whose certificate the CA in `ca_file` vouches for.

    Over an encrypted connection it wants the user `layerline` with the password `p4ss:w0rd/?`.
    """
    server = MailServer(port=free_port(), ca_file=folder / "ca.pem")
    context = vouched_for(server.ca_file)
    options: dict[str, Any] = {"ready_timeout": 20.0}
    if security == "starttls" and offer_starttls:
        options |= {"tls_context": context, "require_starttls": True}
    if security == "tls":
        options |= {"ssl_context": context}
    if security != "none" and offer_starttls:
        options |= {
            "authenticator": server.authenticate,
            "auth_required": True,
            "auth_require_tls": security != "tls",
        }
    controller = _Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
        wait_until(
            lambda: all(conversation.transport is None for conversation in controller.met), "all have left"
        )
    finally:
        controller.stop()
