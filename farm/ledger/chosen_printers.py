"""Which printers a reader is asked about: all that are not ignored, or those named, however many."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from farm.ledger import schema


def asked_for(connection: Connection, printer_ids: Iterable[str] | None) -> ColumnElement[bool]:
    """Whether a row of `printer` is wanted: the printers named, or without names all not ignored."""
    if printer_ids is None:
        return schema.printer.c.ignored.is_(False)
    return among(connection, schema.printer.c.id, printer_ids)


def among(
    connection: Connection, column: ColumnElement[Any], values: Iterable[str], *, searched: bool = True
) -> ColumnElement[bool]:
    """Whether the column is one of `values`, which travel as one parameter.

    With `searched` SQLite may look the values up in an index of the column; PostgreSQL
    decides by its statistics.
    """
    dialect = connection.dialect.name
    if dialect == "sqlite" and not searched:
        column = UnaryExpression(column, operator=custom_op("+"))
    return _is_one_of(dialect, column, bindparam(None, listed(dialect, values), type_=_list_type(dialect)))


def chosen(dialect: str, parameter: str | None) -> ColumnElement[bool]:
    """As `asked_for`, for a statement that takes the list of names as a parameter, if any."""
    if parameter is None:
        return schema.printer.c.ignored.is_(False)
    return one_of(dialect, schema.printer.c.id, parameter)


def one_of(dialect: str, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Whether the column is one of the values that a statement takes `listed` in one parameter."""
    return _is_one_of(dialect, column, bindparam(parameter, type_=_list_type(dialect)))


def listed(dialect: str, values: Iterable[str]) -> list[str] | str:
    """The values as the database takes a list in one parameter."""
    return list(values) if dialect == "postgresql" else msgspec.json.encode(list(values)).decode()


def _is_one_of(dialect: str, column: ColumnElement[Any], values: BindParameter[Any]) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return column == func.any(values)
    return column.in_(select(func.json_each(values).table_valued("value").c.value))


def _list_type(dialect: str) -> Any:
    return ARRAY(Text) if dialect == "postgresql" else Text()
