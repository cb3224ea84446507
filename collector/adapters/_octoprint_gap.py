"""What OctoPrint's messages show of a time in which others may have been missed.

Nothing is published again on connecting, so how things stand shows in what goes on: in heaters that
are on or off, in progress, and in the progress without a file by which the plugin tells that the
server began anew. The broker keeps the last message of each of these topics; one that was not heard
before tells of the gap.
"""

from enum import StrEnum

from collector.adapters._gap_rules import NOT_KNOWN, GapRule, JobAfterGap, gap_rule
from collector.adapters._octoprint_events import RESTING, follow
from collector.adapters._octoprint_memory import (
    BED,
    FORGOTTEN,
    NOZZLE,
    Happening,
    OctoPrintMemory,
    as_of,
    is_present,
    latest_ms,
    lose_state,
    remember,
)
from farm.model.observation import JobReading, JobSignal, Observation
from farm.model.states import ACTIVE_STATES, PrinterState
from farm.model.times import MINUTE_MS

_COLD_MS = MINUTE_MS
_COLD_WITHOUT_BED_MS = 10 * MINUTE_MS
_LASTS_MS = 4_000
_QUEUED_MS = 10_000
_ECHO_MS = 2_000
_UNDER_WAY = frozenset({PrinterState.PREPARING, PrinterState.PRINTING})
_ENDS = frozenset({"PrintDone", "PrintFailed", "PrintCancelled"})


class Sign(StrEnum):
    """What is seen after a gap."""

    HEATERS_OFF = "nozzle and bed told with target 0"
    HEATERS_ON = "a heater told with a target above 0"
    PROGRESS = "`progress` between 0 and 100"
    READ_THROUGH = "a `progress` of 100 that the broker kept and that is news"
    BEGAN_ANEW = "`progress` without a file, the first words of a server that began anew"


AFTER_GAP = (
    GapRule(
        name="rests_cold",
        sign=Sign.HEATERS_OFF,
        before=RESTING | {None},
        state=PrinterState.IDLE,
        job=JobAfterGap.NONE,
    ),
    # A pause may let everything cool down, so that cold heaters say nothing of one.
    GapRule(
        name="ended_cold",
        sign=Sign.HEATERS_OFF,
        before=_UNDER_WAY,
        state=PrinterState.IDLE,
        job=JobAfterGap.OVER,
        after_ms=_COLD_MS,
    ),
    GapRule(
        name="still_hot",
        sign=Sign.HEATERS_ON,
        before=_UNDER_WAY,
        state=PrinterState.PRINTING,
        job=JobAfterGap.GOES_ON,
        after_ms=_LASTS_MS,
    ),
    GapRule(
        name="paused_hot",
        sign=Sign.HEATERS_ON,
        before=frozenset({PrinterState.PAUSED}),
        state=PrinterState.PAUSED,
        job=JobAfterGap.GOES_ON,
        after_ms=_LASTS_MS,
    ),
    GapRule(
        name="progresses",
        sign=Sign.PROGRESS,
        before=_UNDER_WAY | {None},
        state=PrinterState.PRINTING,
        job=JobAfterGap.GOES_ON,
    ),
    GapRule(
        name="begun_unseen",
        sign=Sign.PROGRESS,
        before=RESTING | {PrinterState.PAUSED},
        state=PrinterState.PRINTING,
        job=JobAfterGap.GOES_ON,
        after_ms=_LASTS_MS,
    ),
    GapRule(
        name="read_through",
        sign=Sign.READ_THROUGH,
        before=ACTIVE_STATES,
        state=PrinterState.FINISHED,
        job=JobAfterGap.READ_THROUGH,
    ),
    GapRule(
        name="began_anew",
        sign=Sign.BEGAN_ANEW,
        before=ACTIVE_STATES | {None},
        state=NOT_KNOWN,
        job=JobAfterGap.OVER,
    ),
)
"""Which evidence restores which state; `idle` is `finished` while the bed was not cleared."""


def doubt(memory: OctoPrintMemory) -> None:
    """Messages may be missing from now on: what is known stands until one of the signs."""
    if memory.state is None:
        return
    memory.doubted = True
    memory.gap_ms = latest_ms(memory)
    memory.progress_path = memory.hot_ms = None


def by_heaters(memory: OctoPrintMemory, at: int, *, retained: bool) -> Observation | None:
    """What the heaters show, of which a message has just told."""
    figures = memory.figures
    state = as_of(memory, at, follow).state
    if figures.nozzle_target == 0 and not figures.bed_target:
        memory.hot_ms = None
        return _by_cold(memory, state, at, retained=retained)
    memory.cold_ms = None
    if retained or not (figures.nozzle_target or figures.bed_target):
        return None
    return _by_heat(memory, state, at)


def by_progress(memory: OctoPrintMemory, path: str, at: int) -> bool:
    """Whether progress in a file shows a print whose start, or whose going on, was missed.

    With no state known one message does. Against a known rest it takes two of them some seconds
    apart, since one may come late after the end. Progress of before an end that is known is held
    against the state of then, and so proves nothing; nor does what was told in the second of the end.
    """
    state = as_of(memory, at, follow).state
    if state in ACTIVE_STATES and not memory.doubted:
        return False
    rule = gap_rule(AFTER_GAP, Sign.PROGRESS, state)
    if rule is None:
        return False
    if rule.after_ms:
        ended_ms = _ended_ms(memory, at)
        if at <= ended_ms:
            return False
        if memory.progress_path != path or memory.progress_ms <= ended_ms:
            memory.progress_path, memory.progress_ms = path, at
        if at - memory.progress_ms < rule.after_ms:
            return False
    if is_present(memory, at):
        memory.state, memory.doubted = rule.restored, False
    return True


