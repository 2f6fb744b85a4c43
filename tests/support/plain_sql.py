"""What a database holds, asked in plain SQL on a connection of its own: nothing of the library stands between."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import URL, create_engine

__all__ = ["disagreements", "keys_of", "plainly", "recorded", "rows_of"]

_WHAT: Final = {
    "row and events": """
        SELECT item.id, item.version, count(event.version), max(event.version) FROM casewright_item AS item
        LEFT JOIN casewright_event AS event ON event.tenant = item.tenant AND event.item_id = item.id
        WHERE item.tenant BETWEEN :low AND :high GROUP BY item.tenant, item.id
        HAVING (count(event.version), min(event.version), max(event.version))
        IS DISTINCT FROM (item.version, 1, item.version)
    """,
    "row and head": """
        SELECT item.id FROM casewright_item AS item
        LEFT JOIN casewright_event AS event
        ON event.tenant = item.tenant AND event.item_id = item.id AND event.version = item.version
        WHERE item.tenant BETWEEN :low AND :high
        AND (event.digest, event.to_status) IS DISTINCT FROM (item.head, item.status)
    """,
    "event without a row": """
        SELECT item_id, version FROM casewright_event AS event WHERE tenant BETWEEN :low AND :high AND NOT EXISTS (
        SELECT 1 FROM casewright_item AS item WHERE item.tenant = event.tenant AND item.id = event.item_id)
    """,
    "chain": """
        SELECT event.item_id, event.version FROM casewright_event AS event
        LEFT JOIN casewright_event AS earlier ON earlier.tenant = event.tenant AND earlier.item_id = event.item_id
        AND earlier.version = event.version - 1
        WHERE event.tenant BETWEEN :low AND :high AND event.previous IS DISTINCT FROM coalesce(earlier.digest, '')
    """,
    "events and pointers": """
        SELECT item_id, version, count(*) FROM (
        SELECT tenant, item_id, version FROM casewright_event UNION ALL
        SELECT tenant, item_id, version FROM casewright_outbox) AS found
        WHERE tenant BETWEEN :low AND :high GROUP BY tenant, item_id, version HAVING count(*) <> 2
    """,
    "events and notes": """
        SELECT item_id, version, count(*) FROM (
        SELECT tenant, item_id, version FROM casewright_event WHERE action = 'add_note' UNION ALL
        SELECT tenant, item_id, version FROM casewright_note) AS found
        WHERE tenant BETWEEN :low AND :high GROUP BY tenant, item_id, version HAVING count(*) <> 2
    """,
    "key and its event": """
        SELECT ledger.key, ledger.item_id, ledger.version FROM casewright_ledger AS ledger
        LEFT JOIN casewright_event AS event ON event.tenant = ledger.tenant AND event.item_id = ledger.item_id
        AND event.version = ledger.version
        WHERE ledger.tenant BETWEEN :low AND :high AND (event.version IS NULL
        OR (ledger.changed = 1 AND event.actor_id <> ledger.actor_id))
    """,
    "two keys of one event": """
        SELECT item_id, version, count(*) FROM casewright_ledger
        WHERE tenant BETWEEN :low AND :high AND changed = 1 GROUP BY tenant, item_id, version HAVING count(*) > 1
    """,
    "case and its open tasks": """
        SELECT one.id, one.open_tasks, count(task.id) FROM casewright_item AS one
        LEFT JOIN casewright_item AS task ON task.tenant = one.tenant AND task.case_id = one.id
        AND task.category NOT IN ('done', 'cancelled') AND task.deleted_at IS NULL
        WHERE one.kind = 'case' AND one.tenant BETWEEN :low AND :high GROUP BY one.tenant, one.id
        HAVING one.open_tasks <> count(task.id)
    """,
}


Place: TypeAlias = Any
"""The path of a SQLite file, the URL of a database, or a connection of `sqlite3`, of psycopg or of PyMySQL."""

_VALUE: Final = r"(?:\w*\((?:[^()]|\([^()]*\))*\)|[\w.]+)"
_DISTINCT: Final = re.compile(rf"({_VALUE})\s+IS DISTINCT FROM\s+({_VALUE})")


def disagreements(place: Place, tenant: str | None = None) -> list[tuple[str, tuple[Any, ...]]]:
    """Return where rows, events, notes, pointers, keys and counters do not fit each other (T1, H1, H2, H5).

    Args:
        place: The database; every event in it must be one that is published.
        tenant: Whose data; that of all where None.

    Returns:
        What does not fit and where; empty when sound.
    """
    low, high = ("", chr(0x10FFFF)) if tenant is None else (tenant, tenant)
    return [(what, row) for what, sql in _WHAT.items() for row in rows_of(place, sql, {"low": low, "high": high})]


def recorded(place: Place, tenant: str) -> list[tuple[Any, ...]]:
    """Return which events a tenant has: item, version and action."""
    events = "SELECT item_id, version, action FROM casewright_event WHERE tenant = :tenant ORDER BY 1, 2"
    return rows_of(place, events, {"tenant": tenant})


def keys_of(place: Place, tenant: str) -> list[tuple[Any, ...]]:
    """Return which idempotency keys a tenant has: key, item and version."""
    keys = "SELECT ledger.key, item_id, version FROM casewright_ledger AS ledger WHERE tenant = :tenant ORDER BY 1"
    return rows_of(place, keys, {"tenant": tenant})


def rows_of(place: Place, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Return what the database answers."""
    if isinstance(place, Path | URL):
        with closing(plainly(place)) as connection:
            return rows_of(connection, sql, values)
    if isinstance(place, sqlite3.Connection):
        sql = sql.replace("IS DISTINCT FROM", "IS NOT")  # which older ones call it
        return place.execute(sql, values or {}).fetchall()
    sql = re.sub(r":(\w+)", r"%(\1)s", sql)
    with place.cursor() as cursor:
        if not hasattr(place, "info"):  # PyMySQL's, to a server that has another name for it
            sql = _DISTINCT.sub(r"NOT (\1 <=> \2)", sql)
        cursor.execute(sql, values or {})
        return list(cursor.fetchall())


def plainly(place: Path | URL) -> Any:
    """Return a connection of the driver's that autocommits, so that each question sees what is there by then."""
    if isinstance(place, Path):
        return sqlite3.connect(place, isolation_level=None)
    if place.get_backend_name() == "mariadb":
        dialect: Any = create_engine(place).dialect
        arguments, named = dialect.create_connect_args(place)
        return dialect.loaded_dbapi.connect(*arguments, **named, autocommit=True)
    import psycopg  # which a packager may lack

    url = place.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)
