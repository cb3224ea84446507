"""Scenarios: what a simulated farm is made of, how it is used and how it misbehaves. TOML files."""

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator

from farm.errors import ConfigurationError
from farm.model.states import Cause
from farm.settings import Section, SiteSettings, TopicLevel
from simulators.faults import FaultSettings
from simulators.jobs import PrintFile
from simulators.material import MATERIALS
from simulators.models import MODELS
from simulators.protocols import protocols
from simulators.setting_types import DayTime, Range, Rate, Share, Weekday, minute_of_day, one_of
from simulators.shop import ShopSettings

_OUTAGES = (Cause.HOST, Cause.POWER)
_HIDDEN = (*_OUTAGES, Cause.UNKNOWN)


ModelName = Annotated[str, one_of(sorted(MODELS), "model of printer")]
MaterialName = Annotated[str, one_of(sorted(MATERIALS), "material")]
ProtocolName = Annotated[str, one_of(sorted(protocols()), "simulated protocol")]
JobCause = Annotated[
    Cause, one_of([cause for cause in Cause if cause not in _HIDDEN], "cause of a failed job")
]
Fate = Annotated[str, one_of([*(c for c in Cause if c not in _HIDDEN), "well"], "fate of a print")]
OutageCause = Annotated[Cause, one_of(list(_OUTAGES), "cause of an outage")]


def _default_failures() -> dict[Cause, float]:
    return {
        Cause.THERMAL: 1.5,
        Cause.PRINTER_ERROR: 2.0,
        Cause.CONNECTION: 1.5,
        Cause.FILAMENT: 2.0,
        Cause.ADHESION: 6.0,
        Cause.OPERATOR: 0.3,
    }


def _default_outages() -> dict[Cause, float]:
    return {Cause.HOST: 0.5, Cause.POWER: 0.3}


class ShiftSettings(Section):
    """The people of the farm and when they are there."""

    days: tuple[Weekday, ...] = Field(("mon", "tue", "wed", "thu", "fri", "sat"), min_length=1)
    begin: DayTime = "06:00"
    end: DayTime = "22:00"
    printers_per_person: float = Field(25, gt=0)
    notice_minutes: Range = (2, 25)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "ShiftSettings":
        if self.minutes[0] >= self.minutes[1]:
            raise ValueError(f"begin {self.begin!r} must be before end {self.end!r}")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Begin and end in minutes of the day."""
        return minute_of_day(self.begin), minute_of_day(self.end)


class JobSettings(Section):
    """What is printed and how people treat it."""

    files: int = Field(40, ge=1, le=100_000)
    minutes: Range = (25, 540)
    demand: Share = 0.85
    lull_minutes: float = Field(90, gt=0)
    cancelled_share: Share = 0.03
    paused_share: Share = 0.05
    foresight: Share = 0.75
    bad_file_share: Share = 0.05
    bad_file_trouble: float = Field(6.0, ge=1)
    refused_file_share: Share = 0.03
    bad_spool_share: Share = 0.04
    bad_spool_trouble: float = Field(8.0, ge=1)
    service_hours: float = Field(250, gt=0)


class FailureSettings(Section):
    """How often things break: failures per 1,000 hours of printing, outages per 1,000 hours."""

    jobs: dict[JobCause, Rate] = Field(default_factory=_default_failures)
    outages: dict[OutageCause, Rate] = Field(default_factory=_default_outages)
    bad_printer_share: Share = 0.06
    bad_printer_trouble: float = Field(7.0, ge=1)


class FileSettings(Section):
    """A file of the scenario's own."""

    name: str = Field(min_length=1)
    material: MaterialName = "PLA"
    minutes: float = Field(gt=0)
    layers: int = Field(120, ge=2)
    layer_mm: float = Field(0.2, gt=0)
    grams: float = Field(30, gt=0)
    units: int = Field(1, ge=1)
    trouble: float = Field(1.0, ge=0)
    refused_at: Share | None = None

    def made_ready(self) -> PrintFile:
        """The file as the printers know it."""
        values = self.model_dump(exclude={"minutes"})
        return PrintFile(seconds=self.minutes * 60, **values)


