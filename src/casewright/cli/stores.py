"""Stores that commands work on: a database named by its URL, or a temporary one. No URL is ever shown."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from casewright.cli.text import say
from casewright.errors import InvalidInputError, OutcomeUnknownError, StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from casewright.adapters.sqlalchemy import SqlAlchemyStore
    from casewright.adapters.sqlalchemy.transactions import OwnTransaction

__all__ = ["create_tables", "no_database", "open_store", "reach", "reaching", "temporary_store"]

_SQLITE: Final = "sqlite:///path/to/file.db"
_POSTGRES: Final = "postgresql+psycopg://..."
_MARIADB: Final = "mariadb+pymysql://..."
_WORKING: Final = {
    "postgresql": (_POSTGRES, f'{_POSTGRES}, after python -m pip install "casewright[postgres]"'),
    "mariadb": (_MARIADB, f'{_MARIADB}, after python -m pip install "casewright[mariadb]"'),
    "mysql": (_MARIADB, f'{_MARIADB}, after python -m pip install "casewright[mariadb]"'),
}
"""For each kind of database a URL with a driver that a command can use, and the same where it is not installed."""
_UNKNOWN: Final = ("is the URL of a database that SQLAlchemy does not know", f"write it like {_SQLITE}")
_NO_URL: Final = ("is no URL of a database", f"write it like {_SQLITE}")
_IGNORED: Final = ("has options that its driver would not heed", "leave them out")
_NO_ROOM: Final = "make room for one, or name a database with --database"
_TOO_LARGE: Final = ("has an option whose number is too large for its driver", "leave it out")


def no_database() -> str | None:
    """Return why no database can be used: what is missing, and how to get it. None where one can be."""
    try:
        import casewright.adapters.sqlalchemy  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        return str(error)
    return None


@contextlib.contextmanager
def open_store(url: str | URL, option: str, *, retry: str, there: bool = False) -> Iterator[SqlAlchemyStore]:
    """Open the store in a database. It is not reached yet, and no table is made.

    Args:
        url: The database, as SQLAlchemy names it; it may hold a password.
        option: The option that it was given by.
        retry: What to do where nobody knows whether something was written.
        there: Whether a file of SQLite must be there: to connect would make an empty one.

    Yields:
        The store.

    Raises:
        InvalidInputError: It is no such URL, what is needed for it is not installed, or the file is not there.
        MisuseError: It is a database of another kind than the store works with.
        OutcomeUnknownError: Raised within, and told again with this advice.
    """
    missing = no_database()
    if missing is not None:
        raise InvalidInputError(option, missing)
    from casewright.adapters.sqlalchemy import SqlAlchemyStore  # noqa: PLC0415 - an extra

    engine = _engine(url, option)
    if there and _is_missing(engine):
        raise InvalidInputError(option, "names a file that is not there", "see that its path is right")
    try:
        yield SqlAlchemyStore(engine)
    except OutcomeUnknownError as error:
        raise OutcomeUnknownError(error.problem, retry) from None
    finally:
        engine.dispose()


@contextlib.contextmanager
def temporary_store() -> Iterator[SqlAlchemyStore]:
    """Open a store in a SQLite file that is removed in the end, its tables made.

    Yields:
        The store.

    Raises:
        InvalidInputError: No temporary file can be made.
    """
    from sqlalchemy import URL  # noqa: PLC0415 - an extra

    try:
        folder = TemporaryDirectory(prefix="casewright-")
    except OSError:
        raise InvalidInputError("temporary folder", "cannot be made", _NO_ROOM) from None
    url = URL.create("sqlite", database=os.path.join(folder.name, "demo.db"))
    with folder, open_store(url, "demo", retry=_NO_ROOM) as store:
        store.create_schema()
        yield store


@contextlib.contextmanager
def reaching(store: SqlAlchemyStore, *, write: bool) -> Iterator[OwnTransaction]:
    """Open a transaction in the database of a store, for what is to be done without the store.

    Args:
        store: The store.
        write: Whether it is to write.

    Yields:
        The transaction, which is not begun yet.

    Raises:
        InvalidInputError: An option of its URL is more than its driver can take.
        StorageError: It cannot be reached, read or written.
    """
    from casewright.adapters.sqlalchemy.databases import database_of  # noqa: PLC0415 - an extra
    from casewright.adapters.sqlalchemy.transactions import OwnTransaction  # noqa: PLC0415 - an extra

    database = database_of(store.engine.dialect)
    begin = database.begin_schema if write else database.begin_reading
    transaction = OwnTransaction(store.engine, database, begin=begin, busy_timeout=None, sql_events=False)
    try:
        with database.failures:
            yield transaction
    except OverflowError:
        raise InvalidInputError("the database's URL", *_TOO_LARGE) from None
    finally:
        transaction.end()


def reach(store: SqlAlchemyStore) -> None:
    """Check that the database of a store can be reached and holds its tables.

    Args:
        store: The store.

    Raises:
        InvalidInputError: An option of its URL is more than its driver can take.
        StorageError: It cannot be reached, or has other tables than it should.
    """
    try:
        store.ping()
    except OverflowError:
        raise InvalidInputError("the database's URL", *_TOO_LARGE) from None


def create_tables(store: SqlAlchemyStore) -> None:
    """Create the tables in a database that has none of them, and say so; leave every other one as it is.

    Args:
        store: The store in the database.

    Raises:
        InvalidInputError: An option of its URL is more than its driver can take.
        StorageError: It cannot be reached or written, or has other tables than those of the store, or a part of them.
    """
    from casewright.adapters.sqlalchemy.tables import metadata  # noqa: PLC0415 - an extra

    try:
        present = store.present_tables()
    except OverflowError:
        raise InvalidInputError("the database's URL", *_TOO_LARGE) from None
    missing = metadata.tables.keys() - present
    if not present:
        store.create_schema()
        say("the database had no tables of casewright: created them")
    elif missing:
        raise StorageError(f"the database has no {', '.join(sorted(missing))}", "name one that has all, or a new one")


def _is_missing(engine: Engine) -> bool:
    name = engine.url.database
    in_file = engine.dialect.name == "sqlite" and name and name != ":memory:" and not name.startswith("file:")
    return bool(in_file) and not os.path.exists(str(name))


def _engine(url: str | URL, option: str) -> Engine:
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415 - an extra
    from sqlalchemy.exc import NoSuchModuleError, SAWarning, SQLAlchemyError  # noqa: PLC0415 - an extra

    if isinstance(url, str) and not url.isprintable():
        raise InvalidInputError(option, *_NO_URL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(url)
        if "\0" in (engine.url.database or ""):  # it may have been written as %00
            raise ValueError
    except NoSuchModuleError:
        raise InvalidInputError(option, *_UNKNOWN) from None
    except ImportError as error:
        problem = f"needs a driver that is not installed ({error})"
        _, working = _WORKING.get(make_url(url).get_backend_name(), ("", f"{_SQLITE}, which needs none"))
        raise InvalidInputError(option, problem, f"write it like {working}") from None
    except SAWarning:
        raise InvalidInputError(option, *_IGNORED) from None
    except (SQLAlchemyError, ValueError):
        raise InvalidInputError(option, *_NO_URL) from None
    if engine.dialect.is_async:
        working, _ = _WORKING.get(engine.dialect.name, (_SQLITE, ""))
        raise InvalidInputError(option, "names an asynchronous driver", f"write it like {working}")
    return engine
