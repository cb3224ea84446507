"""The section [influx] of the configuration."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from farm.settings import Section, port_of

WindowName = Literal["1h", "8h", "24h", "7d", "30d", "today", "week", "month"]

_MEGABYTE = 1_000_000


class InfluxSettings(Section):
    """Where job events, states, telemetry and indicators are written, beside the ledger."""

    url: str | None = Field(
        default=None, description="Server, e.g. http://influxdb:8086. Without it InfluxDB is not used."
    )
    version: Literal[2, 3] = Field(
        default=2, description="2 for InfluxDB 2.x; 3 writes the same points and never erases or queries."
    )
    org: str = Field(default="layerline", min_length=1, description="Organisation that owns the buckets.")
    bucket: str = Field(
        default="layerline", min_length=1, description="Bucket for job events, states, indicators and alerts."
    )
    telemetry_bucket: str = Field(
        default="layerline_telemetry",
        min_length=1,
        description="Bucket for telemetry, with its own retention.",
    )
    token: SecretStr | None = Field(default=None, description="Token that may read and write these buckets.")
    verify_tls: bool = Field(default=True, description="Whether the server's certificate is checked.")
    ca_file: Path | None = Field(default=None, description="Certificates to trust in place of the system's.")
    timeout_seconds: float = Field(
        default=20, gt=0, le=600, description="Longest wait for the answer to one request."
    )
    batch_points: int = Field(default=5_000, ge=1, le=50_000, description="Most points in one request.")
    batch_bytes: int = Field(
        default=_MEGABYTE,
        ge=1_000,
        le=25 * _MEGABYTE,
        description="Most bytes of line protocol in one request, before compression.",
    )
    retry_longest_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="Longest pause between two tries while the server does not take data.",
    )
    telemetry_buffer_mb: float = Field(
        default=1_000,
        gt=0,
        description="Megabytes of unsent telemetry that are kept; beyond, the oldest is dropped and counted.",
    )
    kpi_every_seconds: int = Field(
        default=60,
        ge=10,
        le=86_400,
        description="How often the farm's and the groups' indicators are written.",
    )
    kpi_printers_every_seconds: int = Field(
        default=600, ge=10, le=86_400, description="How often each printer's indicators are written."
    )
    kpi_windows: tuple[WindowName, ...] = Field(
        default=("1h", "24h", "7d", "30d"), description="Windows of the farm's and the groups' indicators."
    )
    kpi_printer_windows: tuple[WindowName, ...] = Field(
        default=("24h",), description="Windows of each printer's indicators."
    )

    @field_validator("url")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://, e.g. http://influxdb:8086")
        if url is not None and (not urlsplit(url).hostname or port_of(url) == 0):
            raise ValueError("must name a server, e.g. http://influxdb:8086")
        return url

    @model_validator(mode="after")
    def _printers_follow_the_farm(self) -> "InfluxSettings":
        if self.kpi_printers_every_seconds % self.kpi_every_seconds:
            raise ValueError("kpi_printers_every_seconds must be a multiple of kpi_every_seconds")
        return self

    @property
    def downsampled_bucket(self) -> str:
        """The bucket that holds telemetry in means of ten minutes, without end."""
        return f"{self.telemetry_bucket}_10m"

    @property
    def telemetry_buffer_bytes(self) -> int:
        """The limit of unsent telemetry in bytes."""
        return int(self.telemetry_buffer_mb * _MEGABYTE)
