"""The collector's sections of the configuration."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from farm.model import limits
from farm.model.broker_address import BrokerAddress, broker_address
from farm.settings import Section, TopicLevel


def _prefix(topic: Any) -> Any:
    """A topic prefix: no wildcard, `{printer}` as one whole level at most once. Raises ValueError."""
    if not isinstance(topic, str):
        return topic  # which the type itself refuses
    topic = topic.strip("/")
    levels = topic.split("/")
    if not topic or any(not level for level in levels):
        raise ValueError("must be a topic prefix such as octoPrint or farm/{printer}/octoprint")
    if "+" in topic or "#" in topic:
        raise ValueError("must not hold + or #; write {printer} for the level that names the printer")
    if sum("{" in level or "}" in level for level in levels) != levels.count("{printer}"):
        raise ValueError("may hold {printer} only as a whole level")
    if levels.count("{printer}") > 1:
        raise ValueError("may hold {printer} only once")
    return topic


_OWN_BROKER = "mqtt://127.0.0.1:1883"


class SourceSettings(Section):
    """Which adapter reads which topics."""

    adapter: str = Field(description="Protocol: octoprint, moonraker or native.")
    topic: Annotated[str, BeforeValidator(_prefix)] = Field(
        max_length=limits.SOURCE_TOPIC.length,
        description="Prefix of a printer's topics; {printer} stands for the level that names it.",
    )
    printer: TopicLevel | None = Field(
        None,
        min_length=1,
        max_length=limits.ANNOUNCED_NAME.length,
        description="The one printer to which the topics belong.",
    )

    @model_validator(mode="after")
    def _one_way_to_name(self) -> "SourceSettings":
        if self.printer is not None and "{printer}" in self.topic:
            raise ValueError("takes `printer` or {printer} in the topic, not both")
        return self

    @property
    def printer_name(self) -> str | None:
        """The printer named, else the last level of a fixed prefix; None where the topic names it."""
        if "{printer}" in self.topic:
            return None
        return self.printer or self.topic.rsplit("/", 1)[-1]


def parse_source(text: str) -> SourceSettings:
    """The source written as `ADAPTER[:PRINTER]=TOPIC`. Raises ValueError saying what is wrong."""
    head, equals, topic = text.partition("=")
    adapter, colon, printer = head.partition(":")
    if not equals or not adapter or (colon and not printer):
        raise ValueError(
            f"{text!r} is not ADAPTER[:PRINTER]=TOPIC; e.g. octoprint:bay1=octoPrint or moonraker={{printer}}"
        )
    return SourceSettings(adapter=adapter, topic=topic, printer=printer or None)


class BrokerSettings(Section):
    """The MQTT broker that carries the printers' messages."""

    url: str | None = Field(
        None, description="mqtt://HOST[:PORT] or mqtts://HOST[:PORT]; unset: `layerline up` starts its own."
    )
    username: str | None = Field(None, description="User at the broker.")
    password: SecretStr | None = Field(None, description="Password at the broker; or password_file.")
    printers_url: str | None = Field(
        None,
        description="mqtt://[USER@]HOST[:PORT] under which printers reach it, where that is another "
        "address or user than ours; only shown.",
    )
    ca_file: str | None = Field(
        None, description="Certificates to trust for mqtts:// instead of the system's."
    )
    keepalive_seconds: int = Field(30, ge=5, le=1200, description="MQTT keep-alive.")

    @field_validator("url")
    @classmethod
    def _readable(cls, url: str | None) -> str | None:
        if url is not None:
            broker_address(url)
        return url

    @field_validator("printers_url")
    @classmethod
    def _fit_to_be_shown(cls, url: str | None) -> str | None:
        if url is not None and broker_address(url).password is not None:
            raise ValueError("is shown to people: it must hold no password")
        return url

    @property
    def address(self) -> BrokerAddress:
        """Where the broker is and how to sign in; the keys for user and password go before the URL's."""
        of_url = broker_address(self.url or _OWN_BROKER)
        password = self.password.get_secret_value() if self.password else None
        return replace(
            of_url,
            user=self.username or of_url.user,
            password=password or of_url.password,
            ca_file=self.ca_file,
        )


class CollectorSettings(Section):
    """How the collector books."""

    client_id: str = Field(
        "layerline-shard-0",
        min_length=1,
        max_length=limits.CLIENT_ID.length,
        description="MQTT client id: names the session.",
    )
    accept_new_printers: bool = Field(
        True, description="Whether a printer that announces itself by publishing appears by itself."
    )
    max_printers: int = Field(20_000, ge=1, description="No more printers than this appear by themselves.")
    commit_messages: int = Field(1_000, ge=1, le=100_000, description="Commit after so many messages.")
    commit_seconds: float = Field(
        0.05, gt=0, le=5, description="Commit at the latest so long after the first message."
    )
    takeover_seconds: float = Field(
        20,
        ge=2,
        le=3600,
        description="A stand-by takes over when the collector that it stands by for was silent for so long.",
    )
    telemetry_seconds: float = Field(
        10, ge=1, le=3600, description="A printer's telemetry is looked at so often; thinning decides then."
    )
    publish_state: bool = Field(
        True, description="Whether canonical topics are published below layerline/v1."
    )
    ask: bool = Field(True, description="Whether printers are asked for their whole state where they can be.")
