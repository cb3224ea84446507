"""Push a great many hostile messages through adapters, pipeline and a real ledger.

Good printers' streams (the recordings) are mixed with spoilt ones; the run fails at the first
exception, lost good message or changed job of a good printer, and says which message it was.

examples:
  python -m tests.fuzz                                   1,000,000 messages, a SQLite file
  python -m tests.fuzz --messages 50000 --seed 7         the same messages for the same seed
  python -m tests.fuzz --database postgresql://…/fuzz    an empty database of one's own

exit status: 0 all held, 1 something did not, 2 wrong use.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from farm.errors import LayerlineError
from farm.ledger.ledger import open_ledger
from tests.fuzz.run import Fuzz, Report, Wrong


def main() -> int:
    """Run with the figures of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--messages", type=_count, default=1_000_000, help="how many in all (1,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="which messages (1)")
    parser.add_argument("--database", help="URL of an empty ledger; else a SQLite file that is thrown away")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="layerline-fuzz-") as thrown_away:
        url = wanted.database or f"sqlite:///{Path(thrown_away) / 'ledger.db'}"
        try:
            report = _run(console, url, wanted.messages, wanted.seed)
        except Wrong as wrong:
            console.print(f"seed {wanted.seed}: {wrong}", style="red", markup=False)
            return 1
        except LayerlineError as error:
            console.print(str(error), style="red", markup=False)
            return 2
    _tell(report, wanted.seed)
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 10:
        raise argparse.ArgumentTypeError("must be 10 or more")
    return number


def _run(console: Console, url: str, messages: int, seed: int) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with open_ledger(url) as ledger, Progress(*columns, console=console) as progress:
        if ledger.printers(everything=True):
            raise LayerlineError(f"{url} is not empty: give a database of its own")
        shown = progress.add_task("messages", total=messages)
        return Fuzz(ledger, messages, seed, lambda done: progress.advance(shown, done)).run()


def _tell(report: Report, seed: int) -> None:
    out = Console(highlight=False)
    out.print(
        f"seed {seed}: {report.messages:,} messages, {report.good:,} of them good, all held; "
        f"{report.jobs:,} jobs; {report.seconds:.0f} s, the pipeline "
        f"{report.messages / report.pipeline_seconds:,.0f} messages/s"
    )
    for reason, count in report.dropped.most_common():
        out.print(f"  {reason:20} {count:>9,}")


if __name__ == "__main__":
    sys.exit(main())
