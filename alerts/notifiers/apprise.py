"""apprise: any of the services that the library of that name knows, by an address of its own kind.

The addresses are at https://github.com/caronc/apprise/wiki. The library runs in a process of its own
(`alerts/apprise_process.py`): it can be ended when its time is up, and what it logs, which may hold
parts of the address, stays there.
"""

import json
import re
import subprocess
import sys
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from pydantic import AfterValidator, Field, SecretStr

from alerts import wording
from alerts.notification import Notification
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.plain_text import plain_text
from alerts.retry import LONGEST_WISH_MS, RetryDecision, judge_http
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress, NotificationReason, Severity
from farm.model.clock import Clock, system_clock
from farm.model.limits import RECEIVER
from farm.model.retry_after import retry_after_ms
from farm.model.times import SECOND_MS

LONGEST_TITLE: Final = 250
LONGEST_BODY: Final = 3_000
"""UTF-16 units. Services that take less get the beginning, which says what matters most."""

_PROCESS: Final = "alerts.apprise_process"
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*://\S+")
_WORD_JOINER: Final = "\u2060"
_CALLS: Final = re.compile(r"(?<=@)(?=\S)|(?<=<)(?=[!#@&])|(?<=\])(?=\()")
"""Where a word joiner, which is not seen, keeps `@all`, `<!channel>` and `[x](y)` from being read.

The library escapes marks for the services of which it knows that they read some. These it lets
through, so that whoever writes a message can use them.
"""

_TYPES = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}

Content = dict[str, str]


class _Answer(msgspec.Struct, frozen=True):
    """What an HTTP server answered, or the kind of error that there was instead."""

    status: int | None = None
    retry_after: str | None = None
    body: str = ""
    error: str | None = None

    @property
    def decision(self) -> RetryDecision:
        """What it means for the delivery."""
        return RetryDecision.AGAIN if self.status is None else judge_http(self.status)

    def __str__(self) -> str:
        return self.error or f"HTTP {self.status} {self.body}".rstrip()


class _Outcome(msgspec.Struct, frozen=True):
    """What came of it. `service` is its name, None where the library knows none at such an address."""

    service: str | None
    sent: bool = False
    answers: tuple[_Answer, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[_Answer, ...]:
        """The answers that were no success."""
        return tuple(each for each in self.answers if each.decision is not RetryDecision.DELIVERED)


def _address(secret: SecretStr) -> SecretStr:
    """The address, if it can be one. Raises ValueError that does not tell it."""
    if not _URL.fullmatch(secret.get_secret_value()):
        raise ValueError("must be one address as apprise takes it, such as tgram://token/chat")
    return secret


class AppriseSettings(NotifierSettings):
    """An address as the library takes it."""

    kind: Literal["apprise"] = Field("apprise", description="The kind of this receiver.")
    name: str = Field(
        "apprise",
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs.",
    )
    url: Annotated[SecretStr, AfterValidator(_address)] = Field(
        description="Address of the service as [apprise](https://github.com/caronc/apprise/wiki) takes it; "
        "it holds tokens or passwords, so it is a secret."
    )
    timeout_s: float = Field(30, gt=0, le=120, description="Seconds that a whole attempt may take.")


class AppriseNotifier(Notifier[AppriseSettings, Content]):
    """Sends through one service."""

    settings_type: ClassVar[type[NotifierSettings]] = AppriseSettings
    bundles: ClassVar[bool] = True

    def __init__(self, settings: AppriseSettings, clock: Clock = system_clock) -> None:
        super().__init__(settings)
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """Seconds that the process may take."""
        return self.settings.timeout_s

    def build(self, notification: Notification, delivery_id: str) -> Content:
        """Title and text, both plain: the library escapes them for services that read marks."""
        is_over = notification.reason is NotificationReason.RESOLVED
        lines = plain_text(notification, delivery_id, LONGEST_BODY).split("\n")
        return {
            "title": _harmless(wording.clipped(wording.headline(notification), LONGEST_TITLE)),
            "body": "\n".join(line if line == notification.url else _harmless(line) for line in lines),
            "type": "success" if is_over else _TYPES[notification.severity],
        }

    def send(self, content: Content, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Hand it to the library. Raises DeliveryError.

        Only what a web server answered says that trying again cannot help: of all else that went
        wrong the library does not tell why.
        """
        outcome = self._run(content)
        if outcome.sent:
            last = f": {outcome.answers[-1]}" if outcome.answers else ""
            return DeliveryResult(answer=self.clean(f"{outcome.service} took it{last}"))
        failures = outcome.failures
        words = "; ".join([*map(str, failures), *outcome.said]) or "refused, without a word why"
        wishes = [self._wish_ms(each) for each in failures]
        wish_ms = max((wish for wish in wishes if wish is not None), default=None)
        raise DeliveryError(
            self.clean(f"{outcome.service}: {words}"),
            permanent=bool(failures) and all(each.decision is RetryDecision.REFUSED for each in failures),
            retry_after_s=None if wish_ms is None else wish_ms / SECOND_MS,
        )

    def probe(self) -> str:
        """Whether the library knows such an address; it has no way to ask a service for more."""
        outcome = self._run(None)
        return f"an address of {outcome.service}; whether it takes messages shows with one"

    def _wish_ms(self, answer: _Answer) -> int | None:
        return retry_after_ms(answer.retry_after, self._clock(), LONGEST_WISH_MS)

    def _run(self, message: Content | None) -> _Outcome:
        told = {"url": self.settings.url.get_secret_value(), "seconds": self.patience_s, "message": message}
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", _PROCESS],
                input=json.dumps(told).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self.patience_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"no end within {self.patience_s:g} s", permanent=False) from None
        except OSError as error:
            raise DeliveryError(f"{type(error).__name__}: {error}", permanent=False) from None
        try:
            outcome = msgspec.json.decode(done.stdout, type=_Outcome)
        except msgspec.DecodeError:
            raise DeliveryError(
                f"the process of apprise ended with status {done.returncode}", permanent=False
            ) from None
        if outcome.service is None:
            raise DeliveryError("apprise knows no service with such an address", permanent=True)
        return outcome


def _harmless(text: str) -> str:
    """The text so that a name in it calls nobody and hides no address, whatever the service reads."""
    return _CALLS.sub(_WORD_JOINER, text)


NOTIFIER = AppriseNotifier
