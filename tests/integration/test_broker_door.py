"""The door before the built-in broker, with a stand-in behind it: what is bounded, and what is passed on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from farm.app.data_folder import Credentials, DataFolder
from farm.app.embedded_broker import front as door
from farm.app.embedded_broker.front import Front
from farm.app.embedded_broker.settings import EmbeddedBrokerSettings
from farm.app.embedded_broker.status import StatusKeeper, refused_clients
from farm.model.refused_client import RefusalReason
from tests.connect_packets import connect_packet
from tests.servers import free_port

GOOD = b"\x20\x02\x00\x00"
PRESENT = b"\x20\x02\x01\x00"
Behind = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Opened:
    """An open door and the ways through it."""

    def __init__(self, port: int, folder: DataFolder, status: StatusKeeper) -> None:
        self.port = port
        self.writers: list[asyncio.StreamWriter] = []
        self._folder = folder
        self._status = status

    async def come(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(data)
        return reader, writer

    async def answer(self, data: bytes) -> bytes:
        """All that is answered until it is closed."""
        reader, _ = await self.come(data)
        return await asyncio.wait_for(reader.read(), 5)

    def refused(self) -> list[tuple[str | None, RefusalReason]]:
        self._status.write()
        return [(known.client_id, known.reason) for known in refused_clients(self._folder)]


@asynccontextmanager
async def opened(
    folder: Path, behind: Behind | None, *, first_packet_s: float = 5.0
) -> AsyncIterator[Opened]:
    """A door before `behind`, before nobody where that is None."""
    talks: set[asyncio.Task[None] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError):
            await (behind or closes)(reader, writer)
        await end(writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()[:2]
    if behind is None:
        server.close()
    data = DataFolder(folder)
    status = StatusKeeper(data)
    settings = EmbeddedBrokerSettings(host="127.0.0.1", port=free_port())
    front = Front(settings, Credentials("layerline", "right"), status, place, first_packet_s=first_packet_s)
    listening, over = await front.bind(), asyncio.Event()
    await listening.start_serving()
    serving = asyncio.create_task(front.open(listening, over, lambda: None))
    there = Opened(settings.port, data, status)
    try:
        yield there
    finally:
        for writer in there.writers:
            await end(writer)
        over.set()
        await serving
        front.close(listening)
        server.close()
        await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 10)


async def end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the first packet, then sends back what comes, the first packet included."""
    writer.write(GOOD)
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def knows_the_session(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(PRESENT)
    await writer.drain()
    writer.close()


async def closes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(("level", "answer"), [(3, GOOD), (4, PRESENT)])
def test_only_a_client_of_3_1_1_is_told_that_its_session_is_there(
    tmp_path: Path, level: int, answer: bytes
) -> None:
    async def story() -> bytes:
        async with opened(tmp_path, knows_the_session) as front:
            return await front.answer(connect_packet(level=level))

    assert asyncio.run(story()) == answer


def test_bytes_pass_through_unchanged_and_in_order(tmp_path: Path) -> None:
    sent = bytes(range(256)) * 8_000

    async def story() -> bytes:
        async with opened(tmp_path, echo) as front:
            reader, writer = await front.come(connect_packet() + sent[:1_000])
            writer.write(sent[1_000:])
            got = await asyncio.wait_for(reader.readexactly(4 + len(connect_packet()) + len(sent)), 20)
            writer.close()
            return got

    assert asyncio.run(story()) == GOOD + connect_packet() + sent


@pytest.mark.parametrize("reads", [True, False])
def test_what_one_side_does_not_take_is_not_read_from_the_other(tmp_path: Path, reads: bool) -> None:
    """Memory stays bounded, whichever side is slow: the fast one is held up."""
    taken, most = [0], 64 * 1024 * 1024
    held = asyncio.Event()

    async def floods(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        await flood(writer)

    async def takes_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        await held.wait()
        writer.close()

    async def flood(writer: asyncio.StreamWriter) -> None:
        while taken[0] < most:
            writer.write(bytes(65_536))
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                break
            taken[0] += 65_536

    async def story() -> None:
        async with opened(tmp_path, takes_nothing if reads else floods) as front:
            _, writer = await front.come(connect_packet())
            await (flood(writer) if reads else asyncio.sleep(1.2))
            held.set()
            writer.close()

    asyncio.run(story())
    assert 0 < taken[0] < most / 2


def test_a_broker_that_closes_without_a_word_is_answered_for(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, list[tuple[str | None, RefusalReason]]]:
        async with opened(tmp_path, closes) as front:
            return await front.answer(connect_packet("bay1")), front.refused()

    assert asyncio.run(story()) == (b"\x20\x02\x00\x03", [("bay1", RefusalReason.BROKER_CLOSED)])


def test_a_broker_that_is_not_there_is_answered_for(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, list[tuple[str | None, RefusalReason]]]:
        async with opened(tmp_path, None) as front:
            return await front.answer(connect_packet("bay1")), front.refused()

    assert asyncio.run(story()) == (b"\x20\x02\x00\x03", [("bay1", RefusalReason.BROKER_CLOSED)])


def test_who_does_not_finish_a_first_packet_is_sent_away_and_told_of(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, list[tuple[str | None, RefusalReason]]]:
        async with opened(tmp_path, echo, first_packet_s=0.1) as front:
            return await front.answer(connect_packet()[:-1]), front.refused()

    assert asyncio.run(story()) == (b"", [(None, RefusalReason.UNFINISHED)])


def test_who_only_looks_whether_the_port_is_open_is_not_told_of(tmp_path: Path) -> None:
    async def story() -> list[tuple[str | None, RefusalReason]]:
        async with opened(tmp_path, echo, first_packet_s=0.1) as front:
            _, looks = await front.come()
            looks.close()
            reader, waits = await front.come()
            assert await asyncio.wait_for(reader.read(), 5) == b""
            waits.close()
            return front.refused()

    assert asyncio.run(story()) == []


def test_the_door_is_never_so_full_that_nobody_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_AT_THE_DOOR", 5)

    async def story() -> tuple[bytes, list[tuple[str | None, RefusalReason]]]:
        async with opened(tmp_path, echo) as front:
            loiterers = [await front.come(b"\x10") for _ in range(8)]
            reader, writer = await front.come(connect_packet())
            answer = await asyncio.wait_for(reader.readexactly(4), 5)
            for _, loiterer in [*loiterers, (reader, writer)]:
                loiterer.close()
            return answer, front.refused()

    answer, refused = asyncio.run(story())
    assert answer == GOOD
    assert refused == [(None, RefusalReason.NO_ROOM)]


def test_more_clients_than_there_is_room_for_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_CLIENTS", 1)

    async def story() -> tuple[bytes, bytes]:
        async with opened(tmp_path, echo) as front:
            reader, writer = await front.come(connect_packet("first"))
            await asyncio.wait_for(reader.readexactly(4), 5)
            full = await front.answer(connect_packet("second"))
            writer.close()
            await writer.wait_closed()
            while (again := await front.come(connect_packet("third")))[0]:
                answer = await asyncio.wait_for(again[0].readexactly(4), 5)
                again[1].close()
                if answer == GOOD:
                    return full, answer
            raise AssertionError

    assert asyncio.run(story()) == (b"\x20\x02\x00\x03", GOOD)


def test_when_either_side_goes_so_does_the_other(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def leaves_when_told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        data = await reader.readexactly(len(connect_packet()) + 1)
        if data.endswith(b"!"):
            writer.close()
            return
        assert await reader.read() == b""
        gone.set()
        writer.close()

    async def story() -> None:
        async with opened(tmp_path, leaves_when_told) as front:
            assert await front.answer(connect_packet() + b"!") == GOOD
            reader, writer = await front.come(connect_packet() + b"?")
            assert await reader.readexactly(4) == GOOD
            writer.close()
            await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(story())
