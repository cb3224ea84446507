"""`layerline job verdict`: what a person found who inspected jobs that had ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec.structs import replace
from typer import Argument, Option

from farm.cli.names import PrinterNames
from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DatabaseOption, DataOption, JsonOption, VerboseOption, flag
from farm.cli.output import print_json, print_line
from farm.cli.saying import WhoOption, in_words_of_the_command, job_called, user_name
from farm.errors import InvalidQuery
from farm.model.verdict import Inspection, RejectionReason
from farm.model.verdict_record import change_record, verdict_record

if TYPE_CHECKING:
    from farm.ledger.ledger import Ledger

EXAMPLES = """
layerline job verdict 5f0f1c9a --good 3 --reason warping --note "front left corner up"
layerline job verdict 5f0f1c9a 77d01b2e c3a9 --all-good
layerline job verdict 5f0f1c9a --rejected 1 --reason surface --who olga
layerline job verdict 5f0f1c9a --withdraw --note "that was the other plate"
"""


def verdict(
    jobs: Annotated[
        list[str],
        Argument(
            metavar="JOB...",
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
    who: WhoOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say how many units of a job are good, how many are rejected, and why.

    A verdict stands beside the outcome and changes nothing of it. The last one holds, every
    one is kept. Of several jobs all verdicts are kept, or none. With --json an array of
    objects: job_id, good_units, rejected_units, reason, note, who, at, version.
    """
    from farm.app.wiring import ledger_of

    said = _said(good, rejected, reason, all_good=all_good, withdraw=withdraw)
    flags = flag("--database", database, "ledger", "url")
    configuration = open_configuration(config, data, flags, verbose=verbose)
    with ledger_of(configuration) as ledger:
        found = {job.id: job for job in (job_called(ledger, prefix) for prefix in jobs)}
        printers = PrinterNames(configuration, ledger).printers
        records = _kept(ledger, list(found), said, who or user_name(), note, units_differ=units_differ)
    if as_json:
        print_json(records)
        return
    for job, record in zip(found.values(), records, strict=True):
        print_line(f"{printers[job.printer_id].name}, job {job.id}: {verdict_words(record)}")


def _said(
    good: int | None, rejected: int | None, reason: RejectionReason | None, *, all_good: bool, withdraw: bool
) -> Inspection | None:
    """What is said of each job, None to withdraw. Raises InvalidQuery where options do not go together."""
    counted = good is not None or rejected is not None
    if [counted, all_good, withdraw].count(True) != 1:
        raise InvalidQuery("give --good or --rejected or both, or --all-good alone, or --withdraw alone")
    if reason is not None and not counted:
        raise InvalidQuery(f"--reason {reason}: it says why units are rejected; give --good or --rejected")
    if withdraw:
        return None
    return Inspection(job_id="", good_units=good, rejected_units=0 if all_good else rejected, reason=reason)


def _kept(
    ledger: "Ledger", job_ids: list[str], said: Inspection | None, who: str, note: str, *, units_differ: bool
) -> list[dict[str, Any]]:
    from farm.app.wiring import now_of
    from farm.ledger.verdict_store import VerdictStore

    store, now_ms = VerdictStore(ledger.engine), now_of(ledger)
    with in_words_of_the_command():
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
