"""Whether one publisher speaks under an address, or two that take turns. Pure.

One printer's clock, heaters and print go on from where they were. Where they leap away, come back
to where they stood before the leap, leap away again, and so on, two printers speak. A reboot, a new
print, a message that comes again and a clock that is set leap once and do not come back; so what is
counted are the turns between two courses that each go on by themselves. Only what comes live bears
witness: a queue may be handed over topic by topic, and again.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from collector.adapters.base import Trait
from farm.model.clash import ClashSign, PublisherClash
from farm.model.times import MINUTE_MS, SECOND_MS

CLOCK_SLACK_MS = 3 * SECOND_MS
"""By so much a message may come sooner or later than the one before it, or be overtaken by it."""
RECENT_MS = 5 * MINUTE_MS
HEATER_LEAP = 15.0
HEATER_LEAP_PER_S = 10.0
"""No heater changes by more than these degrees Celsius at once, and in a second."""
NOZZLE_RECALLED_MS = MINUTE_MS
BED_RECALLED_MS = 15 * SECOND_MS
BED_MESSAGES = 3
"""A bed whose target comes back later, or after more messages, may have been switched off and on."""
PROGRESS_MESSAGES = 8
"""After so many words of another print the first one may have failed, and been begun again."""
PROGRESS_WOBBLE = 2.0
PROGRESS_STEP = 15.0
"""In percent: by no more does an estimate of one print fall, or rise from one message to the next."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a trait stood when it was heard at `at_ms`."""

    figure: float
    of: str
    at_ms: int


class Course(msgspec.Struct, frozen=True, array_like=True):
    """Where a trait stands, where the one stood that it leapt away from, and the turns between both.

    It stands there for `messages`; `turn_ms` is when it last came back.
    """

    here: Place
    messages: int = 1
    there: Place | None = None
    turns: int = 0
    turn_ms: int = 0


class Publishers(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of an address: a course for each trait, and the clash where there is one."""

    courses: dict[str, Course] = {}
    clash: PublisherClash | None = None


class _Rule(NamedTuple):
    """When a trait goes on from a place, when it comes back to one, and how many turns are proof.

    Turns that are longer than `lapse_ms` apart do not add up, nor does one after more than
    `most_messages` elsewhere.
    """

    goes_on: Callable[[Place, Place], bool]
    comes_back: Callable[[Place, Place], bool]
    proof: int
    lapse_ms: int
    most_messages: float = math.inf


def heard(publishers: Publishers, prefix: str, traits: Iterable[Trait], at_ms: int) -> Publishers:
    """What is remembered after a message with these traits came live, at `at_ms`, below `prefix`.

    Where its clock is among them it comes first: what it told before it tells again.
    """
    courses, clash = publishers.courses.copy(), publishers.clash
    for sign, name, figure, of in traits:
        key, rule = f"{sign} {name}", _RULES[sign]
        before, place = courses.get(key), Place(figure, of, at_ms)
        if before is None:
            courses[key] = Course(place)
            continue
        course = courses[key] = _moved(before, place, rule)
        if course.turns > before.turns and course.turns >= rule.proof:
            clash = _again(clash, prefix, sign, at_ms)
        if sign is ClashSign.CLOCK and _is_of_before(before, place):
            break
    return Publishers(courses, clash)


def _is_of_before(clock: Course, now: Place) -> bool:
    """Whether a message is older than others that came lately: it came again, or is of a clock behind."""
    return any(
        place is not None
        and now.figure < place.figure - CLOCK_SLACK_MS
        and now.at_ms - place.at_ms <= RECENT_MS
        for place in (clock.here, clock.there)
    )


def _moved(course: Course, place: Place, rule: _Rule) -> Course:
    if rule.goes_on(course.here, place):
        return Course(place, course.messages + 1, course.there, course.turns, course.turn_ms)
    turns, turn_ms = course.turns, course.turn_ms
    if place.at_ms - turn_ms > rule.lapse_ms:
        turns = 0
    in_turn = course.messages <= rule.most_messages
    if in_turn and course.there is not None and rule.comes_back(course.there, place):
        turns, turn_ms = turns + 1, place.at_ms
    return Course(place, 1, course.here, turns, turn_ms)


def _again(clash: PublisherClash | None, prefix: str, sign: ClashSign, at_ms: int) -> PublisherClash:
    if clash is None or not clash.stands(at_ms):
        return PublisherClash(prefix=prefix, sign=sign, since_ms=at_ms, last_ms=at_ms)
    return msgspec.structs.replace(clash, last_ms=max(at_ms, clash.last_ms))


def _clock_goes_on(before: Place, now: Place) -> bool:
    told = now.figure - before.figure
    return -CLOCK_SLACK_MS <= told <= now.at_ms - before.at_ms + CLOCK_SLACK_MS


def _clock_comes_back(before: Place, now: Place) -> bool:
    told, passed = now.figure - before.figure, now.at_ms - before.at_ms
    return told >= 0 and abs(told - passed) <= CLOCK_SLACK_MS


def _heater_goes_on(before: Place, now: Place) -> bool:
    seconds = (now.at_ms - before.at_ms) / SECOND_MS
    return abs(now.figure - before.figure) <= HEATER_LEAP + HEATER_LEAP_PER_S * seconds


def _nozzle_goes_on(before: Place, now: Place) -> bool:
    """One whose target stands is the same nozzle, with a loose thermistor."""
    return before.of == now.of or _heater_goes_on(before, now)


def _nozzle_comes_back(before: Place, now: Place) -> bool:
    in_time = now.at_ms - before.at_ms <= NOZZLE_RECALLED_MS
    return in_time and before.of == now.of and _heater_goes_on(before, now)


def _is_the_same(before: Place, now: Place) -> bool:
    return before.of == now.of


def _bed_comes_back(before: Place, now: Place) -> bool:
    return before.of == now.of and now.at_ms - before.at_ms <= BED_RECALLED_MS


def _print_goes_on(before: Place, now: Place) -> bool:
    return before.of == now.of and -PROGRESS_WOBBLE <= now.figure - before.figure <= PROGRESS_STEP


def _print_comes_back(before: Place, now: Place) -> bool:
    return before.of == now.of and 0 <= now.figure - before.figure <= PROGRESS_STEP


_RULES = {
    ClashSign.CLOCK: _Rule(_clock_goes_on, _clock_comes_back, 3, RECENT_MS),
    ClashSign.NOZZLE: _Rule(_nozzle_goes_on, _nozzle_comes_back, 3, 2 * MINUTE_MS),
    ClashSign.BED: _Rule(_is_the_same, _bed_comes_back, 3, 2 * MINUTE_MS, BED_MESSAGES),
    ClashSign.PROGRESS: _Rule(_print_goes_on, _print_comes_back, 2, 30 * MINUTE_MS, PROGRESS_MESSAGES),
}
