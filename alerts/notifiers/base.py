"""What a notifier is: it builds a message from a notification (pure), and sends it.

A notifier is one file in this folder: its settings, its class, and `NOTIFIER` naming the
class. It is found by listing the folder; there is no table to add it to.
"""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import unquote

import msgspec
from pydantic import ConfigDict, Field, SecretStr

from alerts import wording
from alerts.notification import Notification
from farm.model.alert import DeliveryProgress
from farm.model.limits import RECEIVER
from farm.model.secret_mask import SecretMask
from farm.settings import Section

_LONGEST_ANSWER = 500


class NotifierSettings(Section):
    """What the settings of every receiver share. A secret may also be given as `<key>_file`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str = Field(
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs. A delivery that still waits is "
        "found again under this name.",
    )

    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        values = (getattr(self, key) for key in type(self).model_fields)
        found = (secret for value in values for secret in _secrets_in(value))
        return tuple(dict.fromkeys(secret for secret in found if secret))


def _secrets_in(value: Any) -> Iterator[str]:
    """The secret itself with what it is made of, or those of a table."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        yield secret
        if len(words := secret.split(" ")) > 1:
            # Of `Bearer …` a receiver may tell what stands behind the scheme alone.
            yield words[-1]
        yield from _parts_of_address(secret)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_in(each)


def _parts_of_address(secret: str) -> Iterator[str]:
    """What a secret address is made of, as written and decoded: a receiver may tell a part alone.

    The host of one on the web is none: it says where there is trouble.
    """
    scheme, is_address, rest = secret.partition("://")
    if not is_address:
        return
    if scheme.lower() in ("http", "https"):
        authority, _, path = rest.partition("/")
        rest = f"{authority.rpartition('@')[0]}/{path}"
    for part in re.split(r"[/@:?&=#,;]+", rest):
        yield from (part, unquote(part))


class DeliveryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the receiver answered, and how far the message has come."""

    answer: str
    progress: DeliveryProgress = DeliveryProgress(outstanding=())


SettingsT = TypeVar("SettingsT", bound=NotifierSettings)
ContentT = TypeVar("ContentT")


class Notifier(ABC, Generic[SettingsT, ContentT]):
    """One receiver of alerts. Used by one thread at a time."""

    settings_type: ClassVar[type[NotifierSettings]]
    bundles: ClassVar[bool] = False
    """Whether people read it, so that many messages at once are told in one."""

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @property
    def name(self) -> str:
        """The receiver's name."""
        return self.settings.name

    @property
    @abstractmethod
    def patience_s(self) -> float:
        """How many seconds one attempt takes at most."""

    @abstractmethod
    def build(self, notification: Notification, delivery_id: str) -> ContentT:
        """The message. Pure: the same notification and delivery give the same message.

        `delivery_id` goes with it as the key by which a receiver can tell a message that it
        already has.
        """

    @abstractmethod
    def send(self, content: ContentT, progress: DeliveryProgress) -> DeliveryResult:
        """Send the message to those who do not have it yet.

        Returns once the receiver has answered or its time is up. Raises DeliveryError when
        nobody took it.
        """

    @abstractmethod
    def probe(self) -> str:
        """Find out whether messages would be taken, without sending one; what was answered.

        Raises DeliveryError naming what is wrong.
        """

    def deliver(
        self, notification: Notification, delivery_id: str, progress: DeliveryProgress
    ) -> DeliveryResult:
        """Build and send. Raises DeliveryError."""
        return self.send(self.build(notification, delivery_id), progress)

    def masked(self, text: str) -> str:
        """The text without this receiver's secrets."""
        return SecretMask(self.settings.secrets()).clean(text)

    def clean(self, text: str) -> str:
        """The text on one line, short, and without this receiver's secrets."""
        return shortened(self.masked(text))


def shortened(text: str) -> str:
    """An answer as it is recorded: on one line, at most 500 signs, all of which any database takes."""
    return wording.clipped(wording.one_line(text), _LONGEST_ANSWER)


def silent_logger(name: str) -> logging.Logger:
    """A logger that writes nothing, for libraries that would log addresses and messages."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger
