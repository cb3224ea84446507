"""Failed prints in a row, as figures and lists count them. Letters are the outcomes, newest first."""

import pytest

from farm.kpi.streak import back_to_success, failed_streak, failures, streaks
from farm.model.job import Job
from farm.model.states import Outcome

OUTCOMES = {"S": Outcome.SUCCEEDED, "F": Outcome.FAILED, "C": Outcome.CANCELLED, "?": Outcome.UNKNOWN}


def jobs(letters: str) -> list[Job]:
    return [
        Job(id=f"{at}", printer_id="p", file=None, started_ms=0, outcome=OUTCOMES[letter])
        for at, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "streak"),
    [("", None), ("F", None), ("C?FF", None), ("S", 0), ("SFFS", 0), ("FS", 1), ("FC?FSFF", 2), ("C?S", 0)],
)
def test_a_streak_is_counted_back_to_the_last_success_and_unknown_without_one(
    letters: str, streak: int | None
) -> None:
    assert failed_streak(jobs(letters)) == streak


@pytest.mark.parametrize(("letters", "count"), [("", 0), ("SC?", 0), ("FSCF?F", 3)])
def test_failures_are_those_that_failed(letters: str, count: int) -> None:
    assert failures(jobs(letters)) == count


@pytest.mark.parametrize(
    ("letters", "kept"),
    [("", 0), ("FC", 0), ("S", 1), ("SF", 1), ("FS", 2), ("SFF", 1), ("FSFF", 2), ("SFSFFF", 3), ("SFFS", 4)],
)
def test_jobs_are_kept_back_to_the_oldest_success(letters: str, kept: int) -> None:
    found = jobs(letters)
    assert back_to_success(found) == found[:kept]


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        ("", []),
        ("SC?S", []),
        ("F", [("0", None, "0")]),
        ("CFC?FS", [("41", None, "1234")]),
        ("FSCFFC", [("0", None, "0"), ("43", "1", "34")]),
        ("SFSFF", [("1", "0", "1"), ("43", "2", "34")]),
    ],
)
def test_a_streak_goes_from_its_first_failure_to_its_last(
    letters: str, told: list[tuple[str, str | None, str]]
) -> None:
    found = [
        (
            "".join(job.id for job in streak.failed),
            None if streak.broken_by is None else streak.broken_by.id,
            "".join(job.id for job in streak.prints),
        )
        for streak in streaks(jobs(letters))
    ]
    assert found == told
