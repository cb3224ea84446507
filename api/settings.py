"""The section `[api]` of the configuration: where the API listens and who may ask."""

import ipaddress

from pydantic import Field, SecretStr, field_validator, model_validator

from farm.model.limits import WHO
from farm.settings import Section

SHORTEST_TOKEN = 16
"""Characters; a token is the only thing between the network and the farm's figures."""
_LONGEST_HOST = 253
"""Characters of a domain name."""


class ApiSettings(Section):
    """Where the API listens, with which token, and for how long a signed-in browser stays so."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        max_length=_LONGEST_HOST,
        description="Address to listen on. Anything but loopback needs a token.",
    )
    port: int = Field(8642, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    token: SecretStr | None = Field(
        None,
        description=f"The API token, at least {SHORTEST_TOKEN} characters; better in the file `token_file`.",
    )
    token_name: str = Field(
        "api",
        min_length=1,
        max_length=WHO.length,
        pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
        description="Who speaks with the token: the name that stands in the trail of what people say.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Further host names under which the API answers while it has no token; "
        "localhost and loopback addresses always are.",
    )
    session_days: int = Field(
        30, ge=1, le=3650, description="Days for which a browser stays signed in after the token was typed."
    )
    stale_seconds: int = Field(
        60,
        ge=5,
        le=86_400,
        description="Seconds without a booking of the collector after which its figures count as stale.",
    )

    max_connections: int = Field(
        1_000,
        ge=20,
        le=100_000,
        description="Connections at a time. Beyond, one that waits with half a request makes room, "
        "or the answer is 503.",
    )
    max_streams: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Live streams at a time, less than `max_connections`, so that everything else is still "
        "answered. Each open page has one.",
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            _check_token(token.get_secret_value())
        return token

    @model_validator(mode="after")
    def _streams_leave_room(self) -> "ApiSettings":
        if self.max_streams >= self.max_connections:
            raise ValueError(
                f"max_streams = {self.max_streams} must be less than max_connections = "
                f"{self.max_connections}, so that other requests are still answered"
            )
        return self

    @model_validator(mode="after")
    def _guarded_beyond_loopback(self) -> "ApiSettings":
        if not is_loopback(self.host) and self.token is None:
            raise ValueError(
                f"host {self.host!r} can be reached from other machines, so `token` or `token_file` must be "
                'set; without a token the API listens only on loopback, e.g. host = "127.0.0.1"'
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, IPv6 with or without brackets) is this machine only."""
    if host.casefold().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _check_token(token: str) -> None:
    if len(token) < SHORTEST_TOKEN:
        raise ValueError(
            f"the token needs at least {SHORTEST_TOKEN} characters, e.g. from `openssl rand -hex 24`"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("must be made of printable ASCII signs without blanks")
