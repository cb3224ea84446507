"""The true repairs that count in a figure: those that the ledger can know of, and when they count.

A printer is at fault from an error on, or from when it was lost at work, until it works again. What was
told of that is counted by the same plain rule, printer by printer, and set beside the truth.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from farm.model.states import PrinterState
from simulators.recount.shop_time import Stretches

_S = PrinterState
_WORKS: Final = (_S.PREPARING, _S.PRINTING)
_AT_WORK: Final = (*_WORKS, _S.PAUSED)
_UNSEEN: Final = (_S.UNKNOWN, _S.OFFLINE)
_TICKS = 4
"""A repair is told by two instants, each of which may be off by a step of two clocks."""


class Piece(NamedTuple):
    """From when until when (ms), in which state, and whether the shop was open."""

    from_ms: int
    to_ms: int
    state: PrinterState
    is_open: bool


class Repair(NamedTuple):
    """From when until when (ms) a printer was at fault."""

    from_ms: int
    to_ms: int


class TrueRepair(NamedTuple):
    """A repair as it truly was, which counts at `counts_ms`, and how exactly its length can be told (ms)."""

    counts_ms: int
    lasted_ms: int
    exact_ms: int


def repairs_in(pieces: Iterable[Piece]) -> list[Repair]:
    """The repairs of one printer that ended, out of its time in order."""
    return [*_repairs((piece.from_ms, piece.state) for piece in pieces)]


def _repairs(states: Iterable[tuple[int, PrinterState]]) -> Iterator[Repair]:
    known: PrinterState | None = None
    fault_ms: int | None = None
    for at_ms, state in states:
        if state in _WORKS:
            if fault_ms is not None:
                yield Repair(fault_ms, at_ms)
            fault_ms = None
        elif fault_ms is None and (state is _S.ERROR or (state is _S.OFFLINE and known in _AT_WORK)):
            fault_ms = at_ms
        if state not in _UNSEEN:
            known = state


def true_repairs(
    true: Sequence[Repair], told: Sequence[Repair], unheard: Stretches, step_ms: int
) -> list[TrueRepair]:
    """The true repairs, each with the end by which it counts.

    One that is told counts when its end was told, and so exactly as it was told where nothing reached the
    broker while it began or ended. One that is not told, and one that is told and never was, can only
    be because something did not reach the broker: the first is left out then, the second taken as told.
    """
    slack_ms = _TICKS * step_ms
    pairs = _paired(true, told, slack_ms)
    paired, used = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    alone = [each for each in true if each not in paired and not _touches(unheard, each, slack_ms)]
    alone += [each for each in told if each not in used and _touches(unheard, each, slack_ms)]
    found = [_as_told(*pair, unheard, slack_ms) for pair in pairs]
    return found + [TrueRepair(each.to_ms, each.to_ms - each.from_ms, slack_ms) for each in alone]


def _paired(true: Sequence[Repair], told: Sequence[Repair], slack_ms: int) -> list[tuple[Repair, Repair]]:
    """True and told repairs that are of the same time, the closest first."""
    near = sorted(
        (abs(one.from_ms - other.from_ms) + abs(one.to_ms - other.to_ms), one, other)
        for one in true
        for other in told
        if one.from_ms <= other.to_ms + slack_ms and other.from_ms <= one.to_ms + slack_ms
    )
    pairs: list[tuple[Repair, Repair]] = []
    for _, one, other in near:
        if all(one != each[0] and other != each[1] for each in pairs):
            pairs.append((one, other))
    return pairs


def _as_told(true: Repair, told: Repair, unheard: Stretches, slack_ms: int) -> TrueRepair:
    begins = Repair(*sorted((true.from_ms, told.from_ms)))
    ends = Repair(*sorted((true.to_ms, told.to_ms)))
    exact_ms = slack_ms
    for off in (begins, ends):
        exact_ms += off.to_ms - off.from_ms if _touches(unheard, off, slack_ms) else 0
    as_told = ends.to_ms - ends.from_ms <= slack_ms or _touches(unheard, ends, slack_ms)
    return TrueRepair(told.to_ms if as_told else true.to_ms, true.to_ms - true.from_ms, exact_ms)


def _touches(unheard: Stretches, time: Repair, slack_ms: int) -> bool:
    return unheard.within(time.from_ms - slack_ms, time.to_ms + slack_ms) > 0
