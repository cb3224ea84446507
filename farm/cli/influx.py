"""`layerline influx` and `layerline rebuild`: setting InfluxDB up, looking at it, and back out of it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option, Typer

from farm.cli.help import Command, Group
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import counted, print_json, print_line
from farm.tables import print_table

if TYPE_CHECKING:
    from farm.influx.status import QueueStatus

INIT_EXAMPLES = """
layerline influx init --admin-token-file admin.token --token-file influx.token
layerline influx init --url http://influxdb:8086 --org farm --admin-token-file admin.token \\
    --telemetry-days 90 --token-file influx.token
"""

STATUS_EXAMPLES = """
layerline influx status                           what is still to be sent, and why
layerline influx status --json
"""

RESEND_EXAMPLES = """
layerline influx resend                           after `influx init` on a new server
"""

REBUILD_EXAMPLES = """
layerline rebuild --from influxdb --database sqlite:////srv/layerline/ledger.db
"""

_PRIVATE = 0o600

app = Typer(cls=Group, no_args_is_help=True, help="Set InfluxDB up and see how far it is behind.")

UrlOption = Annotated[
    str | None, Option("--url", metavar="URL", help="InfluxDB server; else the configured one.")
]


class RebuildSource(StrEnum):
    """Where a ledger can be rebuilt from."""

    INFLUXDB = "influxdb"


def init(
    admin_token_file: Annotated[
        Path,
        Option("--admin-token-file", metavar="FILE", help="Token that may make buckets, tasks and tokens."),
    ],
    token_file: Annotated[
        Path, Option("--token-file", metavar="FILE", help="Where the token is kept, for our eyes only.")
    ],
    url: UrlOption = None,
    org: Annotated[
        str | None, Option("--org", metavar="NAME", help="Organisation; made where it is missing.")
    ] = None,
    telemetry_days: Annotated[
        float,
        Option(
            "--telemetry-days",
            metavar="DAYS",
            min=0,
            help="Days for which raw telemetry is kept; 0: for ever.",
        ),
    ] = 90,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make buckets, retention, downsampling tasks and a token for just these.

    Safe to repeat: what is there is put right, and a token in the file that still works stays.
    The settings to use are printed at the end.
    """
    from farm.errors import ConfigurationError

    try:
        # Not read: what comes through a pipe would be gone before the configuration reads it.
        admin_token_file.stat()
    except OSError as error:
        raise ConfigurationError(
            f"--admin-token-file {admin_token_file}: cannot be read: {error.strerror}"
        ) from error
    configuration = open_configuration(
        config,
        data,
        flag("--url", url, "influx", "url"),
        flag("--org", org, "influx", "org"),
        flag("--admin-token-file", str(admin_token_file.absolute()), "influx", "token_file"),
        verbose=verbose,
    )
    from farm.cli.influx_output import configuration_lines, settings_to_use
    from farm.influx.client import InfluxServer
    from farm.influx.setup import set_up, wait_until_ready

    settings = configuration.influx
    with InfluxServer(settings) as server:
        wait_until_ready(server)
        kept = token_file.read_text("utf-8").strip() if token_file.exists() else None
        done = set_up(server, telemetry_days=telemetry_days, kept_token=kept)
    token_file.touch(mode=_PRIVATE)
    token_file.chmod(_PRIVATE)
    token_file.write_text(f"{done.token}\n", "utf-8")
    steps = [*done.steps, f"token written to {token_file}"]
    use = settings_to_use(settings, token_file)
    if as_json:
        print_json({"done": steps, "influx": use})
        return
    for step in steps:
        print_line(step)
    print_line("For layerline.toml:")
    print_line("")
    for line in configuration_lines(use):
        print_line(line)


def status(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show what is still to be sent to InfluxDB, what was refused or dropped, and why it waits.

    With --json the same objects as from /api/v1/outbox.
    """
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    from farm.app.wiring import ledger_of, now_of
    from farm.cli.influx_output import QUEUE_COLUMNS, queue_rows
    from farm.influx.status import OutboxStatus

    if configuration.influx.url is None:
        _say_not_configured(as_json=as_json)
        return
    with ledger_of(configuration) as ledger:
        reader = OutboxStatus(ledger.engine, configuration.influx.kpi_every_seconds)
        queues: list[QueueStatus] = reader.queues(now_of(ledger))
    if as_json:
        from api.views import outbox_view

        print_json([outbox_view(queue).model_dump(mode="json") for queue in queues])
        return
    if not queues:
        print_line("Nothing was ever sent: the evaluator sends it, see its log.")
        return
    print_table(QUEUE_COLUMNS, queue_rows(queues))


def _say_not_configured(*, as_json: bool) -> None:
    if as_json:
        print_json([])
    else:
        print_line("InfluxDB is not configured, so nothing is sent: see docs/influxdb.md.")


def resend(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fill an InfluxDB that is new, or has lost something, from the ledger.

    Sends printers, jobs, states, alerts and telemetry, also beside a running evaluator; what is
    there already does not double. Indicators go on from now.
    """
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    from farm.app.wiring import ledger_of
    from farm.influx.client import InfluxServer
    from farm.influx.resend import resend as send
    from farm.influx.setup import wait_until_ready
    from farm.model.clock import system_clock

    settings = configuration.influx
    with InfluxServer(settings) as server, ledger_of(configuration) as ledger:
        wait_until_ready(server)
        done = send(ledger.engine, server, settings, system_clock)
    if as_json:
        print_json({"stored": done.stored, "refused": done.refused})
        return
    print_line(f"{counted(done.stored, 'point')} stored, {done.refused:,} refused.")


def rebuild(
    origin: Annotated[RebuildSource, Option("--from", help="Where the past is read from.")],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fill an empty ledger with the printers, jobs and hours that InfluxDB holds.

    The indicators come out as they were. Evidence, revisions and alerts are not in
    InfluxDB, so they do not come back.
    """
    del origin  # there is only one, and it must be named
    configuration = open_configuration(
        config, data, flag("--database", database, "ledger", "url"), verbose=verbose
    )
    from farm.app.wiring import ledger_of
    from farm.influx.client import InfluxServer
    from farm.influx.rebuild import rebuild as fill
    from farm.model.times import rfc3339

    with InfluxServer(configuration.influx) as server, ledger_of(configuration, create=True) as ledger:
        done = fill(server, ledger)
    known_until = rfc3339(done.known_until_ms)
    counts = {"printer": done.printers, "job": done.jobs, "span": done.spans}
    if as_json:
        print_json({**{f"{noun}s": count for noun, count in counts.items()}, "known_until": known_until})
        return
    print_line(", ".join(counted(count, noun) for noun, count in counts.items()) + ".")
    print_line(f"Known until {known_until}.")


app.command(cls=Command, epilog=INIT_EXAMPLES)(init)
app.command(cls=Command, epilog=STATUS_EXAMPLES)(status)
app.command(cls=Command, epilog=RESEND_EXAMPLES)(resend)
