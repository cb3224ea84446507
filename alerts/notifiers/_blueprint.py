"""A notifier to copy: rename the file to the kind, and fill in what is marked by its docstrings.

It posts the headline as plain text to an HTTP address. As long as the name of its file
begins with an underscore it is not found.
"""

import http.client
from typing import ClassVar, Literal
from urllib.error import HTTPError
from urllib.request import Request

from pydantic import Field, SecretStr

from alerts import wording
from alerts.notification import Notification
from alerts.notifiers._limited_http import limited_opener
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings
from alerts.retry import RetryDecision, judge_http
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress
from farm.time_limit import TimeLimit


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
        """Seconds for the connection and the answer."""
        return self.settings.timeout_s * 2

    def build(self, notification: Notification, delivery_id: str) -> bytes:
        """What is sent, within the limits that the service states, with names escaped."""
        return f"{wording.headline(notification)}\n{delivery_id}\n".encode()

    def send(self, content: bytes, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Every wait has a limit, and every error becomes a DeliveryError without secrets."""
        status = self._post(content)
        decision = judge_http(status)
        if decision is not RetryDecision.DELIVERED:
            raise DeliveryError(f"HTTP {status}", permanent=decision is RetryDecision.REFUSED)
        return DeliveryResult(answer=f"HTTP {status}")

    def probe(self) -> str:
        """Whatever the service offers to find out, without bothering anybody."""
        return f"HTTP {self._post(b'')}"

    def _post(self, content: bytes) -> int:
        """The status. Stays where it was sent, takes so long at most, and reads nothing of the answer."""
        limit = TimeLimit()
        request = Request(self.settings.url.get_secret_value(), data=content, method="POST")  # noqa: S310 - the scheme is the owner's choice
        try:
            with (
                limit.within(self.patience_s),
                limited_opener(limit).open(request, timeout=self.settings.timeout_s) as response,
            ):
                status: int = response.status
        except HTTPError as error:
            with error:
                return error.code
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(self.clean(f"{type(error).__name__}: {error}"), permanent=False) from None
        finally:
            limit.close()
        return status


NOTIFIER = BlueprintNotifier
