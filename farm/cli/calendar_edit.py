"""What `layerline calendar set` makes of a calendar: the options, laid over what stands."""

from dataclasses import dataclass

from farm.errors import InvalidQuery
from farm.kpi.calendar import Holiday, OtherHours, ShopCalendar
from farm.kpi.opening_hours import HOURS_FORMS, parse_dates, parse_holiday, parse_other_hours, parse_week


@dataclass(frozen=True, kw_only=True)
class CalendarEdit:
    """The options as they were typed; what is not given stays as it is."""

    hours: str | None
    closed: tuple[str, ...]
    opened: tuple[str, ...]
    holidays: tuple[str, ...]
    usual: tuple[str, ...]

    def applied(self, name: str, stands: ShopCalendar | None) -> ShopCalendar:
        """The calendar with the changes made to the one that stands, or a new one.

        A date that is named gets what is said of it now in the place of what was said before.
        Raises InvalidInput for a text that cannot be read, InvalidQuery for a new one without hours.
        """
        if stands is None and self.hours is None:
            raise InvalidQuery(
                f"--hours: is missing, and there is no calendar {name} to change; write {HOURS_FORMS}"
            )
        others = {each.day: each for each in stands.exceptions} if stands else {}
        holidays = {each.day: each for each in stands.holidays} if stands else {}
        for text in self.usual:
            for day in parse_dates(text, "usual"):
                others.pop(day, None)
                holidays.pop(day, None)
        for text in self.closed:
            others.update({day: OtherHours(day) for day in parse_dates(text)})
        for text in self.opened:
            others.update({each.day: each for each in parse_other_hours(text, "open")})
        for holiday in map(_holiday, self.holidays):
            holidays[holiday.day] = holiday
        return ShopCalendar(
            name=name,
            hours=stands.hours if stands and self.hours is None else parse_week(self.hours or ""),
            exceptions=tuple(others[day] for day in sorted(others)),
            holidays=tuple(holidays[day] for day in sorted(holidays)),
        )


def _holiday(text: str) -> Holiday:
    return parse_holiday(text, "holiday")
