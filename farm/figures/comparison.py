"""Whether the read model holds what the ledger holds: a plain recount of every row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from farm.figures.failed_streaks import TOLD
from farm.figures.first_attempts import MEASURES
from farm.figures.grouping import RowsByPrinter
from farm.figures.job_grouping import by_printer
from farm.figures.job_rows import ENDINGS, EndedJob
from farm.figures.lifetimes import EVER
from farm.figures.plain_attempts import Found, counted_attempts
from farm.figures.read_model import ReadModel
from farm.figures.repairs import repairs_of
from farm.figures.source import State
from farm.figures.state_changes import CODES, NOT_THERE, ChangeColumns, ConditionChange, changes_of
from farm.kpi.streak import BREAKS, EXTENDS
from farm.kpi.time_classes import CONDITIONS
from farm.ledger.recount import Difference, DifferenceKind
from farm.model.states import Outcome
from farm.model.times import rfc3339

_INSTANTS = 5
"""At so many instants of the history the sums are compared too."""
_IN_ORDER: Final = tuple(Outcome)


def differences(model: ReadModel) -> Iterator[Difference]:
    """Every difference between the model, brought up to the ledger, and the ledger's rows.

    Raises LedgerError when the ledger cannot be read.
    """
    with model.in_step() as state:
        accounts = dict(state.accounts())
        expected = [
            changes_of(printer, accounts.get(printer.id, []), model.work_on(number))
            for number, printer in enumerate(model.printers)
        ]
        for number, changes in enumerate(expected):
            yield from _states(model, number, changes)
        yield from _state_sums(model, expected)
        yield from _repairs(model, expected)
        yield from _jobs(model, state)
        yield from _inspections(model, state)
        yield from _first_attempts(model, state)
        yield from _streaks(model, state)
        yield from _medians(model, state)


def _states(model: ReadModel, number: int, expected: Sequence[ConditionChange]) -> Iterator[Difference]:
    held = model.history.changes(number)
    wrong = {*held} ^ {*expected}
    if wrong:
        first = min(wrong)
        detail = f"{len(wrong)} changes of state differ from the spans, the first at {rfc3339(first.at_ms)}"
        yield Difference(model.printers[number].id, DifferenceKind.MODEL_STATE, first.at_ms, detail)


def _state_sums(model: ReadModel, expected: Sequence[Sequence[ConditionChange]]) -> Iterator[Difference]:
    ends = [changes[-1].at_ms for changes in expected if changes]
    begins = [changes[0].at_ms for changes in expected if changes]
    if not ends:
        return
    instants = np.linspace(min(begins), max(ends) + 1, _INSTANTS).astype(np.int64)
    subject_of = np.arange(len(expected))
    summed = model.history.spent(instants, subject_of, len(expected))
    for place, instant in enumerate(instants.tolist()):
        for number, changes in enumerate(expected):
            counted = _counted(changes, instant)
            told = summed[place, number].tolist()
            if told[:NOT_THERE] != counted[:NOT_THERE]:
                wrong = next(code for code in range(NOT_THERE) if told[code] != counted[code])
                state, reason = CONDITIONS[wrong]
                detail = (
                    f"until {rfc3339(instant)} {told[wrong]} ms {reason or state}, "
                    f"counted one by one {counted[wrong]} ms"
                )
                yield Difference(model.printers[number].id, DifferenceKind.MODEL_SUM, instant, detail)


def _repairs(model: ReadModel, expected: Sequence[Sequence[ConditionChange]]) -> Iterator[Difference]:
    ends = np.array([max([0, *(each[-1].at_ms for each in expected if each)]) + 1])
    told = model.repairs.sums(ends, np.arange(len(expected)), len(expected))[0]
    anew = repairs_of(ChangeColumns.of([*enumerate(expected)]).by_printer())
    for number in range(len(expected)):
        own = anew.printer == number
        repaired = own & (anew.ended >= 0)
        counted = [own.sum(), repaired.sum(), *(each[own].sum() for each in anew[3:])]
        if told[:, number].tolist() != counted:
            shown = f"{counted[0]} faults, {counted[1]} repairs that took {counted[2]} ms"
            detail = f"its states come to {shown}; held are others"
            yield Difference(model.printers[number].id, DifferenceKind.MODEL_SUM, int(ends[0]), detail)


def _counted(changes: Sequence[ConditionChange], until_ms: int) -> list[int]:
    spent = [0] * CODES
    for change, following in pairwise([*changes, None]):
        end = until_ms if following is None else min(following.at_ms, until_ms)
        if change is not None and end > change.at_ms:
            spent[change.after] += end - change.at_ms
    return spent


def _jobs(model: ReadModel, state: State) -> Iterator[Difference]:
    found = 0
    for row, expected in model.ended_jobs(state):
        found += 1
        held = model.jobs.get(row.id)
        if held != expected:
            detail = f"{row.id} ended as {_shown(expected.ending)}, and is held {_held_as(held, expected)}"
            yield Difference(row.printer_id, DifferenceKind.MODEL_JOB, row.ended_ms, detail)
    if (more := len(model.jobs) - found) > 0 and model.printers:
        detail = f"{more} jobs are held that did not end"
        yield Difference(model.printers[0].id, DifferenceKind.MODEL_JOB, 0, detail)


def _held_as(held: EndedJob | None, expected: EndedJob) -> str:
    """How the job is held, with the facts that are others."""
    if held is None:
        return "not at all"
    facts = zip(EndedJob._fields, held, expected, strict=True)
    others = ", ".join(f"{name} {has} instead of {is_}" for name, has, is_ in facts if has != is_)
    return f"as {_shown(held.ending)} at {rfc3339(held.ended_ms)}, with {others}"


def _first_attempts(model: ReadModel, state: State) -> Iterator[Difference]:
    printers = len(model.printers)
    counted = np.zeros((printers, len(MEASURES)), dtype=np.int64)
    for attempts in _by_file(model, state):
        for job, adds in counted_attempts(attempts, model.first_attempts.within_ms):
            counted[job.printer] += adds
    ever = np.array([0, EVER], dtype=np.int64)
    before, after = model.first_attempts.sums(ever, by_printer(np.arange(printers), printers))
    for number in np.flatnonzero((counted != (after - before).T).any(axis=1)).tolist():
        told = dict(zip(MEASURES, counted[number].tolist(), strict=True))
        detail = f"its first attempts come to {told}; held are others"
        yield Difference(model.printers[number].id, DifferenceKind.MODEL_SUM, 0, detail)


def _inspections(model: ReadModel, state: State) -> Iterator[Difference]:
    """What people found of the jobs, against the verdicts that stand."""
    found = 0
    for row in state.inspected():
        found += 1
        if model.inspections.get(row.id) != model.inspected_job_of(row):
            units = f"{row.good_units} good and {row.rejected_units} rejected units"
            detail = f"{row.id} was found to have {units}, and is held otherwise"
            yield Difference(row.printer_id, DifferenceKind.MODEL_JOB, row.ended_ms, detail)
    if (more := len(model.inspections) - found) > 0 and model.printers:
        detail = f"{more} inspections are held of which no verdict stands"
        yield Difference(model.printers[0].id, DifferenceKind.MODEL_JOB, 0, detail)


def _by_file(model: ReadModel, state: State) -> Iterator[list[Found]]:
    """The jobs that are held, those of one file at a time, with the verdicts of the ledger."""
    held = model.jobs.held()
    units = {row.id: (row.good_units, row.rejected_units) for row in state.inspected()}
    by_place = {model.jobs.place_of(job_id): found for job_id, found in units.items()}
    places, gone = RowsByPrinter(held.whole.rows.file), frozenset(held.gone.tolist())
    beside: dict[int, list[Found]] = {}
    for job_id, job in held.added.items():
        beside.setdefault(job.file, []).append(Found(job, units.get(job_id)))
    for file in range(len(model.texts.file)):
        own = [place for place in places.places(file).tolist() if place not in gone]
        yield [
            *(Found(held.whole.row(place), by_place.get(place)) for place in own),
            *beside.get(file, ()),
        ]


def _streaks(model: ReadModel, state: State) -> Iterator[Difference]:
    """Failed prints in a row, walked through one after the other."""
    ends: dict[str, list[tuple[int, Outcome]]] = {printer.id: [] for printer in model.printers}
    for row in state.ended_jobs():
        ends[row.printer_id].append((row.ended_ms, Outcome(row.outcome)))
    everybody = np.arange(len(model.printers))
    told = model.streaks.told(np.array([[0, EVER]], dtype=np.int64), everybody, len(model.printers))
    for printer, held in zip(model.printers, told[0].tolist(), strict=True):
        # What ended at one instant came in the order in which outcomes are named: a success first.
        counted = _walked(
            outcome
            for _, outcome in sorted(ends[printer.id], key=lambda each: (each[0], _IN_ORDER.index(each[1])))
        )
        if {name: dict(zip(TOLD, held, strict=True))[name] for name in counted} != counted:
            detail = f"its failed prints in a row come to {counted}; held are others"
            yield Difference(printer.id, DifferenceKind.MODEL_SUM, 0, detail)


def _walked(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """What streaks come to after the last of the outcomes, by the names of `TOLD`."""
    since = Counter[Outcome]()
    least = most = longest = ended = decided = 0
    for outcome in outcomes:
        ended, decided = ended + 1, decided + (outcome in BREAKS | EXTENDS)
        if outcome in BREAKS:
            since.clear()
            least = most = 0
        else:
            since[outcome] += 1
            least = 0 if outcome is Outcome.UNKNOWN else least + (outcome in EXTENDS)
            most += outcome in EXTENDS or outcome is Outcome.UNKNOWN
        longest = max(longest, since[Outcome.FAILED])
    return {
        "current": since[Outcome.FAILED],
        "least": least,
        "most": most,
        "longest": longest,
        "decided": decided,
        "ended": ended,
        "unknown": since[Outcome.UNKNOWN],
        "cancelled": since[Outcome.CANCELLED],
    }


def _medians(model: ReadModel, state: State) -> Iterator[Difference]:
    """How long each file takes."""
    times: dict[str, list[int]] = {}
    printer: dict[str, str] = {}
    for row in state.ended_jobs():
        if row.file and row.outcome == Outcome.SUCCEEDED and row.printing_ms > 0:
            times.setdefault(row.file, []).append(row.printing_ms)
            printer.setdefault(row.file, row.printer_id)
    for file, took in times.items():
        counted, held = int(median(took)), model.median_of(file)
        if counted != held:
            detail = f"{file} takes {counted} ms by the median of its prints, and is held to take {held} ms"
            yield Difference(printer[file], DifferenceKind.MODEL_SUM, 0, detail)


def _shown(ending: int) -> str:
    outcome, by = ENDINGS[ending]
    return outcome.value if by is None else f"{outcome.value} by {by.value}"
