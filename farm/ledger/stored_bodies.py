"""Bodies of rows that the collector packs and reads again."""

from typing import TypeVar

import msgspec

from farm.errors import LedgerDamaged

_Body = TypeVar("_Body")


def read_body(decoder: "msgspec.msgpack.Decoder[_Body]", body: bytes, table: str) -> _Body:
    """What was packed. Raises LedgerDamaged, naming the table, where the bytes are others by now."""
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise LedgerDamaged(f"(a row of its table {table})", str(error)) from error
