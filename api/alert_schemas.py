"""What people do about alerts over HTTP: the bodies of requests, and what answers them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.parameters import UUID_PATTERN
from api.schemas import AlertRecord, Answer, Instant
from farm.model import limits
from farm.model.acknowledgement import LONGEST_MS, USUAL_MS
from farm.model.alert_action import AlertActionKind
from farm.model.silence import LONGEST_MS as LONGEST_SILENCE_MS
from farm.model.silence import Label, SilenceState
from farm.model.times import HOUR_MS, SECOND_MS

ALERT_ID = "a8b0f0ce-94b6-5c8b-8a52-0f6f3a3f9d3c"
Why = Annotated[str, Field(max_length=limits.WHY.length, description="The reason.", examples=["new nozzle"])]
Until = Annotated[
    str | None,
    Field(
        max_length=64,
        description="Until when, RFC 3339; or `for_seconds`.",
        examples=[None],
        json_schema_extra={"format": "date-time"},
    ),
]
Matchers = Annotated[
    dict[Label, Annotated[str, Field(max_length=limits.ALERT_SUBJECT.length)]],
    Field(
        description="Patterns by label, which must all match: `*` stands for any signs, `?` for one. "
        "Case does not matter. Empty for no group, or no printer.",
        min_length=1,
        examples=[{"printer": "bay*", "severity": "critical"}],
    ),
]


class AcknowledgementRequest(BaseModel):
    """Whoever holds the token sees to it, until then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    for_seconds: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=LONGEST_MS // SECOND_MS,
        description=f"For how long from now; {USUAL_MS // HOUR_MS} hours where `until` is left out too.",
        examples=[7200],
    )
    until: Until = None
    note: str = Field("", max_length=limits.NOTE.length, examples=["new nozzle on its way"])


class AcknowledgementsRequest(AcknowledgementRequest):
    """The same of many alerts: of all of them, or none."""

    alerts: list[Annotated[str, Field(pattern=UUID_PATTERN)]] = Field(
        min_length=1, max_length=1_000, examples=[[ALERT_ID]]
    )


class ResolutionRequest(BaseModel):
    """Whoever holds the token says that it is over, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: Annotated[str, Field(min_length=1, max_length=limits.WHY.length, examples=["nozzle replaced"])]


class PreviewRequest(BaseModel):
    """What a silence would be about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matchers: Matchers


class SilenceRequest(PreviewRequest):
    """Alerts that match are not told from then until then."""

    from_: str | None = Field(
        None,
        alias="from",
        max_length=64,
        description="When it begins, RFC 3339; now where it is left out or has passed.",
        examples=[None],
        json_schema_extra={"format": "date-time"},
    )
    for_seconds: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=LONGEST_SILENCE_MS // SECOND_MS,
        description="For how long from its beginning; this or `until`.",
        examples=[7200],
    )
    until: Until = None
    why: Why = ""


class SilenceRecord(Answer):
    """A silence, and where it stands."""

    id: int = Field(examples=[3])
    matchers: dict[Label, str] = Field(examples=[{"printer": "bay*"}])
    from_: Instant = Field(alias="from")
    until: Instant
    made_at: Instant
    who: str = Field(examples=["olga"])
    why: str = Field(examples=["new nozzle"])
    ended_at: Instant | None = Field(description="When it was ended before its time; null where it was not.")
    state: SilenceState = Field(examples=["in_force"])


class SilenceAnswer(Answer):
    """A silence, and the firing alerts that it is about now."""

    silence: SilenceRecord
    alerts: list[AlertRecord]


class AlertActionRecord(Answer):
    """What a person did about an alert, or with a silence, with what stood before and after."""

    id: int = Field(examples=[17])
    at: Instant
    who: str = Field(examples=["olga"])
    why: str = Field(description="The reason, or the note.", examples=["new nozzle on its way"])
    what: AlertActionKind = Field(examples=["alert.acknowledged"])
    alert_id: str | None = Field(description="Null for a silence.", examples=[ALERT_ID])
    silence: int | None = Field(description="Its number; null for an alert.", examples=[None])
    before: dict[str, Any] | None = Field(description="Null where nothing stood.", examples=[None])
    after: dict[str, Any] | None = Field(
        description="Null where nothing stands any more.",
        examples=[
            {
                "by": "olga",
                "note": "new nozzle on its way",
                "at": "2026-11-22T09:41:07.250Z",
                "until": "2026-11-22T11:41:07.250Z",
            }
        ],
    )
