"""What fails too often, as the API describes it."""

from pydantic import Field

from api.schemas import Answer, Instant, WindowBounds
from farm.kpi.causes import Dimension


class FailureFinding(Answer):
    """A printer, file, material, operator, spool or hour that fails more often than the others."""

    dimension: Dimension = Field(examples=["printer"])
    value: str = Field(description="Name or text; of an hour its number.", examples=["bay-03"])
    failed: int = Field(examples=[11])
    attempts: int = Field(examples=[41])
    rest_failed: int = Field(description="Failed prints of all the others.", examples=[25])
    rest_attempts: int = Field(examples=[371])
    ratio: float = Field(description="How many times as often it fails.", examples=[4.1])
    interval_low: float = Field(description="Lower end of the 95 % interval of the ratio.", examples=[2.3])
    interval_high: float = Field(description="Upper end of that interval.", examples=[7.4])
    p_value: float = Field(description="Of Fisher's exact test, one-sided.", examples=[0.0002])
    sentence: str = Field(
        examples=["bay-03 fails 4.1 times as often as the rest of the farm, 95 % 2.3 to 7.4, 11 of 41 prints"]
    )


class SharedFailures(Answer):
    """Two findings that rest on the same prints: it may be either of them."""

    first: str = Field(examples=["bad.gcode"])
    second: str = Field(examples=["bay-03"])
    failed: int = Field(description="Failed prints that both rest on.", examples=[20])
    sentence: str = Field(examples=["bad.gcode and bay-03 share 20 failures: it may be either of them"])


class CausesFound(Answer):
    """What fails more often than chance would have it, the largest effect first; often nothing."""

    at: Instant
    window: WindowBounds
    prints: int = Field(description="Attempts that were counted.", examples=[412])
    comparisons: int = Field(description="So many values were compared with the rest.", examples=[53])
    false_discovery_rate: float = Field(
        description="Of what is told, so large a share on average is chance.", examples=[0.1]
    )
    findings: list[FailureFinding]
    shared: list[SharedFailures]
