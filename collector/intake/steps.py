"""What a collector works in between two commits, in a form in which it can be worked in once more."""

from typing import NamedTuple, Protocol

from collector.intake.deliveries import Checksums, Deliveries
from collector.intake.mqtt import Arrival
from collector.intake.pipeline import Pipeline
from collector.intake.time_source import Moment


class Step(Protocol):
    """One input of the pipeline."""

    def work(self, pipeline: Pipeline) -> None:
        """Work it in."""

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it under `reason`, keep what there is to look at, and take it as done."""


def mark_of(message: Arrival) -> Checksums:
    """The checksums by which the message is known again."""
    return Deliveries.mark(message.topic, message.payload)


def _remember(pipeline: Pipeline, message: Arrival, confirms: bool, mark: Checksums | None = None) -> None:
    if message.packet_id is not None:
        pipeline.deliveries.take(message.packet_id, mark or mark_of(message), confirms=confirms)


class RememberedMessage(NamedTuple):
    """A message that changes nothing, and is to be known when it comes again.

    `confirms` as in `Deliveries.take`.
    """

    message: Arrival
    confirms: bool

    def work(self, pipeline: Pipeline) -> None:
        """Remember that it came."""
        _remember(pipeline, self.message, self.confirms)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it."""
        pipeline.fault("-", reason, pipeline.latest_ms, detail)
        self.work(pipeline)


class PrinterMessage(NamedTuple):
    """A message of a printer. `waited` says that it stood in the broker's queue when we connected."""

    message: Arrival
    moment: Moment
    confirms: bool
    waited: bool = False

    def work(self, pipeline: Pipeline) -> None:
        """Work it in and remember that it came."""
        topic, retained, at_ms, live = self.moment
        mark = None if self.message.packet_id is None else mark_of(self.message)
        pipeline.take(topic, self.message.payload, retained, at_ms, live, mark, self.waited)
        _remember(pipeline, self.message, self.confirms, mark)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Keep its bytes and remember that it came."""
        moment = self.moment
        pipeline.put_aside(moment.topic, self.message.payload, reason, moment.at_ms, detail)
        _remember(pipeline, self.message, self.confirms)


class Unreadable(NamedTuple):
    """A message whose topic does not say what it is about."""

    message: Arrival
    reason: str
    detail: str
    at_ms: int
    confirms: bool

    def work(self, pipeline: Pipeline) -> None:
        """Count it and remember that it came."""
        pipeline.fault("-", self.reason, self.at_ms, self.detail)
        _remember(pipeline, self.message, self.confirms)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it under the other reason."""
        pipeline.fault("-", reason, self.at_ms, detail)
        _remember(pipeline, self.message, self.confirms)


class Tick(NamedTuple):
    """An instant at which silence shows and ends are taken as settled."""

    at_ms: int

    def work(self, pipeline: Pipeline) -> None:
        """See what is due at the instant: silence, ends that did not come, the inbox."""
        pipeline.tick(self.at_ms)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it."""
        pipeline.fault("-", reason, self.at_ms, detail)


class Spoken(NamedTuple):
    """Something that a person said, by the id of its entry in the inbox."""

    input_id: int
    at_ms: int

    def work(self, pipeline: Pipeline) -> None:
        """Follow or answer it, in a commit of its own; nothing where that was done before."""
        pipeline.take_input(self.input_id, self.at_ms)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Answer it, or it would be tried for ever."""
        pipeline.answer_input(self.input_id, f"it changes nothing ({reason}): {detail}")


class CaughtUp(NamedTuple):
    """Everything that waited at the broker has come."""

    at_ms: int

    def work(self, pipeline: Pipeline) -> None:
        """Work in what was held until it shows whether it came again."""
        pipeline.caught_up()

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it."""
        pipeline.fault("-", reason, self.at_ms, detail)


class Absence(NamedTuple):
    """A time of which nothing is known, since we or the broker were away."""

    from_ms: int
    until_ms: int

    def work(self, pipeline: Pipeline) -> None:
        """Book it."""
        pipeline.continuity_lost(self.from_ms, self.until_ms)

    def put_aside(self, pipeline: Pipeline, reason: str, detail: str) -> None:
        """Count it."""
        pipeline.fault("-", reason, self.until_ms, detail)
