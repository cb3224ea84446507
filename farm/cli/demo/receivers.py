"""Stand-ins for Slack and a mail server: they take what is sent and tell it."""

import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from farm.model.clock import system_clock

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

LOOPBACK = "127.0.0.1"
_MOST_BYTES = 1_000_000
_LONGEST_LINE = 200

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]*)\|([^>]*)>")
_SIGNS = {
    ":x:": "✗",
    ":white_check_mark:": "✓",
    ":heavy_minus_sign:": "–",
    ":grey_question:": "?",
    "*": "",
    "`": "",
}

Arrived = Callable[[str, str], None]
"""Told of each message: by which receiver it came, and its text."""


class SlackStandIn:
    """An HTTP server that takes webhook messages as Slack does."""

    def __init__(self, port: int, arrived: Arrived) -> None:
        self._server = ThreadingHTTPServer((LOOPBACK, port), _handler(arrived))
        self._thread = Thread(target=self._server.serve_forever, name="slack stand-in", daemon=True)

    @property
    def url(self) -> str:
        """The address of its webhook."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}/services/demo"

    def start(self) -> None:
        """Begin to take messages."""
        self._thread.start()

    def stop(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(arrived: Arrived) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), _MOST_BYTES)
            try:
                message = json.loads(self.rfile.read(length))
            except ValueError:
                self._answer(400, b"invalid_payload")
                return
            text = slack_text(message)
            if not text:
                self._answer(400, b"no_text")
                return
            arrived("Slack", text)
            self._answer(200, b"ok")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: what arrived is told elsewhere."""

    return Handler


def slack_text(message: Any) -> str:
    """What a Slack message says, as Slack would show it: the texts of its blocks, one a line."""
    if not isinstance(message, dict):
        return ""
    texts = _texts(message.get("blocks")) or [str(message.get("text", ""))]
    return "\n".join(line[:_LONGEST_LINE] for text in texts for line in _shown(text).splitlines())


def _shown(text: str) -> str:
    """The text with Slack's marks carried out: dates, links, emphasis, signs."""
    text = _DATE.sub(r"\1", text)
    text = _LINK.sub(r"\2: \1", text)
    for mark, sign in _SIGNS.items():
        text = text.replace(mark, sign)
    for escaped, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, sign)
    return text


def _texts(block: Any) -> list[str]:
    """Every text inside a block, in order."""
    if isinstance(block, list):
        return [text for item in block for text in _texts(item)]
    if not isinstance(block, dict):
        return []
    own = [block["text"]] if isinstance(block.get("text"), str) else []
    return own + [
        text for value in block.values() if isinstance(value, dict | list) for text in _texts(value)
    ]


class MailStandIn:
    """An SMTP server that takes mail for anybody."""

    def __init__(self, port: int, arrived: Arrived) -> None:
        from aiosmtpd.controller import Controller

        self.port = port
        self._controller = Controller(_MailBox(arrived), hostname=LOOPBACK, port=port)

    def start(self) -> None:
        """Begin to take mail."""
        self._controller.start()

    def stop(self) -> None:
        """Give the port back."""
        self._controller.stop()


class _MailBox:
    """What aiosmtpd hands each mail to."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived

    async def handle_DATA(self, _server: object, _session: "Session", envelope: "Envelope") -> str:  # noqa: N802  aiosmtpd's name
        """Take one mail."""
        content = envelope.content or b""
        mail = message_from_bytes(
            content if isinstance(content, bytes) else content.encode(), policy=policy.default
        )
        body = mail.get_body(("plain",))
        text = str(body.get_content()).strip() if body is not None else ""
        to = ", ".join(envelope.rcpt_tos)
        self._arrived("mail", f"To: {to}\nSubject: {mail['Subject']}\n\n{text}")
        return f"250 taken at {system_clock()}"
