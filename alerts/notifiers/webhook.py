"""Webhook: JSON to an address of whoever wants to build on alerts, docs/webhook.md says what is in it.

Identity, time and signature go in the headers of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks, version 1.0.0 of the specification), so that
its libraries can verify a message.
"""

import base64
import binascii
import hashlib
import hmac
import json
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.request import Request

from pydantic import AfterValidator, Field, SecretStr

from alerts import wording
from alerts.notification import Notification, Print
from alerts.notifiers._http_receiver import STEPS, HttpAnswer, ask, refusal
from alerts.notifiers._secret_headers import SecretHeaders
from alerts.notifiers._web_address import is_plain_web_address
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.plain_text import plain_text
from alerts.retry import RetryDecision
from farm.errors import DeliveryError
from farm.model.alert import AlertState, DeliveryProgress, NotificationReason
from farm.model.clock import Clock, system_clock
from farm.model.limits import RECEIVER
from farm.model.times import SECOND_MS, rfc3339, rfc3339_or_none

SCHEMA_VERSION: Final = 1
"""Raised when a field goes or changes its meaning; new fields do not raise it."""
MOST_PRINTS: Final = 20
LONGEST_NAME: Final = 600
LONGEST_WORDS: Final = 1_000
LONGEST_TEXT: Final = 4_000
"""UTF-16 units; together they keep a message below the 20 kB that the specification recommends,
but for the longest names in another script than the Latin."""

BASE64_MARK: Final = "whsec_"
SHORTEST_SECRET: Final = 16

_UNSEEN = (401, 403, 407, 410)
"""Answers to a request of the head that a message would get as well: it is not let in, or nobody is there."""

Content = dict[str, Any]


def _address(secret: SecretStr) -> SecretStr:
    """The address, if it can be one. Raises ValueError that does not tell it."""
    if not is_plain_web_address(secret.get_secret_value()):
        raise ValueError(
            "must be an address such as https://example.com/layerline, in ASCII and without a password or "
            "fragment; what it asks for to let somebody in goes into `headers`"
        )
    return secret


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: what is base64 behind `whsec_`, else its own UTF-8.

    Raises ValueError, without the secret, where what follows `whsec_` is no base64.
    """
    if not secret.startswith(BASE64_MARK):
        return secret.encode()
    packed = secret.removeprefix(BASE64_MARK)
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"must be base64 behind {BASE64_MARK}") from None


def _signing_secret(secret: SecretStr) -> SecretStr:
    """The secret, if it can be used. Raises ValueError that does not tell it."""
    if len(key_of(secret.get_secret_value())) < SHORTEST_SECRET:
        raise ValueError(
            f"must stand for at least {SHORTEST_SECRET} bytes; openssl rand -base64 32 draws one"
        )
    return secret


class WebhookSettings(NotifierSettings):
    """An address that takes JSON."""

    kind: Literal["webhook"] = Field("webhook", description="The kind of this receiver.")
    name: str = Field(
        "webhook",
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs.",
    )
    url: Annotated[SecretStr, AfterValidator(_address)] = Field(
        description="Address to post to; it may hold what lets a message in, so it is a secret."
    )
    secret: Annotated[SecretStr, AfterValidator(_signing_secret)] | None = Field(
        None,
        description="What messages are signed with, as Standard Webhooks does it: `whsec_` and base64, or "
        "plain text. Without it they are not signed.",
    )
    headers: SecretHeaders = Field(
        default={},
        description="Further headers, such as `Authorization`; the values are secret. In a file one "
        "`Name: value` on each line.",
    )
    timeout_s: float = Field(
        10, gt=0, le=60, description="Seconds to wait for the connection and for each part of the answer."
    )


class WebhookNotifier(Notifier[WebhookSettings, Content]):
    """Posts to one address."""

    settings_type: ClassVar[type[NotifierSettings]] = WebhookSettings

    def __init__(self, settings: WebhookSettings, clock: Clock = system_clock) -> None:
        super().__init__(settings)
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """Seconds for the connection, the head of the answer and its body."""
        return self.settings.timeout_s * STEPS

    def build(self, notification: Notification, delivery_id: str) -> Content:
        """The JSON body, which docs/webhook.md describes."""
        return body_of(notification, delivery_id)

    def send(self, content: Content, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Post it; any 2xx says that it was taken. Raises DeliveryError."""
        data = encoded(content)
        answer = self._asked("POST", data, self._identity(content["delivery_id"], data))
        if answer.decision is not RetryDecision.DELIVERED:
            raise refusal(answer, self, self._clock())
        return DeliveryResult(answer=str(answer))

    def probe(self) -> str:
        """Ask for the head of the address: a refusal there says that no message would be let in either.

        Many that take messages answer nothing else, 404 and 405 among them, which says that
        somebody is there.
        """
        answer = self._asked("HEAD", None, {})
        is_server_fault = answer.status >= 500 and answer.status != HTTPStatus.NOT_IMPLEMENTED
        if 300 <= answer.status <= 399 or answer.status in _UNSEEN or is_server_fault:
            raise DeliveryError(
                self.clean(f"{answer} to a request for the head"),
                permanent=answer.decision is RetryDecision.REFUSED,
            )
        return f"somebody answers (HTTP {answer.status} to HEAD); whether a message is taken shows with one"

    def _identity(self, delivery_id: str, data: bytes) -> dict[str, str]:
        """The headers that say which message this is, when it was tried, and that it is from us."""
        seconds = self._clock() // SECOND_MS
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery_id,
            "webhook-id": delivery_id,
            "webhook-timestamp": str(seconds),
        }
        if self.settings.secret is not None:
            key = key_of(self.settings.secret.get_secret_value())
            headers["webhook-signature"] = signature(key, delivery_id, seconds, data)
        return headers

    def _asked(self, method: str, data: bytes | None, headers: dict[str, str]) -> HttpAnswer:
        own = {name: value.get_secret_value() for name, value in self.settings.headers.items()}
        request = Request(  # noqa: S310 - http or https, as the settings are checked
            self.settings.url.get_secret_value(),
            data=data,
            headers={"User-Agent": "Layerline"} | own | headers,
            method=method,
        )
        return ask(request, self, self.settings.timeout_s, reads_success=False)


