"""What an interruption leaves of the savepoint of a unit that has joined a transaction of the caller's."""

from __future__ import annotations

from asyncio import CancelledError
from pathlib import Path
from typing import Any

import pytest

from casewright import Change, MisuseError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.transactions import JoinedTransaction
from casewright.domain.catalog import TASK
from casewright.testing.contracts.driving import all_of, created, kept, write
from support.stores import sqlite_engine


def _interrupted_after(statement: str, store: SqlAlchemyStore, *changes: Change[Any]) -> None:
    """Write the changes; the first such statement is done, and interrupted before it answers."""
    opened, left = JoinedTransaction.open, [statement]

    def opening(self: JoinedTransaction) -> Send:
        send = opened(self)

        def sending(text: str, *more: Any) -> Any:
            answer = send(text, *more)
            if text in left:
                left.remove(text)
                raise CancelledError
            return answer

        return sending

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JoinedTransaction, "open", opening)
        with pytest.raises(CancelledError):
            write(store, *changes)


def test_no_unit_goes_back_behind_one_that_was_acknowledged(tmp_path: Path) -> None:
    """A savepoint that an interruption has left is not what a later unit goes back to: what is done stays (T1, T4)."""
    engine = sqlite_engine(tmp_path / "store.db")
    SqlAlchemyStore(engine).create_schema()
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        store = SqlAlchemyStore.joining(connection)
        _interrupted_after("SAVEPOINT casewright", store, *created(TASK, "first"))
        acknowledged = created(TASK, "second")
        write(store, *acknowledged)
        _interrupted_after("RELEASE SAVEPOINT casewright", store, *created(TASK, "third"))
        try:
            found = all_of(store, "second")
        except MisuseError:  # the connection is given up, and all that was in the transaction with it
            assert connection.invalidated
        else:
            assert found == kept(acknowledged), "a unit has undone another one"
    engine.dispose()
