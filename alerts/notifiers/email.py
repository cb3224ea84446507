"""E-mail over SMTP: text and HTML, threaded by alert.

Encryption is demanded, never merely tried: with `starttls` a server that does not offer it
gets nothing, neither the password nor the message.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import AfterValidator, Field, SecretStr, model_validator

from alerts import wording
from alerts.notification import Bundled, Notification
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.retry import RetryDecision, judge_smtp
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress, NotificationReason
from farm.model.limits import RECEIVER
from farm.model.times import SECOND_MS

LONGEST_SUBJECT = 200
MOST_LISTED = 200
"""So many alerts of one mail are named."""
TOTAL_TIMES = 4
"""How many times `timeout_s` a whole conversation with the server may take."""

FAREWELL_S = 2
_TURNS_TO_CLOSE = 5
"""Turns of the event loop in which an aborted connection, and TLS over it, come to their end."""

_PORTS = {"starttls": 587, "tls": 465, "none": 25}

_COLOURS = {"critical": "#b42318", "warning": "#b54708", "info": "#175cd3", "resolved": "#067647"}

_TEMPLATES = Environment(
    loader=PackageLoader("alerts.notifiers", "templates"),
    autoescape=select_autoescape(enabled_extensions=["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(
    duration=wording.duration,
    outcome=wording.outcome,
    reason=wording.reason,
    file_name=wording.file_name,
    detail=wording.detail,
    period=wording.local_period,
    local_time=wording.local_time,
    one_line=wording.one_line,
    bundled_line=wording.bundled_line,
    colour=lambda told: _COLOURS[_tone(told)],
)


def _mail_address(text: str) -> str:
    """The bare address. Raises ValueError when it is none."""
    try:
        address = Address(addr_spec=text)
    except (ValueError, HeaderParseError, IndexError) as error:
        raise ValueError("must be a mail address such as floor@example.com") from error
    if not address.domain or not address.username:
        raise ValueError("must be a mail address such as floor@example.com")
    return text


def _sender(text: str) -> str:
    """The sender, with or without a name before it. Raises ValueError when it is none."""
    if "\n" in text or "\r" in text:
        raise ValueError("must be on one line")
    name, address = parseaddr(text)
    _mail_address(address)
    return str(Address(display_name=name, addr_spec=address))


ResultT = TypeVar("ResultT")
Conversation: TypeAlias = Callable[[aiosmtplib.SMTP], Awaitable[ResultT]]
Answers: TypeAlias = Mapping[str, tuple[int, str]]
"""What the server said to each recipient: the code and the words."""

MailAddress = Annotated[str, AfterValidator(_mail_address)]


class EmailSettings(NotifierSettings):
    """A mail server, and the people who are to get mail through it."""

    kind: Literal["email"] = Field("email", description="The kind of this receiver.")
    name: str = Field(
        "email",
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs.",
    )
    host: str = Field(min_length=1, description="Name of the mail server.")
    port: int | None = Field(
        None, ge=1, le=65535, description="Its port; by default 587 (starttls), 465 (tls) or 25 (none)."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="`starttls` encrypts after the greeting and demands it, `tls` from the first byte, "
        "`none` never.",
    )
    ca_file: Path | None = Field(
        None, description="Certificates (PEM) that vouch for the server, instead of those of the system."
    )
    username: str | None = Field(None, min_length=1, description="Name to sign in with.")
    password: SecretStr | None = Field(None, description="Password to sign in with.")
    sender: Annotated[str, AfterValidator(_sender)] = Field(
        description='Whom the mail is from, such as "Layerline <layerline@example.com>".'
    )
    recipients: tuple[MailAddress, ...] = Field(min_length=1, description="Whom the mail goes to.")
    timeout_s: float = Field(
        15, gt=0, le=60, description="Seconds to wait for each answer of the server; four times that in all."
    )

    @model_validator(mode="after")
    def _signing_in_is_whole_and_safe(self) -> "EmailSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or none")
        if self.username is not None and self.security == "none":
            raise ValueError(
                'security = "none" would send the password for all to read; use "starttls" or "tls"'
            )
        return self

    @model_validator(mode="after")
    def _certificates_are_readable(self) -> "EmailSettings":
        if self.ca_file is not None:
            self.tls_context()
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """How the server's certificate is checked. Raises ValueError for an unusable `ca_file`."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ValueError(
                f"ca_file = {self.ca_file}: cannot be used: {error.strerror or error}"
            ) from error


