"""ntfy: a message to a topic, which phones and browsers subscribe to.

Formats and limits: https://docs.ntfy.sh/publish/#publish-as-json and `server/server.go` of
https://github.com/binwiederhier/ntfy. A message is plain text there unless it is said to be
Markdown, so names need no escaping.
"""

import base64
import json
import re
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit
from urllib.request import Request

import msgspec
from pydantic import AfterValidator, Field, SecretStr, model_validator

from alerts import wording
from alerts.notification import Notification
from alerts.notifiers._http_receiver import STEPS, HttpAnswer, ask, refusal
from alerts.notifiers._web_address import is_plain_web_address
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.plain_text import plain_text
from alerts.retry import RetryDecision
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress, NotificationReason, Severity
from farm.model.clock import Clock, system_clock
from farm.model.limits import RECEIVER

LONGEST_MESSAGE: Final = 4_095
"""Bytes of UTF-8. The limit is stated as 4,096, but one of just so many becomes an attached file."""
LONGEST_BODY: Final = 8_191
"""Bytes of the JSON: a server refuses more than twice its limit for a message, escapes counted."""
LONGEST_TITLE: Final = 250
LONGEST_CLICK: Final = 1_000
_TOPIC: Final = re.compile(r"[-_A-Za-z0-9]{1,64}")
_ROOM_FOR_TOPIC: Final = 80
"""Bytes of the longest topic with its key."""
_PROBED_PRIORITY: Final = 9
_PRIORITY_INVALID: Final = 40_007
"""ntfy's own code for a priority that does not exist, which it looks at after topic and password."""

_URGENT, _HIGH, _DEFAULT = 5, 4, 3
_PRIORITIES = {Severity.CRITICAL: _URGENT, Severity.WARNING: _HIGH, Severity.INFO: _DEFAULT}
_TAGS = {
    Severity.CRITICAL: "rotating_light",
    Severity.WARNING: "warning",
    Severity.INFO: "information_source",
}
_NO_NTFY = "answered by something that is no ntfy"

Content = dict[str, Any]


def _server(url: str) -> str:
    """The address of a server without a slash at its end. Raises ValueError when it is none."""
    if not is_plain_web_address(url) or urlsplit(url).query:
        raise ValueError("must be the address of an ntfy server such as https://ntfy.sh, without a topic")
    return url.rstrip("/")


class NtfySettings(NotifierSettings):
    """A topic on an ntfy server."""

    kind: Literal["ntfy"] = Field("ntfy", description="The kind of this receiver.")
    name: str = Field(
        "ntfy",
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs.",
    )
    server: Annotated[str, AfterValidator(_server)] = Field(
        "https://ntfy.sh", description="Address of the server."
    )
    topic: SecretStr = Field(
        description="The topic, up to 64 letters, digits, `-` and `_`. Where no password guards it, whoever "
        "knows it can read and post, so it is a secret."
    )
    token: SecretStr | None = Field(None, description="Access token (`tk_…`), instead of a password.")
    username: str | None = Field(None, min_length=1, description="Name to sign in with.")
    password: SecretStr | None = Field(None, description="Password to sign in with.")
    timeout_s: float = Field(
        10, gt=0, le=60, description="Seconds to wait for the connection and for each part of the answer."
    )

    @model_validator(mode="after")
    def _topic_can_be_one(self) -> "NtfySettings":
        if not _TOPIC.fullmatch(self.topic.get_secret_value()):
            raise ValueError("topic must be up to 64 letters, digits, - and _")
        return self

    @model_validator(mode="after")
    def _signing_in_is_whole(self) -> "NtfySettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or none")
        if self.token is not None and self.password is not None:
            raise ValueError("set a token, or a username and password, not both")
        return self

    def secrets(self) -> tuple[str, ...]:
        """Topic, token and password, and what signs in with them."""
        header = self.authorization()
        return super().secrets() + (() if header is None else (header.partition(" ")[2],))

    def authorization(self) -> str | None:
        """The header that signs in, None where nobody has to."""
        if self.token is not None:
            return f"Bearer {self.token.get_secret_value()}"
        if self.username is None or self.password is None:
            return None
        pair = f"{self.username}:{self.password.get_secret_value()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


