"""Statements that are run for many rows at once, at the driver's own price."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Executable, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.dml import Insert


class RowStatement:
    """A statement, compiled once for the database named `dialect`, whose rows are plain tuples.

    Running statements through SQLAlchemy costs about as much again as SQLite's own work;
    this hands the tuples to the driver as they are. `parameters` names their places. What
    goes wrong is raised as the driver raises it.
    """

    def __init__(self, statement: Executable, dialect: str, parameters: Sequence[str]) -> None:
        compiled = statement.compile(dialect=_positional(dialect))  # type: ignore[attr-defined]
        self.sql = str(compiled)
        constants = {name: value for name, value in compiled.params.items() if name not in parameters}
        places = [[*parameters, *constants].index(name) for name in compiled.positiontup]
        as_given = places == list(range(len(parameters)))
        self._arranged = None if as_given else _arrangement(places, tuple(constants.values()))

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run it for every row; for none, nothing happens."""
        arranged = list(rows) if self._arranged is None else [self._arranged(row) for row in rows]
        if not arranged:
            return
        cursor = _cursor(connection)
        if len(arranged) == 1:
            cursor.execute(self.sql, arranged[0])
        else:
            cursor.executemany(self.sql, arranged)
        cursor.close()

    def run_one(self, connection: Connection, *values: Any) -> tuple[Any, ...] | None:
        """Run it once, and give the row that it returns if there is one."""
        returned = self.fetch(connection, *values)
        return returned[0] if returned else None

    def fetch(self, connection: Connection, *values: Any) -> list[tuple[Any, ...]]:
        """Run it once, and give the rows that it returns."""
        cursor = _cursor(connection)
        cursor.execute(self.sql, values if self._arranged is None else self._arranged(values))
        # All of them: SQLite refuses to commit while a statement has rows to give.
        returned = [tuple(row) for row in cursor.fetchall()]
        cursor.close()
        return returned


def insertion(table: Table, dialect: str, columns: Sequence[str]) -> RowStatement:
    """Adds rows of `columns`; a row with a key that stands already is an error."""
    return RowStatement(_insert(table, dialect, columns), dialect, columns)


def insertion_of_new(table: Table, dialect: str, columns: Sequence[str]) -> RowStatement:
    """Adds rows of `columns`; where the key stands already, what stands remains."""
    statement = _insert(table, dialect, columns).on_conflict_do_nothing()
    return RowStatement(statement, dialect, columns)


def upsertion(
    table: Table,
    dialect: str,
    columns: Sequence[str],
    merged: Mapping[str, Callable[[ColumnElement[Any]], ColumnElement[Any]]] | None = None,
    returning: Sequence[ColumnElement[Any]] = (),
) -> RowStatement:
    """Adds rows of `columns`, or where the key stands already writes over what stands.

    `merged` says for single columns what to write there, made of the value given.
    """
    statement = _insert(table, dialect, columns)
    keys = [column.name for column in table.primary_key]
    written: dict[str, Any] = {name: statement.excluded[name] for name in columns if name not in keys}
    for name, merge in (merged or {}).items():
        written[name] = merge(statement.excluded[name])
    statement = statement.on_conflict_do_update(index_elements=keys, set_=written)
    return RowStatement(statement.returning(*returning) if returning else statement, dialect, columns)


def _cursor(connection: Connection) -> DBAPICursor:
    if not connection.in_transaction():
        connection.begin()  # as any other statement would
    return connection.connection.cursor()


def _insert(table: Table, dialect: str, columns: Sequence[str]) -> Any:
    """Typed loosely: the two dialects' statements share their methods, but no class that has them."""
    insert: type[Insert] = sqlite.Insert if dialect == "sqlite" else postgresql.Insert
    # Inline: nobody wants the ids that were given.
    return (
        insert(table).inline().values({name: bindparam(name, type_=table.c[name].type) for name in columns})
    )


def _arrangement(places: list[int], constants: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Puts the values of a row, and after them the constants, into their places."""
    if len(places) == 1:
        return lambda row: ((*row, *constants)[places[0]],)
    pick = itemgetter(*places)
    return (lambda row: pick((*row, *constants))) if constants else pick


@cache
def _positional(dialect: str) -> Dialect:
    if dialect == "sqlite":
        return SQLiteDialect_pysqlite(paramstyle="qmark")
    return PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
