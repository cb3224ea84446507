"""What settings of a scenario are made of: shares, ranges, times of day, weekdays."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from simulators.operator import WEEKDAYS


def one_of(allowed: Sequence[str], what: str) -> AfterValidator:
    """A check that the word is one of those allowed; `what` says what it should have been."""

    def check(word: str) -> str:
        if word not in allowed:
            raise ValueError(f"is no {what}; allowed: {', '.join(allowed)}")
        return word

    return AfterValidator(check)


def _day_time(text: str) -> str:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(hours) * 60 + int(minutes) <= 1440):
        raise ValueError("must be a time of day from 00:00 to 24:00")
    return text


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= pair[0] <= pair[1]:
        raise ValueError("must be two figures, the smaller one first")
    return pair


def minute_of_day(text: str) -> int:
    """The minute of the day (0 to 1440) of a `DayTime`."""
    return int(text[:-3]) * 60 + int(text[-2:])


Weekday = Annotated[str, one_of(WEEKDAYS, "weekday")]
DayTime = Annotated[str, AfterValidator(_day_time)]
Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
