"""Showing what verifying found: a table of every difference, and the last line with the figures."""

import json
import shutil
import sys
from typing import Any

import msgspec

from farm.model.terminal_text import plain_json
from farm.model.times import rfc3339, rfc3339_or_none
from farm.tables import NOTHING, Cell, Column, Displayed, indented, print_table
from simulators.recount.comparison import Checked, Compared, FigureVerification
from simulators.verify import Account, Figures, JobDifference, Verification


def last_line(figures: Figures) -> str:
    """The figures in one line."""
    return (
        f"jobs in truth {figures.jobs}, right {figures.right}, "
        f"unknown for lack of evidence {figures.unknown}, wrong {figures.wrong}, "
        f"missed {figures.missed}, doubled {figures.doubled}, "
        f"utilization difference in points: largest {figures.utilization_difference_max:.4f}, "
        f"mean {figures.utilization_difference_mean:.4f}"
    )


def as_json(verification: Verification, compared: FigureVerification) -> dict[str, Any]:
    """The verification for programs: RFC 3339 times, percent and points; indicators in their own units."""
    return {
        "holds": verification.holds and compared.holds,
        "differences": [
            {**_record(difference), "at": rfc3339_or_none(difference.at_ms)}
            for difference in verification.differences
        ],
        "utilization": [
            {**msgspec.to_builtins(account), "off_by": account.off_by} for account in verification.accounts
        ],
        "indicators": msgspec.to_builtins(compared.checked),
        "not_compared": msgspec.to_builtins(compared.not_compared),
        "wrong_indicators": [
            {**msgspec.to_builtins(each), "from": rfc3339(each.from_ms), "to": rfc3339(each.to_ms)}
            for each in compared.wrong
        ],
        "figures": msgspec.to_builtins(verification.figures),
    }


def _record(difference: JobDifference) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(difference)
    del record["at_ms"]
    return record


def show(verification: Verification, compared: FigureVerification, *, machine_readable: bool) -> None:
    """Write the verification to standard output; the last line holds the figures."""
    if machine_readable:
        sys.stdout.write(plain_json(json.dumps(as_json(verification, compared), ensure_ascii=False)) + "\n")
        return
    if verification.differences:
        print_table(_JOBS, map(_job_row, verification.differences), title="Jobs")
    if broken := [account for account in verification.accounts if not account.holds]:
        print_table(_UTILIZATION, map(_account_row, broken), title="Utilization outside the reported range")
    if compared.wrong:
        print_table(
            _WRONG, map(_wrong_row, compared.wrong), title="Indicators that are not as the truth has them"
        )
    print_table(_INDICATORS, map(_indicator_row, compared.checked), title="Indicators")
    if compared.not_compared:
        rows = ([each.indicator, each.why] for each in compared.not_compared)
        print_table(_NOT_COMPARED, rows, title="Indicators that are not compared")
    line = last_line(verification.figures)
    lines = indented(line, shutil.get_terminal_size().columns, 0) if sys.stdout.isatty() else [line]
    sys.stdout.writelines(f"{each}\n" for each in lines)


_JOBS = (
    Column("agreement"),
    Column("printer", name=True),
    Column("begun"),
    Column("file", name=True),
    Column("truth", extra=True),
    Column("booked", extra=True),
    Column("why", below=True),
)
_INDICATORS = (
    Column("indicator"),
    Column("checked", right=True),
    Column("equal", right=True),
    Column("within range", right=True),
    Column("wrong", right=True),
)
_NOT_COMPARED = (Column("indicator"), Column("why", below=True))
_WRONG = (
    Column("indicator"),
    Column("of", name=True),
    Column("window"),
    Column("true", right=True),
    Column("told", right=True),
    Column("range", right=True, extra=True),
    Column("told to", right=True, extra=True),
    Column("from", extra=True),
    Column("to", extra=True),
)
_UTILIZATION = (
    Column("printer", name=True),
    Column("true %", right=True),
    Column("reported %", right=True),
    Column("observed %", right=True),
    Column("off by points", right=True),
    Column("told to", right=True),
)


def _job_row(found: JobDifference) -> list[Cell]:
    begun = rfc3339_or_none(found.at_ms)
    return [
        found.agreement.value,
        found.printer,
        NOTHING if begun is None else Displayed(begun[:16].replace("T", " "), begun),
        found.file or NOTHING,
        found.truth,
        found.booked,
        found.why,
    ]


def _account_row(account: Account) -> list[Cell]:
    return [
        account.printer,
        f"{account.true:.3f}",
        f"{account.low:.3f}–{account.high:.3f}",
        f"{100 * account.observed_share:.3f}",
        f"{account.off_by:.3f}",
        f"{account.exact_to:.3f}",
    ]


def _indicator_row(found: Checked) -> list[Cell]:
    counts = (found.checked, found.equal, found.within, found.wrong)
    return [found.indicator, *(f"{count:,}" for count in counts)]


def _wrong_row(found: Compared) -> list[Cell]:
    return [
        found.indicator,
        f"{found.scope} {found.label}",
        found.window,
        _number(found.true),
        _number(found.value),
        f"{_number(found.low)}–{_number(found.high)}",
        _number(found.exact_to),
        rfc3339(found.from_ms),
        rfc3339(found.to_ms),
    ]


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"
