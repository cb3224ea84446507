"""What to type into a printer so that it appears: one text for terminal, page and documentation."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

PRINTER = "{printer}"
"""Stands for the printer's name in a topic prefix."""
HIDDEN = "..."
"""Stands for a password that is not ours to show."""
USUAL_PREFIXES = {
    "octoprint": "octoPrint/{printer}",
    "moonraker": "{printer}",
    "native": "layerline/native/v1/{printer}",
}
"""By protocol, in the order in which they are shown."""
MOONRAKER_OBJECTS = (
    "webhooks",
    "print_stats",
    "virtual_sdcard",
    "heater_bed",
    "extruder",
    "pause_resume",
    "gcode_move",
    "fan",
)


@dataclass(frozen=True)
class PrinterBroker:
    """The broker as printers reach it. `password` is None where it is not ours to show."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    embedded: bool


class SetupField(msgspec.Struct, frozen=True):
    """A field as the program at the printer labels it, and what to enter; None where it is to be ticked."""

    label: str
    value: str | None
    secret: bool = False


class SetupWay(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer of one protocol is set up: steps, the fields that they speak of, a block to be pasted."""

    adapter: str
    title: str
    steps: tuple[str, ...]
    fields: tuple[SetupField, ...] = ()
    block: str | None = None


def prefixes_for(topics: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The topic prefix to type in, by protocol; `topics` are the sources as (protocol, prefix).

    One that names the printer goes before one that does not. Protocols that no source reads are left out.
    """
    read: dict[str, str] = {}
    for adapter, topic in topics:
        if adapter not in read or (PRINTER in topic and PRINTER not in read[adapter]):
            read[adapter] = topic
    return read or dict(USUAL_PREFIXES)


def free_name(names: Iterable[str], prefixes: Iterable[str]) -> str:
    """The first of bay1, bay2, ... that no printer is called, and that is no level of a prefix in use."""
    taken = {name.casefold() for name in names}
    taken |= {level.casefold() for prefix in prefixes for level in prefix.split("/")}
    number = 1
    while f"bay{number}" in taken:
        number += 1
    return f"bay{number}"


def setup_ways(broker: PrinterBroker, prefixes: Mapping[str, str], name: str) -> tuple[SetupWay, ...]:
    """How to set up a printer that is to be called `name`, for each protocol that is read."""
    makers = {"octoprint": _octoprint, "moonraker": _moonraker, "native": _native}
    return tuple(
        make(broker, prefixes[adapter].replace(PRINTER, name), _own_name(prefixes[adapter], name))
        for adapter, make in makers.items()
        if adapter in prefixes
    )


def _own_name(prefix: str, name: str) -> str:
    """What to say of the name, where the topic holds it."""
    return f" {name} is the printer's name: each printer needs one of its own." if PRINTER in prefix else ""


def _octoprint(broker: PrinterBroker, prefix: str, own_name: str) -> SetupWay:
    fields = [
        SetupField("Host", broker.host),
        SetupField("Port", str(broker.port)),
        SetupField("Protocol version", "MQTTv311"),
    ]
    if broker.user is not None:
        fields += [
            SetupField("The broker requires username and password to connect, show options", None),
            SetupField("Username", broker.user),
            SetupField("Password", broker.password or HIDDEN, secret=broker.password is not None),
        ]
    if broker.tls:
        fields.append(SetupField("The broker requires TLS to connect", None))
    fields.append(SetupField("Base topic", f"{prefix}/"))
    return SetupWay(
        adapter="octoprint",
        title="OctoPrint",
        steps=(
            "Install the plugin MQTT with the plugin manager, and restart OctoPrint.",
            f"In Settings, MQTT, fill in the tabs Broker and Topics as below, and save.{own_name}",
        ),
        fields=tuple(fields),
    )


def _moonraker(broker: PrinterBroker, prefix: str, own_name: str) -> SetupWay:
    lines = ["[mqtt]", f"address: {broker.host}", f"port: {broker.port}"]
    if broker.tls:
        lines.append("enable_tls: True")
    if broker.user is not None:
        lines += [f"username: {broker.user}", f"password: {broker.password or HIDDEN}"]
    lines += [f"instance_name: {prefix}", "default_qos: 1", "status_interval: 1", "status_objects:"]
    lines += [f"  {each}" for each in MOONRAKER_OBJECTS]
    return SetupWay(
        adapter="moonraker",
        title="Klipper with Moonraker",
        steps=(f"Add this to moonraker.conf.{own_name}", "Restart Moonraker."),
        block="\n".join(lines),
    )


def _native(broker: PrinterBroker, prefix: str, own_name: str) -> SetupWay:
    login = ""
    if broker.user is not None:
        login = f" -u {shlex.quote(broker.user)} -P {shlex.quote(broker.password or HIDDEN)}"
    tls = " --tls-use-os-certs" if broker.tls else ""
    block = (
        f"mosquitto_pub -h {broker.host} -p {broker.port}{tls}{login} -q 1 -r \\\n"
        f"  -t {shlex.quote(f'{prefix}/state')} \\\n"
        '  -m \'{"v": 1, "state": "idle"}\''
    )
    return SetupWay(
        adapter="native",
        title="Anything that can publish MQTT",
        steps=(f"Publish Layerline's own JSON below {prefix}/.{own_name}", "To try it:"),
        block=block,
    )
