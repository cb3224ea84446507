"""`[[calendars]]` of the configuration: read into calendars, or refused with place, value and remedy."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from farm.app.config import Configuration, load_configuration
from farm.app.logs import LogRedaction
from farm.errors import ConfigurationError
from farm.kpi.calendar import Holiday, OtherHours
from farm.kpi.calendar_settings import filed_calendars
from farm.kpi.opening_hours import parse_week

Read = Callable[[str], Configuration]
SHOP = '[[calendars]]\nname = "shop"\nhours = "mon-fri 08:00-18:00"\n'


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written(text: str) -> Configuration:
        file = tmp_path / "layerline.toml"
        file.write_text(text)
        return load_configuration(config=file, environment={}, redaction=LogRedaction())

    return written


def test_an_entry_is_a_calendar_with_its_groups(read: Read) -> None:
    shop = (
        'groups = ["Hall A", "Hall B"]\nclosed = [2026-12-24, "2026-12-28..2026-12-29"]\n'
        'holidays = ["2026-12-26 Boxing Day", "2026-12-25 Christmas Day"]\n'
        'exceptions = ["2026-12-19 09:00-14:00"]\n'
    )
    night = '[[calendars]]\nname = "night"\nhours = "mon-fri 22:00-06:00"\ndefault = true\n'
    known = filed_calendars(read(SHOP + shop + night).calendars)
    calendar = known.calendars["shop"]
    assert calendar.hours == parse_week("mon-fri 08:00-18:00")
    assert calendar.exceptions == (
        OtherHours(date(2026, 12, 19), ((540, 840),)),
        *(OtherHours(date(2026, 12, day)) for day in (24, 28, 29)),
    )
    assert calendar.holidays == (
        Holiday(date(2026, 12, 25), "Christmas Day"),
        Holiday(date(2026, 12, 26), "Boxing Day"),
    )
    assert (known.groups, known.default) == ({"Hall A": "shop", "Hall B": "shop"}, "night")


def test_without_entries_there_are_no_calendars(read: Read) -> None:
    assert filed_calendars(read("").calendars).calendars == {}


def test_a_calendar_can_be_given_in_the_environment() -> None:
    said = {"LAYERLINE_CALENDARS": '[{"name": "shop", "hours": "mon 08:00-12:00", "closed": ["2026-12-24"]}]'}
    configuration = load_configuration(environment=said, redaction=LogRedaction())
    assert configuration.calendars[0].calendar().exceptions == (OtherHours(date(2026, 12, 24)),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[calendars]]\nname = "shop"', "calendars[0].hours (number 1 of [[calendars]]): is missing"),
        (
            '[[calendars]]\nname = "shop"\nhours = "mon 8-18"',
            'calendars[0].hours (number 1 of [[calendars]]) = "mon 8-18": 8-18: must be from and until on',
        ),
        (
            f'{SHOP}closed = ["soon"]',
            'calendars[0].closed[0] (number 1 of [[calendars]]) = "soon": must be a date such as 2026-12-24',
        ),
        (f'{SHOP}holidays = ["2026-12-25"]', '= "2026-12-25": must be a date and what the day is called'),
        (f'{SHOP}exceptions = ["2026-12-25"]', '= "2026-12-25": must be a date, or several, and their hours'),
        (
            f"{SHOP}closed = [2026-12-24, 2026-12-24]",
            "closed or exceptions: 2026-12-24: must be in order, each date once",
        ),
        (
            '[[calendars]]\nname = "shop"\nhours = "mon 08:00-12:00 11:00-18:00"',
            "calendars[0] (number 1 of [[calendars]]): hours.mon: 11:00-18:00: must be in order and",
        ),
        (
            '[[calendars]]\nname = "a/b"\nhours = "closed"',
            "calendars[0].name (number 1 of [[calendars]]) = \"a/b\": must not hold '/'",
        ),
        (f'{SHOP}groups = [""]', "calendars[0].groups[0] (number 1 of [[calendars]])"),
        (f'{SHOP}groups = ["{"x" * 129}"]', "calendars[0].groups[0] (number 1 of [[calendars]])"),
        (f"{SHOP}open = []", "calendars[0].open (number 1 of [[calendars]]): unknown key"),
        (
            SHOP + SHOP,
            'calendars[1].name (number 2 of [[calendars]]) = "shop": entry number 1 has it already; '
            "give each calendar a name of its own",
        ),
        (
            f'{SHOP}groups = ["A"]\n[[calendars]]\nname = "night"\nhours = "closed"\ngroups = ["B", "A"]',
            'calendars[1].groups (number 2 of [[calendars]]) = "A": entry number 1 has it already',
        ),
        (
            f'{SHOP}default = true\n[[calendars]]\nname = "night"\nhours = "closed"\ndefault = true',
            "calendars[1].default (number 2 of [[calendars]]) = true: entry number 1 has it already",
        ),
    ],
)
def test_an_entry_that_is_wrong_is_refused_with_place_value_and_remedy(
    text: str, said: str, read: Read
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(text).check()
    assert said in str(refused.value)
    assert "layerline.toml" in str(refused.value)
