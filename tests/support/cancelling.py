"""Commands cancelled at each await: the coroutine is driven by one that counts where it suspends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from types import coroutine
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import Engine, text

from casewright import (
    Actor,
    AddNote,
    AsyncCommandBus,
    CaseFilter,
    Command,
    CompleteTask,
    CreateTask,
    OpenCase,
    StartTask,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

ROOT: Final = Actor("root", roles=["admin"])

_CASE: Final = (OpenCase("c", id="c"),)
_TASK: Final = (*_CASE, CreateTask("t", id="t", case_id="c"))
_BATCH: Final = (CreateTask("u", id="u", case_id="c"), StartTask("u"), AddNote("c", "b"), CompleteTask("t"))

Work = Callable[[AsyncCommandBus, Actor], Coroutine[Any, Any, Any]]


@attrs.frozen
class AsyncScenario:
    """Something to be awaited.

    Attributes:
        given: The commands that lead there.
        work: What is awaited.
        events: How many events it makes.
    """

    given: tuple[Command[Any], ...]
    work: Work
    events: int = 0


def _executing(command: Command[Any]) -> Work:
    return lambda bus, by: bus.execute(command, by=by)


SCENARIOS: Final[dict[str, AsyncScenario]] = {
    "create": AsyncScenario((), _executing(_CASE[0]), 1),
    "create a task in a case": AsyncScenario(_CASE, _executing(_TASK[1]), 2),
    "start": AsyncScenario(_TASK, _executing(StartTask("t")), 1),
    "complete": AsyncScenario(_TASK, _executing(CompleteTask("t")), 2),
    "add a note": AsyncScenario(_TASK, _executing(AddNote("t", "b")), 1),
    "several together": AsyncScenario(_TASK, lambda bus, by: bus.execute_many(_BATCH, by=by, all_or_nothing=True), 6),
    "find": AsyncScenario(_CASE, lambda bus, by: bus.find(CaseFilter(), by=by)),
    "get": AsyncScenario(_TASK, lambda bus, by: bus.get("t", by=by)),
    "history": AsyncScenario(_TASK, lambda bus, by: bus.history("t", by=by)),
    "verify": AsyncScenario(_TASK, lambda bus, by: bus.verify("t", by=by)),
}
"""Ten commands and questions, by name."""


@attrs.define
class Cancelled:
    """How a task is cancelled.

    Attributes:
        at: At which of its awaits, from 0.
        late: Whether what it awaited has been done by then, so that only the answer is lost.
        again: After how many further awaits it is cancelled once more; never where None.
        awaits: How many awaits there were.
    """

    at: int | None
    late: bool = False
    again: int | None = None
    awaits: int = 0

    @property
    def _places(self) -> Iterable[int]:
        if self.at is None:
            return ()
        return (self.at,) if self.again is None else (self.at, self.at + 1 + self.again)

    @coroutine
    def over(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Drive the work, and cancel it where that is wanted."""
        lost: BaseException | None = None
        answer: object = None
        while True:
            try:
                awaited = work.send(answer) if lost is None else work.throw(lost)
            except StopIteration as done:
                return done.value
            lost = None
            hit = self.awaits in self._places
            self.awaits += 1
            task = asyncio.current_task()
            assert task is not None
            if hit and not self.late:
                task.cancel()  # what it awaits is cancelled as soon as it waits for it
            try:
                answer = yield awaited
            except BaseException as error:  # noqa: BLE001 - it belongs to the work
                lost = error
            if hit and self.late and lost is None:
                lost = asyncio.CancelledError()


async def ended(how: Cancelled, work: Coroutine[Any, Any, Any]) -> BaseException | None:
    """Run the work in a task that is cancelled; return what it ended with."""

    async def run() -> Any:
        return await how.over(work)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception()


_SOUND: Final = {
    "row and events": """
        SELECT item.id FROM casewright_item AS item WHERE item.tenant = :tenant AND item.version <> (
        SELECT count(*) FROM casewright_event AS e WHERE e.tenant = item.tenant AND e.item_id = item.id)
    """,
    "events and pointers": """
        SELECT e.item_id FROM casewright_event AS e LEFT JOIN casewright_outbox AS o
        ON o.tenant = e.tenant AND o.item_id = e.item_id AND o.version = e.version
        WHERE e.tenant = :tenant AND o.version IS NULL
    """,
    "events and notes": """
        SELECT e.item_id FROM casewright_event AS e LEFT JOIN casewright_note AS n
        ON n.tenant = e.tenant AND n.item_id = e.item_id AND n.version = e.version
        WHERE e.tenant = :tenant AND (e.action = 'add_note') <> (n.id IS NOT NULL)
    """,
    "case and its open tasks": """
        SELECT one.id FROM casewright_item AS one WHERE one.kind = 'case' AND one.tenant = :tenant
        AND one.open_tasks <> (SELECT count(*) FROM casewright_item AS task WHERE task.tenant = one.tenant
        AND task.case_id = one.id AND task.category NOT IN ('done', 'cancelled') AND task.deleted_at IS NULL)
    """,
    "closed case with an open task": """
        SELECT id FROM casewright_item WHERE tenant = :tenant AND kind = 'case' AND category = 'done' AND open_tasks > 0
    """,
}


async def half_written(engine: AsyncEngine | Engine, tenant: str = "") -> list[str]:
    """Return what does not fit together in a tenant's rows, in plain SQL; empty where all does."""
    return [name for name, sql in _SOUND.items() if await asked(engine, sql, tenant)]


async def events_of(engine: AsyncEngine | Engine, tenant: str = "") -> int:
    """Return how many events a tenant has."""
    ((number,),) = await asked(engine, "SELECT count(*) FROM casewright_event WHERE tenant = :tenant", tenant)
    return int(number)


async def asked(engine: AsyncEngine | Engine, sql: str, tenant: str) -> list[Any]:
    """Return rows."""
    if isinstance(engine, Engine):
        with engine.connect() as plain:
            return list(plain.execute(text(sql), {"tenant": tenant}))
    async with engine.connect() as connection:
        return list(await connection.execute(text(sql), {"tenant": tenant}))


def checked_out(engine: AsyncEngine | Engine) -> int:
    """Return how many connections of the pool are out."""
    pool: Any = engine.pool
    number: int = pool.checkedout()
    return number


async def check_pool(engine: AsyncEngine | Engine) -> None:
    """Check that no connection is out, and that as many as ever can be had at once, each of them clean."""
    pool: Any = engine.pool
    assert pool.checkedout() == 0
    room = pool.size() + pool._max_overflow
    if isinstance(engine, Engine):
        plain = [engine.connect() for _ in range(room)]
        for one in plain:
            sqlite: Any = one.connection.driver_connection
            assert not sqlite.in_transaction
            one.close()
        return
    got = [await engine.connect() for _ in range(room)]
    for connection in got:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        open_one = driver.info.transaction_status if engine.driver == "psycopg" else driver.is_in_transaction()
        assert not open_one, "a transaction was open on a connection of the pool"
        assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1
    for connection in got:
        await connection.close()
