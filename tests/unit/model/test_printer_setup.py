"""What is typed into printers is one text, with a name that no other printer has."""

import configparser
import json
import shlex

import pytest

from collector.adapters._klipper_status import OBJECTS
from collector.intake.sources import SourceTable, default_sources
from farm.model.printer_setup import (
    MOONRAKER_OBJECTS,
    USUAL_PREFIXES,
    PrinterBroker,
    SetupWay,
    free_name,
    prefixes_for,
    setup_ways,
)

OWN = PrinterBroker("192.168.1.5", 1883, tls=False, user="layerline", password="ab cd", embedded=True)
OPEN = PrinterBroker("broker", 8883, tls=True, user=None, password=None, embedded=False)


def ways(broker: PrinterBroker = OWN, name: str = "bay3") -> dict[str, SetupWay]:
    return {way.adapter: way for way in setup_ways(broker, USUAL_PREFIXES, name)}


def test_octoprints_own_labels_are_used_and_the_name_is_filled_in() -> None:
    fields = {field.label: field for field in ways()["octoprint"].fields}
    assert {label: field.value for label, field in fields.items()} == {
        "Host": "192.168.1.5",
        "Port": "1883",
        "Protocol version": "MQTTv311",
        "The broker requires username and password to connect, show options": None,
        "Username": "layerline",
        "Password": "ab cd",
        "Base topic": "octoPrint/bay3/",
    }
    assert [label for label, field in fields.items() if field.secret] == ["Password"]


def test_what_a_broker_does_not_ask_for_is_not_typed_in() -> None:
    labels = [field.label for field in ways(OPEN)["octoprint"].fields]
    tls = "The broker requires TLS to connect"
    assert labels == ["Host", "Port", "Protocol version", tls, "Base topic"]
    block = ways(OPEN)["moonraker"].block
    assert block is not None
    assert "enable_tls: True" in block
    assert "username" not in block


def test_the_moonraker_section_can_be_read_as_moonraker_reads_it() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(ways()["moonraker"].block or "")
    section = parser["mqtt"]
    assert (section["address"], section["port"], section["username"]) == ("192.168.1.5", "1883", "layerline")
    assert section["instance_name"] == "bay3"
    assert tuple(section["status_objects"].split()) == MOONRAKER_OBJECTS


def test_moonraker_is_asked_for_what_the_adapter_reads() -> None:
    assert set(MOONRAKER_OBJECTS) == set(OBJECTS)


def test_the_command_to_try_it_is_one_that_a_shell_takes() -> None:
    words = shlex.split((ways()["native"].block or "").replace("\\\n", " "))
    assert words[words.index("-P") + 1] == "ab cd"
    assert words[words.index("-t") + 1] == "layerline/native/v1/bay3/state"
    assert json.loads(words[words.index("-m") + 1])["state"] == "idle"


@pytest.mark.parametrize(
    ("topics", "prefix"),
    [
        ([], "{printer}"),
        ([("octoprint", "o"), ("moonraker", "voron")], "voron"),
        ([("moonraker", "voron"), ("moonraker", "farm/{printer}")], "farm/{printer}"),
    ],
)
def test_the_topic_follows_the_sources(topics: list[tuple[str, str]], prefix: str) -> None:
    assert prefixes_for(topics)["moonraker"] == prefix


def test_what_no_source_reads_is_not_offered() -> None:
    only = prefixes_for([("octoprint", "farm/bay7")])
    (way,) = setup_ways(OWN, only, "bay1")
    assert way.adapter == "octoprint"
    assert "bay1" not in str(way)


def test_by_default_every_printer_has_a_topic_of_its_own_that_is_read() -> None:
    prefixes = prefixes_for((source.adapter, source.topic) for source in default_sources())
    assert prefixes == USUAL_PREFIXES
    for way in ways().values():
        topic = USUAL_PREFIXES[way.adapter].replace("{printer}", "bay3")
        assert SourceTable([]).announced(way.adapter, topic) == "bay3"


def test_the_next_name_is_free_among_names_and_topics_in_whatever_capitals() -> None:
    assert free_name([], []) == "bay1"
    assert free_name(["Bay1", "voron"], ["octoPrint/bay2", "x/BAY3/y"]) == "bay4"
    assert free_name(["bay2"], []) == "bay1"
