"""The sections of the configuration that every part shares: the site and its printers."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from farm.model import limits
from farm.model.shop_profile import Profile
from farm.model.writable import UNWRITABLE


def _topic_level(name: str) -> str:
    """A name that can stand as one level of an MQTT topic. Raises ValueError otherwise."""
    if not name.strip():
        raise ValueError("must not be empty")
    if found := [sign for sign in "/+#\0" if sign in name]:
        raise ValueError(f"must not hold {found[0]!r}, since it becomes a level of MQTT topics")
    return name


def _time_zone(name: str) -> str:
    """The IANA time zone of that name. Raises ValueError naming the nearest ones."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        spelt = {zone.casefold(): zone for zone in available_timezones()}
        near = get_close_matches(name.casefold(), spelt, n=3, cutoff=0.6)
        hint = f"; nearest: {', '.join(spelt[zone] for zone in near)}" if near else ""
        raise ValueError(f"is no IANA time zone such as Europe/Berlin{hint}") from error
    return name


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str | Path):
        yield str(value)
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, Mapping):
        yield from _texts_in((*value, *value.values()))


def port_of(url: str) -> int | None:
    """The port in an address. Raises ValueError, which says what a port is, for one that is none."""
    try:
        return urlsplit(url).port
    except ValueError:
        raise ValueError("the port of the address must be a whole number up to 65535") from None


TopicLevel = Annotated[str, AfterValidator(_topic_level)]


class Section(BaseModel):
    """What every section of the configuration keeps to: unchangeable, and no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _can_be_written(cls, value: Any) -> Any:
        """What topics, databases, file systems and terminals have no room for is in no setting."""
        for text in _texts_in(value):
            if found := UNWRITABLE.search(text):
                sign = f"U+{ord(found[0]):04X}"
                raise ValueError(f"must not hold {sign}, a control character or no character at all")
        return value


class SiteSettings(Section):
    """The farm as a whole: its name in topics, its time zone and how it counts."""

    name: TopicLevel = Field(
        default="main",
        max_length=limits.SITE.length,
        description="Name of the site; part of every canonical topic.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="IANA time zone in which days, weeks and months begin."
    )
    profile: Profile | None = Field(
        default=None,
        description="The kind of shop whose targets the figures are held to (docs/kpis.md); none unless set. "
        "`[[targets]]` sets the farm's own.",
    )
    preparing_counts_as_printing: bool = Field(
        default=True, description="Whether heat-up and levelling count as printing in the utilization."
    )
    cancelled_counts_as_attempt: bool = Field(
        default=False, description="Whether cancelled jobs stand in the denominator of the success rate."
    )
    reprint_within_hours: float = Field(
        default=168,
        ge=0,
        le=8_760,
        description="Hours within which the same file begins again for that to be a reprint of an attempt "
        "that came to nothing.",
    )
    filament_grams_per_metre: float = Field(
        default=2.98,
        gt=0,
        le=1_000,
        description="What a metre of filament weighs, for prints of which only the length is known: "
        "PLA of 1.24 g/cm³, 1.75 mm thick.",
    )
    resin_grams_per_millilitre: float = Field(
        default=1.1,
        gt=0,
        le=100,
        description="What a millilitre of resin weighs, for prints of which only the volume is known.",
    )
    telemetry_days: float = Field(
        default=7, ge=0, le=3650, description="Days for which thinned telemetry is kept in the ledger."
    )
    evidence_days: float = Field(
        default=400,
        ge=30,
        le=36_500,
        description="Days for which evidence is kept: so far back late evidence can put things right.",
    )
    feed_days: float = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Days for which the feed is kept; what a reader has not read yet stays longer.",
    )


def _topic_prefix(topic: str) -> str:
    """A prefix of one printer's topics, without slashes around it. Raises ValueError otherwise."""
    prefix = topic.strip("/")
    if not prefix:
        raise ValueError("must be a prefix of the printer's topics such as farm/bay1")
    if found := [sign for sign in "+#\0{}" if sign in prefix]:
        raise ValueError(f"must not hold {found[0]!r}: it names the topics of one printer, such as farm/bay1")
    return prefix


TopicPrefix = Annotated[str, Field(max_length=limits.PREFIX.length), AfterValidator(_topic_prefix)]


class PrinterSettings(Section):
    """Labels for one printer, which is found by its topics or by the name it announced itself with."""

    name: TopicLevel = Field(
        max_length=limits.PRINTER_NAME.length,
        description="The printer's name: the one it gets where `topic` or `topics` is set, "
        "else the one under which it announced itself.",
    )
    topic: TopicPrefix | None = Field(
        default=None,
        min_length=1,
        max_length=limits.PREFIX.length,
        description="Prefix of the printer's topics, by which it is found.",
    )
    topics: tuple[TopicPrefix, ...] = Field(
        default=(),
        description="Several such prefixes of one printer, which is heard under all of them and no other.",
    )
    rename: TopicLevel | None = Field(
        default=None,
        max_length=limits.PRINTER_NAME.length,
        description="A new name for a printer that is found by `name`.",
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        max_length=limits.GROUP.length,
        description="Group in which its figures are summed up.",
    )
    model: str | None = Field(
        default=None, min_length=1, max_length=limits.MODEL.length, description="Model of the printer."
    )
    ignored: bool = Field(
        default=False,
        description="Whether its messages are passed over. Unset, what people said of it last holds.",
    )

    @model_validator(mode="after")
    def _one_way_to_name(self) -> "PrinterSettings":
        if self.topic is not None and self.topics:
            raise ValueError('takes `topic = "a"` or `topics = ["a", "b"]`, not both')
        if len(set(self.topics)) < len(self.topics):
            raise ValueError("`topics` must not name a prefix twice")
        if self.prefixes and self.rename is not None:
            raise ValueError("takes `topic` or `rename`, not both: with `topic` the printer is called `name`")
        return self

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of its topics; none where it is found by its name."""
        return self.topics if self.topic is None else (self.topic,)

    @property
    def target(self) -> str:
        """What its printer is called when it is called as the entry has it."""
        return self.name if self.rename is None else self.rename

    @property
    def given_name(self) -> str | None:
        """The name that the printer gets by it; None where it keeps the one that it has."""
        return self.name if self.prefixes else self.rename
