"""What shows that the contracts have teeth: their tests, run by hand on stores that should fail them, or should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from typing import Any

import attrs
import pytest

from casewright import Store
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import (
    LedgerContract,
    ListingContract,
    OutboxContract,
    RelayContract,
    Rows,
    StoreContract,
)
from support.oracles import memory_rows


class AllContracts(StoreContract, ListingContract, OutboxContract, LedgerContract, RelayContract):
    """Every contract at once."""

    def oracle(self, store: MemoryStore) -> Rows:
        """Return what a store in memory keeps."""
        return memory_rows(store)


@attrs.frozen
class Failure:
    """How a test failed in one of its runs.

    Attributes:
        arguments: What the run was given besides the store.
        error: What it raised.
    """

    arguments: dict[str, Any]
    error: BaseException


def failures(test: str, make: Callable[[], AbstractContextManager[Store]]) -> Iterator[Failure]:
    """Run a test of the contracts in each of its runs, each on a store of its own; yield how it fails."""
    run = getattr(AllContracts(), test)
    for arguments in _runs(run):
        with make() as store:
            try:
                run(store, **arguments)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - however it fails
                yield Failure(arguments, error)


def fails(test: str, make_store: Callable[[], Store]) -> bool:
    """Return whether a test of the contracts fails in any of its runs, each on a store of its own."""
    return any(failures(test, lambda: nullcontext(make_store())))


def _runs(test: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each run that the test's marks ask for."""
    marks = [mark.args for mark in getattr(test, "pytestmark", ())]
    for values in product(*(values for _, values in marks)):
        yield dict(zip((name for name, _ in marks), values, strict=True))
