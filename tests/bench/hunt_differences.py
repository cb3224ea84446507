"""Many simulated farms through the collector's pipeline in this process, without a broker.

`python -m tests.bench.hunt_differences [--seeds 1-5] [--printers 20] [--days 3]
[--report-seconds 120] [--faults all] [--only bay-007] [--keep FOLDER]`

Quicker than a whole run through a broker, and the same to the message: what it finds can be
looked at again with `--only` and the same seed. `--keep` leaves truth and ledger there. Ends
with status 1 when a farm's books do not hold.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from farm.ledger.ledger import open_ledger
from farm.model.times import DAY_MS, SECOND_MS, parse_rfc3339
from simulators.faults import parse_faults
from simulators.fleet import Fleet, SimulatedRun
from simulators.recount.comparison import FigureVerification, verify_figures
from simulators.scenario import Scenario
from simulators.truth import Truth, read_truth
from simulators.verify import Agreement, Verification, verify
from simulators.verify_report import show
from simulators.wire import Message

_BEGIN_MS = parse_rfc3339("2026-01-05T00:00:00Z")
_COMMIT_MESSAGES = 1_000


class Books:
    """Feeds a pipeline as a collector in simulated time does: ticks each second, commits now and then."""

    def __init__(self, pipeline: Pipeline, only: str | None) -> None:
        self._pipeline = pipeline
        self._only = only
        self._ticked_ms = 0
        self.taken = 0

    def deliver(self, at_ms: int, kept: bool, message: Message) -> None:
        """Work one message in."""
        if self._only is not None and f"{self._only}/" not in message.topic:
            return
        if at_ms - self._ticked_ms >= SECOND_MS:
            self._ticked_ms = at_ms
            self._pipeline.tick(at_ms)
        self._pipeline.take(message.topic, message.payload, kept, at_ms)
        self.taken += 1
        if self.taken % _COMMIT_MESSAGES == 0:
            self._pipeline.commit(at_ms)

    def close(self, at_ms: int) -> None:
        """The run is over."""
        self._pipeline.tick(at_ms)
        self._pipeline.commit(at_ms)


def only(truth: Truth, printer: str) -> Truth:
    """The truth of one printer."""
    mine = [known for known in truth.header.printers if known.name == printer]
    return Truth(
        header=msgspec.structs.replace(truth.header, printers=mine),
        jobs=[job for job in truth.jobs if job.printer == printer],
        spans=[span for span in truth.spans if span.printer == printer],
        gaps=[gap for gap in truth.gaps if gap.printer == printer],
    )


def farm(
    seed: int, wanted: argparse.Namespace, folder: Path
) -> tuple[Truth, Verification, FigureVerification]:
    """Simulate one farm, book it and compare."""
    told = {"seed": seed, "farm": {"printers": wanted.printers, "report_seconds": wanted.report_seconds}}
    run = SimulatedRun(
        scenario=Scenario.model_validate(told),
        faults=parse_faults(wanted.faults),
        from_ms=_BEGIN_MS,
        to_ms=_BEGIN_MS + round(wanted.days * DAY_MS),
    )
    truth_path, ledger_path = folder / f"{seed}.jsonl", folder / f"{seed}.db"
    ledger_path.unlink(missing_ok=True)
    with open_ledger(f"sqlite:///{ledger_path}") as ledger, truth_path.open("wb") as target:
        ledger.claim("hunt", "hunt", simulated=True, now_ms=0)
        books = Books(Pipeline(ledger, SourceTable([])), wanted.only)
        fleet = Fleet(run, books.deliver, target)
        fleet.run_until(run.to_ms)
        fleet.close()
        books.close(run.to_ms)
        target.flush()
        truth = read_truth(truth_path)
        if wanted.only is not None:
            truth = only(truth, wanted.only)
        return truth, verify(truth, ledger), verify_figures(truth, ledger)


def seeds(text: str) -> list[int]:
    """`3` or `1-5`."""
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> int:
    """Hunt with the figures of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=seeds("1-5"))
    parser.add_argument("--printers", type=int, default=20)
    parser.add_argument("--days", type=float, default=3)
    parser.add_argument("--report-seconds", type=float, default=120)
    parser.add_argument("--faults", default="all")
    parser.add_argument("--only", default=None)
    parser.add_argument("--keep", type=Path, default=None)
    wanted = parser.parse_args()
    console, held = Console(highlight=False), True
    with tempfile.TemporaryDirectory(prefix="layerline-hunt-") as thrown_away:
        for seed in wanted.seeds:
            truth, verification, figures = farm(seed, wanted, wanted.keep or Path(thrown_away))
            told = [d for d in verification.differences if d.agreement is not Agreement.UNKNOWN]
            speaks = {printer.name: printer.protocol for printer in truth.header.printers}
            observed = [account.observed_share for account in verification.accounts]
            console.rule(f"seed {seed}, observed share {100 * sum(observed) / len(observed):.2f} %")
            show(msgspec.structs.replace(verification, differences=told), figures, machine_readable=False)
            for name in sorted({difference.printer for difference in told}):
                console.print(f"{name} is read by {speaks[name]}")
            held = held and verification.holds and figures.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