def body_of(notification: Notification, delivery_id: str) -> Content:
    """The message by the schema of docs/webhook.md. Times are RFC 3339 in UTC, lengths seconds."""
    is_over = notification.reason is NotificationReason.RESOLVED
    shown = notification.prints[:MOST_PRINTS]
    headline = wording.clipped(wording.headline(notification), LONGEST_WORDS)
    text = plain_text(notification, delivery_id, LONGEST_TEXT)
    return {
        "version": SCHEMA_VERSION,
        "type": f"alert.{notification.reason.value}",
        "timestamp": rfc3339(notification.at_ms),
        "delivery_id": delivery_id,
        "created_at": rfc3339(notification.created_ms),
        "alert": {
            "id": notification.alert_id,
            "rule": notification.rule,
            "state": (AlertState.RESOLVED if is_over else AlertState.FIRING).value,
            "severity": notification.severity.value,
            "title": _words(notification.title),
            "summary": _words(notification.summary),
            "fired_at": rfc3339(notification.fired_ms),
            "resolved_at": rfc3339_or_none(notification.at_ms if is_over else None),
            "resolution": _words(notification.resolution),
        },
        "printer": _printer(notification),
        "prints": [_print(each) for each in shown],
        "earlier_prints": notification.earlier_prints + len(notification.prints) - len(shown),
        "time_zone": notification.time_zone,
        "url": notification.url,
        "text": f"{headline}\n{text}",
    }


def _printer(notification: Notification) -> Content | None:
    if notification.printer is None:
        return None
    return {
        "name": _name(notification.printer),
        "group": _name(notification.group),
        "model": _name(notification.model),
    }


def _print(print_: Print) -> Content:
    return {
        "file": _name(print_.file),
        "outcome": print_.outcome,
        "cause": print_.cause,
        "detail": _words(print_.detail),
        "cancelled_by": print_.cancelled_by,
        "started_at": rfc3339_or_none(print_.started_ms),
        "ended_at": rfc3339_or_none(print_.ended_ms),
        "printing_seconds": print_.printing_ms / SECOND_MS,
    }


def _name(text: str | None) -> str | None:
    return _told(text, LONGEST_NAME)


def _words(text: str | None) -> str | None:
    return _told(text, LONGEST_WORDS)


def _told(text: str | None, limit: int) -> str | None:
    """The text without what turns reading directions or steers a terminal; None where nothing is left."""
    return wording.clipped(wording.one_line(text), limit) or None if text else None


def encoded(content: Content) -> bytes:
    """The body as it is sent, and signed: UTF-8, the same bytes at every attempt."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def signature(key: bytes, message_id: str, seconds: int, data: bytes) -> str:
    """The header `webhook-signature`: version 1 is HMAC-SHA256 over id, Unix time and body."""
    signed = b".".join((message_id.encode(), str(seconds).encode(), data))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


NOTIFIER = WebhookNotifier
