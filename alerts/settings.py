"""The `alerts` section of the configuration: when to alert, and whom to tell."""

import re
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from alerts.notifiers import notifier_types
from alerts.notifiers.base import NotifierSettings
from farm.settings import Section, port_of

if TYPE_CHECKING:
    Receiver: TypeAlias = NotifierSettings
else:
    Receiver = Annotated[
        reduce(or_, (notifier.settings_type for notifier in notifier_types().values())),
        Field(discriminator="kind"),
    ]
    """The settings of any receiver that has a file in `alerts/notifiers`."""

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def _duration(value: Any) -> Any:
    """A length of time from `4h`, `90m`, `1d12h` or 0. Raises ValueError for any other text."""
    if isinstance(value, timedelta):
        return value
    if value in (0, "0") and value is not False:
        return timedelta()
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError('must be a length of time such as "4h", "90m", "1d12h" or "0"')
    parts = dict(zip(_UNITS.values(), (int(part or 0) for part in found.groups()), strict=True))
    try:
        return timedelta(**parts)
    except OverflowError:
        raise ValueError("is too long a time") from None


def _page_address(url: str) -> str:
    """The address without a slash at its end. Raises ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or port_of(url) == 0:
        raise ValueError('must be an address such as "http://farm.local:8642"')
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("must be a plain address, without query, fragment or password")
    return url.rstrip("/")


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class AlertSettings(Section):
    """When to alert, and whom to tell."""

    model_config = ConfigDict(hide_input_in_errors=True)

    streak_length: int = Field(
        3,
        ge=1,
        le=100,
        description="How many failed prints in a row on one printer make an alert.",
    )
    repeat: Duration = Field(
        timedelta(hours=4),
        description="How often an alert that is still firing is told again; 0 for never.",
    )
    max_age: Duration = Field(
        timedelta(hours=1),
        description="What came about longer ago than this when it is first seen is recorded, not sent.",
    )
    public_url: Annotated[str, AfterValidator(_page_address)] | None = Field(
        None, description="Address under which people open the page; messages link to it."
    )
    receivers: tuple[Receiver, ...] = Field(
        (), description="Whom to tell: one entry a receiver, each with its `kind`."
    )

    @model_validator(mode="after")
    def _repeats_are_bearable(self) -> "AlertSettings":
        if timedelta() < self.repeat < timedelta(minutes=1):
            raise ValueError("repeat must be 0 (never) or at least 1m")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> "AlertSettings":
        names = [receiver.name for receiver in self.receivers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"two receivers are called {twice[0]!r}; give each a `name` of its own, "
                "since its deliveries are found again by it"
            )
        return self
