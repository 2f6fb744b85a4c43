"""What the tests of the application share: each store, and a bus on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casewright import CommandBus, Report, Store
from support.backends import BACKENDS, Backend
from support.buses import BUSES, a_bus, making


@pytest.fixture(params=BUSES)
def every_bus(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let `a_bus` make a plain bus, and asynchronous ones: what a module uses this for, it says of each of them."""
    with making(request.param):
        yield


@pytest.fixture(params=["plain", "awaited"])
def both_buses(request: pytest.FixtureRequest) -> Iterator[None]:
    """As `every_bus`, but for the one whose store hosts: for what is the same with one hop and with many."""
    with making(request.param):
        yield


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a store of each kind, with the way behind its back."""
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def store(backend: Backend) -> Store:
    """Return a store of each kind."""
    return backend.store


@pytest.fixture
def reports() -> list[Report]:
    """Return what the observer of `bus` was told."""
    return []


@pytest.fixture
def bus(store: Store, reports: list[Report]) -> CommandBus:
    """Return a bus with the catalog's task and case, on a store of each kind."""
    return a_bus(store, observers=[reports.append])
