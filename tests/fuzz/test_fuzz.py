"""The short form of `make fuzz`, and that it finds what it is made to find."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.adapters import adapter
from collector.adapters.base import Reading
from collector.adapters.octoprint import OctoPrint
from collector.intake.pipeline import Pipeline
from farm.errors import UnreadableMessage
from farm.ledger.ledger import open_ledger
from farm.model.observation import Observation, Telemetry
from tests.fuzz.corpus import ADAPTERS
from tests.fuzz.run import Fuzz, Wrong
from tests.fuzz.strategies import messages
from tests.servers import fresh_database, postgresql

_DOCUMENTED = re.findall(
    r"^\| `(\w+)` \|", (Path(__file__).parents[2] / "docs/adapters/README.md").read_text(), re.MULTILINE
)
REASONS = frozenset(_DOCUMENTED) - {"internal_error", "refused_by_ledger"}
"""Under which a hostile message may be counted: none of them may meet an error of ours."""
MESSAGES = 4_000


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def hear(
    kind: str, memory: Any, suffix: str, payload: bytes, retained: bool
) -> Reading | UnreadableMessage | None:
    """What the adapter makes of the message."""
    try:
        return adapter(kind).read(memory, suffix, payload, retained)
    except UnreadableMessage as error:
        return error


@pytest.mark.parametrize("kind", ADAPTERS)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_comes_an_adapter_gives_what_can_be_kept(kind: str, data: st.DataObject) -> None:
    found = adapter(kind)
    memory = found.new_memory()
    for suffix, payload in data.draw(st.lists(messages(kind), min_size=1, max_size=4)):
        reading = hear(kind, memory, suffix, payload, data.draw(st.booleans()))
        if isinstance(reading, UnreadableMessage):
            assert reading.reason in REASONS
            assert len(reading.detail) < 300
        elif reading is not None:
            for observation in reading.observations:
                stored = msgspec.msgpack.encode(observation)
                assert msgspec.msgpack.decode(stored, type=Observation) == observation
                assert b"\\u0000" not in msgspec.json.encode(observation)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=found.memory_type) == memory
    figures = found.telemetry(memory)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(figures), type=Telemetry) == figures


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_good_printers_come_through_a_crowd_of_hostile_ones(
    request: pytest.FixtureRequest, database: str
) -> None:
    if database == "sqlite":
        with open_ledger("sqlite://") as ledger:
            report = Fuzz(ledger, MESSAGES, seed=11).run()
    else:
        with fresh_database(request.getfixturevalue("postgresql_server")) as url, open_ledger(url) as ledger:
            report = Fuzz(ledger, MESSAGES, seed=12).run()
    assert report.messages == MESSAGES
    assert report.good == MESSAGES // 4
    assert set(report.dropped) <= REASONS
    assert report.dropped["bad_field"] > 100


def test_the_same_seed_gives_the_same_run() -> None:
    reports = []
    for _ in range(2):
        with open_ledger("sqlite://") as ledger:
            reports.append(Fuzz(ledger, 2_000, seed=3).run())
    assert reports[0][:4] == reports[1][:4]


def test_an_exception_of_one_message_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    read = OctoPrint.read

    def brittle(self: OctoPrint, memory: Any, suffix: str, payload: bytes, retained: bool) -> Reading | None:
        if b"[[[" in payload:
            raise RecursionError("too deep")
        return read(self, memory, suffix, payload, retained)

    monkeypatch.setattr(OctoPrint, "read", brittle)
    with open_ledger("sqlite://") as ledger, pytest.raises(Wrong, match=r"RecursionError|exception"):
        Fuzz(ledger, 2_000, seed=1).run()


def _losing(take: Callable[..., None]) -> Callable[..., None]:
    """As `take`, and of the good messages that come right behind a hostile printer's each fifth is lost."""
    before = [""]
    behind = itertools.count()

    def lossy(self: Pipeline, topic: str, payload: bytes, *more: Any) -> None:
        is_behind = topic.startswith("good/") and before[0].startswith("bad/")
        before[0] = topic
        if not (is_behind and next(behind) % 5 == 0):
            take(self, topic, payload, *more)

    return lossy


def test_a_good_message_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipeline, "take", _losing(Pipeline.take))
    with open_ledger("sqlite://") as ledger, pytest.raises(Wrong, match="rows lost"):
        Fuzz(ledger, MESSAGES, seed=1).run()
