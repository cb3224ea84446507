"""A shop of two years with calendars, maintenance, verdicts and every fault, against its truth.

`python -m tests.bench.bench_indicators [--printers 6] [--days 730] [--seeds 5] [--faults all] [--start TIME]
[--scenario shop]`

Books the farm in this process, works out every indicator once more from the truth for every scope over many
windows, and prints what `layerline verify` prints and the CPU that each part took. Of several farms
(`--seeds 1-20`) it prints a line each, and what is wrong. `--scenario` takes the name of one or a file,
as `tests/bench/shops/busy.toml`. Ends with status 1 when the books of a farm do not hold.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from farm.ledger.ledger import open_ledger
from simulators.recount.comparison import FigureVerification, verify_figures
from simulators.simulation import Wish, planned
from simulators.truth import Truth
from simulators.verify import Verification, verify
from simulators.verify_report import show
from tests.bench.hunt_differences import seeds
from tests.simulated_shop import book_shop


class Farm(NamedTuple):
    """What verifying found of one farm, and the CPU (s) that booking and comparing took."""

    truth: Truth
    verification: Verification
    figures: FigureVerification
    booking_s: float
    comparing_s: float

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.verification.holds and self.figures.holds


def farm(wanted: argparse.Namespace, seed: int) -> Farm:
    """Book the farm of the seed and compare it with its truth."""
    wish = Wish(
        scenario=wanted.scenario,
        printers=wanted.printers,
        days=wanted.days,
        seed=seed,
        faults=wanted.faults,
        speed="max",
        start=wanted.start,
    )
    with tempfile.TemporaryDirectory(prefix="layerline-shop-") as folder:
        began = time.process_time()
        with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
            truth = book_shop(planned(wish, 0), ledger, Path(folder) / "truth.jsonl")
            booked = time.process_time()
            verification, figures = verify(truth, ledger), verify_figures(truth, ledger)
    return Farm(truth, verification, figures, booked - began, time.process_time() - booked)


def line_of(seed: int, found: Farm) -> str:
    """The farm in one line: its jobs, and how its figures stood."""
    counts = [
        sum(getattr(each, name) for each in found.figures.checked)
        for name in ("checked", "equal", "within", "wrong")
    ]
    jobs, people = found.verification.figures, found.truth
    return (
        f"seed {seed}: {jobs.jobs:,} jobs ({jobs.right:,} right, {jobs.unknown} unknown, "
        f"{jobs.wrong + jobs.missed + jobs.doubled} wrong), {len(people.verdicts):,} verdicts, "
        f"{len(people.maintenance):,} times of maintenance; "
        "{:,} figures: {:,} equal, {:,} within, {:,} wrong".format(*counts)
    )


def main() -> int:
    """Run it with the figures of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--printers", type=int, default=6)
    parser.add_argument("--days", type=float, default=730)
    parser.add_argument("--seeds", type=seeds, default=seeds("5"))
    parser.add_argument("--faults", default="all")
    parser.add_argument("--start", default=None)
    parser.add_argument("--scenario", default="shop")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    console, held = Console(highlight=False), True
    for seed in wanted.seeds:
        found = farm(wanted, seed)
        held = held and found.holds
        console.print(line_of(seed, found), soft_wrap=True)
        if len(wanted.seeds) == 1 or not found.holds:
            show(found.verification, found.figures, machine_readable=False)
        if len(wanted.seeds) == 1:
            console.print(
                f"{len(found.truth.spans):,} spans; booked in {found.booking_s:.0f} s of CPU, "
                f"compared in {found.comparing_s:.1f} s"
            )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
