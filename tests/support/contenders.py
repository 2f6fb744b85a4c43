"""What workers do in races (see `support.racing`): each function is one worker's part, and returns what it saw."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from casewright import (
    Actor,
    AddNote,
    Assign,
    CasewrightError,
    CloseCase,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    OpenCase,
    ReopenTask,
    Report,
    Store,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore, Tables
from support.buses import ANN, DEFINITIONS, ROOT
from support.racing import Meet, opened
from support.sqlite_faults import SqliteDriver

if TYPE_CHECKING:
    from sqlalchemy import URL


@attrs.define
class Seen:
    """What a worker saw.

    Attributes:
        links: Of each event that was acknowledged the version, the digest before, and the digest.
        answers: How often each answer came: ``done``, or the code of an error.
        attempts: How often commands that were done were tried.
        longest: How long the slowest command took, in seconds.
    """

    links: list[tuple[int, str, str]] = attrs.Factory(list)
    answers: Counter[str] = attrs.Factory(Counter)
    attempts: list[int] = attrs.Factory(list)
    longest: float = 0.0

    def bus(self, store: Store, max_attempts: int) -> CommandBus:
        """Return a bus whose reports are noted."""
        return CommandBus(store, DEFINITIONS, observers=[self._note], max_attempts=max_attempts)

    def _note(self, report: Report) -> None:
        if report.denial is None:
            self.attempts.append(report.attempts)
            self.links += [(event.version, event.previous, event.digest) for event in report.events[:1]]

    def ask(self, work: Callable[[], object]) -> None:
        """Do one piece of work, and note how it went."""
        began = time.monotonic()
        try:
            work()
        except CasewrightError as error:
            self.answers[error.code] += 1
        else:
            self.answers["done"] += 1
        self.longest = max(self.longest, time.monotonic() - began)


def edit(worker: int, store: Store, meet: Meet, times: int, max_attempts: int = 5) -> Seen:
    """Edit the item ``c`` again and again."""
    seen = Seen()
    bus = seen.bus(store, max_attempts)
    meet()
    for number in range(times):
        seen.ask(partial(bus.execute, Edit("c", title=f"{worker}.{number}"), by=ROOT))
    return seen


def edit_deferred(worker: int, store: Any, meet: Meet, times: int) -> Seen:
    """Edit the item ``c`` again and again in transactions that take the lock only when they write."""
    careless = SqliteDriver({"BEGIN IMMEDIATE": "BEGIN"}).engine(store.engine.url.database)
    seen = edit(worker, SqlAlchemyStore(careless), meet, times, 1)
    careless.dispose()
    return seen


def act_or_reassign(worker: int, store: Store, meet: Meet, item_ids: Sequence[str]) -> Seen:
    """Edit items as ann, who has them, or take them away from her; half of the editors have just looked."""
    seen = Seen()
    bus = seen.bus(store, 5)
    for item_id in item_ids:
        item = bus.get(item_id, by=ROOT) if worker % 4 == 0 else None
        meet()
        if worker % 2 == 0:
            seen.ask(partial(bus.execute, Edit(item_id, title=f"by {worker}"), by=ANN, item=item))
        else:
            seen.ask(partial(bus.execute, Assign(item_id, f"w{worker}"), by=ROOT))
    return seen


def close_or_open_task(worker: int, store: Store, meet: Meet, case_ids: Sequence[str]) -> Seen:
    """Close cases, open a new task in each of them, or its finished one again; half of the closers have just looked."""
    seen = Seen()
    bus = seen.bus(store, 5)
    for case_id in case_ids:
        case = bus.get(case_id, by=ROOT) if worker % 4 == 0 else None
        meet()
        if worker % 2 == 0:
            seen.ask(partial(bus.execute, CloseCase(case_id, "r"), by=ROOT, item=case))
        elif worker % 4 == 1:
            seen.ask(partial(bus.execute, ReopenTask(f"{case_id}.done"), by=ROOT))
        else:
            seen.ask(partial(bus.execute, CreateTask("t", id=f"{case_id}.{worker}", case_id=case_id), by=ROOT))
    return seen


def complete_or_reopen(worker: int, store: Store, meet: Meet, times: int) -> Seen:
    """Complete the task ``t`` and open it again, again and again: each of both moves its case as well."""
    seen = Seen()
    bus = seen.bus(store, 5)
    meet()
    for number in range(times):
        command = CompleteTask("t") if (worker + number) % 2 else ReopenTask("t")
        seen.ask(partial(bus.execute, command, by=ROOT))
    return seen


def do_once(worker: int, store: Any, meet: Meet, commands: Sequence[tuple[str, Any]], undone: int = 0) -> list[Any]:
    """Send commands, each under a key that all workers use; return what was answered.

    Args:
        worker: The number of the worker.
        store: The store.
        meet: Waits for the others.
        commands: The keys and the commands.
        undone: Of how many workers, the first ones, each unit is rolled back at its first commit.
    """
    bus = CommandBus(Fickle(store) if worker < undone else store, DEFINITIONS, max_attempts=50)
    answers: list[Any] = []
    for key, command in commands:
        meet()
        try:
            outcome = bus.outcome(command, by=ROOT, key=key)
        except RolledBackError:
            answers.append((key, "rolled back", None))
        else:
            answers.append((key, outcome.replayed, (outcome.item.id, outcome.item.version, outcome.item.head)))
    return answers


class RolledBackError(Exception):
    """Somebody has changed their mind."""


class Fickle:
    """A store whose units do all of their work, and are then rolled back.

    Args:
        inner: The store.
    """

    def __init__(self, inner: Any) -> None:
        """Keep it."""
        self._inner = inner

    def begin(self, *, tenant: str, write: bool = True) -> Any:
        """Return a unit that flushes, and does not commit."""
        unit: Any = self._inner.begin(tenant=tenant, write=write)
        flush = unit._flush

        def undone(writes: Any) -> None:
            with unit._statements.database.failures:
                unit._send_all(unit._transaction.open(), writes)
            raise RolledBackError

        unit._flush = undone if write else flush
        return unit


def create_schema(worker: int, store: Store, meet: Meet, folder: Path, files: int) -> Seen:
    """Create the schema in one new file after the other, and use it at once."""
    seen = Seen()
    for number in range(files):
        meet()
        own = opened(folder / f"{number}.db")
        seen.ask(own.create_schema)
        seen.ask(partial(seen.bus(own, 1).execute, OpenCase("c", id=f"c{worker}"), by=ROOT))
        own.engine.dispose()
    return seen


def create_under_prefixes(worker: int, store: Any, meet: Meet, times: int) -> Seen:
    """Create the tables under one new prefix after the other, and use them at once."""
    seen = Seen()
    for number in range(times):
        own = SqlAlchemyStore(store.engine, tables=Tables(prefix=f"p{number}_"))
        meet()
        seen.ask(own.create_schema)
        seen.ask(partial(seen.bus(own, 1).execute, OpenCase("c", id=f"c{worker}"), by=ROOT))
    return seen


def write_until_killed(place: Path | URL, tenant: str, journal: Any) -> None:
    """Run commands for ever, and write into the journal which events were acknowledged."""
    store = opened(place)
    bus, by = CommandBus(store, DEFINITIONS), Actor("root", roles=["admin"], tenant=tenant)
    bus.execute(OpenCase("c", id="c"), by=by)
    for number in itertools.count():
        task_id = f"t{number}"
        for command in (CreateTask("t", id=task_id, case_id="c"), AddNote(task_id, "b"), CompleteTask(task_id)):
            events = bus.outcome(command, by=by).events
            journal.send([(event.item_id, event.version, event.action) for event in events])
