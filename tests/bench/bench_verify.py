"""A farm with every fault, fed through a broker while the collector books, against its truth.

`python -m tests.bench.bench_verify [--printers 200] [--days 14] [--seed 7] [--report-seconds 300]`

Prints the differences and figures of `layerline verify` and how long each part took, and ends
with its exit status.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from farm.ledger.ledger import open_ledger
from simulators.recount.comparison import FigureVerification, verify_figures
from simulators.simulation import Wish, run_simulation
from simulators.truth import read_truth
from simulators.verify import Verification, verify
from simulators.verify_report import show
from tests.feeding import make_session
from tests.servers import Mosquitto, mosquitto

LAYERLINE = str(Path(sys.executable).with_name("layerline"))
_CLIENT_ID = "bench-verify"
_DRAIN_S = "10"


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Ends the process when the run breaks off, so that nothing waits for it for ever."""
    try:
        yield
    except BaseException:
        process.terminate()
        raise


def run(
    wanted: argparse.Namespace, broker: Mosquitto, folder: Path, console: Console
) -> tuple[Verification, FigureVerification]:
    """Feed, book and compare; say how long it took."""
    truth, database = folder / "truth.jsonl", f"sqlite:///{folder}/ledger.db"
    make_session(broker, _CLIENT_ID)
    command = [LAYERLINE, "collector", "--broker", broker.url, "--database", database]
    command += ["--client-id", _CLIENT_ID, "--simulated-time", "--drain", _DRAIN_S]
    began = time.monotonic()
    with subprocess.Popen(command) as collector, ended(collector):
        run_simulation(
            Wish(
                printers=wanted.printers,
                days=wanted.days,
                seed=wanted.seed,
                faults="all",
                speed="max",
                broker=broker.url,
                truth=truth,
                report_seconds=wanted.report_seconds,
                rate=wanted.rate,
            )
        )
        fed = time.monotonic()
        if collector.wait() != 0:
            raise SystemExit(f"the collector ended with status {collector.returncode}")
    booked = time.monotonic()
    with open_ledger(database, create=False) as ledger:
        told = read_truth(truth)
        verification, figures = verify(told, ledger), verify_figures(told, ledger)
    observed = [account.observed_share for account in verification.accounts]
    console.print(
        f"fed in {fed - began:.0f} s, booked {booked - fed:.0f} s later (with {_DRAIN_S} s of waiting), "
        f"compared in {time.monotonic() - booked:.1f} s; "
        f"observed share {100 * sum(observed) / len(observed):.2f} %"
    )
    return verification, figures


def main() -> int:
    """Run it with the figures of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--printers", type=int, default=200)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report-seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=None)
    wanted = parser.parse_args()
    console = Console()
    with mosquitto() as broker, tempfile.TemporaryDirectory(prefix="layerline-verify-") as folder:
        verification, figures = run(wanted, broker, Path(folder), console)
    show(verification, figures, machine_readable=False)
    return 0 if verification.holds and figures.holds else 1


if __name__ == "__main__":
    sys.exit(main())
