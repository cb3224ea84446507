from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    select,
    update,
)

from farm.ledger.engine import ledger_engine
from farm.ledger.row_statement import RowStatement, insertion, insertion_of_new, upsertion

spool = Table(
    "spool",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("material", String(16)),
    Column("grams", Integer),
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = ledger_engine("sqlite://")
    spool.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def rows(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(spool).order_by(spool.c.id))]


def test_values_find_their_columns_in_the_order_that_was_declared(connection: Connection) -> None:
    insertion(spool, "sqlite", ("grams", "id", "material")).run(
        connection, [(750, 1, "PLA"), (500, 2, "PETG")]
    )
    assert rows(connection) == [(1, "PLA", 750), (2, "PETG", 500)]


def test_a_row_that_stands_remains_or_is_written_over(connection: Connection) -> None:
    columns = ("id", "material", "grams")
    insertion_of_new(spool, "sqlite", columns).run(connection, [(1, "PLA", 750), (1, "ABS", 1)])
    assert rows(connection) == [(1, "PLA", 750)]
    upsertion(spool, "sqlite", columns).run(connection, iter([(1, "ABS", 1)]))
    assert rows(connection) == [(1, "ABS", 1)]


def test_a_column_can_merge_what_stands_with_what_is_given(connection: Connection) -> None:
    merge = {"grams": lambda given: spool.c.grams + given}
    add_up = upsertion(spool, "sqlite", ("id", "material", "grams"), merge, returning=[spool.c.grams])
    assert add_up.run_one(connection, 1, "PLA", 100) == (100,)
    assert add_up.run_one(connection, 1, "PLA", 20) == (120,)


def test_a_value_can_have_several_places(connection: Connection) -> None:
    insertion(spool, "sqlite", ("id", "material", "grams")).run(
        connection, [(1, "PLA", 700), (2, "PLA", 300)]
    )
    most = bindparam("most", type_=spool.c.grams.type)
    refill = update(spool).where(spool.c.grams < most).values(grams=most).returning(spool.c.id)
    statement = RowStatement(refill, "sqlite", ("most",))
    assert statement.run_one(connection, 500) == (2,)
    assert statement.run_one(connection, 500) is None
    assert rows(connection) == [(1, "PLA", 700), (2, "PLA", 500)]


def test_no_rows_do_nothing(connection: Connection) -> None:
    insertion(spool, "sqlite", ("id", "material", "grams")).run(connection, [])
    assert rows(connection) == []


def test_it_begins_a_transaction_where_none_is_open(engine: Engine) -> None:
    with engine.connect() as connection:
        insertion(spool, "sqlite", ("id", "material", "grams")).run(connection, [(1, "PLA", 1)])
        connection.rollback()
        assert rows(connection) == []


@pytest.mark.parametrize(("dialect", "place"), [("sqlite", "?"), ("postgresql", "%s")])
def test_each_database_gets_its_own_words(dialect: str, place: str) -> None:
    statement = upsertion(spool, dialect, ("id", "material", "grams"))
    assert statement.sql.count(place) == 3
    assert "ON CONFLICT (id) DO UPDATE SET material = excluded.material" in statement.sql
