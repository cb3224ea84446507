"""Whether a ledger holds real or simulated time, and the present of a simulated one."""

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, delete, select, update

from farm.errors import LedgerError
from farm.ledger import schema
from farm.ledger.row_statement import RowStatement, insertion_of_new, upsertion

_KIND, _NOW = "time_kind", "simulated_now"
_REAL, _SIMULATED = "real", "simulated"
_meta = schema.ledger_meta


def settle_kind(connection: Connection, *, simulated: bool) -> None:
    """Make the ledger one of this kind of time, or see that it is.

    An empty ledger of the other kind changes over, and whoever had claimed a shard of it
    is fenced off. Raises LedgerError when it holds printers of the other kind.
    """
    wanted = _SIMULATED if simulated else _REAL
    insertion_of_new(_meta, connection.dialect.name, ("key", "value")).run(connection, [(_KIND, wanted)])
    stored = connection.execute(
        select(_meta.c.value).where(_meta.c.key == _KIND).with_for_update()
    ).scalar_one()
    if stored == wanted:
        return
    # First the collectors: this waits for a commit under way, which may hold the first printer.
    connection.execute(delete(schema.collector))
    if connection.execute(select(schema.printer.c.id).limit(1)).first() is not None:
        raise LedgerError(
            f"the ledger holds {stored} time and cannot take {wanted} time; "
            f"give the {'simulation' if simulated else 'real printers'} a ledger of its own (ledger.url)"
        )
    connection.execute(delete(_meta).where(_meta.c.key == _NOW))
    connection.execute(update(_meta).where(_meta.c.key == _KIND).values(value=wanted))


def advance_simulated_now(connection: Connection, at_ms: int) -> None:
    """Move the present of a simulated ledger on to `at_ms`; it never goes back."""
    _advance(connection.dialect.name).run(connection, [(_NOW, str(at_ms))])


def simulated_now(connection: Connection) -> int | None:
    """The present of a simulated ledger (ms); None in a real one and where nothing is booked yet."""
    wanted = select(_meta.c.key, _meta.c.value).where(_meta.c.key.in_((_KIND, _NOW)))
    stored = {row.key: row.value for row in connection.execute(wanted)}
    if stored.get(_KIND) != _SIMULATED or _NOW not in stored:
        return None
    return int(stored[_NOW])


@cache
def _advance(dialect: str) -> RowStatement:
    stored = _meta.c.value

    def later(given: ColumnElement[Any]) -> ColumnElement[Any]:
        return case((cast(stored, BigInteger) < cast(given, BigInteger), given), else_=stored)

    return upsertion(_meta, dialect, ("key", "value"), {"value": later})