class EmailNotifier(Notifier[EmailSettings, EmailMessage]):
    """Sends mail through one server."""

    settings_type: ClassVar[type[NotifierSettings]] = EmailSettings
    bundles: ClassVar[bool] = True

    @property
    def patience_s(self) -> float:
        """Seconds that the whole conversation may take."""
        return self.settings.timeout_s * TOTAL_TIMES

    def build(self, notification: Notification, delivery_id: str) -> EmailMessage:
        """The mail, text and HTML. Every mail about an alert refers to the alert, so they form a thread."""
        domain = _domain(self.settings.sender)
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = self.settings.sender
        mail["To"] = ", ".join(self.settings.recipients)
        mail["Subject"] = wording.clipped(wording.headline(notification), LONGEST_SUBJECT)
        mail["Date"] = format_datetime(datetime.fromtimestamp(notification.created_ms // SECOND_MS, UTC))
        mail["Message-ID"] = f"<{delivery_id}@{domain}>"
        mail["In-Reply-To"] = mail["References"] = f"<alert-{notification.alert_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        facts = _facts(notification)
        mail.set_content(_TEMPLATES.get_template("email.txt").render(facts))
        mail.add_alternative(_TEMPLATES.get_template("email.html").render(facts), subtype="html")
        mail.set_boundary(f"layerline-{delivery_id}")
        return mail

    def send(self, content: EmailMessage, progress: DeliveryProgress) -> DeliveryResult:
        """Hand it to the server for those who do not have it. Raises DeliveryError."""
        to = self.settings.recipients if progress.outstanding is None else progress.outstanding
        answers = self._talk(lambda client: _hand_over(client, self.settings.sender, to, content))
        return self._result(answers, progress)

    def probe(self) -> str:
        """Greet, encrypt and sign in as for a mail, and leave. Raises DeliveryError."""
        return self._talk(_greet)

    def _result(self, answers: Answers, progress: DeliveryProgress) -> DeliveryResult:
        by_decision: dict[RetryDecision, list[str]] = {decision: [] for decision in RetryDecision}
        for address, (code, _) in answers.items():
            by_decision[judge_smtp(code)].append(address)
        refusals = [
            f"{who}: {code} {words}" for who, (code, words) in answers.items() if not 200 <= code <= 299
        ]
        reached = DeliveryProgress(
            taken=(*progress.taken, *by_decision[RetryDecision.DELIVERED]),
            refused=(*progress.refused, *by_decision[RetryDecision.REFUSED]),
            outstanding=tuple(by_decision[RetryDecision.AGAIN]),
        )
        if not reached.taken and not reached.outstanding:
            raise DeliveryError(self.clean("every recipient refused: " + "; ".join(refusals)), permanent=True)
        taken = by_decision[RetryDecision.DELIVERED]
        accepted = [f"{answers[taken[0]][0]} {answers[taken[0]][1]}"] if taken else []
        return DeliveryResult(answer=self.clean("; ".join([*accepted, *refusals])), progress=reached)

    def _talk(self, conversation: Conversation[ResultT]) -> ResultT:
        try:
            return asyncio.run(self._meet(conversation))
        except aiosmtplib.SMTPResponseException as error:
            words = f"{type(error).__name__}: {error.code} {error.message}"
            raise DeliveryError(
                self.clean(words), permanent=judge_smtp(error.code) is RetryDecision.REFUSED
            ) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            # Not chained: such a text may hold whatever was sent.
            words = f"{type(error).__name__}: {error}"
            raise DeliveryError(self.clean(words), permanent=False) from None

    async def _meet(self, conversation: Conversation[ResultT]) -> ResultT:
        password = self.settings.password
        client = _Client(
            hostname=self.settings.host,
            port=self.settings.port or _PORTS[self.settings.security],
            timeout=self.settings.timeout_s,
            use_tls=self.settings.security == "tls",
            start_tls=self.settings.security == "starttls",
            tls_context=self.settings.tls_context(),
            username=self.settings.username,
            password=None if password is None else password.get_secret_value(),
        )

        async def talk() -> ResultT:
            await client.connect()
            return await conversation(client)

        try:
            return await asyncio.wait_for(talk(), self.patience_s)
        finally:
            await _leave(client)


async def _hand_over(client: aiosmtplib.SMTP, sender: str, to: Sequence[str], mail: EmailMessage) -> Answers:
    """Send the mail to `to`; what was said to each of them. Raises as aiosmtplib does."""
    try:
        refused, words = await client.send_message(mail, sender=parseaddr(sender)[1], recipients=to)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return {each.recipient: (each.code, each.message) for each in error.recipients}
    said = dict.fromkeys(to, (250, words))
    return said | {address: (answer.code, answer.message) for address, answer in refused.items()}


class _Client(aiosmtplib.SMTP):
    """A client that aborts what it closes.

    Closed while TLS stands, a connection first waits for the server's own farewell, which the end
    of the event loop does not: its socket would stay open.
    """

    def close(self) -> None:
        """End the connection at once."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


async def _leave(client: _Client) -> None:
    """Take leave of the server if it is still there.

    Once it has answered, nothing that happens while leaving may make a message that it took
    look like one that it did not: so no error comes from here.
    """
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await asyncio.wait_for(client.quit(), FAREWELL_S)
    client.close()
    for _ in range(_TURNS_TO_CLOSE):
        await asyncio.sleep(0)


async def _greet(client: aiosmtplib.SMTP) -> str:
    """Ask for nothing and see whether the server is content with that."""
    answer = await client.noop()
    return f"{answer.code} {answer.message}"


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]


def _tone(told: Notification | Bundled) -> str:
    return "resolved" if told.reason is NotificationReason.RESOLVED else told.severity.value


def _facts(notification: Notification) -> dict[str, Any]:
    return {
        "notification": notification,
        "headline": wording.headline(notification),
        "labels": wording.printer_labels(notification),
        "colour": _COLOURS[_tone(notification)],
        "most_bundled": MOST_LISTED,
        "tag": {
            NotificationReason.FIRED: "Alerts" if notification.bundled else "Alert",
            NotificationReason.REPEATED: "Still firing",
            NotificationReason.RESOLVED: "Resolved",
        }[notification.reason],
    }


NOTIFIER = EmailNotifier
