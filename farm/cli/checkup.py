"""`layerline check` and `layerline doctor`: does it work, and how well?"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

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
from farm.cli.output import print_json, print_table
from farm.model.terminal_text import plain

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.cli.diagnosis import Diagnosis

CHECK_EXAMPLES = """
layerline check                                   try everything, send nothing
layerline check --send                            also send each receiver a test message
layerline check --config /etc/layerline/layerline.toml --json
"""

DOCTOR_EXAMPLES = """
layerline doctor                                  broker and ledger of this farm
layerline doctor --broker mqtt://broker.local:1883
layerline doctor --database postgresql://layerline@db/layerline --json
"""


def check(
    send: Annotated[
        bool, Option("--send", help="Send a test message to every receiver; without it nothing is sent.")
    ] = False,
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check the configuration and try what it names: broker, database, API port, Slack, mail.

    Ends with status 1 when something does not work, 2 when the configuration is wrong.
    """
    configuration = _open(config, data, broker, database, verbose)
    from farm.cli.checks import check_all

    _report([("", lambda: check_all(configuration, send=send))], as_json=as_json)


def doctor(
    broker: BrokerOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find out by trying what the broker can do, and how the ledger, its readers and deliveries stand.

    Says what each missing property of the broker costs. With --broker or --database alone
    only that is looked at. Ends with status 1 when something is missing or stands still.
    """
    configuration = _open(config, data, broker, database, verbose)
    from farm.cli.doctor import examine_broker, examine_ledger

    parts: list[tuple[str, Callable[[], Iterator[Diagnosis]]]] = []
    if broker is not None or database is None:
        parts.append(("broker", lambda: examine_broker(configuration)))
    if database is not None or broker is None:
        parts.append(("ledger", lambda: examine_ledger(configuration)))
    if not as_json:
        _show_access(configuration)
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
        found[name] = list(diagnoses()) if as_json else list(_watched(name, diagnoses()))
        if not as_json:
            _print_findings(name, found[name])
    if as_json:
        whole: Any = msgspec.to_builtins(found)
        print_json(whole.get("", whole))
    if any(diagnosis.status is CheckStatus.FAILED for diagnoses in found.values() for diagnosis in diagnoses):
        raise Exit(1)


_BESIDE_SPINNER = 3


def _watched(name: str, diagnoses: "Iterator[Diagnosis]") -> "Iterator[Diagnosis]":
    """The diagnoses, while the terminal shows that something is going on."""
    from rich.console import Console
    from rich.text import Text

    trying = f"Trying {name or 'what is configured'} …"
    console = Console(stderr=True)
    with console.status(trying) as status:
        for diagnosis in diagnoses:
            words = plain(f"{trying} {diagnosis.what}: {diagnosis.seen}")
            status.update(Text(words[: console.width - _BESIDE_SPINNER]))
            yield diagnosis


def _print_findings(name: str, diagnoses: "Iterable[Diagnosis]") -> None:
    from farm.app.logs import REDACTION

    clean = REDACTION.clean
    rows = [[f.what, f.status.value, clean(f.seen), clean(f.remedy)] for f in diagnoses]
    last = "what it costs, what to do" if any(row[3] for row in rows) else ""
    print_table([name or "check", "", "seen", last], rows)


def _show_access(configuration: "Configuration") -> None:
    """User and password of the embedded broker, for whoever has to type them into a printer."""
    if configuration.is_broker_configured:
        return
    from farm.app.welcome import printer_broker

    access = printer_broker(configuration.broker, embedded_host=configuration.embedded_broker.host)
    if access.user is not None:
        rows = [[f"{access.host}:{access.port}", access.user, access.password or "", "MQTT 3.1.1, no TLS"]]
        print_table(["embedded broker", "user", "password", ""], rows)
