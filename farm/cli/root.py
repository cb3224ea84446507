"""The program `layerline` with all its commands."""

import typer

from farm.cli import (
    alert,
    alerts,
    calendar,
    causes,
    checkup,
    demonstration,
    export,
    figures,
    forecast,
    influx,
    job,
    jobs,
    maintenance,
    overview,
    printer,
    recompute,
    recordings,
    services,
    standing,
    together,
    versions,
)
from farm.cli.help import Command, Group
from simulators import cli as simulation

_EXAMPLES = """
layerline demo      a farm to look at, in one command
layerline up        your farm, with a broker of its own
layerline status    how it stands, in one screen
"""

app = typer.Typer(
    name="layerline",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Monitoring for farms of 3D printers that counts right and can show why.\n\n"
    "Settings come from layerline.toml, LAYERLINE_<SECTION>__<KEY> in the environment, and flags, "
    "the later above the earlier. Exit status: 0 done, 1 failed, 2 wrong usage or configuration.",
    epilog=_EXAMPLES,
)

_COMMANDS = (
    (together.up, together.EXAMPLES),
    (demonstration.demo, demonstration.EXAMPLES),
    (services.collector, services.COLLECTOR_EXAMPLES),
    (services.evaluator, services.EVALUATOR_EXAMPLES),
    (services.api, services.API_EXAMPLES),
    (overview.status, overview.EXAMPLES),
    (standing.printers, standing.EXAMPLES),
    (jobs.jobs, jobs.EXAMPLES),
    (alerts.alerts, alerts.EXAMPLES),
    (figures.kpi, figures.KPI_EXAMPLES),
    (forecast.forecast, forecast.EXAMPLES),
    (causes.causes, causes.EXAMPLES),
    (export.export, export.EXAMPLES),
    (recordings.replay, recordings.REPLAY_EXAMPLES),
    (recordings.record, recordings.RECORD_EXAMPLES),
    (simulation.simulate, simulation.SIMULATE_EXAMPLES),
    (simulation.verify, simulation.VERIFY_EXAMPLES),
    (influx.rebuild, influx.REBUILD_EXAMPLES),
    (checkup.check, checkup.CHECK_EXAMPLES),
    (checkup.doctor, checkup.DOCTOR_EXAMPLES),
    (recompute.recompute, recompute.EXAMPLES),
    (versions.version, versions.EXAMPLES),
)

app.callback()(versions.program)

for _function, _examples in _COMMANDS:
    app.command(cls=Command, epilog=_examples)(_function)

app.add_typer(printer.app, name="printer")
app.add_typer(job.app, name="job")
app.add_typer(alert.app, name="alert")
app.add_typer(calendar.app, name="calendar")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(influx.app, name="influx")
