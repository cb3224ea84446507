"""An entry of the inbox as every outer surface shows it: API and command line."""

from typing import TYPE_CHECKING, Any

import msgspec

from farm.model.times import rfc3339, rfc3339_or_none

if TYPE_CHECKING:
    from farm.model.operator_input import OperatorInput

WAITING = "waiting"
TAKEN = "taken"
REFUSED = "refused"

WAITING_ANSWER = "is taken in by the collector that holds the printer; waiting"
"""What there is to say of an entry that nobody worked in yet."""


def input_status(said: "OperatorInput") -> str:
    """`waiting` until the collector worked it in, then `taken`, or `refused` where it was not followed."""
    if said.taken_ms is None:
        return WAITING
    return TAKEN if said.answer is None else REFUSED


def input_record(said: "OperatorInput", printer: str) -> dict[str, Any]:
    """An entry about `printer` (its name): times in RFC 3339, `said` as it was said."""
    words = msgspec.to_builtins(said.word)
    return {
        "id": said.id,
        "printer_id": said.printer_id,
        "printer": printer,
        "job_id": said.job_id,
        "what": words.pop("type"),
        "said": words,
        "for": rfc3339(said.for_ms),
        "said_at": rfc3339(said.said_ms),
        "who": said.who,
        "why": said.why,
        "status": input_status(said),
        "taken_at": rfc3339_or_none(said.taken_ms),
        "answer": WAITING_ANSWER if said.taken_ms is None else said.answer,
    }
