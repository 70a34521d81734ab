"""Run by Alembic on the connection, inside the transaction, that `schema.py` gives it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
