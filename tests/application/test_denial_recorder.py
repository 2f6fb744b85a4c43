"""`DenialRecorder`: each denial is kept once, after the rollback, without anybody's words, and changes no answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AsyncCommandBus,
    CloseCase,
    CommandBus,
    Edit,
    MisuseError,
    NotFoundError,
    OpenCase,
    RefusedError,
    SubmitCase,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.denials import Cause, Denial, DenialRecorder
from support.stores import hasty, sqlite_engine, sqlite_store
from support.values import AT, CANARY

WRITER, CLERK = Actor("wim", roles=["case_writer"]), Actor("kim", roles=["case_writer"], on_behalf_of="chief")
STRANGER = Actor("eve")


def denied(store: Any, log: Any) -> tuple[Denial, ...]:
    """Do something that is permitted and some that is not, and return what is kept."""
    recorder = DenialRecorder(log, clock=lambda: AT, new_id=iter("123456789").__next__)
    bus = CommandBus(store, [TASK, REGULATORY_CASE], clock=lambda: AT, observers=[recorder])
    case = bus.execute(OpenCase(CANARY, id="c"), by=WRITER)
    bus.execute(SubmitCase(case.id), by=WRITER)
    for ask, error in REFUSALS:
        with pytest.raises(error):
            ask(bus)
    return tuple(log.denials(tenant="", limit=10))


REFUSALS: tuple[tuple[Callable[[CommandBus], object], type[Exception]], ...] = (
    (lambda bus: bus.execute(CloseCase("c", CANARY), by=CLERK), RefusedError),
    (lambda bus: bus.execute(Edit("c", title=CANARY), by=STRANGER), NotFoundError),
    (lambda bus: bus.get("c", by=STRANGER), NotFoundError),
    (lambda bus: bus.get("nobody", by=STRANGER), NotFoundError),
)


def test_each_denial_is_kept_once_and_nothing_else(tmp_path: Path) -> None:
    """Of each refused command and reading there is one denial, on every store, and none of what was done (H1)."""
    stores: list[Any] = [MemoryStore(), sqlite_store(tmp_path / "s.db")]
    found = [denied(store, store) for store in stores]
    assert found[0] == found[1]
    closing, editing, reading, missing = found[0]
    assert (closing.action, closing.code, closing.phase) == ("close", "refused", "permission")
    assert (closing.item_id, closing.actor_id, closing.on_behalf_of) == ("c", "kim", "chief")
    assert (closing.occurred_at, closing.recorded_at, closing.tenant) == (AT, AT, "")
    assert closing.reasons[0].rule is not None
    for denial in (editing, reading):
        assert (denial.code, denial.phase, denial.actor_id) == ("not_found", None, "eve")
        assert denial.reasons, "why it was hidden is kept, though the caller was not told"
    assert missing.reasons == ()
    assert [denial.action for denial in found[0]] == ["close", "edit", "read", "read"]
    stores[1].engine.dispose()


def test_no_word_of_anybody_is_kept() -> None:
    """Neither what the item holds nor what was given with the command is in a denial (A7, S6)."""
    store = MemoryStore()
    assert CANARY not in repr(denied(store, store))


def test_a_denial_outlives_the_rollback(tmp_path: Path) -> None:
    """It is written in a transaction of its own, after that of the command has ended: another one sees it (H1)."""
    store = sqlite_store(tmp_path / "s.db")
    other = SqlAlchemyStore(hasty(sqlite_engine(tmp_path / "s.db")))
    denials = denied(store, store)
    assert other.denials(tenant="", limit=10) == denials
    assert len(denials) == len(REFUSALS)
    for one in (store, other):
        one.engine.dispose()


def test_a_log_that_fails_changes_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where denials cannot be kept, the caller gets the same refusal, and the failure is logged without words (H1)."""
    log = SqlAlchemyStore(create_engine(f"sqlite:///{tmp_path / 'none' / 'x.db'}"))
    bus = CommandBus(MemoryStore(), [TASK, REGULATORY_CASE], observers=[DenialRecorder(log)])
    bus.execute(OpenCase(CANARY, id="c"), by=WRITER)
    with caplog.at_level(logging.ERROR, "casewright"), pytest.raises(RefusedError) as caught:
        bus.execute(CloseCase("c", CANARY), by=CLERK)
    assert caught.value.action == "close"
    assert "'DenialRecorder' raised 'StorageError'" in caplog.text
    assert CANARY not in caplog.text


def test_in_a_joined_store_a_denial_goes_with_the_transaction(tmp_path: Path) -> None:
    """What a joined log keeps is there as long as the caller's transaction, and gone where it is rolled back (H1)."""
    store = sqlite_store(tmp_path / "s.db")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        joined = SqlAlchemyStore.joining(connection)
        assert len(denied(joined, joined)) == len(REFUSALS)
        connection.rollback()
    assert store.denials(tenant="", limit=10) == ()
    store.engine.dispose()


def test_an_asynchronous_log_is_awaited() -> None:
    """An asynchronous bus waits until the denial is kept, and ids are made where none are given (H1)."""
    store = AsyncMemoryStore()

    async def ask() -> tuple[Denial, ...]:
        bus = AsyncCommandBus(store, [TASK, REGULATORY_CASE], observers=[DenialRecorder(store)])
        await bus.execute(OpenCase("t", id="c"), by=WRITER)
        with pytest.raises(RefusedError):
            await bus.execute(CloseCase("c", "why"), by=CLERK)
        return await store.denials(tenant="", limit=10)

    (denial,) = asyncio.run(ask())
    assert len(denial.id) == 36
    assert isinstance(denial.reasons[0], Cause)


def test_what_keeps_no_denials_is_misuse() -> None:
    """A log that is none is a MisuseError when the recorder is made, and so is a clock that cannot be called."""
    other: Any = object()
    with pytest.raises(MisuseError, match="DenialLog"):
        DenialRecorder(other)
    clock: Any = AT
    with pytest.raises(MisuseError, match="clock"):
        DenialRecorder(MemoryStore(), clock=clock)
