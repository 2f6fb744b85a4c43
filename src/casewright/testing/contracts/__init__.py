"""The contract suites of the ports: inherit one, give it a store, and each promise of the port is one test.

An adapter author writes, in a test module::

    import pytest

    from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract


    class TestMyStore(StoreContract, ListingContract, OutboxContract):
        @pytest.fixture
        def store(self):
            return MyStore()  # new and empty, its schema there

`StoreContract` is the core; the others are for what a store can also do. What a store cannot do is said in
``capabilities = Capabilities(threads=False)``: the tests that need it are skipped, and pytest's summary lists the
promises that are not shown then. An adapter whose word is not to be trusted has a method ``oracle(self, store)`` that
returns the stored `Rows`, read without it. A natively asynchronous store has `AsyncStoreContract` and its like: the
same tests, for the fixture ``async_store``. Whoever writes a publisher has `PublisherContract`.
Needs the extra ``testing``.
"""

from __future__ import annotations

from pkgutil import iter_modules

try:
    import pytest
except ImportError as _missing:
    _sentence = 'casewright.testing.contracts needs pytest: pip install "casewright[testing]"'
    raise ImportError(_sentence, name=_missing.name) from _missing
else:  # before they are imported, so that a failure shows what was compared
    pytest.register_assert_rewrite(*(f"{__name__}.{part.name}" for part in iter_modules(__path__)))

from casewright.testing.contracts.async_ledger import AsyncLedgerContract
from casewright.testing.contracts.async_relaying import AsyncRelayContract
from casewright.testing.contracts.asynchronous import (
    AsyncDenialLogContract,
    AsyncErasureContract,
    AsyncListingContract,
    AsyncOutboxContract,
    AsyncStoreContract,
    HostingContract,
)
from casewright.testing.contracts.capabilities import Capabilities
from casewright.testing.contracts.core import StoreContract
from casewright.testing.contracts.keeping import DenialLogContract, ErasureContract
from casewright.testing.contracts.ledger import LedgerContract
from casewright.testing.contracts.listing import ListingContract
from casewright.testing.contracts.oracle import Rows
from casewright.testing.contracts.outbox import OutboxContract
from casewright.testing.contracts.proving import ProvingContract
from casewright.testing.contracts.publishing import AsyncPublisherContract, PublisherContract
from casewright.testing.contracts.relaying import RelayContract

__all__ = [
    "AsyncDenialLogContract",
    "AsyncErasureContract",
    "AsyncLedgerContract",
    "AsyncListingContract",
    "AsyncOutboxContract",
    "AsyncPublisherContract",
    "AsyncRelayContract",
    "AsyncStoreContract",
    "Capabilities",
    "DenialLogContract",
    "ErasureContract",
    "HostingContract",
    "LedgerContract",
    "ListingContract",
    "OutboxContract",
    "ProvingContract",
    "PublisherContract",
    "RelayContract",
    "Rows",
    "StoreContract",
]
