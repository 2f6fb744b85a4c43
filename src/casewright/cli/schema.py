"""``casewright schema``: the SQL that makes or migrates the tables, and what is to be said of those of a database."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

import attrs

from casewright.cli.stores import no_database, open_store, reaching
from casewright.cli.text import paragraph, write, write_json
from casewright.errors import InvalidInputError

if TYPE_CHECKING:
    from sqlalchemy import Dialect

    from casewright.adapters.sqlalchemy import SqlAlchemyStore, Tables

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "print, check or migrate the tables of a database"
DESCRIPTION: Final = """\
Print the SQL that makes all tables for a dialect, or with --from the SQL that brings them from one revision to another.
Or say all in which the tables of a database differ from what this version needs; or bring them up to date. What
migrates needs the extra "migrations"."""

_DIALECTS: Final = ("sqlite", "postgresql", "mariadb")
_COMMITS: Final = "mariadb"  # each change of a schema, by itself
_AGAIN: Final = "see by --check what is there, and start it again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dialect", choices=_DIALECTS, help="print SQL for this kind of database")
    what.add_argument("--check", metavar="URL", help="a database whose tables are to be looked at")
    what.add_argument("--upgrade", metavar="URL", help="a database whose tables are to be brought up to date")
    parser.add_argument(
        "--from", dest="start", metavar="REV", help="with --dialect: the revision to begin with, or base"
    )
    parser.add_argument("--to", metavar="REV", help="with --from: the revision to end with; head where left out")
    parser.add_argument("--prefix", default="casewright_", help="what the names of the tables begin with")
    parser.add_argument("--schema", help="the schema that the tables are in")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 1 where a check finds something."""
    missing = no_database()
    if missing is not None:
        raise InvalidInputError("schema", missing)
    if options.to is not None and options.start is None:
        raise InvalidInputError("--to", "says where a migration ends, but none is asked for", "add --from")
    if options.start is not None and options.dialect is None:
        raise InvalidInputError("--from", "is for printing SQL", "add --dialect, or leave it out")
    from casewright.adapters.sqlalchemy import Tables  # noqa: PLC0415 - an extra

    tables = Tables(prefix=options.prefix, schema=options.schema)
    if options.dialect is not None:
        return _print(options, tables)
    option = "--check" if options.upgrade is None else "--upgrade"
    url = options.check if options.upgrade is None else options.upgrade
    with open_store(url, option, retry=_AGAIN) as store:
        return (_check if options.upgrade is None else _upgrade)(store, tables, options.json)


def _print(options: argparse.Namespace, tables: Tables) -> int:
    from sqlalchemy import URL  # noqa: PLC0415 - an extra

    dialect = URL.create(options.dialect).get_dialect()()
    sql = _creation(dialect, tables) if options.start is None else _migration(dialect, tables, options)
    if not sql:
        sql = "-- nothing is to be done"
    elif options.dialect != _COMMITS:
        sql = f"BEGIN;\n\n{sql}\n\nCOMMIT;"
    if options.json:
        write_json({"dialect": options.dialect, "sql": sql}, sys.stdout)
    else:
        write(sql, sys.stdout)
    return 0


def _creation(dialect: Dialect, tables: Tables) -> str:
    from casewright.adapters.sqlalchemy.schema import creation  # noqa: PLC0415 - an extra

    return "\n\n".join(f"{statement};" for statement in creation(dialect, tables))


def _migration(dialect: Dialect, tables: Tables, options: argparse.Namespace) -> str:
    from casewright.adapters.sqlalchemy.migrating import migration  # noqa: PLC0415 - an extra
    from casewright.adapters.sqlalchemy.versions import revision_named  # noqa: PLC0415 - an extra

    start, to = revision_named(options.start, "--from"), revision_named(options.to or "head", "--to")
    if start == to:
        return ""
    try:
        return migration(dialect, tables, start=start, to=to).strip()
    except ImportError as error:
        raise InvalidInputError("--from", str(error)) from None


def _check(store: SqlAlchemyStore, tables: Tables, as_json: bool) -> int:
    from casewright.adapters.sqlalchemy import check  # noqa: PLC0415 - an extra

    with reaching(store, write=False) as transaction:
        found = check(transaction.connection(), tables=tables)
    if as_json:
        write_json({"findings": [attrs.asdict(one) for one in found]}, sys.stdout)
    elif found:
        write("\n".join(paragraph(str(one), first="- ", indent="  ") for one in found), sys.stdout)
    else:
        write("the tables are as they should be", sys.stdout)
    return 1 if found else 0


def _upgrade(store: SqlAlchemyStore, tables: Tables, as_json: bool) -> int:
    from casewright.adapters.sqlalchemy import upgrade  # noqa: PLC0415 - an extra
    from casewright.adapters.sqlalchemy.versions import HEAD  # noqa: PLC0415 - an extra

    try:
        with reaching(store, write=True) as transaction:
            transaction.write(lambda send: upgrade(transaction.connection(), tables=tables))
    except ImportError as error:
        raise InvalidInputError("--upgrade", str(error)) from None
    if as_json:
        write_json({"revision": HEAD}, sys.stdout)
    else:
        write(f"the schema is of the revision {HEAD}", sys.stdout)
    return 0
