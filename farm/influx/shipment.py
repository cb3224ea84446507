"""Getting a run of lines to the server, however it answers."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from farm.influx.answers import Handling, ServerAnswer


class Refusal(msgspec.Struct, frozen=True):
    """The line at `index` will never be taken, for what `answer` says."""

    index: int
    answer: ServerAnswer


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run of lines: the first `done` are settled, `stored` of them at the server.

    `halted` is the answer that ended it early, None when all lines are settled.
    """

    done: int
    stored: int
    refusals: list[Refusal]
    halted: ServerAnswer | None = None


def ship(write: Callable[[bytes], ServerAnswer], lines: Sequence[bytes]) -> Shipment:
    """Write the lines in their order, in halves where the server asks for it by its answer.

    What is refused is found by halving. Where the server says how many points it left out,
    and those are all of a piece, the halving ends there. A piece of which a part was stored
    is sent again; the same point written twice is the same point.
    """
    stored = 0
    refusals: list[Refusal] = []
    pieces = [(0, len(lines))] if lines else []
    while pieces:
        start, end = pieces.pop()
        answer = write(b"\n".join(lines[start:end]))
        match answer.handling:
            case Handling.STORED:
                stored += end - start
            case Handling.WAIT:
                return Shipment(done=start, stored=stored, refusals=refusals, halted=answer)
            case Handling.HALVE | Handling.SIFT:
                if end - start == 1 or _all_dropped(answer, end - start):
                    refusals.extend(Refusal(index, answer) for index in range(start, end))
                else:
                    middle = (start + end) // 2
                    pieces += [(middle, end), (start, middle)]
    return Shipment(done=len(lines), stored=stored, refusals=refusals)


def parcels(lines: Sequence[bytes], most_lines: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    """Where to cut the lines so that no piece is above the limits, single large lines excepted."""
    start = size = 0
    for index, line in enumerate(lines):
        size += len(line) + 1
        if index > start and (size > most_bytes or index - start >= most_lines):
            yield start, index
            start, size = index, len(line) + 1
    if start < len(lines):
        yield start, len(lines)


def _all_dropped(answer: ServerAnswer, count: int) -> bool:
    return answer.handling is Handling.SIFT and answer.dropped == count
