"""What is special to MariaDB, through PyMySQL and asyncmy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Connection, Engine, MetaData, Select, Table, false, func, text
from sqlalchemy import insert as plain_insert
from sqlalchemy.schema import DropTable
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.expression import ClauseElement

from casewright.adapters.sqlalchemy.databases.base import SCHEMA_LOCK, Condition, Database, among, scalars, texts
from casewright.adapters.sqlalchemy.failures import (
    DOUBLED,
    FORBIDDEN,
    FULL,
    FULL_HOUSE,
    LOCKED,
    LOST,
    READ_ONLY,
    STOPPED,
    UNREACHABLE,
    Failures,
    Trouble,
    own_error,
)
from casewright.adapters.sqlalchemy.loans import Loan
from casewright.adapters.sqlalchemy.sending import Send
from casewright.domain.json_values import canonical_json
from casewright.domain.terms import Term
from casewright.errors import MisuseError

__all__ = ["MariaDb"]

_DOUBLED: Final = 1062
_CHARSET: Final = "utf8mb4"
_ESCAPE: Final = "|"

_TROUBLES: Final[Mapping[int, Trouble]] = {
    1020: LOCKED,  # the row has changed since it was read
    1021: FULL,
    1040: FULL_HOUSE,
    1044: UNREACHABLE,
    1045: UNREACHABLE,
    1048: DOUBLED,
    1049: UNREACHABLE,
    1053: LOST,
    1114: FULL,
    1142: FORBIDDEN,
    1203: FULL_HOUSE,
    1205: LOCKED,
    1213: LOCKED,
    1226: FULL_HOUSE,
    1290: READ_ONLY,
    1317: STOPPED,
    1792: READ_ONLY,
    1836: READ_ONLY,
    1927: LOST,
    1969: STOPPED,
    2006: LOST,
    2013: LOST,
    4025: DOUBLED,
    _DOUBLED: DOUBLED,
}

_FINAL: Final = frozenset({1021, 1114, 1205, 1213, 1290, 1792})
"""What a server says of a commit that it has refused, after which it has undone all of it."""


class _MariaDbFailures(Failures):
    def trouble(self, error: Exception) -> Trouble:
        number = _number(error)
        if number == 0:  # the driver speaks for itself: there was no answer of the server's
            return LOST
        unknown = Trouble(
            f"the database refused what the store asked (error {number})",
            "store.ping() tells whether its tables are as they should be",
        )
        return _TROUBLES.get(number, unknown)

    def told(self, error: Exception) -> bool:
        return _TROUBLES.get(_number(error)) in {LOCKED, LOST, UNREACHABLE}

    def is_final(self, error: Exception) -> bool:
        return _number(own_error(error)) in _FINAL


def _number(error: BaseException | None) -> int:
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0


class MariaDb(Database):
    """MariaDB, by one of its drivers.

    Args:
        dbapi: The driver, as SQLAlchemy has loaded it.
    """

    paramstyle: str = "format"
    row_locks: ClassVar[bool] = True
    transactional_ddl: ClassVar[bool] = False
    collation: ClassVar[str | None] = "utf8mb4_nopad_bin"
    # Else a row that is locked would be newer than all that is read after it.
    begin_reading: ClassVar[str | None] = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
    begin_writing: ClassVar[str | None] = begin_reading
    begin_schema: ClassVar[str | None] = begin_reading
    now: ClassVar[str] = "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)"

    def __init__(self, dbapi: Any) -> None:  # noqa: ANN401 - a module, or what stands for one
        """Choose what translates its failures."""
        self.failures: Failures = _MariaDbFailures(dbapi.Error)

    def new_row(self, table: Table, *key: str) -> Insert:
        """See `Database.new_row`: that the key is taken is told by an error."""
        return plain_insert(table)

    def is_new(self, send: Send, statement: str, values: tuple[Any, ...], asking: str, key: tuple[Any, ...]) -> bool:
        """See `Database.is_new`: the error does not say which key is taken: others may have added one."""
        try:
            return super().is_new(send, statement, values, asking, key)
        except self.failures.raised as error:
            if _number(own_error(error)) != _DOUBLED or send(asking, key).fetchone() is None:
                raise
            return False

    def contains(self, column: ColumnElement[Any], text: str) -> Condition:
        """See `Database.contains`."""
        return func.instr(column, text) > 0

    def attribute(self, item: Table, term: Term) -> Condition:
        """See `Database.attribute`: the value is compared as its canonical text, so that 1, "1" and true are three."""
        values = [canonical_json(value) for value in scalars(term.values)]
        if not texts((term.name,)):
            return false()
        # Or MariaDB would compare a text in JSON without its quotation marks, but only where one value is asked for.
        return among(func.concat(_entry(item.c.attributes, term.name)), values)

    def current(self, query: Select[Any]) -> Select[Any]:
        """See `Database.current`: what is locked is never old."""
        return query.with_for_update(read=True)

    def lend(self, engine: Engine, *, busy_timeout: int | None, sql_events: bool) -> Loan:
        """See `Database.lend`."""
        return _MariaDbLoan(engine, self.failures, sql_events=sql_events)

    def check_joined(self, connection: Connection) -> None:
        """See `Database.check_joined`."""
        super().check_joined(connection)
        _check_charset(connection.connection.dbapi_connection)

    def let_go(self, connection: Connection) -> None:
        """See `Database.let_go`: the drivers hang up where an answer was not waited for, and SQLAlchemy must know."""
        if connection.invalidated:
            return
        driver: Any = connection.connection.driver_connection
        if not (driver.open if hasattr(driver, "open") else driver.connected):
            connection.invalidate()

    def columns(self, tables: Sequence[Table]) -> str:
        """See `Database.columns`; an engine without transactions (T1) is told as a column that should not be there."""
        of_ours = _of_ours(tables)
        return (
            f"SELECT lower(table_name), column_name FROM information_schema.columns {of_ours} UNION ALL "  # noqa: S608 - the names are ours, or were checked
            f"SELECT lower(table_name), concat('the engine ', engine) FROM information_schema.tables {of_ours} "
            "AND engine <> 'InnoDB'"
        )

    def collations(self, tables: Sequence[Table]) -> str:
        """See `Database.collations`."""
        return (
            "SELECT lower(table_name), column_name, collation_name FROM information_schema.columns "  # noqa: S608 - as above
            f"{_of_ours(tables)} AND collation_name IS NOT NULL"
        )

    def check_creation(self, *, joined: bool) -> None:
        """See `Database.check_creation`: whatever changes a schema commits."""
        if joined:
            problem = "to create tables commits on MariaDB, and a transaction that was joined is its owner's"
            raise MisuseError(problem, "SqlAlchemyStore(engine).create_schema() beforehand")

    def creation(self, table: Table) -> Iterator[ClauseElement]:
        """See `Database.creation`: under another name first, as only the last of several statements is to count."""
        made = table.to_metadata(MetaData(), name=f"{table.name}_new")
        yield DropTable(made, if_exists=True)
        yield from super().creation(made)
        yield text(f"RENAME TABLE {_quoted(made)} TO {_quoted(table)}")

    @contextmanager
    def schema_locked(self, send: Send) -> Iterator[None]:
        """See `Database.schema_locked`: it outlives transactions, as what changes a schema ends them."""
        if send(f"SELECT GET_LOCK('{SCHEMA_LOCK}', 60)").fetchall()[0][0] != 1:
            raise LOCKED.error()
        try:
            yield
        finally:
            with suppress(*self.failures.raised):  # the connection is lost, and the lock with it
                send(f"SELECT RELEASE_LOCK('{SCHEMA_LOCK}')").fetchall()


def _of_ours(tables: Sequence[Table]) -> str:
    names = ", ".join(f"'{table.name}'" for table in tables)
    schema = "DATABASE()" if tables[0].schema is None else f"'{tables[0].schema}'"
    return f"WHERE table_schema = {schema} AND table_name IN ({names})"


class _MariaDbLoan(Loan):
    """A connection that can carry all text."""

    def _check(self) -> None:
        super()._check()
        _check_charset(self._driver)


def _check_charset(driver: Any) -> None:  # noqa: ANN401 - a connection of the driver, or what SQLAlchemy makes of it
    charset = driver.character_set_name()
    if charset != _CHARSET:
        problem = f"connections of the engine have the character set {charset}, which has no room for all text"
        raise MisuseError(problem, f"write charset={_CHARSET} in its URL, or no charset")


def _quoted(table: Table) -> str:
    return ".".join(f"`{name}`" for name in (table.schema, table.name) if name is not None)


def _entry(attributes: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Return the text of an entry of a JSON object; NULL where there is none."""
    if not name.startswith("-"):
        return func.json_extract(attributes, f"$.{canonical_json(name)}")
    # A path never finds such a name, quoted or not, so it is looked for among the names: its place is the value's.
    word = "".join(f"{_ESCAPE}{part}" if part in f"%_{_ESCAPE}" else part for part in name)
    place = func.json_unquote(func.json_search(func.json_keys(attributes), "one", word, _ESCAPE))
    return func.json_extract(func.json_extract(attributes, "$.*"), place)
