"""`AsyncLedgerContract`: what an asynchronous store promises that keeps idempotency keys."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from casewright.application.async_ports import AsyncStore
from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.domain.ids import NO_TENANT
from casewright.testing.contracts.asynchronous import AsyncContract
from casewright.testing.contracts.base import needs, told
from casewright.testing.contracts.driving import NOTHING_THERE, all_of, created, kept
from casewright.testing.contracts.entering import an_entry, entered
from casewright.testing.contracts.ledger import LedgerContract
from casewright.testing.portal import Portal

__all__ = ["AsyncLedgerContract"]

_TURNS: Final = 24
"""After how many turns of the loop a unit is cancelled, at most."""


@told
class AsyncLedgerContract(AsyncContract, LedgerContract):
    """What an asynchronous store promises whose units are an `AsyncLedger`: `LedgerContract`, also cancelled."""

    @needs("cancelling")
    def test_a_commit_that_is_cancelled_enters_what_is_there(
        self, async_store: AsyncStore, store: Store, portal: Portal
    ) -> None:
        """Cancelled after any turn of the loop, a unit leaves its entry and its item, or neither (I4, T1, T5)."""
        for turns in range(_TURNS):
            changes = created(TASK, f"a{turns}")

            async def work(turns: int = turns, changes: Any = changes) -> None:  # noqa: ANN401 - sealed changes
                async with async_store.begin(tenant=NO_TENANT) as uow:
                    own: Any = uow
                    await own.entry("ann", f"{turns}")
                    await own.enter(an_entry(f"{turns}"))
                    await uow.record(*changes)
                    await uow.commit()

            async def cancelled(turns: int = turns) -> bool:
                task = asyncio.create_task(work())
                for _ in range(turns):
                    await asyncio.sleep(0)
                asked = task.cancel()
                await asyncio.wait([task])
                return not asked

            acknowledged = portal.run(cancelled())
            if getattr(async_store, "joined", False) and not acknowledged:
                return  # the caller's transaction has ended with it
            there = entered(store, f"{turns}") is not None
            assert there or not acknowledged, "what was acknowledged is not there"
            assert all_of(store, f"a{turns}") == (kept(changes) if there else NOTHING_THERE), "half of a unit is there"
