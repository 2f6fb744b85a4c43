"""Bringing the schema from one revision to another: here and now, or as SQL for somebody else to run.

It needs Alembic, which is imported only here and in the revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Dialect, Executable, Table, insert, inspect, select, update
from sqlalchemy.schema import CreateTable, DropTable

from casewright.adapters.sqlalchemy.databases import Database, database_of
from casewright.adapters.sqlalchemy.revising import OPTION
from casewright.adapters.sqlalchemy.sending import Channel
from casewright.adapters.sqlalchemy.sources import as_tables, check_connection
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.versions import BASE, REVISIONS, revision_named, version_problem
from casewright.errors import StorageError

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

__all__ = ["downgrade", "migration", "upgrade"]


def upgrade(connection: Connection, *, tables: Tables | None = None, to: str = "head") -> None:
    """Bring the schema up to a revision; nothing is done where it is there, or was made by `create_schema`.

    It works in the transaction of the connection, which it begins where none is open, and which the caller commits.
    Where a revision fails, nothing of it is left. Another process that migrates at the same time is waited for; so on
    PostgreSQL that transaction is read committed, at whatever level the connection is, unless the caller has asked
    something in it before.
    An asynchronous connection runs it by ``await connection.run_sync(upgrade)``.

    Args:
        connection: The connection: ``with engine.begin() as connection: upgrade(connection)``.
        tables: The tables; `TABLES` where None.
        to: The revision; ``head`` is the latest one.

    Raises:
        ImportError: Alembic is not installed.
        InvalidInputError: An argument is of another type, or there is no such revision.
        MisuseError: The connection autocommits, or is to a database that nobody has tried.
        StorageError: The schema is of a newer version of casewright, or newer than ``to``; or its tables are there,
            made by somebody else; or the database cannot be written.
    """
    _run(connection, tables, revision_named(to, "to"), down=False)


def downgrade(connection: Connection, *, to: str, tables: Tables | None = None) -> None:
    """Bring the schema back down to a revision; what the later ones have made is gone, with all that is in it.

    For transaction, failures and other processes see `upgrade`.

    Args:
        connection: The connection.
        to: The revision; ``base`` is before the first one: no table is left.
        tables: The tables; `TABLES` where None.

    Raises:
        ImportError: Alembic is not installed.
        InvalidInputError: An argument is of another type, or there is no such revision.
        MisuseError: The connection autocommits, or is to a database that nobody has tried.
        StorageError: The schema is of a newer version of casewright, or older than ``to``; or its tables are there,
            made by somebody else; or the database cannot be written.
    """
    _run(connection, tables, revision_named(to, "to"), down=True)


def migration(dialect: Dialect, tables: Tables, *, start: str, to: str) -> str:
    """Return the SQL that brings a schema from one revision to another, up or down.

    Args:
        dialect: The dialect of the database.
        tables: The tables.
        start: The revision that it is of; ``base`` where there are no tables.
        to: The revision that it is to be of.

    Raises:
        ImportError: Alembic is not installed.
        InvalidInputError: There is no such revision.
    """
    way = _way(revision_named(start, "start"), revision_named(to, "to"))
    _revisions()
    text = StringIO()

    def execute(statement: Any) -> None:  # noqa: ANN401 - what can be executed has no such method for type checkers
        made = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        text.write(f"{str(made).strip()};\n\n")

    context = _context(tables, {"as_sql": True, "output_buffer": text}, dialect=dialect)
    _walk(execute, context, tables, way, kept=way[0] != BASE)
    return text.getvalue()


# ------------------------------------------------------------ one revision after the other

_FOREIGN: Final = (
    "the tables are there, but nothing says of which revision they are",
    "go on with the history of migrations that made them: upgrade() is for what it began itself, or create_schema()",
)
_ORDER: Final = (BASE, *REVISIONS)


def _run(connection: Connection, tables: Tables | None, to: str, *, down: bool) -> None:
    tables = as_tables(tables)
    check_connection(connection, "downgrade" if down else "upgrade")
    database = database_of(connection.dialect)
    _revisions()  # what is missing is said before anything is locked
    with database.failures:
        _begin(connection, database)
        with database.schema_locked(Channel.reporting(connection).send), _whole(connection, database):
            present = _present(connection, tables)
            start = present or BASE
            if start != to and (_ORDER.index(to) < _ORDER.index(start)) != down:
                problem = f"the schema is of the revision {start}: {to} is {'later' if down else 'earlier'}"
                raise StorageError(problem, f"call {'upgrade' if down else 'downgrade'}() to go there")
            context = _context(tables, {}, connection=connection)
            _walk(connection.execute, context, tables, _way(start, to), kept=present is not None)


def _begin(connection: Connection, database: Database) -> None:
    """See to it that all of it is one transaction, which ends only when the caller says so."""
    if not connection.in_transaction():
        connection.begin()
    if not database.has_begun(connection):  # SQLAlchemy says that it has begun, but the driver has not
        connection.exec_driver_sql(database.begin_schema or "BEGIN")
    database.check_joined(connection)
    database.check_rows(connection)


def _whole(connection: Connection, database: Database) -> AbstractContextManager[object]:
    """Let nothing be left of what fails, even where the caller commits all the same."""
    return connection.begin_nested() if database.transactional_ddl else nullcontext()


def _present(connection: Connection, tables: Tables) -> str | None:
    """Return the revision that the schema is of: base where its version is kept but none is there, None where not."""
    inspector = inspect(connection)
    names = [table.name for table in (*tables.all, tables.version)]
    present = [name for name in names if inspector.has_table(name, schema=tables.schema)]
    kept = tables.version.name in present
    version = list(connection.scalars(select(tables.version.c.version_num))) if kept else []
    problem = version_problem(version, tables)
    if problem is not None and problem.code == "newer":
        raise problem.error()
    if not version and len(present) > kept:
        raise StorageError(*_FOREIGN)
    found = max(version, key=_ORDER.index, default=BASE)
    return found if kept else None


def _walk(
    execute: Callable[[Executable], object],
    context: MigrationContext,
    tables: Tables,
    way: Sequence[str],
    *,
    kept: bool,
) -> None:
    """Go a way from revision to revision, and note each; the table for that comes and goes with the first one."""
    from alembic.operations import Operations  # noqa: PLC0415 - an extra

    op, revisions = Operations(context), _revisions()
    if len(way) > 1 and not kept:
        execute(CreateTable(tables.version))
    for before, after in pairwise(way):
        if _ORDER.index(before) < _ORDER.index(after):
            revisions[after].upgrade(op)
        else:
            revisions[before].downgrade(op)
        execute(_noted(tables.version, before, after))


def _way(start: str, to: str) -> Sequence[str]:
    """Return the revisions from one to another, both of them included."""
    begin, end = _ORDER.index(start), _ORDER.index(to)
    return _ORDER[begin : end + 1] if begin <= end else _ORDER[end : begin + 1][::-1]


def _noted(version: Table, before: str, after: str) -> Executable:
    if after == BASE:
        return DropTable(version)
    return (insert(version) if before == BASE else update(version)).values(version_num=after)


def _context(tables: Tables, options: Mapping[str, object], **source: Any) -> MigrationContext:  # noqa: ANN401 - Alembic's
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - an extra

    kept = {"version_table": tables.version.name, "version_table_schema": tables.schema}
    return MigrationContext.configure(**source, opts={**kept, OPTION: tables, **options})


def _revisions() -> Mapping[str, ModuleType]:
    try:
        from casewright.adapters.sqlalchemy.migrations import _0001_tables, _0002_indexes  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError('migrations need Alembic: python -m pip install "casewright[migrations]"') from error
    return dict(zip(REVISIONS, (_0001_tables, _0002_indexes), strict=True))
