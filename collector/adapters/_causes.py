"""Which cause the words of a firmware point to."""

import re

from farm.model.states import Cause

_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.IGNORECASE))
    for cause, pattern in (
        (Cause.POWER, r"(?<!heater )power[- ](loss|fail|outage|panic)|brown-?out|under-?voltage"),
        (Cause.OPERATOR, r"\bM112\b|due to webhooks request|emergency stop|e-?stop"),
        (
            Cause.FILE,
            r"move out of range|extrude below minimum temp|must home axis|unknown command"
            r"|extrude only move too long|maximum extrusion|malformed command|unable to parse",
        ),
        (
            Cause.THERMAL,
            r"thermal|heat(er|ing)?\b.*(fail|fault|error|not heating|expected rate|runaway|approx)"
            r"|heating failed|sensor error|temp sensor|temperature.*(range|fault)|max_?temp|min_?temp"
            r"|verify_heater|adc out of range",
        ),
        (Cause.FILAMENT, r"filament|run-?out|\bMMU\b|spool"),
        (
            Cause.HOST,
            r"(klipper|klippy|host)( process| software)? (has )?(died|crashed|exited|disconnected|was killed)"
            r"|lost connection to (the )?(klipper|klippy)",
        ),
        (
            Cause.CONNECTION,
            r"lost communication|serial|time-?out|timed out|unable to connect|connection|communication"
            r"|disconnect|no response",
        ),
        (Cause.ADHESION, r"adhesion|spaghetti|detached|warp"),
    )
)


_TRAILING_OK = re.compile(r"(?:\s+ok)+\s*\Z")


def without_ok(words: str | None) -> str | None:
    """The firmware's words without the `ok` by which it acknowledged the line they came in."""
    if words is None:
        return None
    return _TRAILING_OK.sub("", words) or None


def cause_in(words: str | None) -> Cause:
    """The cause that the words point to: `printer_error` for a fault without a known word."""
    if not words:
        return Cause.UNKNOWN
    for cause, pattern in _WORDS:
        if pattern.search(words):
            return cause
    return Cause.PRINTER_ERROR
