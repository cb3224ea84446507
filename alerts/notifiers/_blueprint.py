"""A notifier to copy: rename the file to the kind, and fill in what is marked by its docstrings.

It posts the headline as plain text to an HTTP address. As long as the name of its file
begins with an underscore it is not found.
"""

from typing import ClassVar, Literal
from urllib.request import Request

from pydantic import Field, SecretStr

from alerts import wording
from alerts.notification import Notification
from alerts.notifiers._http_receiver import STEPS, HttpAnswer, ask, refusal
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.retry import RetryDecision
from farm.model.alert import DeliveryProgress
from farm.model.clock import system_clock


class BlueprintSettings(NotifierSettings):
    """The settings: `kind` is what people write; a SecretStr may also be given by file."""

    kind: Literal["blueprint"] = Field("blueprint", description="The kind of this receiver.")
    name: str = Field(
        "blueprint", min_length=1, max_length=128, description="The receiver's name in records and logs."
    )
    url: SecretStr = Field(description="Address to post to.")
    timeout_s: float = Field(10, gt=0, le=60, description="Seconds to wait for each step.")


class BlueprintNotifier(Notifier[BlueprintSettings, bytes]):
    """The class: `build` without any input or output, `send` with nothing but."""

    settings_type: ClassVar[type[NotifierSettings]] = BlueprintSettings

    @property
    def patience_s(self) -> float:
        """Seconds for the connection, the head of the answer and its body."""
        return self.settings.timeout_s * STEPS

    def build(self, notification: Notification, delivery_id: str) -> bytes:
        """What is sent, within the limits that the service states, with names escaped."""
        return f"{wording.headline(notification)}\n{delivery_id}\n".encode()

    def send(self, content: bytes, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Every wait has a limit, and every error becomes a DeliveryError without secrets."""
        answer = self._asked(content)
        if answer.decision is not RetryDecision.DELIVERED:
            raise refusal(answer, self, system_clock())
        return DeliveryResult(answer=str(answer))

    def probe(self) -> str:
        """Whatever the service offers to find out, without bothering anybody."""
        return str(self._asked(b""))

    def _asked(self, content: bytes) -> HttpAnswer:
        """What is answered. Stays where it was sent, takes so long at most, and reads 64 kB at most."""
        request = Request(self.settings.url.get_secret_value(), data=content, method="POST")  # noqa: S310 - the scheme is the owner's choice
        return ask(request, self, self.settings.timeout_s, reads_success=False)


NOTIFIER = BlueprintNotifier