class PrinterStory(Section):
    """A printer with a story of its own. Minutes count from the beginning of the run.

    `first_failures` is the fate of its first prints: a cause, or `well`.
    """

    name: TopicLevel
    protocol: ProtocolName | None = None
    model: ModelName | None = None
    trouble: dict[JobCause, Rate] = Field(default_factory=dict)
    plays: tuple[str, ...] = ()
    first_failures: tuple[Fate, ...] = ()
    bad_spools: tuple[int, ...] = ()
    neglected_minutes: float = Field(0, ge=0)
    host_down_minutes: tuple[Range, ...] = ()


class FarmSettings(Section):
    """How many printers of which kinds. `tempo` hurries everything but the printing itself."""

    printers: int = Field(12, ge=1, le=100_000)
    name: TopicLevel = "bay"
    time_zone: str = "UTC"
    protocols: dict[ProtocolName, Rate] = Field(default_factory=dict)
    models: dict[ModelName, Rate] = Field(default_factory=dict)
    report_seconds: float = Field(60, gt=0, le=3600)
    tempo: float = Field(1.0, ge=1, le=1000)

    @model_validator(mode="after")
    def _in_a_time_zone(self) -> "FarmSettings":
        SiteSettings(time_zone=self.time_zone)
        return self


class Scenario(Section):
    """A whole scenario."""

    name: str = "farm"
    about: str = ""
    seed: int = 1
    farm: FarmSettings = FarmSettings()
    shift: ShiftSettings = ShiftSettings()
    jobs: JobSettings = JobSettings()
    failures: FailureSettings = FailureSettings()
    faults: FaultSettings = FaultSettings()
    shop: ShopSettings = ShopSettings()
    files: tuple[FileSettings, ...] = ()
    printers: tuple[PrinterStory, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> "Scenario":
        known = {file.name for file in self.files}
        for story in self.printers:
            if missing := [name for name in story.plays if name not in known]:
                raise ValueError(f"printers: {story.name} plays {missing[0]!r}, which is not among the files")
        if len(names := [story.name for story in self.printers]) != len(set(names)):
            raise ValueError("printers: two stories have the same name")
        if len(self.printers) > self.farm.printers:
            raise ValueError(
                f"printers: {len(self.printers)} stories, but farm.printers is {self.farm.printers}"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The farm's time zone."""
        return ZoneInfo(self.farm.time_zone)


def packaged_scenarios() -> dict[str, Any]:
    """The scenarios that come with Layerline, by name, as readable resources."""
    folder = files("simulators") / "scenarios"
    return {entry.name[:-5]: entry for entry in folder.iterdir() if entry.name.endswith(".toml")}


def load_scenario(wanted: str | None) -> Scenario:
    """The scenario of that name or file; the mixed farm when none is named.

    Raises ConfigurationError naming file, key, value and what is allowed.
    """
    if wanted is None:
        return Scenario()
    packaged = packaged_scenarios()
    try:
        text = packaged[wanted].read_text("utf-8") if wanted in packaged else Path(wanted).read_text("utf-8")
    except OSError as error:
        allowed = ", ".join(sorted(packaged))
        raise ConfigurationError(
            f"scenario {wanted!r}: {error.strerror or error}; give a TOML file or one of: {allowed}"
        ) from error
    return parse_scenario(text, wanted)


def parse_scenario(text: str, source: str) -> Scenario:
    """The scenario in the TOML text. Raises ConfigurationError naming `source`, key and value."""
    try:
        return Scenario.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(_explain(source, error)) from error


def _explain(source: str, error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"] if part != "[key]")
        if fault["type"] == "extra_forbidden":
            lines.append(f"{source}: {key}: unknown key{_nearest(fault['loc'])}")
            continue
        value = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
        reason = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{source}: {key}{value}: {reason}" if key else f"{source}: {reason}")
    return "\n".join(lines)


def _nearest(place: tuple[int | str, ...]) -> str:
    """The keys that are allowed where an unknown one was found."""
    section: Any = Scenario
    for part in place[:-1]:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = next(
                (a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)), annotation
            )
    allowed = sorted(section.model_fields)
    near = get_close_matches(str(place[-1]), allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{hint} allowed: {', '.join(allowed)}" if hint else f"; allowed: {', '.join(allowed)}"
