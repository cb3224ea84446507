import asyncio
from pathlib import Path

import pytest

from api import live
from api.farm_view import FarmView
from api.live import Listener, LiveStream, Packet, entry_packet
from api.settings import ApiSettings
from farm.errors import LedgerUnreachable
from farm.ledger.alert_store import AlertStore
from farm.ledger.batch import Batch
from farm.ledger.ledger import Ledger
from farm.model.feed import FeedEntry, FeedKind
from tests.fakes.farm_server import SITE, farm_ledger, fixed_clock, nothing_coming
from tests.fakes.sample_farm import NOW_MS, sample_farm

LIMIT_S = 20


def entries(count: int) -> list[FeedEntry]:
    return [FeedEntry(kind=FeedKind.STATE_CHANGED, at_ms=NOW_MS + number) for number in range(count)]


def board_over(ledger: Ledger) -> FarmView:
    return FarmView(
        ledger, AlertStore(ledger.engine), ApiSettings(), SITE, fixed_clock, forecaster=nothing_coming
    )


def test_an_entry_is_one_event_whatever_its_text_holds() -> None:
    entry = FeedEntry(kind=FeedKind.JOB_ENDED, at_ms=NOW_MS, body={"file": "a\nb\r\n\n: c"}, seq=5)
    wire = entry_packet(entry).wire
    assert wire.startswith(b"id: 5\nevent: feed\ndata: {")
    assert wire.endswith(b"}\n\n")
    assert wire.count(b"\n") == 4
    assert b"\r" not in wire


def test_a_slow_client_loses_its_queue_and_never_fills_the_memory() -> None:
    async def offer_too_much() -> tuple[bool, list[Packet]]:
        listener = Listener()
        for number in range(3 * live.QUEUE_LIMIT):
            listener.offer(Packet(b"x", number))
        return listener.overrun, await listener.take()

    overrun, taken = asyncio.run(offer_too_much())
    assert overrun
    assert taken == []


def test_a_slow_client_starts_anew_with_a_snapshot(tmp_path: Path) -> None:
    async def fall_behind(ledger: Ledger) -> list[bytes]:
        stream = LiveStream(board_over(ledger))
        seen: list[bytes] = []
        async with stream.running(), asyncio.timeout(LIMIT_S):
            events = stream.events(None)
            while not seen or b"event: snapshot" not in seen[-1]:
                seen.append(await anext(events))
            # The client takes nothing while more comes in than its queue holds.
            for _ in range(5):
                ledger.commit(Batch(feed=entries(live.QUEUE_LIMIT // 4), booked_until_ms=NOW_MS))
            while stream.lag(ledger.feed_head()):  # noqa: ASYNC110 - the stream tells it to nobody
                await asyncio.sleep(0.01)
            seen.append(await anext(events))
            await events.aclose()
        return seen

    with farm_ledger(sample_farm(2, days=1), f"sqlite:///{tmp_path}/ledger.db") as ledger:
        last = asyncio.run(fall_behind(ledger))[-1]
        head = ledger.feed_head()
    assert last.startswith(b"id: %d\nevent: snapshot" % head)
    assert b'"resumed":false' in last


def test_an_idle_connection_is_kept_open_by_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)

    async def wait_for_comment(ledger: Ledger) -> bytes:
        stream = LiveStream(board_over(ledger))
        async with stream.running(), asyncio.timeout(LIMIT_S):
            events = stream.events(None)
            while live.HEARTBEAT not in (wire := await anext(events)):
                pass
            await events.aclose()
            return wire

    with farm_ledger(sample_farm(1, days=1), f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert b": heartbeat\n\n" in asyncio.run(wait_for_comment(ledger))


def test_a_ledger_that_stays_away_is_logged_once_and_its_return_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "RETRY_S", 0.001)
    monkeypatch.setattr(live, "TICK_S", 0.05)
    caplog.set_level("INFO")
    refusals = iter(range(5))

    async def listen(ledger: Ledger) -> None:
        stream = LiveStream(board_over(ledger))
        read = ledger.feed_head

        def sometimes() -> int:
            if next(refusals, None) is not None:
                raise LedgerUnreachable("away")
            return read()

        monkeypatch.setattr(ledger, "feed_head", sometimes)
        async with stream.running(), asyncio.timeout(LIMIT_S):
            events = stream.events(None)
            while "the ledger is back" not in caplog.text:
                await anext(events)
            await events.aclose()

    with farm_ledger(sample_farm(1, days=1), f"sqlite:///{tmp_path}/ledger.db") as ledger:
        asyncio.run(listen(ledger))
    told = [record.getMessage() for record in caplog.records]
    assert [text for text in told if text.startswith("away; ")] == [told[0]]


def test_all_clients_share_one_reader_and_it_rests_when_none_is_left(tmp_path: Path) -> None:
    async def listen(ledger: Ledger) -> tuple[int, int, bool]:
        stream = LiveStream(board_over(ledger))
        async with stream.running(), asyncio.timeout(LIMIT_S):
            clients = [stream.events(None) for _ in range(5)]
            for events in clients:
                while b"event: snapshot" not in await anext(events):
                    pass
            together = stream.clients
            for events in clients:
                await events.aclose()
            ledger.commit(Batch(feed=entries(3), booked_until_ms=NOW_MS))
            await asyncio.sleep(3 * live.POLL_S)
            return together, stream.clients, stream.lag(ledger.feed_head()) == 0

    with farm_ledger(sample_farm(2, days=1), f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert asyncio.run(listen(ledger)) == (5, 0, True)
