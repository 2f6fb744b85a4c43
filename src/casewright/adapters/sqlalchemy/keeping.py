"""What a store over tables does beside its units: it erases, and keeps denials. See `Erasure` and `DenialLog`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import BigInteger, Connection, Engine, bindparam, literal_column, select, update

from casewright.adapters.sqlalchemy.databases import Database
from casewright.adapters.sqlalchemy.reading import read_event, read_item
from casewright.adapters.sqlalchemy.rows import item_values
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements, raw
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.application.denials import Cause, Denial
from casewright.application.erasing import ERASED_FIELDS, Erased, Erasing, as_erasing
from casewright.domain.events import COUNTER_ACTIONS, Event
from casewright.domain.folding import ERASED_TEXT
from casewright.domain.ids import as_tenant
from casewright.domain.json_values import canonical_json
from casewright.domain.values import as_integer, instant_text
from casewright.errors import AlreadyExistsError, NotFoundError, StorageError

__all__ = ["KeepingStore"]

FoundT = TypeVar("FoundT")

_PAGE: Final = 1_000


class KeepingStore:
    """What makes a store over tables an `Erasure` and a `DenialLog`."""

    if TYPE_CHECKING:
        _database: Database
        _statements: Statements

        def make_ready(self) -> None:
            """Check the schema."""

        def _transaction(self, begin: str | None) -> Transaction: ...
        def _read(self, question: Callable[[Send, Statements], FoundT]) -> FoundT: ...
        def _write(self, work: Callable[[Send], None]) -> None: ...

        _source: Engine | Connection
        _sql_events: bool

    def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item; see `Erasure.erase`.

        What the database keeps of old rows, in its file, its log, its replicas and backups, is the database's matter.
        On SQLite what was erased is overwritten in the file, and the log is emptied where nobody reads in it.
        """
        erasing = as_erasing(item_id, tenant, versions)
        found: list[Erased] = []
        self.make_ready()
        self._write(lambda send: found.append(self._erased(send, erasing)))
        if isinstance(self._source, Engine):
            with self._database.failures:
                self._database.forget(self._source, sql_events=self._sql_events)
        return found[0]

    def add_denial(self, denial: Denial) -> None:
        """Keep a denial; see `DenialLog.add_denial`."""
        self.make_ready()
        self._write(partial(_add_denial, self._statements, denial))

    def denials(self, *, tenant: str, after: str = "", limit: int) -> tuple[Denial, ...]:
        """Return denials of a tenant; see `DenialLog.denials`."""
        parameters = as_tenant(tenant), after, as_integer(limit, "limit", least=1)
        self.make_ready()

        def question(send: Send, statements: Statements) -> tuple[Denial, ...]:
            return tuple(map(_denial, send(_keeping(statements).denials, parameters).fetchall()))

        return self._read(question)

    def _erased(self, send: Send, erasing: Erasing) -> Erased:
        with self._database.overwriting(send):
            return _erased(send, self._statements, erasing)


class _Keeping:
    """The statements for it."""

    def __init__(self, statements: Statements) -> None:
        tables, text = statements.tables, statements.text
        item, event, note, denial = tables.item, tables.event, tables.note, tables.denial
        own = event.c.tenant == bindparam("tenant"), event.c.item_id == bindparam("item_id")
        held = event.c.payload.is_not(None), event.c.action.not_in([literal_column(f"'{a}'") for a in _COUNTERS])
        self.event: str = text(
            update(event)
            .values(payload=literal_column("NULL"), salt=literal_column("NULL"))
            .where(*own, event.c.version == bindparam("version"), *held)
        )
        told = note.c.tenant == bindparam("tenant"), note.c.item_id == bindparam("item_id")
        erased: Any = literal_column(f"'{ERASED_TEXT}'")
        self.note: str = text(
            update(note).values(body=erased).where(*told, note.c.version == bindparam("version"), note.c.body != erased)
        )
        one = item.c.tenant == bindparam("tenant"), item.c.id == bindparam("id")
        self.item: str = text(
            update(item).where(*one).ordered_values(*[(name, bindparam(f"new_{name}")) for name in ERASED_FIELDS])
        )
        self.new_denial: str = text(statements.database.new_row(denial, "tenant", "id"))
        self.taken: str = text(
            select(denial.c.id).where(denial.c.tenant == bindparam("t"), denial.c.id == bindparam("i"))
        )
        later = raw(denial).where(denial.c.tenant == bindparam("tenant"), denial.c.id > bindparam("after"))
        limit = bindparam("limit", type_=BigInteger())
        self.denials: str = text(later.order_by(denial.c.id).limit(limit).offset(literal_column("0")))


_COUNTERS: Final = sorted(COUNTER_ACTIONS)
_keeping: Final = lru_cache(maxsize=32)(_Keeping)
_row_values: Final = item_values(ERASED_FIELDS)


def _erased(send: Send, statements: Statements, erasing: Erasing) -> Erased:
    tenant, item_id = erasing.tenant, erasing.item_id
    rows = send(statements.locked_item, (tenant, item_id)).fetchall()
    if not rows:
        raise NotFoundError(item_id)
    item = erasing.row(read_item(rows[0]), _events(send, statements, erasing))
    keeping = _keeping(statements)
    send(keeping.item, (*_row_values(item), tenant, item_id))
    chosen = [version for version in range(1, item.version + 1) if erasing.names(version)]
    events = sum(send(keeping.event, (tenant, item_id, version)).rowcount for version in chosen)
    notes = sum(send(keeping.note, (tenant, item_id, version)).rowcount for version in chosen)
    return Erased(events, notes)


def _events(send: Send, statements: Statements, erasing: Erasing) -> Iterator[Event]:
    after = 0
    while rows := send(statements.events, (erasing.tenant, erasing.item_id, after, _PAGE)).fetchall():
        yield from map(read_event, rows)
        after = rows[-1][3]


def _add_denial(statements: Statements, denial: Denial, send: Send) -> None:
    reasons = canonical_json([[one.code, one.phase, one.rule] for one in denial.reasons])
    values = (
        *(denial.tenant, denial.id, denial.action, denial.item_id, denial.actor_id, denial.on_behalf_of),
        *(instant_text(denial.occurred_at), instant_text(denial.recorded_at), denial.code, denial.phase, reasons),
    )
    keeping, key = _keeping(statements), (denial.tenant, denial.id)
    if not statements.database.is_new(send, keeping.new_denial, values, keeping.taken, key):
        raise AlreadyExistsError(denial.id, "denial")


def _denial(row: Any) -> Denial:  # noqa: ANN401 - a row, as the driver gives it
    tenant, denial_id, action, item_id, actor_id, on_behalf_of, occurred_at, recorded_at, code, phase, reasons = row
    try:
        return Denial(
            id=denial_id,
            tenant=tenant,
            action=action,
            item_id=item_id,
            actor_id=actor_id,
            on_behalf_of=on_behalf_of,
            occurred_at=datetime.fromisoformat(occurred_at),
            recorded_at=datetime.fromisoformat(recorded_at),
            code=code,
            phase=phase,
            reasons=tuple(Cause(*cause) for cause in json.loads(reasons)),
        )
    except (TypeError, ValueError):
        problem = "a row of the denial table holds what this store cannot have written"
        raise StorageError(problem, "find out who else writes to it") from None
