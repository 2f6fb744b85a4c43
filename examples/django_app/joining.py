"""casewright in the transaction that Django has open: the recipe of docs/how-to/django.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import TypeAlias, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from sqlalchemy import Engine, NullPool, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from casewright import MisuseError, Report, StaleVersionError, TransientStorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore

ResultT = TypeVar("ResultT")
Observer: TypeAlias = Callable[[Report], object]


class LeftToDjango:
    """What makes a dialect leave it to Django to commit, to roll back and to close."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Do nothing."""

    do_rollback = do_close = do_commit


class Sqlite(LeftToDjango, SQLiteDialect_pysqlite):
    """SQLite, on Django's connections."""

    supports_statement_cache = True


class Postgresql(LeftToDjango, PGDialect_psycopg):
    """PostgreSQL, on Django's connections."""

    supports_statement_cache = True


DIALECTS: Mapping[str, type[Sqlite] | type[Postgresql]] = {"sqlite": Sqlite, "postgresql": Postgresql}


@cache
def engine_on(using: str, vendor: str) -> Engine:
    """Return the engine that works on whatever connection Django has in this thread."""
    kind = DIALECTS[vendor]
    dialect = kind(dbapi=kind.import_dbapi())
    pool = NullPool(lambda: connections[using].connection, dialect=dialect)
    return Engine(pool, dialect, make_url(f"{vendor}://"))  # create_engine() would set up Django's connection anew


@contextmanager
def joined_store(using: str = DEFAULT_DB_ALIAS) -> Iterator[SqlAlchemyStore]:
    """Yield a store that writes in the transaction.atomic() around it, in this thread.

    Raises:
        MisuseError: There is none, or it will be rolled back anyway.
    """
    if transaction.get_autocommit(using):
        raise MisuseError("no transaction of Django's is open", "put `with transaction.atomic():` around it")
    if connections[using].in_atomic_block and transaction.get_rollback(using):
        raise MisuseError("Django will roll this transaction back", "let the error leave transaction.atomic()")
    with engine_on(using, connections[using].vendor).connect() as connection, connection.begin():
        try:
            yield SqlAlchemyStore.joining(connection)
        finally:
            if connection.invalidated:  # half a command may be left, which must not be committed
                transaction.set_rollback(True, using)


def after_commit(observer: Observer, using: str = DEFAULT_DB_ALIAS) -> Observer:
    """Return an observer that is told of what was done when Django has committed it; of denials at once."""

    def tell(report: Report) -> None:
        if report.denial is not None:
            observer(report)
        else:
            transaction.on_commit(partial(observer, report), using)

    return tell


def again(work: Callable[[], ResultT], *, tries: int = 5) -> ResultT:
    """Do the work, which is one whole transaction, and do it again where others were faster."""
    for _ in range(tries - 1):
        with suppress(StaleVersionError, TransientStorageError):
            return work()
    return work()
