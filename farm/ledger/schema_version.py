"""Bringing a database to the tables that this version of Layerline works with."""

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text

from farm.errors import LedgerError
from farm.ledger import schema
from farm.ledger.answer_limit import without_limit
from farm.ledger.engine import reading, shown
from farm.ledger.migrations import HEAD

# As Alembic makes it.
_version = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)
_ONE_AT_A_TIME = 0x6C61796572  # an arbitrary number that no other program is likely to lock


def prepare_schema(engine: Engine, *, create: bool) -> None:
    """Make sure that the tables are those of this version, creating or migrating them as needed.

    Raises LedgerError when the ledger was made by a newer version, when the database holds
    tables of these names that are not ours, and, without `create`, when anything would
    have to be changed.
    """
    with reading(engine).connect() as connection:
        version = stored_version(connection)
    if version == HEAD:
        return
    if not create:
        raise LedgerError(
            f"{shown(engine.url)} {_lack(version)}; `layerline up` or `layerline collector` does it"
        )
    # A migration takes as long as the ledger is large, also where another process is at it.
    with engine.begin() as connection, without_limit(connection):
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        _bring_up(connection, stored_version(connection))


def migrate(connection: Connection, revision: str = HEAD) -> None:
    """Run Alembic's steps up to `revision` within the transaction of `connection`.

    Raises LedgerError when the ledger is of a revision that this version does not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "farm.ledger:migrations")
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise LedgerError(
            f"{shown(connection.engine.url)} was made by a newer version of Layerline ({error}); "
            "install that version, or give this one a ledger of its own (ledger.url)"
        ) from error


def stored_version(connection: Connection) -> str | None:
    """The version of the ledger: None where there is none, "" where Alembic began and made nothing yet."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none() or ""


def _bring_up(connection: Connection, version: str | None) -> None:
    if version == HEAD:  # another process was quicker
        return
    if version is not None:
        migrate(connection)
        return
    taken = sorted(set(inspect(connection).get_table_names()) & set(schema.metadata.tables))
    if taken:
        raise LedgerError(
            f"{shown(connection.engine.url)} holds tables that are not Layerline's, {', '.join(taken)}; "
            "give the ledger a database of its own (ledger.url)"
        )
    # The same tables as the steps make, which a test proves, without importing Alembic.
    schema.metadata.create_all(connection, checkfirst=False)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=HEAD))


def _lack(version: str | None) -> str:
    return "holds no ledger yet" if not version else f"is of version {version} and must be brought to {HEAD}"
