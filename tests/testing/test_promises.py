"""The ports and their contracts speak of the same promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casewright.testing.contracts import (
    AsyncLedgerContract,
    AsyncStoreContract,
    HostingContract,
    ListingContract,
    OutboxContract,
)
from casewright.testing.contracts.base import promises
from support.sources import cited_ids, package_sources

CONTRACTS: Final = (AsyncStoreContract, ListingContract, OutboxContract, HostingContract, AsyncLedgerContract)
PORTS: Final = {source.name: source for source in package_sources() if source.name.endswith(("ports.py", "/ledger.py"))}


def named_in_ports() -> set[str]:
    """Return the ids that docstrings of the ports name."""
    return {cited for source in PORTS.values() for _, cited in cited_ids(source)}


def named_in_contracts() -> Mapping[str, set[str]]:
    """Return the ids that docstrings of contract tests name, each with the tests."""
    found: dict[str, set[str]] = {}
    for contract in CONTRACTS:
        for name in dir(contract):
            if name.startswith("test_"):
                for cited in promises(getattr(contract, name).__doc__):
                    found.setdefault(cited, set()).add(name)
    return found


def test_each_promise_of_a_port_has_a_contract_test() -> None:
    """An id that a port names is named by a test of the contracts, which would show it false."""
    assert named_in_ports() - set(named_in_contracts()) == set()


def test_each_promise_that_a_contract_tests_is_in_a_port() -> None:
    """An adapter author reads in the ports of each promise that the contracts will ask for."""
    assert set(named_in_contracts()) - named_in_ports() == set()


def test_the_promises_are_found() -> None:
    """Both are read at all: an id in a line of its own, and several in one pair of brackets."""
    assert "casewright/application/ports.py" in PORTS
    assert {"T1", "H2", "L1", "H5", "A6", "O1"} <= named_in_ports() & set(named_in_contracts())
    assert "test_threads_lose_no_update" in named_in_contracts()["H5"]
