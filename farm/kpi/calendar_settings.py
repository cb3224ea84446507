"""Entries of `[[calendars]]` in the configuration: calendars that a file keeps, and no command changes."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from farm.errors import InvalidInput
from farm.kpi.calendar import Holiday, OtherHours, ShopCalendar
from farm.kpi.opening_hours import parse_dates, parse_holiday, parse_other_hours, parse_week
from farm.kpi.shop_calendars import ShopCalendars
from farm.model import limits
from farm.settings import Section

ReadT = TypeVar("ReadT")


def _readable(parse: Callable[[str], object]) -> Callable[[str], str]:
    """A check that the text can be read so; what is wrong with it is said in the words of the parser."""

    def checked(text: str) -> str:
        _in_words_of_a_setting(lambda: parse(text), text)
        return text

    return checked


def _in_words_of_a_setting(read: Callable[[], ReadT], whole: str = "") -> ReadT:
    """What is read. Raises ValueError that leaves out what the message on a setting says by itself."""
    try:
        return read()
    except InvalidInput as error:
        part = "" if error.value == whole else f"{error.value}: "
        raise ValueError(f"{part}{error.remedy}") from error


def _date_text(value: Any) -> Any:
    """TOML has dates of its own."""
    return value.isoformat() if type(value) is date else value


Week = Annotated[str, AfterValidator(_readable(parse_week))]
Dates = Annotated[str, BeforeValidator(_date_text), AfterValidator(_readable(parse_dates))]
HolidayText = Annotated[str, AfterValidator(_readable(parse_holiday))]
OtherHoursText = Annotated[str, AfterValidator(_readable(parse_other_hours))]
GroupName = Annotated[str, Field(min_length=1, max_length=limits.GROUP.length)]


class CalendarSettings(Section):
    """Opening hours of the shop, and the groups for which they hold."""

    name: str = Field(
        min_length=1,
        max_length=limits.CALENDAR.length,
        description="The calendar's name. It goes before one of the same name that a command set.",
    )
    groups: tuple[GroupName, ...] = Field(
        default=(), description="Groups of printers for which it holds, whatever a command says."
    )
    default: bool = Field(
        default=False, description="Whether it holds for all printers whose group has no other."
    )
    hours: Week = Field(
        description="Weekdays with their hours on the clock of `site.time_zone`, such as "
        '"mon-fri 08:00-12:00 13:00-18:00, sat 09:00-13:00"; 22:00-06:00 goes on into the next day, '
        '"closed" for no weekday.'
    )
    closed: tuple[Dates, ...] = Field(
        default=(),
        description="Dates on which it is closed: 2026-12-24, or the first and the last of several, "
        '"2026-12-24..2027-01-01".',
    )
    holidays: tuple[HolidayText, ...] = Field(
        default=(), description='Holidays, closed too, with their names: "2026-12-25 Christmas Day".'
    )
    exceptions: tuple[OtherHoursText, ...] = Field(
        default=(), description='Dates with hours of their own: "2026-12-19 09:00-14:00".'
    )

    @model_validator(mode="after")
    def _is_a_calendar(self) -> "CalendarSettings":
        _in_words_of_a_setting(self.calendar)
        return self

    def calendar(self) -> ShopCalendar:
        """The calendar that it describes. Raises InvalidInput where dates or hours exclude each other."""
        closed = [OtherHours(day) for text in self.closed for day in parse_dates(text)]
        others = [other for text in self.exceptions for other in parse_other_hours(text)]
        return ShopCalendar(
            name=self.name,
            hours=parse_week(self.hours),
            exceptions=tuple(sorted(closed + others, key=_day_of)),
            holidays=tuple(sorted(map(parse_holiday, self.holidays), key=_day_of)),
        )


def filed_calendars(entries: Iterable[CalendarSettings]) -> ShopCalendars:
    """What the entries say together, each name and each group standing in one of them."""
    entries = tuple(entries)
    return ShopCalendars(
        calendars={entry.name: entry.calendar() for entry in entries},
        groups={group: entry.name for entry in entries for group in entry.groups},
        default=next((entry.name for entry in entries if entry.default), None),
    )


def _day_of(each: OtherHours | Holiday) -> date:
    return each.day
