"""Going through all that a database holds, item by item, in bounded portions: see `Proving`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import BigInteger, bindparam, func, literal_column, select

from casewright.adapters.sqlalchemy.quick import Row, sound_events
from casewright.adapters.sqlalchemy.reading import read_exact_event, read_exact_item, read_exact_note
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements, raw
from casewright.application.proving import Mark, Place, Proof, prove
from casewright.domain.events import Event
from casewright.domain.history import Finding
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.values import as_integer
from casewright.errors import StorageError

__all__ = ["ProvingStore"]

FoundT = TypeVar("FoundT")

_GROUP: Final = 200
"""How many items are looked for at once."""

_PORTION: Final = 1_000
"""How many events and notes are read at once, about."""


class ProvingStore:
    """What makes a store over tables `Proving`."""

    if TYPE_CHECKING:

        def make_ready(self) -> None:
            """Check the schema."""

        def _read(self, question: Callable[[Send, Statements], FoundT]) -> FoundT: ...

    def proofs(self, *, after: Place | None = None, limit: int) -> tuple[Proof, ...]:
        """Prove the next items, in a transaction that only reads; see `Proving.proofs`."""
        most = as_integer(limit, "limit", least=1)
        return self._answered(lambda send, statements: tuple(islice(_Walk(send, statements).proofs(after, most), most)))

    def digests(self, marks: Sequence[Mark]) -> tuple[str | None, ...]:
        """Return the stored digests of events; see `Proving.digests`."""
        return self._answered(partial(_digests, marks))

    def kept_items(self) -> int:
        """Return how many items there are; see `Proving.kept_items`."""
        return self._answered(_kept_items)

    def _answered(self, question: Callable[[Send, Statements], FoundT]) -> FoundT:
        self.make_ready()
        return self._read(question)


class _Questions:
    """The statements that go through the tables."""

    def __init__(self, statements: Statements) -> None:
        tables = statements.tables
        item, event, note = tables.item, tables.event, tables.note
        limit = bindparam("limit", type_=BigInteger())
        first: Any = literal_column("0")
        text = statements.text

        def counted(table: Any, later: Any) -> str:  # noqa: ANN401 - that of events or of notes
            """How many rows each item has, of those that come after one, or from one on."""
            column = table.c.item_id
            own = table.c.tenant == bindparam("own_tenant"), later(column, bindparam("after"))
            query = select(column, func.count()).where(*own).group_by(column).order_by(column)
            return text(query.limit(limit).offset(first))

        def portion(table: Any, *order: Any) -> str:  # noqa: ANN401 - as above
            """The rows of some items."""
            column = table.c.item_id
            own = table.c.tenant == bindparam("own_tenant"), column >= bindparam("low"), column <= bindparam("high")
            return text(raw(table).where(*own).order_by(column, *order))

        def items(later: Any) -> str:  # noqa: ANN401 - an operator
            """The rows that come after one, or from one on."""
            own = item.c.tenant == bindparam("own_tenant"), later(item.c.id, bindparam("after"))
            return text(raw(item).where(*own).order_by(item.c.id).limit(limit).offset(first))

        self.at_first, self.later = (
            (counted(event, compare), counted(note, compare), items(compare)) for compare in (operator.ge, operator.gt)
        )
        self.events: str = portion(event, event.c.version)
        self.notes: str = portion(note, note.c.version, note.c.place)
        mine = event.c.tenant == bindparam("own_tenant"), event.c.item_id == bindparam("item_id")
        self.first: str = text(raw(event).where(*mine).order_by(event.c.version).limit(limit).offset(first))
        self.tenants: tuple[str, ...] = tuple(
            text(select(func.min(table.c.tenant)).where(table.c.tenant > bindparam("after")))
            for table in (item, event, note)
        )
        one = event.c.tenant == bindparam("tenant"), event.c.item_id == bindparam("item_id")
        self.digest: str = text(select(event.c.digest).where(*one, event.c.version == bindparam("version")))
        self.count: str = text(select(func.count()).select_from(item))


_questions: Final = lru_cache(maxsize=32)(_Questions)


def _digests(marks: Sequence[Mark], send: Send, statements: Statements) -> tuple[str | None, ...]:
    digest = _questions(statements).digest
    rows = [send(digest, (mark.tenant, mark.item_id, mark.version)).fetchone() for mark in marks]
    return tuple([None if row is None else row[0] for row in rows])


def _kept_items(send: Send, statements: Statements) -> int:
    number: int = send(_questions(statements).count).fetchone()[0]
    return number


class _Walk:
    """One walk through the tables, in one transaction."""

    def __init__(self, send: Send, statements: Statements) -> None:
        self._send = send
        self._statements = statements
        self._questions = _questions(statements)

    def proofs(self, after: Place | None, limit: int) -> Iterator[Proof]:
        """Yield proofs; at most so many are wanted."""
        tenant, item_id = after or ("", None)
        left = limit
        while True:
            for proof in self._of_tenant(tenant, item_id, left):
                yield proof
                left -= 1
            found = [self._send(question, (tenant,)).fetchone()[0] for question in self._questions.tenants]
            later = _texts([one for one in found if one is not None])
            if not later:
                return
            tenant, item_id = min(later), None

    def _of_tenant(self, tenant: str, after: str | None, limit: int) -> Iterator[Proof]:
        while True:
            most = min(_GROUP, limit)
            asked = self._questions.at_first if after is None else self._questions.later  # "" too, which is no id
            *counts, rows = [self._rows(question, tenant, after or "", most) for question in asked]
            items = {row[1]: row for row in rows}
            sizes: dict[str, int] = dict.fromkeys(items, 0)
            for item_id, number in (row for counted in counts for row in counted):
                sizes[item_id] = sizes.get(item_id, 0) + number
            here = sorted(_texts(sizes))[:most]  # of these, what each of the three has found is whole
            for portion in _portions(here, sizes):
                yield from self._portion(tenant, portion, items, sizes)
            if len(here) < most:
                return
            after = here[-1]
            limit -= len(here)

    def _portion(
        self, tenant: str, ids: Sequence[str], items: dict[str, Row], sizes: dict[str, int]
    ) -> Iterator[Proof]:
        first, last = ids[0], ids[-1]
        notes = _by_item(self._rows(self._questions.notes, tenant, first, last), 2)
        if len(ids) == 1 and sizes[first] > _PORTION:
            pages = self._pages(tenant, first)
            yield self._one(tenant, first, items.get(first), pages.rows(), notes.get(first, []))
            return
        events = _by_item(self._rows(self._questions.events, tenant, first, last), 1)
        for item_id in ids:
            told, noted = events.get(item_id, []), notes.get(item_id, [])
            yield self._one(tenant, item_id, items.get(item_id), told, noted)

    def _one(self, tenant: str, item_id: str, item: Row | None, events: Iterable[Row], notes: Sequence[Row]) -> Proof:
        number = sound_events(item, events, notes)
        if item is None or number is None:
            return self._slow(tenant, item_id)
        return Proof(tenant=Tenant(tenant), item_id=ItemId(item_id), version=item[7], head=item[21], events=number)

    def _slow(self, tenant: str, item_id: str) -> Proof:
        """Prove one item by itself. What is found is believed once it was found twice: somebody may be writing."""
        proof = self._proved(tenant, item_id)
        while proof.findings:
            again = self._proved(tenant, item_id)
            if again == proof:
                break
            proof = again
        return proof

    def _proved(self, tenant: str, item_id: str) -> Proof:
        statements = self._statements
        rows = self._rows(statements.item, tenant, item_id)
        pages = self._pages(tenant, item_id)
        try:
            notes = tuple(map(read_exact_note, self._rows(statements.notes, tenant, item_id)))
            return prove((tenant, item_id), read_exact_item(rows[0]) if rows else None, pages, notes)
        except StorageError as error:  # of a row that holds what no store can have written
            version, head = (rows[0][7], rows[0][21]) if rows else (0, "")
            return Proof(
                tenant=Tenant(tenant),
                item_id=ItemId(item_id),
                version=version if type(version) is int else 0,
                head=head if isinstance(head, str) else "",
                events=len(pages),
                findings=(Finding(pages.position, "unreadable", error.problem),),
            )

    def _pages(self, tenant: str, item_id: str) -> _Pages:
        events = self._statements.events
        first = self._questions.first

        def page(after: int | None) -> Sequence[Row]:
            if after is None:  # also versions that no item can have, which nobody else reads
                return self._rows(first, tenant, item_id, _PORTION)
            return self._rows(events, tenant, item_id, after, _PORTION)

        return _Pages(page)

    def _rows(self, statement: str, *parameters: object) -> Sequence[Any]:
        return self._send(statement, parameters).fetchall()


class _Pages:
    """The events of one item, read anew each time they are gone through, page by page."""

    def __init__(self, page: Callable[[int | None], Sequence[Row]]) -> None:
        self._page = page
        self._length: int | None = None
        self._read: int | None = None

    def rows(self) -> Iterator[Row]:
        """Yield their rows."""
        after: int | None = None
        while rows := self._page(after):
            yield from rows
            after = rows[-1][3]

    @property
    def position(self) -> int:
        """The index of the event that is being read; after the last one where none is."""
        return len(self) if self._read is None else self._read

    def __iter__(self) -> Iterator[Event]:
        self._read = 0
        for row in self.rows():
            yield read_exact_event(row)
            self._read += 1
        self._read = None

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self.rows())
        return self._length


def _texts(keys: Collection[object]) -> list[str]:
    """Check that tenants or ids are text, as they are wherever a database keeps types: SQLite does not."""
    found = [key for key in keys if isinstance(key, str)]
    if len(found) < len(keys):
        raise StorageError("there are rows whose tenant or id is no text", "find out who else writes to it")
    return found


def _portions(ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts, none of which is larger than a portion but for single ones."""
    part: list[str] = []
    size = 0
    for item_id in ids:
        if part and size + sizes[item_id] > _PORTION:
            yield part
            part, size = [], 0
        part.append(item_id)
        size += sizes[item_id]
    if part:
        yield part


def _by_item(rows: Sequence[Row], place: int) -> dict[str, list[Row]]:
    return {item_id: list(found) for item_id, found in groupby(rows, itemgetter(place))}
