"""The `alerts` section of the configuration: when to alert, and whom to tell."""

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from alerts.duration import Duration
from alerts.notifiers import notifier_types
from alerts.notifiers.base import NotifierSettings
from alerts.rules import rule_types
from alerts.rules.base import RuleSettings
from alerts.rules.failed_streak import FailedStreakSettings
from farm.settings import Section, port_of

if TYPE_CHECKING:
    Receiver: TypeAlias = NotifierSettings
else:
    Receiver = Annotated[
        reduce(or_, (notifier.settings_type for notifier in notifier_types().values())),
        Field(discriminator="kind"),
    ]
    """The settings of any receiver that has a file in `alerts/notifiers`."""
if TYPE_CHECKING:
    AnyRuleSettings: TypeAlias = RuleSettings
else:
    AnyRuleSettings = Annotated[
        reduce(or_, (rule.settings_type for rule in rule_types().values())),
        Field(discriminator="kind"),
    ]
    """The settings of any rule that has a file in `alerts/rules`."""


def _page_address(url: str) -> str:
    """The address without a slash at its end. Raises ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or port_of(url) == 0:
        raise ValueError('must be an address such as "http://farm.local:8642"')
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("must be a plain address, without query, fragment or password")
    return url.rstrip("/")


class AlertSettings(Section):
    """When to alert, and whom to tell."""

    model_config = ConfigDict(hide_input_in_errors=True)

    streak_length: int = Field(
        3,
        ge=1,
        le=100,
        description="How many failed prints in a row make an alert, where no `rules` are named.",
    )
    rules: tuple[AnyRuleSettings, ...] | None = Field(
        None,
        description="What to alert on: one entry a rule, each with its `kind`; else `failed_streak`.",
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

    @property
    def applied_rules(self) -> tuple[RuleSettings, ...]:
        """The rules that hold: those that are named, or the one about failed prints in a row."""
        if self.rules is not None:
            return self.rules
        return (FailedStreakSettings(length=self.streak_length),)

    @model_validator(mode="after")
    def _rules_are_told_apart(self) -> "AlertSettings":
        if self.rules is not None and "streak_length" in self.model_fields_set:
            raise ValueError("streak_length is of no use beside rules; set `length` of a failed_streak rule")
        names = [rule.name for rule in self.rules or ()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"two rules are called {twice[0]!r}; give each a `name` of its own, "
                "since its alerts are kept under it"
            )
        return self

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
