"""`RelayContract`: what a store promises whose outbox can be relayed and kept. Its three parts are one contract."""

from __future__ import annotations

from casewright.testing.contracts.delivering import DeliveryContract
from casewright.testing.contracts.leasing import LeaseContract
from casewright.testing.contracts.outbox_keeping import KeepingContract

__all__ = ["RelayContract"]


class RelayContract(LeaseContract, DeliveryContract, KeepingContract):
    """What a store promises that is `Relaying` and `OutboxKeeping`. Give the fixture ``store``, as for `StoreContract`.

    The store must be new and empty for each test, its leases too. No test waits: what is to run out is leased for no
    time at all.
    """
