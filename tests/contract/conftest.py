"""Every kind of database that a ledger can live in, each new and empty for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.ledger.ledger import Ledger, open_ledger
from tests.contract.ledger_samples import SHARD
from tests.servers import fresh_database, postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    with fresh_database(postgresql_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def shared_url(request: pytest.FixtureRequest) -> str:
    """A database that several processes can open."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(params=["sqlite_url", "sqlite://", "postgresql_url"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Any database."""
    url: str = request.param if "://" in request.param else request.getfixturevalue(request.param)
    return url


@pytest.fixture
def empty_ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    """A ledger whose shard the test holds."""
    empty_ledger.claim(SHARD, "the test", simulated=False, now_ms=0)
    return empty_ledger
