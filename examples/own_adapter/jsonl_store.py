"""A store in one file of JSON lines, for any number of threads and processes of one machine.

One line is one unit of work, so what was killed while it wrote has left a last line without an end, which counts for
nothing. ``docs/how-to/write-an-adapter.md`` explains it. Works where there is `fcntl`, so not on Windows.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock

from casewright import (
    AlreadyExistsError,
    BufferingUnitOfWork,
    Case,
    CasewrightError,
    Cursor,
    Event,
    ItemId,
    Note,
    Order,
    OutboxPointer,
    Scope,
    StorageError,
    Task,
    Tenant,
    Writes,
)
from casewright.application.ports import shard_of
from casewright.codec import from_data, to_json
from casewright.domain.filters import OrderBy
from casewright.domain.items import Item, Kind
from casewright.domain.terms import TermKind

try:
    import fcntl
except ImportError as missing:
    raise ImportError("own_adapter locks with fcntl, which Windows lacks; msvcrt.locking would be its way") from missing

__all__ = ["JsonLinesStore", "JsonLinesUnitOfWork"]


class Kept:
    """What the lines of the file say, all tenants together."""

    def __init__(self) -> None:
        """Begin empty."""
        self.items: dict[tuple[str, str], Task | Case] = {}
        self.events: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        self.notes: defaultdict[tuple[str, str], list[Note]] = defaultdict(list)
        self.note_ids: set[tuple[str, str]] = set()
        self.pointers: defaultdict[str, list[OutboxPointer]] = defaultdict(list)

    def take(self, line: bytes) -> None:
        """Add what a line says."""
        said = json.loads(line)
        tenant = said["tenant"]
        for item in from_data(said["items"], list[Task | Case]):
            self.items[tenant, item.id] = item
        for event in from_data(said["events"], list[Event]):
            self.events[tenant, event.item_id].append(event)
        for note in from_data(said["notes"], list[Note]):
            self.notes[tenant, note.item_id].append(note)
            self.note_ids.add((tenant, note.id))
        for item_id, version in said["pointers"]:
            shard = shard_of(tenant, item_id)
            self.pointers[tenant].append(OutboxPointer(shard=shard, tenant=tenant, item_id=item_id, version=version))


def _keep_the_name(folder: Path) -> None:
    """Let the name of a new file survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class JsonLinesStore:
    """Keeps everything in one file, of which each process holds a copy in memory."""

    def __init__(self, path: Path | str) -> None:
        """Make the file if it is not there."""
        self.path = Path(path)
        self._kept = Kept()
        self._read = 0  # up to where the file is in memory
        self._lock = Lock()
        with self.path.open("ab"):
            _keep_the_name(self.path.parent)

    def begin(self, *, tenant: str, write: bool = True) -> JsonLinesUnitOfWork:
        """Return a new unit of work."""
        return JsonLinesUnitOfWork(self, tenant, write=write)

    @contextmanager
    def reading(self) -> Iterator[Kept]:
        """Show all that is committed, for as long as the block lasts."""
        with self._locked(fcntl.LOCK_SH) as file:
            self._catch_up(file)
            yield self._kept

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Append one line, or raise and leave none."""
        with self._locked(fcntl.LOCK_EX) as file:
            self._catch_up(file)
            line = self._line(tenant, writes)
            try:
                file.truncate(self._read)  # what a process that was killed has left
                file.seek(self._read)
                rest = memoryview(line)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(self._read)
                raise

    def _line(self, tenant: Tenant, writes: Writes) -> bytes:
        """The line of a unit, if it fits what is there: nobody else can write as long as the file is locked."""
        fresh: set[str] = set()
        for note in writes.notes:
            if (tenant, note.id) in self._kept.note_ids or note.id in fresh:
                raise AlreadyExistsError(note.id, "note")
            fresh.add(note.id)
        said = {
            "tenant": tenant,
            "items": [row.onto(self._kept.items.get((tenant, row.after.id))) for row in writes.rows],
            "events": writes.events,
            "notes": writes.notes,
            "pointers": [[pointer.item_id, pointer.version] for pointer in writes.pointers],
        }
        return to_json(said).encode() + b"\n"

    @contextmanager
    def _locked(self, how: int) -> Iterator[FileIO]:
        """Lock the file against other processes, and what is in memory against other threads."""
        try:
            with self._lock, FileIO(self.path, "r+") as file:
                fcntl.flock(file, how)  # given up when the file is closed, also by a SIGKILL
                yield file
        except OSError as error:
            raise StorageError(f"the file could not be used: {error.strerror}") from error

    def _catch_up(self, file: FileIO) -> None:
        """Take the lines that are new. Whoever writes has the file locked, so a line without an end has no writer."""
        file.seek(self._read)
        *lines, _ = file.read().split(b"\n")
        kept, read = self._kept, self._read
        self._kept, self._read = Kept(), 0  # whatever interrupts this: half a line in memory is never taken for a whole
        for line in lines:
            try:
                kept.take(line)
            except (ValueError, TypeError, LookupError, CasewrightError) as error:
                raise StorageError(f"the file is damaged at byte {read}", "restore it from a copy") from error
            read += len(line) + 1
        self._kept, self._read = kept, read


class JsonLinesUnitOfWork(BufferingUnitOfWork):
    """A unit of work on a `JsonLinesStore`; it also lists items and the outbox."""

    terms = frozenset(TermKind)
    orders = frozenset(OrderBy)

    def __init__(self, store: JsonLinesStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._store = store

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        with self._store.reading() as kept:
            return kept.items.get((self.tenant, item_id))

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> Sequence[Event]:
        with self._store.reading() as kept:
            return kept.events.get((self.tenant, item_id), [])[after : None if limit is None else after + limit]

    def _notes(self, item_id: ItemId) -> Sequence[Note]:
        with self._store.reading() as kept:
            return kept.notes.get((self.tenant, item_id), [])[:]

    def _flush(self, writes: Writes) -> None:
        self._store.write(self.tenant, writes)

    def _end(self) -> None:
        """Nothing is held between two calls. Give back a connection here, and undo what is not committed."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> Sequence[Item]:
        """Return the items of the kind that are in the scope, in order."""
        most = self._check_limit(limit)
        found = sorted(self._matching(kind, where), key=order.key, reverse=order.descending)
        if after is not None:
            found = [item for item in found if _lies_after(item, after)]
        return found[:most]

    def count(self, kind: Kind, where: Scope) -> int:
        """Return how many items `find` would give without a limit."""
        self._check_complete()
        return len(self._matching(kind, where))

    def pending(self, *, limit: int) -> Sequence[OutboxPointer]:
        """Return pointers to events that are not published yet."""
        most = self._check_limit(limit)
        with self._store.reading() as kept:
            pointers = kept.pointers.get(self.tenant, [])[:]
        return sorted(pointers, key=lambda pointer: (pointer.item_id, pointer.version))[:most]

    def _matching(self, kind: Kind, where: Scope) -> list[Item]:
        with self._store.reading() as kept:
            items = [item for (tenant, _), item in kept.items.items() if tenant == self.tenant]
        return [item for item in items if item.kind == kind and item.deleted_at is None and where.matches(item)]


def _lies_after(item: Item, cursor: Cursor) -> bool:
    key = cursor.order.key(item)
    return key < cursor.key if cursor.order.descending else key > cursor.key
