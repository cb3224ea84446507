"""CPU of the brokers that `layerline up` starts, for each message and for each connection that is open.

`python -m tests.bench.bench_embedded_broker [--printers 1000] [--seconds 10] [--rate 1000]`

So many printers, each with a connection of its own, publish messages of 450 bytes at QoS 1, `--rate` a
second in all; one reader takes all of them. CPU is what the operating system counted for the broker's
processes, less what they take with the same connections when nobody says anything. rumqttd alone is the
built-in broker without its door: what the door costs is the difference.
"""

import argparse
import os
import selectors
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from farm.app.embedded_broker.settings import BrokerKind
from farm.app.open_files import allow_open_files
from tests.connect_packets import connect_packet, field, packet
from tests.servers import EmbeddedBroker, embedded_broker

PAYLOAD = bytes(450)
_TICKS = os.sysconf("SC_CLK_TCK")
_READ = 1 << 16


def cpu_s(pid: int) -> float:
    """Seconds of CPU of a process and its children, dead or alive."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(int, fields[11:13])) / _TICKS + sum(cpu_s(int(child)) for child in children)


def resident_bytes(pid: int) -> int:
    """Memory of a process and its children."""
    own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(resident_bytes(int(child)) for child in children)


class Farm:
    """Printers and a reader at one broker."""

    def __init__(self, broker: EmbeddedBroker, port: int, printers: int, stack: ExitStack) -> None:
        self._selector = selectors.DefaultSelector()
        self.received = 0
        self.printers = []
        for number in range(printers + 1):
            line = stack.enter_context(socket.create_connection((broker.host, port), timeout=30))
            line.sendall(
                connect_packet(f"bench-{number}", broker.credentials.user, broker.credentials.password)
            )
            assert line.recv(4) == b"\x20\x02\x00\x00"
            if number == 0:
                line.sendall(packet(b"\0\1" + field(b"bench/#") + b"\0", 0x82))
                line.recv(5)
            else:
                self.printers.append(line)
            self._selector.register(line, selectors.EVENT_READ, number == 0)

    def run(self, seconds: float, rate: float) -> int:
        """Publish at this rate for so long; gives the number of messages that the reader received."""
        packets = [
            packet(field(b"bench/%d/status" % number) + b"\0\1" + PAYLOAD, 0x32)
            for number in range(len(self.printers))
        ]
        size = len(packets[-1]) - 2
        before, sent, began = self.received, 0, time.monotonic()
        while (now := time.monotonic() - began) < seconds or self.received - before < sent * size * 0.97:
            due = min(int(now * rate), int(seconds * rate)) - sent
            for _ in range(due):
                at = sent % len(self.printers)
                self.printers[at].sendall(packets[at])
                sent += 1
            for key, _ in self._selector.select(0.002):
                data = key.fileobj.recv(_READ)  # type: ignore[union-attr]
                self.received += len(data) if key.data else 0
            if now > seconds + 30:
                raise TimeoutError(f"{self.received - before} bytes of {sent} messages came")
        return sent


def measure(name: str, pid: int, farm: Farm, wish: argparse.Namespace) -> None:
    """One row of the table."""
    first = cpu_s(pid)
    time.sleep(wish.seconds)
    idle = (cpu_s(pid) - first) / wish.seconds
    first, began = cpu_s(pid), time.monotonic()
    messages = farm.run(wish.seconds, wish.rate)
    took = time.monotonic() - began
    spent = cpu_s(pid) - first - idle * took
    resident = resident_bytes(pid)
    print(
        f"| {name} | {idle * 100:.1f} % | {spent / messages * 1e6:.0f} | {spent / took * 100:.0f} % "
        f"| {resident / 2**20:.0f} MB |",
        flush=True,
    )


@contextmanager
def places() -> Iterator[dict[str, tuple[EmbeddedBroker, int, int]]]:
    """Name to broker, port and process of each candidate."""
    with embedded_broker() as built_in, embedded_broker(BrokerKind.MOSQUITTO) as mosquitto:
        file = tomllib.loads((built_in.folder.path / "embedded-broker.toml").read_text())
        behind = int(file["v4"]["1"]["listen"].rsplit(":", 1)[1])
        yield {
            "rumqttd alone": (built_in, behind, built_in.pid),
            "built-in, with its door": (built_in, built_in.port, built_in.pid),
            "Mosquitto": (mosquitto, mosquitto.port, mosquitto.pid),
        }


def main() -> None:
    """Measure every broker, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--printers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=1_000)
    wish = parser.parse_args()
    allow_open_files()
    version = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    print(
        f"{wish.printers} printers, {wish.rate:g} messages/s, {version} cores, load {os.getloadavg()[0]:.1f}"
    )
    print("| broker | CPU idle | CPU µs a message | CPU at that rate | memory |\n|---|---|---|---|---|")
    with places() as brokers:
        for name, (broker, port, pid) in brokers.items():
            with ExitStack() as stack:
                measure(name, pid, Farm(broker, port, wish.printers, stack), wish)
            time.sleep(1)


if __name__ == "__main__":
    main()
