"""`layerline simulate` and `layerline verify`: a farm that knows the truth, and what became of it."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

SIMULATE_EXAMPLES = """
layerline simulate --printers 1000 --days 30 --seed 7 --faults all --speed max \\
    --broker mqtt://127.0.0.1:1883 --truth truth.jsonl
layerline simulate --scenario demo                          in real time, until Ctrl-C
layerline simulate --scenario night-shift.toml --speed 60 --days 2
"""

VERIFY_EXAMPLES = """
layerline verify truth.jsonl --database sqlite:////tmp/run.db
layerline verify truth.jsonl --database postgresql://layerline@db/layerline --json
layerline verify shop.jsonl --people --database sqlite:////tmp/shop.db
"""

FAILED = 1


def simulate(
    printers: Annotated[
        int | None, Option("--printers", metavar="N", min=1, help="How many printers; else the scenario's.")
    ] = None,
    days: Annotated[
        float | None,
        Option(
            "--days",
            metavar="DAYS",
            min=0.0,
            help="Length of the run; 1 faster than real time, else endless.",
        ),
    ] = None,
    seed: Annotated[
        int | None, Option("--seed", metavar="N", help="The same seed gives the same run, byte for byte.")
    ] = None,
    faults: Annotated[
        str, Option("--faults", metavar="all|none|NAME,…", help="Faults of networks, brokers and clocks.")
    ] = "none",
    speed: Annotated[
        str,
        Option(
            "--speed",
            metavar="1|FACTOR|max",
            help="1 is real time; faster runs feed a collector in --simulated-time.",
        ),
    ] = "1",
    broker: Annotated[
        str,
        Option(
            "--broker", metavar="URL", help="MQTT broker: mqtt://[USER:PASSWORD@]HOST[:PORT] or mqtts://…"
        ),
    ] = "mqtt://127.0.0.1:1883",
    truth: Annotated[
        Path | None, Option("--truth", metavar="FILE", help="Where to write the ledger of truth.")
    ] = None,
    scenario: Annotated[
        str | None, Option("--scenario", metavar="NAME|FILE", help="A packaged scenario or a TOML file.")
    ] = None,
    start: Annotated[
        str | None,
        Option("--start", metavar="TIME", help="First instant of a run faster than real time (RFC 3339)."),
    ] = None,
    report_seconds: Annotated[
        float | None,
        Option("--report-seconds", metavar="S", min=0.05, help="Time between reports while nothing changes."),
    ] = None,
    rate: Annotated[
        float | None,
        Option("--rate", metavar="N", min=1.0, help="No more messages than this in a second of wall time."),
    ] = None,
    recording: Annotated[
        Path | None,
        Option("--recording", metavar="FILE", help="Write the messages into a recording, not to a broker."),
    ] = None,
) -> None:
    """Run a farm of simulated printers that speak the real protocols and know what truly happened.

    Faster than real time, feed an empty ledger: `layerline collector --simulated-time`.
    """
    from simulators.simulation import Wish, run_simulation

    run_simulation(
        Wish(
            printers=printers,
            days=days,
            seed=seed,
            faults=faults,
            speed=speed,
            broker=broker,
            truth=truth,
            scenario=scenario,
            start=start,
            report_seconds=report_seconds,
            rate=rate,
            recording=recording,
        )
    )


def verify(
    truth: Annotated[Path, Argument(metavar="TRUTH", help="The ledger of truth that `simulate` wrote.")],
    database: Annotated[
        str, Option("--database", metavar="URL", help="Ledger: sqlite:////path/file.db or postgresql://…")
    ],
    people: Annotated[
        bool,
        Option(
            "--people",
            help="First enter in the ledger, once, what the people of the shop did: calendars, planned "
            "maintenance, verdicts.",
        ),
    ] = False,
    machine_readable: Annotated[bool, Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Compare a ledger of truth with what was booked; status 0 only if the books are right.

    Prints every difference; how many figures of each indicator were worked out once more from the
    truth, over many windows, for the farm, its groups and its printers, and how many are equal, hold
    the truth in their range, or are wrong; then one line: jobs in truth, right, unknown for lack of
    evidence, wrong, missed, doubled, and the largest and mean utilization difference in points.
    """
    from farm.ledger.ledger import open_ledger
    from simulators import verify_report
    from simulators.people import enter
    from simulators.recount.comparison import verify_figures
    from simulators.truth import read_truth
    from simulators.verify import verify as compare

    told = read_truth(truth)
    with open_ledger(database, create=False) as ledger:
        if people:
            enter(told, ledger)
        verification, figures = compare(told, ledger), verify_figures(told, ledger)
    verify_report.show(verification, figures, machine_readable=machine_readable)
    if not (verification.holds and figures.holds):
        raise typer.Exit(FAILED)
