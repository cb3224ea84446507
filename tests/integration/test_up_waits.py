"""`layerline up` beside a PostgreSQL that lets nobody in yet."""

import re
from pathlib import Path

import httpx
from sqlalchemy import make_url

from tests.fakes.refusing_postgresql import REFUSALS, refusing_postgresql
from tests.integration.console import Running, running
from tests.private_postgresql import private_postgresql
from tests.servers import free_port, wait_until


def all_say(farm: Running, words: str) -> None:
    """Wait until each part that needs the ledger has said so."""
    for part in ("collector", "evaluator", "api"):
        said = re.compile(rf"^{part} .*{re.escape(words)}", re.MULTILINE)
        wait_until(lambda said=said: said.search(farm.text), f"{part} says {words!r}: {farm.text}", 60)  # type: ignore[misc]


def test_a_postgresql_that_starts_up_or_has_no_room_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "layerline.toml").write_text(
        f"[api]\nport = {port}\n[embedded_broker]\nport = {free_port()}\nhost = '127.0.0.1'\n"
    )

    def ready() -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=20, trust_env=False).status_code
        except httpx.TransportError:
            return 0

    with private_postgresql() as server:
        place = make_url(server.url).port or 0
        with (
            refusing_postgresql(place) as refusing,
            running(tmp_path, "up", "--database", server.url) as farm,
        ):
            for _, words in REFUSALS:
                all_say(farm, words)
                wait_until(lambda: ready() == 503, f"the API says that it is not ready: {farm.text}", 60)
            assert farm.process.poll() is None
            refusing.close()
            server.start()
            wait_until(lambda: ready() == 200, f"it is ready: {farm.text}", 60)
            all_say(farm, "the ledger is back after")
            assert "ended with status" not in farm.text
            assert "Traceback" not in farm.text
            assert farm.end() == 0
