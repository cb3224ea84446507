"""A shop of two years with calendars, maintenance, verdicts and every fault, against its truth.

`python -m tests.bench.bench_indicators [--printers 6] [--days 730] [--seed 5] [--faults all] [--start TIME]`

Books the farm in this process, works out every indicator once more from the truth for the farm, its
groups and its printers over many windows, prints what `layerline verify` prints and the CPU that each part
took, and ends with its exit status.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from farm.ledger.ledger import open_ledger
from simulators.recount.comparison import verify_figures
from simulators.simulation import Wish, planned
from simulators.verify import verify
from simulators.verify_report import show
from tests.simulated_shop import book_shop


def main() -> int:
    """Run it with the figures of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--printers", type=int, default=6)
    parser.add_argument("--days", type=float, default=730)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--faults", default="all")
    parser.add_argument("--start", default=None)
    wanted = parser.parse_args()
    wish = Wish(
        scenario="shop",
        printers=wanted.printers,
        days=wanted.days,
        seed=wanted.seed,
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
    Console().print(
        f"{len(truth.jobs):,} jobs, {len(truth.spans):,} spans, {len(truth.verdicts):,} verdicts, "
        f"{len(truth.maintenance):,} times of maintenance; booked in {booked - began:.0f} s of CPU, "
        f"compared in {time.process_time() - booked:.1f} s"
    )
    show(verification, figures, machine_readable=False)
    return 0 if verification.holds and figures.holds else 1


if __name__ == "__main__":
    sys.exit(main())
