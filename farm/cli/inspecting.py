"""`layerline job verdict`: what a person found who inspected jobs that had ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from farm.cli.changing import LookTerms, Shop, open_shop
from farm.cli.names import PrinterNames
from farm.cli.output import print_json, print_line
from farm.cli.saying import job_called
from farm.cli.terms import WhoOption, in_words_of_the_command, user_name, with_options_of
from farm.errors import InvalidQuery
from farm.model.states import RejectionReason
from farm.model.verdict_record import change_record, verdict_record

if TYPE_CHECKING:
    from farm.model.verdict import Inspection

EXAMPLES = """
layerline job verdict 5f0f1c9a --good 3 --reason warping --note "front left corner up"
layerline job verdict 5f0f1c9a 77d01b2e c3a9 --all-good
layerline job verdict 5f0f1c9a --rejected 1 --reason surface --who olga
layerline job verdict 5f0f1c9a --withdraw --note "that was the other plate"
"""

_OPTIONS = {"good_units": "--good", "rejected_units": "--rejected", "job": "JOB"}
"""What a field is called on the command line, where it is not an option of the same name."""


@dataclass(frozen=True, kw_only=True)
class InspectTerms(LookTerms):
    """Who inspected, in which ledger it is kept, and how the answer is shown."""

    who: WhoOption = None


@with_options_of(InspectTerms)
def verdict(
    jobs: Annotated[
        list[str],
        Argument(
            metavar="JOB",
            help="The jobs: their ids, or how they begin, 4 characters or more.",
            show_default=False,
        ),
    ],
    good: Annotated[
        int | None, Option("--good", metavar="N", min=0, help="Good units; else the rest of the job's.")
    ] = None,
    rejected: Annotated[
        int | None,
        Option("--rejected", metavar="N", min=0, help="Rejected units; else the rest of the job's."),
    ] = None,
    all_good: Annotated[bool, Option("--all-good", help="Every unit of every job named is good.")] = False,
    reason: Annotated[
        RejectionReason | None,
        Option("--reason", metavar="REASON", help=f"Why units are rejected: {', '.join(RejectionReason)}."),
    ] = None,
    note: Annotated[str, Option("--note", metavar="TEXT", help="What else there is to say of it.")] = "",
    units_differ: Annotated[
        bool,
        Option("--units-differ", help="On purpose: good and rejected are not as many as the job's units."),
    ] = False,
    withdraw: Annotated[
        bool, Option("--withdraw", help="Take the verdict back; nobody has inspected the job then.")
    ] = False,
    *,
    terms: InspectTerms,
) -> None:
    """Say how many units of a job are good, how many are rejected, and why.

    A verdict stands beside the outcome and changes nothing of it. The last one holds, every
    one is kept. Of several jobs all verdicts are kept, or none. With --json an array of
    objects: job_id, good_units, rejected_units, reason, note, who, at, version.
    """
    said = _said(good, rejected, reason, all_good=all_good, withdraw=withdraw)
    who = terms.who or user_name()
    with open_shop(terms) as shop:
        found = {job.id: job for job in (job_called(shop.ledger, prefix) for prefix in jobs)}
        printers = PrinterNames(shop.configuration, shop.ledger).printers
        records = _kept(shop, list(found), said, who, note, units_differ=units_differ)
    if terms.as_json:
        print_json(records)
        return
    for job, record in zip(found.values(), records, strict=True):
        print_line(f"{printers[job.printer_id].name}, job {job.id}: {verdict_words(record)}")


def _said(
    good: int | None, rejected: int | None, reason: RejectionReason | None, *, all_good: bool, withdraw: bool
) -> "Inspection | None":
    """What is said of each job, None to withdraw. Raises InvalidQuery where options do not go together."""
    counted = good is not None or rejected is not None
    if [counted, all_good, withdraw].count(True) != 1:
        raise InvalidQuery("give --good or --rejected or both, or --all-good alone, or --withdraw alone")
    if reason is not None and not counted:
        raise InvalidQuery(f"--reason {reason}: it says why units are rejected; give --good or --rejected")
    if withdraw:
        return None
    from farm.model.verdict import Inspection

    return Inspection(job_id="", good_units=good, rejected_units=0 if all_good else rejected, reason=reason)


def _kept(
    shop: Shop, job_ids: list[str], said: "Inspection | None", who: str, note: str, *, units_differ: bool
) -> list[dict[str, Any]]:
    from msgspec.structs import replace

    from farm.ledger.verdict_store import VerdictStore

    store, now_ms = VerdictStore(shop.ledger.engine), shop.clock.now_ms
    with in_words_of_the_command(_OPTIONS):
        if said is None:
            gone = store.withdraw(job_ids, who=who, note=note, now_ms=now_ms)
            return [change_record(change) for change in gone]
        inspections = [
            replace(said, job_id=job_id, note=note, units_differ=units_differ) for job_id in job_ids
        ]
        return [verdict_record(each) for each in store.give(inspections, who=who, now_ms=now_ms)]


def verdict_words(record: Mapping[str, Any]) -> str:
    """A verdict or a step of its trail in words: `3 good, 1 rejected: warping`, or `withdrawn`."""
    if record["good_units"] is None:
        return "withdrawn"
    reason = record["reason"] and f": {record['reason'].replace('_', ' ')}"
    return f"{record['good_units']} good, {record['rejected_units']} rejected{reason or ''}"
