"""Which printers a reader is asked about."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from farm.storage import schema


def among(connection: Connection, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column is one of `values`, however many: they travel as one parameter."""
    if connection.dialect.name == "postgresql":
        return column == func.any(bindparam(None, list(values), type_=ARRAY(Text)))
    listed = bindparam(None, msgspec.json.encode(list(values)).decode(), type_=Text)
    return column.in_(select(func.json_each(listed).table_valued("value").c.value))


def asked_for(connection: Connection, printer_ids: Iterable[str] | None) -> ColumnElement[bool]:
    """Whether a row of `printer` is wanted: the printers named, or without names all not ignored."""
    if printer_ids is None:
        return schema.printer.c.ignored.is_(False)
    return among(connection, schema.printer.c.id, printer_ids)