class NtfyNotifier(Notifier[NtfySettings, Content]):
    """Publishes to one topic."""

    settings_type: ClassVar[type[NotifierSettings]] = NtfySettings
    bundles: ClassVar[bool] = True

    def __init__(self, settings: NtfySettings, clock: Clock = system_clock) -> None:
        super().__init__(settings)
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """Seconds for the connection, the head of the answer and its body."""
        return self.settings.timeout_s * STEPS

    def build(self, notification: Notification, delivery_id: str) -> Content:
        """The message without its topic, within ntfy's limits."""
        is_over = notification.reason is NotificationReason.RESOLVED
        content: Content = {
            "title": _title(notification),
            "priority": _DEFAULT if is_over else _PRIORITIES[notification.severity],
            "tags": ["white_check_mark" if is_over else _TAGS[notification.severity]],
            "message": "",
        }
        url = notification.url
        if url and wording.utf8_bytes(url) <= LONGEST_CLICK:
            content["click"] = url
        room = LONGEST_BODY - _ROOM_FOR_TOPIC - len(_encoded(content))
        return content | {"message": _message(notification, delivery_id, room)}

    def send(self, content: Content, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Publish it. Raises DeliveryError."""
        answer = self._asked(content)
        if answer.decision is not RetryDecision.DELIVERED:
            raise refusal(answer, self, self._clock())
        if not _says_published(answer.body):
            # A proxy or a sign-in page: whatever it is, nobody has got the message.
            raise DeliveryError(self.clean(f"{_NO_NTFY}: {answer}"), permanent=False)
        return DeliveryResult(answer=self.clean(str(answer)))

    def probe(self) -> str:
        """Publish with a priority that does not exist: ntfy lets in who may publish, and then refuses it."""
        answer = self._asked({"message": "probe", "priority": _PROBED_PRIORITY})
        code = _decoded(answer.body).get("code")
        if answer.status == HTTPStatus.BAD_REQUEST and code == _PRIORITY_INVALID:
            return "the topic may be published to (nothing was)"
        if answer.decision is RetryDecision.DELIVERED or code is None:
            raise DeliveryError(self.clean(f"{_NO_NTFY}: {answer}"), permanent=False)
        raise refusal(answer, self, self._clock())

    def _asked(self, content: Content) -> HttpAnswer:
        headers = {"Content-Type": "application/json", "User-Agent": "Layerline"}
        if authorization := self.settings.authorization():
            headers["Authorization"] = authorization
        data = _encoded({"topic": self.settings.topic.get_secret_value()} | content)
        request = Request(f"{self.settings.server}/", data=data, headers=headers, method="POST")  # noqa: S310 - http or https, as the settings are checked
        return ask(request, self, self.settings.timeout_s)


def _title(notification: Notification) -> str:
    """The headline. Taken apart where ntfy would read the mark of an encoded word (RFC 2047) in it."""
    words = wording.headline(notification).replace("=?", "=\u2060?")
    return wording.clipped(words, LONGEST_TITLE, wording.utf8_bytes)


def _message(notification: Notification, delivery_id: str, room: int) -> str:
    """The text, within the limit for it and, with what JSON makes of it, within `room` bytes."""
    limit = LONGEST_MESSAGE
    while (excess := _written(text := _text(notification, delivery_id, limit)) - room) > 0:
        limit -= max(1, excess // 2)
    return text


def _text(notification: Notification, delivery_id: str, limit: int) -> str:
    return plain_text(notification, delivery_id, limit, wording.utf8_bytes)


def _written(text: str) -> int:
    """Bytes of the text within the JSON, without its quotes."""
    return len(_encoded(text)) - len('""')


def _encoded(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _says_published(body: str) -> bool:
    """Whether it is ntfy's own success: the message as it was published."""
    told = _decoded(body)
    return told.get("event") == "message" and isinstance(told.get("id"), str)


def _decoded(body: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


NOTIFIER = NtfyNotifier
