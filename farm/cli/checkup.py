"""`layerline check` and `layerline doctor`: does it work, and how well?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from typer import Exit, Option

from farm.cli.opening import open_configuration
from farm.cli.options import (
    BrokerOption,
    ConfigOption,
    DatabaseOption,
    DataOption,
    JsonOption,
    VerboseOption,
    flag,
)
from farm.cli.output import print_json, print_line
from farm.model.terminal_text import plain
from farm.tables import indented, print_table, style_of

if TYPE_CHECKING:
    from rich.text import Text

    from farm.app.config import Configuration
    from farm.cli.diagnosis import Diagnosis

CHECK_EXAMPLES = """
layerline check                                   try everything, send nothing
layerline check --send                            also send each receiver a test message
layerline check --config /etc/layerline/layerline.toml --json
"""

DOCTOR_EXAMPLES = """
layerline doctor                                  broker and ledger of this farm
layerline doctor --show-secrets                   with the password to type into a printer
layerline doctor --broker mqtt://broker.local:1883
layerline doctor --database postgresql://layerline@db/layerline --json
"""

SecretsOption: TypeAlias = Annotated[
    bool,
    Option(
        "--show-secrets",
        help="Show the embedded broker's password, to be typed into a printer; never in JSON.",
    ),
]


def check(
    send: Annotated[
        bool, Option("--send", help="Send a test message to every receiver; without it nothing is sent.")
    ] = False,
    show_secrets: SecretsOption = False,
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check the configuration and try what it names: broker, database, API port, who gets alerts.

    What it prints holds no secret and can be handed on. Ends with status 1 when something does
    not work, 2 when the configuration is wrong.
    """
    configuration = _open(config, data, broker, database, verbose)
    from farm.cli.checks import check_all

    if show_secrets and not as_json:
        _show_access(configuration, show_secrets=True)
    _report([("", lambda: check_all(configuration, send=send))], as_json=as_json)


def doctor(
    show_secrets: SecretsOption = False,
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find out by trying what the broker can do, and how the ledger, its readers and deliveries stand.

    Says what each missing property of the broker costs. With --broker or --database alone
    only that is looked at. What it prints holds no secret and can be handed on. Ends with
    status 1 when something is missing or stands still.
    """
    configuration = _open(config, data, broker, database, verbose)
    from farm.cli.doctor import examine_broker, examine_ledger

    parts: list[tuple[str, Callable[[], Iterator[Diagnosis]]]] = []
    if broker is not None or database is None:
        parts.append(("broker", lambda: examine_broker(configuration)))
    if database is not None or broker is None:
        parts.append(("ledger", lambda: examine_ledger(configuration)))
    if not as_json:
        _show_access(configuration, show_secrets=show_secrets)
    _report(parts, as_json=as_json)


def _open(config: Any, data: Any, broker: str | None, database: str | None, verbose: bool) -> "Configuration":
    flags = (flag("--broker", broker, "broker", "url"), flag("--database", database, "ledger", "url"))
    return open_configuration(config, data, *flags, verbose=verbose)


def _report(parts: Iterable[tuple[str, Any]], *, as_json: bool) -> None:
    """Show the diagnoses of each part. Raises Exit with status 1 when something failed."""
    import msgspec

    from farm.cli.diagnosis import CheckStatus

    found: dict[str, list[Diagnosis]] = {}
    for name, diagnoses in parts:
        trying = f"Trying {name or 'what is configured'} …"
        told = list(diagnoses()) if as_json else list(watched(trying, diagnoses()))
        found[name] = [without_secrets(diagnosis) for diagnosis in told]
        if not as_json:
            _print_findings(name, found[name])
    if as_json:
        whole: Any = msgspec.to_builtins(found)
        print_json(whole.get("", whole))
    if any(diagnosis.status is CheckStatus.FAILED for diagnoses in found.values() for diagnosis in diagnoses):
        raise Exit(1)


def without_secrets(diagnosis: "Diagnosis") -> "Diagnosis":
    """What was found, as it can be handed to others."""
    from msgspec.structs import replace

    from farm.app.logs import REDACTION

    return replace(diagnosis, seen=REDACTION.clean(diagnosis.seen), remedy=REDACTION.clean(diagnosis.remedy))


_BESIDE_SPINNER = 3


def watched(trying: str, diagnoses: "Iterator[Diagnosis]") -> "Iterator[Diagnosis]":
    """The diagnoses, while the terminal shows with the words `trying` that something is going on."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status(trying) as status:
        for diagnosis in diagnoses:
            words = plain(f"{trying} {diagnosis.what}: {diagnosis.seen}")
            status.update(Text(words[: console.width - _BESIDE_SPINNER]))
            yield diagnosis


def _print_findings(name: str, diagnoses: "Sequence[Diagnosis]") -> None:
    """On a terminal a paragraph each, in a pipe a line each."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        rows = [[each.status.value, each.what, each.seen, each.remedy] for each in diagnoses]
        print_table(["", name or "check", "seen", "what it costs, what to do"], rows)
        return
    if name:
        console.print(f"\n{name.capitalize()}", style="bold")
    for each in diagnoses:
        console.print(_paragraph(each, console.width))


def _paragraph(each: "Diagnosis", width: int) -> "Text":
    """How it came out, what was checked and what was seen; below it what to do."""
    from rich.text import Text

    status = each.status.value
    lines = indented(plain(f"{each.what}: {each.seen}"), width, _STATUS_WIDTH)
    if each.remedy:
        lines += indented(f"→ {plain(each.remedy)}", width, _STATUS_WIDTH)
    shown = Text(f"{status:<{_STATUS_WIDTH}}", style=style_of(status))
    text = "\n".join(lines)[_STATUS_WIDTH:]
    shown.append(text, style="default")
    shown.stylize("bold", _STATUS_WIDTH, _STATUS_WIDTH + min(len(plain(each.what)), len(text)))
    return shown


_STATUS_WIDTH = len("warning  ")


def _show_access(configuration: "Configuration", *, show_secrets: bool) -> None:
    """How printers reach the embedded broker; the password only for whoever has to type it in."""
    if configuration.is_broker_configured:
        return
    from farm.app.welcome import printer_broker

    access = printer_broker(configuration.broker, embedded_host=configuration.embedded_broker.host)
    if access.user is None:
        return
    password = (access.password or "") if show_secrets else "not shown; --show-secrets shows it"
    print_line(f"Embedded broker {access.host}:{access.port}, MQTT 3.1 and 3.1.1, no TLS")
    print_line(f"  user {access.user}, password {password}")
