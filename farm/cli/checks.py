"""Trying out what the configuration names: broker, database, API, and whoever gets alerts."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from farm.app.listening import listens, local_address
from farm.cli.diagnosis import CheckStatus, Diagnosis, failed, ok, warning
from farm.errors import (
    BrokerRefused,
    BrokerUnreachable,
    ConfigurationError,
    LedgerDamaged,
    LedgerError,
)
from farm.mqtt import BrokerClient

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from farm.app.config import Configuration

_EXAMINED_S = 10
"""How long the ledger is looked at for damage: a million jobs take less."""

_DAMAGED = "stop Layerline, keep a copy of the database as it is, and restore the last backup"


def check_all(configuration: "Configuration", *, send: bool = False) -> Iterator[Diagnosis]:
    """Every check, one after the other. `send` also sends a test message to each receiver.

    Raises ConfigurationError when the configuration is wrong.
    """
    from farm.cli.influx_checks import server_diagnoses
    from farm.cli.receiver_checks import check_receivers

    configuration.check()
    yield ok("configuration", str(configuration.file or "no file, all settings as they are by default"))
    yield from check_broker(configuration)
    ledger = check_ledger(configuration.ledger.url)
    yield ledger
    if ledger.status is CheckStatus.OK and configuration.printers:
        yield from check_printers(configuration)
    yield check_api(configuration)
    yield from server_diagnoses(configuration.influx)
    yield from check_receivers(configuration, send=send)
    if not configuration.alerts.receivers:
        yield warning(
            "alerts", "no receiver is configured", "alerts show on the page only: see docs/alerts.md"
        )


def check_broker(configuration: "Configuration") -> Iterator[Diagnosis]:
    """Connect, sign in and subscribe, under a client id that disturbs nobody."""
    from collector.intake.sources import SourceTable

    address = configuration.broker.address
    where = f"{address.host}:{address.port}"
    if not configuration.is_broker_configured and not listens(address.host, address.port):
        from farm.cli.broker_checks import broker_to_start

        yield broker_to_start(configuration)
        return
    filters = SourceTable(configuration.sources).filters
    try:
        with BrokerClient(address, f"layerline-check-{secrets.token_hex(4)}") as client:
            yield ok("broker", f"{where}: connected{'' if address.user is None else f' as {address.user}'}")
            for topic in filters:
                client.subscribe(topic)
    except (BrokerRefused, BrokerUnreachable) as error:
        yield failed("broker", str(error), "see `layerline doctor` once it lets you in")
        return
    yield ok("subscriptions", f"{len(filters)} topic filters granted")


def check_ledger(url: str) -> Diagnosis:
    """Open the ledger, look at its tables, and write to it in a transaction that is rolled back."""
    from farm.ledger.engine import ledger_engine, ledger_errors, shown

    what = "database"
    try:
        engine = ledger_engine(url)
        if (missing := _missing_file(engine)) is not None:
            return missing
        try:
            with ledger_errors(engine):
                is_new = _try_to_write(engine)
            if is_new:
                return ok(what, f"{shown(url)}: opened, writable, no ledger yet, the first start makes it")
            if (damage := check_soundness(engine)).status is CheckStatus.FAILED:
                return damage
            with ledger_errors(engine):
                state = f"{_state_of_tables(engine)}, {damage.seen}"
        finally:
            engine.dispose()
    except LedgerError as error:
        return failed(what, str(error), remedy_of(error))
    return ok(what, f"{shown(url)}: opened, writable, {state}")


def remedy_of(error: LedgerError) -> str:
    """What to do about a ledger that is damaged; nothing of any other."""
    # SQLite says the latter of a file whose first page is damaged.
    return _DAMAGED if isinstance(error, LedgerDamaged) or "not a database" in str(error) else ""


def check_soundness(engine: "Engine") -> Diagnosis:
    """Whether all that the ledger holds can be read. Raises LedgerUnreachable when it does not answer."""
    from farm.ledger.engine import shown
    from farm.ledger.soundness import examine_soundness

    found = examine_soundness(engine, _EXAMINED_S)
    if found.faults:
        return failed("database", f"{shown(engine.url)} is damaged: {'; '.join(found.faults)}", _DAMAGED)
    if not found.is_whole:
        return ok("soundness", f"no damage found in the part that was read within {_EXAMINED_S} s")
    return ok("soundness", "no damage found")


def check_printers(configuration: "Configuration") -> Iterator[Diagnosis]:
    """Whether every name of `[[printers]]` can be given. Nothing where there is no ledger yet."""
    from farm.app.wiring import ledger_of, refuse_taken_names
    from farm.ledger.engine import ledger_engine

    engine = ledger_engine(configuration.ledger.url)
    if _missing_file(engine) is not None:
        return
    try:
        with ledger_of(configuration) as ledger:
            refuse_taken_names(configuration, ledger)
    except ConfigurationError as error:
        yield failed("printers", str(error), "the collector does not start with it")
    except LedgerError:
        # That there is none of this version yet was said of the database.
        return
    else:
        yield ok("printers", f"{len(configuration.printers)} entries, every name can be given")


def _missing_file(engine: "Engine") -> Diagnosis | None:
    """What to say of an SQLite file that is not there yet; it must not come into being by being looked at."""
    if engine.dialect.name != "sqlite" or not engine.url.database or engine.url.database == ":memory:":
        return None
    file = Path(engine.url.database)
    if os.path.exists(file):  # noqa: PTH110  Path.exists raises for a folder that is closed to us
        return None
    folder = next(parent for parent in file.absolute().parents if os.path.exists(parent))  # noqa: PTH110  as above
    if not os.access(folder, os.W_OK):
        return failed("database", f"{file} is not there, and {folder} cannot be written to")
    return ok("database", f"{file} is not there yet, the first start makes it")


def _try_to_write(engine: "Engine") -> bool:
    """Write and roll back; whether the database holds no ledger yet."""
    from sqlalchemy import inspect, text

    with engine.connect() as connection:
        is_new = not inspect(connection).has_table("alembic_version")
        connection.rollback()
        with connection.begin() as transaction:
            connection.execute(text("CREATE TABLE layerline_check (id INTEGER PRIMARY KEY)"))
            connection.execute(text("INSERT INTO layerline_check (id) VALUES (1)"))
            transaction.rollback()
    return is_new


def _state_of_tables(engine: "Engine") -> str:
    from farm.ledger.schema_version import prepare_schema

    try:
        prepare_schema(engine, create=False)
    except LedgerError as error:
        return f"but {error}"
    return "tables up to date"


def check_api(configuration: "Configuration") -> Diagnosis:
    """Whether the API's address is free, or already served."""
    host, port = configuration.api.host, configuration.api.port
    where = f"{host}:{port}"
    if port and listens(local_address(host), port):
        return warning("api", f"{where} is in use", "fine when that is this farm's own API")
    guard = "with a token" if configuration.api.token is not None else "without a token"
    return ok("api", f"{where} is free, to be served {guard}")
