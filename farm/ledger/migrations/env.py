"""Runs the steps on the connection handed in; Alembic executes this file."""

from alembic import context

from farm.ledger import schema

# SQLite alters a table only by copying it, hence the batch rendering.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
