"""Showing what verifying found: a table of every difference, and the last line with the figures."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from farm.model.terminal_text import plain, plain_json
from farm.model.times import rfc3339_or_none
from simulators.verify import Account, Agreement, Figures, JobDifference, Verification

_WIDE = 170
_STYLES = {
    Agreement.UNKNOWN: "magenta",
    Agreement.WRONG: "red",
    Agreement.MISSED: "red",
    Agreement.DOUBLED: "yellow",
}


def last_line(figures: Figures) -> str:
    """The figures in one line."""
    return (
        f"jobs in truth {figures.jobs}, right {figures.right}, "
        f"unknown for lack of evidence {figures.unknown}, wrong {figures.wrong}, "
        f"missed {figures.missed}, doubled {figures.doubled}, "
        f"utilization difference in points: largest {figures.utilization_difference_max:.4f}, "
        f"mean {figures.utilization_difference_mean:.4f}"
    )


def as_json(verification: Verification) -> dict[str, Any]:
    """The verification for programs: RFC 3339 times, percent and points."""
    return {
        "holds": verification.holds,
        "differences": [
            {**_record(difference), "at": rfc3339_or_none(difference.at_ms)}
            for difference in verification.differences
        ],
        "utilization": [
            {**msgspec.to_builtins(account), "off_by": account.off_by} for account in verification.accounts
        ],
        "figures": msgspec.to_builtins(verification.figures),
    }


def _record(difference: JobDifference) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(difference)
    del record["at_ms"]
    return record


def show(verification: Verification, *, machine_readable: bool) -> None:
    """Write the verification to standard output; the last line holds the figures."""
    if machine_readable:
        sys.stdout.write(plain_json(json.dumps(as_json(verification), ensure_ascii=False)) + "\n")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    if verification.differences:
        console.print(_job_table(verification.differences))
    if broken := [account for account in verification.accounts if not account.holds]:
        console.print(_utilization_table(broken))
    sys.stdout.write(last_line(verification.figures) + "\n")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _job_table(differences: Sequence[JobDifference]) -> Table:
    table = _table("Jobs", ("agreement", "printer", "begun", "file", "truth", "booked", "why"))
    for found in differences:
        table.add_row(
            Text(found.agreement, style=_STYLES.get(found.agreement, "")),
            Text(plain(found.printer)),
            rfc3339_or_none(found.at_ms) or "–",
            Text(plain(found.file or "–")),
            found.truth,
            found.booked,
            Text(plain(found.why)),
        )
    return table


def _utilization_table(accounts: Sequence[Account]) -> Table:
    columns = ("printer", "true %", "reported %", "observed %", "off by points", "told to")
    table = _table("Utilization outside the reported range", columns)
    for account in accounts:
        table.add_row(
            Text(plain(account.printer)),
            f"{account.true:.3f}",
            f"{account.low:.3f} – {account.high:.3f}",
            f"{100 * account.observed_share:.3f}",
            f"{account.off_by:.3f}",
            f"{account.exact_to:.3f}",
        )
    return table
