"""How long and how large what a person says may be, in one place."""

from typing import Final

import msgspec

from farm.errors import InvalidInput
from farm.model import limits
from farm.model.operator_input import (
    CloseJob,
    CorrectJob,
    DescribeJob,
    NoteJob,
    OperatorWord,
    RenamePrinter,
)
from farm.model.states import Outcome
from farm.model.writable import UNWRITABLE, UNWRITABLE_IN_LINES

LONGEST: Final = {
    "who": limits.WHO.length,
    "why": limits.WHY.length,
    "request_key": limits.REQUEST_KEY.length,
    "name": limits.PRINTER_NAME.length,
    "text": limits.NOTE.length,
    "note": limits.NOTE.length,
    "file": limits.FILE.length,
    "material": limits.MATERIAL.length,
    "operator": limits.OPERATOR.length,
    "spool": limits.SPOOL.length,
}
"""Characters, by field: what is taken in here is kept as it was said, never cut."""
MOST_UNITS: Final = int(limits.UNITS.most)
_LINE_FIELDS = frozenset({"who", "request_key", "name", "file", "material", "operator", "spool"})


def check_texts(who: str, why: str, request_key: str | None) -> None:
    """See that who said it is named, and that the texts beside a word are within bounds.

    Raises InvalidInput.
    """
    tidy_text("who", who, wanted=True)
    tidy_text("why", why)
    if request_key is not None:
        tidy_text("request_key", request_key, wanted=True)


def tidied(word: OperatorWord) -> OperatorWord:
    """The word with the blanks around its texts taken off. Raises InvalidInput where it is out of bounds."""
    if isinstance(word, RenamePrinter):
        return RenamePrinter(tidy_text("name", word.name, wanted=True))
    if isinstance(word, NoteJob):
        return NoteJob(tidy_text("text", word.text))
    if isinstance(word, DescribeJob):
        return _description(word)
    if isinstance(word, CorrectJob):
        _check_correction(word)
    if isinstance(word, CloseJob) and word.cause is not None and word.outcome is Outcome.SUCCEEDED:
        raise InvalidInput("cause", word.cause, "a job that succeeded has none")
    return word


def _check_correction(word: CorrectJob) -> None:
    if word.cause is not None and word.outcome is Outcome.SUCCEEDED:
        raise InvalidInput("cause", word.cause, "a job that succeeded has none")
    if word.cancelled_by is not None and word.outcome not in {None, Outcome.CANCELLED}:
        raise InvalidInput("cancelled_by", word.cancelled_by, f"{word.outcome} is no cancellation")


def _description(word: DescribeJob) -> DescribeJob:
    if word == DescribeJob():
        raise InvalidInput(
            "description", "", "name at least one of file, material, operator, spool and units"
        )
    if word.units is not None and not 1 <= word.units <= MOST_UNITS:
        raise InvalidInput("units", word.units, f"must be from 1 to {MOST_UNITS:,}")
    texts = {
        field: tidy_text(field, value, wanted=True)
        for field in ("file", "material", "operator", "spool")
        if (value := getattr(word, field)) is not None
    }
    return msgspec.structs.replace(word, **texts)


def tidy_text(field: str, value: str, *, wanted: bool = False) -> str:
    """The text without the blanks around it.

    Raises InvalidInput where it is too long, holds what is no text, or is empty and `wanted`.
    """
    tidy = value.strip()
    if wanted and not tidy:
        raise InvalidInput(field, value, "must not be empty")
    if len(tidy) > LONGEST[field]:
        raise InvalidInput(field, tidy, f"has {len(tidy)} characters, at most {LONGEST[field]} are kept")
    is_line = field in _LINE_FIELDS
    if (UNWRITABLE if is_line else UNWRITABLE_IN_LINES).search(tidy):
        lines = " and line breaks" if is_line else ""
        raise InvalidInput(field, ascii(tidy)[1:-1], f"leave out control characters{lines}")
    return tidy