def _ended_ms(memory: OctoPrintMemory, at: int) -> int:
    """When the last print that is known to have ended by `at` did so; 0 where none is."""
    return max(
        (each.at_ms for each in memory.happened if each.event in _ENDS and each.at_ms <= at), default=0
    )


def began_anew(memory: OctoPrintMemory, at: int, *, retained: bool) -> tuple[Observation, ...]:
    """The plugin's first words after the start of its server: no print from before goes on."""
    rule = gap_rule(AFTER_GAP, Sign.BEGAN_ANEW, memory.state)
    told_from_ms = memory.gap_ms
    if not retained:
        remember(memory, Happening(at, FORGOTTEN), follow)
    state = None
    if is_present(memory, at):
        memory.began_ms = at
        if rule is not None:
            lose_state(memory, None)
            # What was told of the heaters since the gap was told by this server already.
            memory.gap_ms = told_from_ms
            state = PrinterState.UNKNOWN
    lost = Observation(
        time_ms=None if retained else at,
        retained=retained,
        level=True,
        state=state,
        signal=JobSignal.LOST,
        detail="OctoPrint began anew",
    )
    rests = by_heaters(memory, at, retained=retained)
    return (lost,) if rests is None else (lost, rests)


def kept_read_through(memory: OctoPrintMemory, path: str, at: int) -> Observation | None:
    """The broker kept word of a file read through at `at`, which was not heard then."""
    if memory.state is not None and not memory.doubted:
        return None
    rule = gap_rule(AFTER_GAP, Sign.READ_THROUGH, memory.state or memory.state_before)
    if rule is None:
        return None
    memory.state, memory.bed_full, memory.doubted = rule.restored, True, False
    return Observation(
        retained=True,
        level=True,
        state=rule.restored,
        signal=JobSignal.READ_THROUGH,
        ended_ms=at,
        job=JobReading(file=path),
    )


def _by_cold(
    memory: OctoPrintMemory, state: PrinterState | None, at: int, *, retained: bool
) -> Observation | None:
    rule = gap_rule(AFTER_GAP, Sign.HEATERS_OFF, memory.state_before if state is None else state)
    if rule is None or not _is_told_since(memory, retained=retained):
        return None
    if rule.job is JobAfterGap.OVER:
        return None if retained else _by_cooling(memory, rule, at)
    if not is_present(memory, at) or (state is not None and not _is_to_confirm(memory, state, at)):
        return None
    rests = PrinterState.FINISHED if memory.bed_full else rule.restored
    memory.state, memory.doubted = rests, False
    return Observation(
        time_ms=None if retained else at,
        retained=retained,
        level=True,
        presumed=state is None,
        state=rests,
    )


def _by_cooling(memory: OctoPrintMemory, rule: GapRule, at: int) -> Observation | None:
    """Heaters that were on in this print and stay off show that its end was missed.

    A nozzle alone may be switched off by a firmware that waits for somebody.
    """
    if not memory.heated:
        return None
    if memory.cold_ms is None:
        memory.cold_ms = at
    needed_ms = rule.after_ms if memory.figures.bed_target is not None else _COLD_WITHOUT_BED_MS
    if at - memory.cold_ms < needed_ms:
        return None
    since, memory.cold_ms = memory.cold_ms, None
    through = memory.figures.progress == 1
    rests = PrinterState.FINISHED if through else rule.restored
    if is_present(memory, at):
        memory.state, memory.bed_full, memory.doubted = rests, through, False
    return Observation(time_ms=at, since_ms=since, level=True, state=rests, detail="heaters off in mid-print")


def _by_heat(memory: OctoPrintMemory, state: PrinterState | None, at: int) -> Observation | None:
    memory.heated = memory.heated or state in ACTIVE_STATES
    if not is_present(memory, at) or (state is not None and not memory.doubted):
        return None
    rule = gap_rule(AFTER_GAP, Sign.HEATERS_ON, memory.state_before if state is None else state)
    if rule is None:
        return None
    if memory.hot_ms is None:
        memory.hot_ms = at
    if at - memory.hot_ms < rule.after_ms:
        return None
    memory.state, memory.doubted, memory.hot_ms = rule.restored, False, None
    return Observation(time_ms=at, level=True, presumed=True, state=rule.restored)


def _is_told_since(memory: OctoPrintMemory, *, retained: bool) -> bool:
    """Whether both heaters were told since messages were missed, kept words by the server of now.

    Where nothing was missed, what was told before holds.
    """
    if memory.state is not None and not memory.doubted:
        return True
    told_ms = memory.told_ms[NOZZLE]
    if memory.figures.bed_target is not None:
        told_ms = min(told_ms, memory.told_ms[BED])
    if retained and (memory.began_ms is None or told_ms < memory.began_ms - _QUEUED_MS):
        return False
    return told_ms > memory.gap_ms


def _is_to_confirm(memory: OctoPrintMemory, state: PrinterState, at: int) -> bool:
    """Whether a known rest is in doubt; a heater told well after it ends one without its printer."""
    if state in (PrinterState.ERROR, PrinterState.OFFLINE) and at - memory.gap_ms <= _ECHO_MS:
        return False
    return memory.doubted
