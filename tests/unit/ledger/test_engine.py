import pytest

from farm.errors import LedgerError
from farm.ledger.engine import check_url, in_memory, ledger_engine, shown

ALLOWED = [
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite:///relative.db",
    "sqlite:////var/lib/layerline/ledger.db",
    "sqlite:////var/lib/layerline/ledger.db?timeout=2.5",
    "sqlite+pysqlite:////var/lib/layerline/ledger.db",
    "postgresql://user:pass@host/farm",
    "postgresql://user:p%40ss@host:5433/farm?sslmode=require",
    "postgresql+psycopg:///farm?host=/run/postgresql",
]
REFUSED = [
    "",
    "ledger.db",
    "user:hunter2@host",
    "mysql://user:hunter2@host/farm",
    "postgres://user:hunter2@host/farm",
    "postgresql+asyncpg://user:hunter2@host/farm",
    "postgresql://user:hunter2@host",
    "postgresql://user:hunter2@host:port/farm",
    "postgresql://user:hun@hunter2@host/farm",
    "mysql://host/farm?password=hunter2",
    "sqlite://var/ledger.db",
    "sqlite:////var/ledger.db?timeout=abc",
    "sqlite:////var/ledger.db?timeout=nan",
    "sqlite:////var/ledger.db?timeout=-1",
    "sqlite:////var/ledger.db?nonsense=1",
    "postgresql://user:hunter2@host/farm?connect_timeout=soon",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_an_allowed_url_makes_an_engine(url: str) -> None:
    check_url(url)
    engine = ledger_engine(url)
    assert engine.dialect.driver in {"pysqlite", "psycopg"}
    engine.dispose()


@pytest.mark.parametrize("url", REFUSED)
def test_another_url_is_refused_with_key_and_allowed_forms_and_without_its_password(url: str) -> None:
    with pytest.raises(LedgerError, match=r"^ledger\.url: .*allowed: sqlite:////.*postgresql://") as caught:
        check_url(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://user:secret@host/farm", "postgresql://user:***@host/farm"),
        ("postgresql://user:se:c@r/et@host/farm", "postgresql://user:***@host/farm"),
        (
            "postgresql://host/farm?user=u&password=secret&x=1",
            "postgresql://host/farm?user=u&password=***&x=1",
        ),
        ("postgresql://host/farm?sslpassword=secret", "postgresql://host/farm?sslpassword=***"),
        ("user:secret@host", "user:***@host"),
        ("secret@host", "***@host"),
        ("sqlite:////var/ledger.db", "sqlite:////var/ledger.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, safe: str) -> None:
    assert shown(url) == safe


def test_the_url_of_an_engine_is_shown_as_it_was_written() -> None:
    engine = ledger_engine("postgresql://user:secret@host:5432/farm")
    assert shown(engine.url) == "postgresql://user:***@host:5432/farm"


@pytest.mark.parametrize(
    ("url", "gone"),
    [
        ("sqlite://", True),
        ("sqlite:///:memory:", True),
        ("sqlite:////a.db", False),
        ("postgresql:///f", False),
    ],
)
def test_only_sqlite_without_a_file_is_in_memory(url: str, *, gone: bool) -> None:
    assert in_memory(ledger_engine(url)) is gone


@pytest.mark.parametrize(
    ("pragma", "value"), [("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")]
)
def test_sqlite_is_set_to_be_durable(tmp_path: object, pragma: str, value: object) -> None:
    engine = ledger_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    engine.dispose()
