"""Which cause the words of a firmware point to."""

import re

from farm.model.states import Cause

_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.IGNORECASE))
    for cause, pattern in (
        (Cause.OPERATOR, r"\bM112\b|due to webhooks request|emergency stop|e-?stop"),
        (
            Cause.FILE,
            r"move out of range|extrude below minimum temp|must home axis|unknown command"
            r"|extrude only move too long|maximum extrusion|malformed command|unable to parse",
        ),
        (
            Cause.THERMAL,
            r"thermal|heat(er|ing)?\b.*(fail|fault|not heating|expected rate|runaway|approx)|heating failed"
            r"|max_?temp|min_?temp|temperature.*(range|fault)|verify_heater|adc out of range|temp sensor",
        ),
        (Cause.FILAMENT, r"filament|run-?out|\bMMU\b|spool"),
        (
            Cause.CONNECTION,
            r"lost communication|serial|time-?out|timed out|unable to connect|connection|communication"
            r"|disconnect|no response",
        ),
        (Cause.POWER, r"power (loss|fail|outage)|brown-?out|under-?voltage"),
        (Cause.ADHESION, r"adhesion|spaghetti|detached|warp"),
    )
)


def cause_in(words: str | None) -> Cause:
    """The cause that the words point to: `printer_error` for a fault without a known word."""
    if not words:
        return Cause.UNKNOWN
    for cause, pattern in _WORDS:
        if pattern.search(words):
            return cause
    return Cause.PRINTER_ERROR
