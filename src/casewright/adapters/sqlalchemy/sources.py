"""What a caller may hand over as the way to a database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from casewright.adapters.sqlalchemy.tables import TABLES, Tables
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["as_tables", "check_connection", "check_options"]


def check_options(source: Engine | Connection) -> None:
    """Check that all statements mean the same tables, and are of the same transaction.

    Raises:
        MisuseError: A part of them would be sent to another schema, or at another level of isolation.
    """
    options = source.get_execution_options()
    if options.get("schema_translate_map"):
        problem = "the execution option schema_translate_map is set, which only a part of the statements would follow"
        raise MisuseError(problem, "pass an engine or a connection without it")
    if isinstance(source, Engine) and "isolation_level" in options:
        problem = "the execution option isolation_level is set, which only a part of the statements would follow"
        raise MisuseError(problem, "pass isolation_level= to create_engine() itself")


def check_connection(connection: object, called: str) -> None:
    """Check that something can be done on a connection of the caller's, while SQLAlchemy waits for the answer.

    Args:
        connection: What the caller has handed over.
        called: The name of the function that was called.

    Raises:
        InvalidInputError: It is no connection.
        MisuseError: As for `check_options`.
    """
    if isinstance(connection, Connection):
        check_options(connection)
        return
    advice = f"with engine.begin() as connection: {called}(connection); await connection.run_sync({called}) for async"
    raise InvalidInputError("connection", f"must be a SQLAlchemy Connection, not {type(connection).__name__}", advice)


def as_tables(tables: object) -> Tables:
    """Return the tables that were meant.

    Raises:
        InvalidInputError: They are something else than tables or None.
    """
    if tables is None:
        return TABLES
    if isinstance(tables, Tables):
        return tables
    raise InvalidInputError("tables", f"must be Tables, not {type(tables).__name__}", "Tables(metadata)")
