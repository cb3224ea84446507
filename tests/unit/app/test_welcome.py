"""What is shown for typing into printers."""

import io

import pytest
from rich.console import Console

from collector.settings import BrokerSettings
from farm.app.listening import lan_address, local_address, local_url
from farm.app.welcome import printer_broker, welcome
from farm.model.printer_setup import PrinterBroker

OWN = PrinterBroker("192.168.1.5", 1883, tls=False, user="layerline", password="abcd-efgh", embedded=True)


def test_the_embedded_broker_is_shown_with_its_password() -> None:
    broker = BrokerSettings.model_validate(
        {"url": "mqtt://127.0.0.1:1884", "username": "layerline", "password": "abcd-efgh"}
    )
    shown = printer_broker(broker, embedded_host="127.0.0.1")
    assert (shown.host, shown.port, shown.password) == ("127.0.0.1", 1884, "abcd-efgh")


def test_the_password_of_another_broker_is_not_shown() -> None:
    broker = BrokerSettings.model_validate({"url": "mqtts://u:secret@broker.local"})
    shown = printer_broker(broker, embedded_host=None)
    assert (shown.host, shown.port, shown.tls, shown.user, shown.password) == (
        "broker.local", 8883, True, "u", None,
    )  # fmt: skip


def test_printers_are_shown_the_address_and_the_user_that_are_theirs() -> None:
    broker = BrokerSettings.model_validate(
        {
            "url": "mqtt://mosquitto:1883",
            "username": "layerline",
            "password": "abcd-efgh",
            "printers_url": "mqtt://printer@192.168.1.5:1883",
        }
    )
    shown = printer_broker(broker, embedded_host=None)
    assert (shown.host, shown.port, shown.user, shown.password) == ("192.168.1.5", 1883, "printer", None)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [("http://a", "must be mqtt://"), ("mqtt://", "must be"), ("mqtt://printer:secret@a", "no password")],
)
def test_an_address_for_printers_is_one_that_may_be_shown(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        BrokerSettings.model_validate({"printers_url": url})


def test_the_panel_holds_all_of_it() -> None:
    console = Console(width=100, file=io.StringIO())
    with console.capture() as captured:
        console.print(welcome("http://127.0.0.1:8642", "/srv/layerline", OWN, [], "bay3"))
    shown = captured.get()
    for words in (
        "http://127.0.0.1:8642",
        "192.168.1.5:1883",
        "abcd-efgh",
        "/srv/layerline",
        "[mqtt]",
        "octoPrint/bay3/",
    ):
        assert words in shown


def test_an_address_of_its_own_is_shown_as_it_is() -> None:
    assert lan_address("10.0.0.7") == "10.0.0.7"
    assert lan_address("") != ""


@pytest.mark.parametrize(
    ("listening", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8642"),  # noqa: S104
        ("::", "http://[::1]:8642"),
        ("", "http://127.0.0.1:8642"),
        ("10.0.0.7", "http://10.0.0.7:8642"),
        ("[fe80::1]", "http://[fe80::1]:8642"),
    ],
)
def test_a_page_that_is_served_anywhere_is_found_on_this_machine(listening: str, url: str) -> None:
    assert local_url(listening, 8642) == url
    assert local_address("farm.example") == "farm.example"
