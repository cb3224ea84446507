"""Faults and repairs are those of a plain walk through each printer's states, however the changes came."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.figures import repairs
from farm.figures.repairs import RepairHistory
from farm.figures.state_changes import CODE, NOT_THERE, ChangeColumns, ConditionChange
from farm.figures.state_history import StateHistory
from farm.kpi.time_classes import CONDITIONS
from farm.model.states import PrinterState

EDGES = np.array([0, 3, 25, 60, 1_000], dtype=np.int64)
ROWS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(PrinterState)), min_size=1, max_size=25)
ACTIVE = ("preparing", "printing", "paused")


def changes_of(row: list[tuple[int, PrinterState]]) -> list[ConditionChange]:
    at, before, found = 0, NOT_THERE, []
    for length, state in row:
        found.append(ConditionChange(at, before, CODE[state, None]))
        at, before = at + length, CODE[state, None]
    return found


def walked(changes: list[ConditionChange]) -> list[tuple[int, int, int, int, int]]:
    """Begin, end (-1), length, least and most of every fault, one state after the other."""
    found: list[list[int]] = []
    known, unseen_since, is_at_fault = None, None, False
    for change in changes:
        state = CONDITIONS[change.after].state
        fails = state == "error" or (state == "offline" and known in ACTIVE)
        if is_at_fault and state in ("preparing", "printing"):
            at = found[-1]
            at[1:] = [
                change.at_ms,
                change.at_ms - at[0],
                (at[3] or change.at_ms) - at[0],
                change.at_ms - at[4],
            ]
            is_at_fault = False
        elif is_at_fault and state == "unknown":
            found[-1][3] = found[-1][3] or change.at_ms
        elif not is_at_fault and fails:
            found.append([change.at_ms, -1, 0, 0, change.at_ms if unseen_since is None else unseen_since])
            is_at_fault = True
        if state in ("unknown", "offline"):
            unseen_since = change.at_ms if unseen_since is None else unseen_since
        else:
            known, unseen_since = state, None
    return [
        (begun, end, *((length, least, most) if end >= 0 else (0, 0, 0)))
        for begun, end, length, least, most in found
    ]


def counted(held: list[list[ConditionChange]], subject_of: np.ndarray, subjects: int) -> np.ndarray:
    found = np.zeros((len(EDGES), 5, subjects), dtype=np.int64)
    for subject, row in zip(subject_of.tolist(), held, strict=True):
        for begun, ended, *lengths in walked(row) if subject >= 0 else ():
            found[:, 0, subject] += begun < EDGES
            if ended >= 0:
                for place, amount in enumerate((1, *lengths), 1):
                    found[:, place, subject] += (ended < EDGES) * amount
    return found


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_faults_are_those_of_a_walk_through_the_states(rows: list[list[tuple[int, PrinterState]]]) -> None:
    held = [changes_of(row) for row in rows]
    history = StateHistory()
    history.fill(ChangeColumns.of([*enumerate(held)]))
    for subject_of, subjects in ((np.arange(len(held)), len(held)), (np.zeros(len(held), dtype=np.intp), 1)):
        told = RepairHistory(history).sums(EDGES, subject_of, subjects)
        assert (told == counted(held, subject_of, subjects)).all()


@pytest.mark.parametrize("one_by_one", [0, 64])
def test_late_changes_restate_the_repairs(monkeypatch: pytest.MonkeyPatch, one_by_one: int) -> None:
    monkeypatch.setattr(repairs, "_MOST_ONE_BY_ONE", one_by_one)
    chance, history = Random(7), StateHistory()
    states = [*PrinterState]

    def row() -> list[ConditionChange]:
        return changes_of([(chance.randint(1, 9), chance.choice(states)) for _ in range(20)])

    held = [row() for _ in range(6)]
    history.fill(ChangeColumns.of([*enumerate(held)]))
    told = RepairHistory(history)
    everybody = np.arange(6)
    for _ in range(12):
        assert (told.sums(EDGES, everybody, 6) == counted(held, everybody, 6)).all()
        number = chance.randrange(6)
        held[number] = row()
        history.replace(number, 0, held[number])
        told.renew(number)
    assert (told.sums(EDGES, everybody, 6) == counted(held, everybody, 6)).all()
