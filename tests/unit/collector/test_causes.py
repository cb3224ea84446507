"""Which cause the words of a firmware or of a host point to."""

import pytest

from collector.adapters._causes import cause_in, without_ok
from farm.model.states import Cause


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Heater/sensor error", Cause.THERMAL),
        ("Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!", Cause.THERMAL),
        ("Heating failed, system stopped! Heater_ID: E1", Cause.THERMAL),
        ("MAXTEMP triggered, system stopped! Heater_ID: 0", Cause.THERMAL),
        ("Heater extruder not heating at expected rate", Cause.THERMAL),
        ("MCU 'mcu' shutdown: ADC out of range", Cause.THERMAL),
        ("Power loss detected, heaters off", Cause.POWER),
        ("Heater power failure", Cause.THERMAL),
        ("Brown-out detected", Cause.POWER),
        ("Lost communication with MCU 'mcu'", Cause.CONNECTION),
        ("SerialException: device reports readiness to read", Cause.CONNECTION),
        ("Too many consecutive timeouts, printer still connected and alive?", Cause.CONNECTION),
        ("Klipper host process died", Cause.HOST),
        ("Klippy Host disconnected", Cause.HOST),
        ("Lost connection to Klippy Host", Cause.HOST),
        ("Shutdown due to M112 command", Cause.OPERATOR),
        ("Shutdown due to webhooks request", Cause.OPERATOR),
        ("Move out of range: 300.000 0.000 0.200", Cause.FILE),
        ("Extrude below minimum temp", Cause.FILE),
        ("Filament runout", Cause.FILAMENT),
        ("Spaghetti found", Cause.ADHESION),
        ("Probing Failed", Cause.PRINTER_ERROR),
        ("", Cause.UNKNOWN),
        (None, Cause.UNKNOWN),
    ],
)
def test_words_point_to_their_cause(words: str | None, cause: Cause) -> None:
    assert cause_in(words) is cause


def test_klippers_advice_to_restart_the_host_does_not_blame_the_host() -> None:
    advice = (
        "Once the underlying issue is corrected, use the\n"
        '"FIRMWARE_RESTART" command to reset the firmware, reload the\n'
        "config, and restart the host software.\nPrinter is shutdown"
    )
    assert cause_in(f"MCU 'mcu' shutdown: Stepper too far in past\n{advice}") is Cause.PRINTER_ERROR
    assert cause_in(f"Lost communication with MCU 'mcu'\n{advice}") is Cause.CONNECTION


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Probing Failed\nok", "Probing Failed"),
        ("Probing Failed ok\nok\n", "Probing Failed"),
        ("Probing Failed", "Probing Failed"),
        ("Not ok, said nobook", "Not ok, said nobook"),
        ("stepper is broken: tok", "stepper is broken: tok"),
        (" ok", None),
        (None, None),
    ],
)
def test_the_serial_lines_ok_is_no_part_of_the_message(words: str | None, kept: str | None) -> None:
    assert without_ok(words) == kept
