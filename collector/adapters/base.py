"""What an adapter is: it turns the messages of one protocol into observations, purely.

One protocol is one file in this folder. An adapter keeps nothing: what it must remember
of a printer stands in a memory that is handed in and updated, and that is stored with the
printer's checkpoint.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from collector.adapters._gap_rules import GapRule
from farm.model.clash import ClashSign
from farm.model.observation import Observation, Telemetry

Fields = Mapping[str, "Fields | None"]
"""The fields of a JSON object: None for a plain value, else those of the objects within."""


class ClockKind(StrEnum):
    """Which clock the source's times come from."""

    WALL = "wall"
    MONOTONIC = "monotonic"


class Trait(NamedTuple):
    """Something by which one publisher is told from another that speaks under the same prefix.

    `name` is whose it is among the traits of that sign (a topic, say). A clock tells `figure`, in ms;
    a nozzle `figure` in degrees Celsius for the target `of`; a bed the target `of`; progress of
    the print `of` tells `figure` from 0 to 100.
    """

    sign: ClashSign
    name: str
    figure: float
    of: str = ""


class Reading(NamedTuple):
    """What one message said: the source's time in ms (None where it carries none) and what bears
    on state or job. Telemetry goes into the memory and is sampled from there. `refused` names
    the fields that were dropped, since their value cannot be meant. `traits` are what one publisher
    under the prefix is known by.
    """

    time_ms: int | None
    observations: tuple[Observation, ...] = ()
    refused: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    only_now: bool = False
    """It speaks of the moment of its receipt: out of a queue it says nothing."""
    is_answer: bool = False
    """It was asked for, so it comes by a topic of its own, in no order with what is told unasked."""


class Question(NamedTuple):
    """A message to publish so that the printer tells its whole state: topic below the prefix, payload."""

    suffix: str
    payload: bytes


class Adapter(Protocol):
    """The port of every protocol. Optional capabilities are protocols of their own."""

    kind: str
    """The name in `adapter = "..."`."""
    clock: ClockKind
    resolution_ms: int
    """The source tells its time in steps of so much, rounded down: what it tells lies within the step."""
    default_topics: tuple[str, ...]
    """The topic prefixes read when no source is configured."""
    silence_ms: int
    """After so long without any message the state is unknown, from the last message on."""
    suffixes: tuple[str, ...]
    """MQTT topic filters to subscribe to, below the prefix."""
    memory_type: type[msgspec.Struct]
    after_gap: tuple[GapRule, ...]
    """Which evidence restores which state when messages may have been missed, for the documents as for it."""
    plain_words: tuple[str, ...]
    """Payloads that are no JSON, such as the words of a last will."""

    def new_memory(self) -> Any:
        """The memory of a printer never heard of."""

    def read(self, memory: Any, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        """What the message says, or None when it does not concern us.

        Raises UnreadableMessage with a reason when it cannot be read.
        """

    def telemetry(self, memory: Any) -> Telemetry:
        """The figures as they stand."""

    def forget(self, memory: Any) -> None:
        """The way to the printer broke: what was known of its state is not known any more."""

    def doubt(self, memory: Any) -> None:
        """Messages of a short time are missing: what is known stands until a message says otherwise."""

    def recorded_fields(self, suffix: str) -> Fields:
        """The fields of such a message that `read` uses: all that a recording may hold of it."""


@runtime_checkable
class Askable(Protocol):
    """The protocol allows to ask for the whole state and, where there is one, the history."""

    def questions(self, number: int) -> tuple[Question, ...]:
        """What to publish; `number` tells one round of questions from another."""


@runtime_checkable
class Estimating(Protocol):
    """The protocol allows to ask how long the print under way takes, which nothing tells by itself."""

    def question_of_estimate(self, memory: Any, number: int) -> Question | None:
        """What to publish, None while the file is not known; `number` tells it from other questions."""


@runtime_checkable
class Waiting(Protocol):
    """In this protocol something shows by the time that passes, though no message comes."""

    def waits(self, memory: Any) -> bool:
        """Whether there is something to wait for."""

    def look(self, memory: Any, at_ms: int) -> Observation | None:
        """What shows by `at_ms` of the source's clock. Called about once a second while it waits."""
