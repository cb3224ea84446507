"""Two printers under one prefix are noticed within a minute or so, and one printer is never taken for two.

Each recording is one real printer; two of them laid over each other under one prefix, as if they had
begun together, are what a farm sees whose operator gave two printers the same topics.
"""

import io
import itertools
import logging
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from collector.intake.deliveries import Deliveries
from collector.intake.pipeline import Pipeline
from collector.intake.sources import SourceTable
from collector.playback import RecordingPlayer
from collector.settings import parse_source
from farm.ledger.job_filter import JobFilter
from farm.ledger.ledger import Ledger, open_ledger
from farm.model.clash import STANDS_MS, PublisherClash, clash_remedy
from farm.model.recording import RecordedMessage
from farm.model.states import Confidence
from farm.model.times import HOUR_MS, MINUTE_MS, SECOND_MS
from simulators.faults import FAULTS
from simulators.fleet import Fleet, SimulatedRun
from simulators.scenario import Scenario
from simulators.wire import Message
from tests.recordings import RECORDINGS, messages, recording_id, sources

PREFIXES = ("octoPrint/bay1", "octoPrint", "farm/bay2/octoprint", "printer1", "printer2", "garage-ender3")
SOURCE = {"octoprint": "octoprint=octoPrint", "moonraker": "moonraker:printer1=printer1"}
LATER_S = 5
"""So much later the second began: two that do the very same in the same second cannot be told apart."""
MINUTE_OR_SO_MS = 90 * SECOND_MS
MONDAY_MS = 1_795_392_000_000

Stream = list[RecordedMessage]


@cache
def of_one_printer(path: Path) -> Stream:
    """What one printer of the recording said, under the prefix that all are laid over each other."""
    prefix = next(prefix for prefix in PREFIXES if messages(path)[0].topic.startswith(f"{prefix}/"))
    to = "octoPrint" if path.parent.name == "octoprint" else "printer1"
    return [
        moved(message, f"{to}/{message.topic.removeprefix(f'{prefix}/')}", 0)
        for message in messages(path)
        if message.topic.startswith(f"{prefix}/")
    ]


def moved(message: RecordedMessage, topic: str, by_s: int) -> RecordedMessage:
    """The message at another time; its host's wall clock, if it tells one, is right then."""
    payload = re.sub(r'("_timestamp": )(\d+)', lambda at: f"{at[1]}{int(at[2]) + by_s}", message.payload)
    return RecordedMessage(message.t + by_s, topic, payload, message.qos, message.retain)


def together(first: Path, second: Path) -> Stream:
    here, there = of_one_printer(first), of_one_printer(second)
    by_s = round(here[0].t - there[0].t) + LATER_S
    return sorted([*here, *(moved(each, each.topic, by_s) for each in there)], key=lambda each: each.t)


def first_clash(source: str, stream: Iterable[RecordedMessage]) -> PublisherClash | None:
    """The clash that the stream shows first, as the ledger has it."""
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        player = RecordingPlayer(Pipeline(ledger, SourceTable([parse_source(source)])))
        for message in stream:
            player.feed(message)
            if any(session.publishers.clash for session in player.pipeline.sessions_taken_in()):
                break
        player.pipeline.commit(player.now_ms)
        return clash_in(ledger)


def clash_in(ledger: Ledger) -> PublisherClash | None:
    return next((status.clash for status in ledger.statuses() if status.clash is not None), None)


def pairs() -> list[tuple[Path, Path]]:
    return [
        pair
        for adapter in SOURCE
        for pair in itertools.combinations([path for path in RECORDINGS if path.parent.name == adapter], 2)
    ]


@pytest.mark.parametrize(
    ("first", "second"), pairs(), ids=[f"{recording_id(a)} {b.name[:12]}" for a, b in pairs()]
)
def test_two_printers_under_one_prefix_are_noticed(first: Path, second: Path) -> None:
    clash = first_clash(SOURCE[first.parent.name], together(first, second))
    assert clash is not None
    both_ms = of_one_printer(first)[0].received_ms + LATER_S * SECOND_MS
    assert clash.since_ms - both_ms <= MINUTE_OR_SO_MS
    assert clash.prefix == SOURCE[first.parent.name].partition("=")[2]


@pytest.mark.parametrize("path", RECORDINGS, ids=recording_id)
def test_one_printer_is_not_taken_for_two(path: Path) -> None:
    """Though each message comes twice, its client often sends its last ones again, and at the end the
    broker was set back, time and again."""
    stream = messages(path)
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        pipeline = Pipeline(ledger, SourceTable(sources(path)))

        def take(message: RecordedMessage, now_ms: int, *, live: bool = True) -> None:
            mark = Deliveries.mark(message.topic, message.raw)
            pipeline.take(message.topic, message.raw, message.retain, now_ms, live, mark)

        for number, message in enumerate(stream):
            again = stream[max(0, number - 20) : number] if number % 25 == 0 else []
            for same in (message, message, *again, message):
                take(same, message.received_ms)
        now_ms = stream[-1].received_ms
        for back in range(5):
            for old in stream[-100 * back :]:
                take(old, now_ms, live=False)
        pipeline.commit(now_ms)
        assert clash_in(ledger) is None


