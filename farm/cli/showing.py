"""`layerline job show`: everything that is known of one job."""

import json
from typing import TYPE_CHECKING, Any

from farm.cli.changing import LookTerms, open_shop, with_look_terms
from farm.cli.inspecting import verdict_words
from farm.cli.jobs import printed, why
from farm.cli.names import PrinterNames
from farm.cli.output import print_json, print_line
from farm.cli.saying import JobArgument, job_called
from farm.cli.standing import farm_view
from farm.cli.times import span_text
from farm.model.verdict_record import change_record
from farm.tables import NOTHING, Column, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.cli.times import FarmClock
    from farm.ledger.records import Revision
    from farm.model.job import Job
    from farm.model.verdict import VerdictChange

EXAMPLES = """
layerline job show 5f0f1c9a                       with its verdicts and its revisions
layerline job show 5f0f1c9a --json
"""

_LABEL = 12
_VERDICTS = (
    Column("verdict"),
    Column("said"),
    Column("by", name=True),
    Column("note", name=True, below=True),
)
_REVISIONS = (
    Column("revised"),
    Column("by", name=True),
    Column("what", name=True, below=True),
    Column("why", name=True, below=True),
)
_TOLD = ("outcome", "cancelled_by", "cause", "file", "material", "operator", "spool", "units", "note")
"""What of a job people change, and evidence that comes late; the rest follows from it."""


@with_look_terms
def show(job: JobArgument, *, terms: LookTerms) -> None:
    """Show one job: what it was, what became of it, every verdict on it and every revision.

    With --json the object of /api/v1/jobs/{job}.
    """
    from farm.ledger.verdict_store import VerdictStore

    with open_shop(terms) as shop:
        found = job_called(shop.ledger, job)
        if terms.as_json:
            print_json(farm_view(shop.configuration, shop.ledger).job_detail(found).model_dump(mode="json"))
            return
        printer = PrinterNames(shop.configuration, shop.ledger).printers[found.printer_id]
        trail, revisions = VerdictStore(shop.ledger.engine).trail(found.id), shop.ledger.revisions(found.id)
        clock = shop.clock
    for label, text in _facts(found, printer.name, trail, clock):
        if text:
            print_line(f"{label:<{_LABEL}}{text}", _LABEL)
    _print_trail(trail, clock)
    _print_revisions(revisions, clock)


def _facts(
    job: "Job", printer: str, trail: "Sequence[VerdictChange]", clock: "FarmClock"
) -> list[tuple[str, str | None]]:
    """What there is to say, by what it is; what is not known has no text."""
    stands = bool(trail) and not trail[-1].is_withdrawal
    return [
        ("job", job.id),
        ("printer", printer),
        ("file", job.file),
        ("outcome", job.outcome or "under way"),
        ("why", why(job)),
        ("detail", job.detail),
        ("confidence", job.confidence),
        ("verdict", verdict_words(change_record(trail[-1])) if stands else "not inspected"),
        ("started", None if job.started_ms is None else clock.exact(job.started_ms)),
        ("ended", None if job.ended_ms is None else clock.exact(job.ended_ms)),
        ("printed", printed(job)),
        ("expected", None if job.expected_ms is None else span_text(job.expected_ms)),
        ("paused", span_text(job.paused_ms) if job.paused_ms else None),
        ("material", job.material),
        ("resin", None if job.resin_ml is None else f"{job.resin_ml:g} ml"),
        ("operator", job.operator),
        ("spool", job.spool),
        ("units", str(job.units)),
        ("note", job.note),
    ]


def _print_trail(trail: "Sequence[VerdictChange]", clock: "FarmClock") -> None:
    if trail:
        print_line("")
        rows = [
            (verdict_words(change_record(each)), clock.instant(each.at_ms), each.who, each.note or NOTHING)
            for each in trail
        ]
        print_table(_VERDICTS, rows)


def _print_revisions(revisions: "Sequence[Revision]", clock: "FarmClock") -> None:
    if revisions:
        print_line("")
        rows = [(clock.instant(each.at_ms), each.who, _changed(each, clock), each.why) for each in revisions]
        print_table(_REVISIONS, rows)


def _changed(revision: "Revision", clock: "FarmClock") -> str:
    """What a revision made of what: `outcome failed → cancelled, note – → thin`."""
    before, after = (json.loads(each or "{}") for each in (revision.before, revision.after))
    told = [
        f"{field.replace('_', ' ')} {_value(before, field)} → {_value(after, field)}"
        for field in _TOLD
        if before.get(field) != after.get(field)
    ]
    if before.get("ended_ms") != after.get("ended_ms"):
        ends = (
            NOTHING if one.get("ended_ms") is None else clock.exact(one["ended_ms"])
            for one in (before, after)
        )
        told.append(f"ended {' → '.join(ends)}")
    return ", ".join(told) or NOTHING


def _value(job: dict[str, Any], field: str) -> str:
    return NOTHING if job.get(field) is None else str(job[field])