class Arrival(NamedTuple):
    """A message as it came from the broker; `kept` says that it had waited there."""

    at_ms: int
    kept: bool
    message: Message

    def under(self, name: str) -> "Arrival":
        """The message as that printer's."""
        topic = re.sub("bay-00[0-9]", name, self.message.topic)
        return self._replace(message=self.message._replace(topic=topic))


def farm_of(protocol: str, faults: frozenset[str], printers: int, hours: int) -> list[Arrival]:
    """What a simulated farm said."""
    farm = {"printers": printers, "report_seconds": 10, "tempo": 4, "protocols": {protocol: 1}}
    scenario = Scenario.model_validate({"seed": 11, "farm": farm})
    run = SimulatedRun(scenario=scenario, faults=faults, from_ms=MONDAY_MS, to_ms=MONDAY_MS + hours * HOUR_MS)
    said: list[Arrival] = []
    fleet = Fleet(run, lambda *arrival: said.append(Arrival(*arrival)), io.BytesIO())
    fleet.run_until(run.to_ms)
    fleet.close()
    return said


def play_farm(ledger: Ledger, source: str, said: Iterable[Arrival]) -> None:
    ledger.claim("test", "test", simulated=True, now_ms=0)
    pipeline = Pipeline(ledger, SourceTable([parse_source(source)]))
    now_ms = 0
    for at_ms, kept, message in said:
        if at_ms - now_ms > 10 * SECOND_MS:
            now_ms = at_ms
            pipeline.tick(now_ms)
        pipeline.take(message.topic, message.payload, False, at_ms, not kept)
    pipeline.commit(now_ms)


FARMS = {
    "octoprint": "octoprint=octoPrint/{printer}",
    "moonraker": "moonraker={printer}",
    "native": "native=layerline/native/v1/{printer}",
}


@pytest.mark.parametrize("protocol", FARMS)
def test_a_farm_with_all_its_faults_raises_no_false_alarm(protocol: str) -> None:
    """Reboots, wrong clocks, lost links, queues: what a simulated farm puts into a working day."""
    with open_ledger("sqlite://") as ledger:
        play_farm(ledger, FARMS[protocol], farm_of(protocol, frozenset(FAULTS), printers=2, hours=8))
        assert [status.printer.name for status in ledger.statuses() if status.clash] == []
        assert len(ledger.statuses()) == 2


@pytest.mark.parametrize("protocol", FARMS)
def test_two_printers_of_a_farm_under_one_prefix_are_noticed_once_one_is_at_work(protocol: str) -> None:
    said = farm_of(protocol, frozenset(), printers=2, hours=9)
    laid_over = [arrival.under("bay-001") for arrival in said]
    at_work = next(
        arrival.at_ms
        for arrival in said
        if re.search(rb'"(state|state_id)": ?"(printing|preparing|PRINTING)"', arrival.message.payload)
    )
    with open_ledger("sqlite://") as ledger:
        until = [arrival for arrival in laid_over if arrival.at_ms <= at_work + 3 * MINUTE_MS]
        play_farm(ledger, FARMS[protocol], until)
        assert clash_in(ledger) is not None


OCTOPRINTS = [path for path in RECORDINGS if path.parent.name == "octoprint"]
SUCCESS, CANCEL = (next(p for p in OCTOPRINTS if name in p.name) for name in ("01_success", "02_cancelled"))


def test_what_ends_while_two_publish_is_booked_without_confidence(caplog: pytest.LogCaptureFixture) -> None:
    with open_ledger("sqlite://") as ledger, caplog.at_level(logging.WARNING):
        ledger.claim("test", "test", simulated=True, now_ms=0)
        player = RecordingPlayer(Pipeline(ledger, SourceTable([parse_source(SOURCE["octoprint"])])))
        for message in together(SUCCESS, CANCEL):
            player.feed(message)
        player.finish()
        clash = clash_in(ledger)
        assert clash is not None
        ended = [job for job in ledger.jobs(JobFilter()).jobs if (job.ended_ms or 0) > clash.since_ms]
        assert ended
        assert {job.confidence for job in ended} == {Confidence.NONE}
    (told,) = [record.getMessage() for record in caplog.records if "two printers" in record.getMessage()]
    assert clash.words.partition(":")[0] in told
    assert clash_remedy("octoprint") in told


def test_the_turns_add_up_over_restarts() -> None:
    with open_ledger("sqlite://") as ledger:
        ledger.claim("test", "test", simulated=True, now_ms=0)
        table = SourceTable([parse_source(SOURCE["octoprint"])])
        player = RecordingPlayer(Pipeline(ledger, table))
        for number, message in enumerate(together(SUCCESS, CANCEL)):
            player.feed(message)
            if number % 4 == 0:
                player.pipeline.commit(player.now_ms)
                player.pipeline = Pipeline(ledger, table)
        player.pipeline.commit(player.now_ms)
        clash = clash_in(ledger)
    whole = first_clash(SOURCE["octoprint"], together(SUCCESS, CANCEL))
    assert clash is not None
    assert whole is not None
    assert (clash.since_ms, clash.sign) == (whole.since_ms, whole.sign)


def test_it_is_over_once_one_of_them_has_other_topics() -> None:
    clash = first_clash(SOURCE["octoprint"], together(SUCCESS, CANCEL))
    assert clash is not None
    assert clash.stands(clash.last_ms + STANDS_MS)
    assert not clash.stands(clash.last_ms + STANDS_MS + 1)
