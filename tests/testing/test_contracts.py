"""The contract suites as a downstream author meets them; `tests/stores` applies them and shows their teeth."""

from __future__ import annotations

import subprocess
import sys

import pytest

from casewright import Cursor, MisuseError, Order, Scope, Store
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.filters import OrderBy
from casewright.domain.items import Item, Kind
from casewright.domain.terms import TermKind
from casewright.testing.contracts import ListingContract, StoreContract
from support.misreaders import HidesTheDeleted
from support.misrecorders import CommitsNoReading
from support.sabotage import sabotaged


class _ByTimeAndField(MemoryUnitOfWork):
    terms = frozenset({TermKind.FIELD})
    orders = frozenset({OrderBy.CREATED})

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        assert order.by in self.orders
        assert {term.kind for terms in where.alternatives for term in terms} <= self.terms
        return super().find(kind, where, order=order, limit=limit, after=after)


class TestListsOfOneOrder(ListingContract):
    """A store that serves one order and one kind of terms, and nothing else, keeps the contract of lists."""

    @pytest.fixture
    def store(self) -> Store:
        """Return an empty store that fails where it is asked for more."""
        return sabotaged(_ByTimeAndField)()


class Limited(StoreContract):
    """A store that can do one thing at a time."""

    interleaving = False
    threads = False


def test_what_a_store_cannot_do_is_skipped_with_its_reason() -> None:
    """A capability that is set to False skips the tests that need it, and says so."""
    with pytest.raises(pytest.skip.Exception, match="interleaved"):
        Limited().test_others_see_nothing_before_the_commit_and_all_of_it_after(MemoryStore())
    with pytest.raises(pytest.skip.Exception, match="threads"):
        Limited().test_threads_lose_no_update(MemoryStore())


def test_a_test_of_a_contract_cannot_be_replaced() -> None:
    """A class that defines such a test anew is refused when it is made: it would keep less and look as good."""
    with pytest.raises(MisuseError, match="test_a_missing_item_is_none"):
        type("Lenient", (StoreContract,), {"test_a_missing_item_is_none": None})
    type("More", (StoreContract,), {"test_something_else": None})


def test_nor_by_a_class_beside_it() -> None:
    """What counts is which test would run, so a test of one's own may be replaced, and one of the contract not."""

    def other(self: object) -> None: ...

    beside = type("Beside", (), {"test_a_missing_item_is_none": other})
    with pytest.raises(MisuseError, match="test_a_missing_item_is_none replaces a test"):
        type("TestMine", (beside, StoreContract), {})
    own = type("Own", (StoreContract,), {"test_of_my_own": other})
    type("Own2", (own,), {"test_of_my_own": lambda self: None})


def test_a_failure_shows_what_was_compared() -> None:
    """The assertions of the shipped modules tell as much as those of a test module."""
    with pytest.raises(AssertionError, match=r"At index 0 diff: None != Task"):
        StoreContract().test_a_deleted_item_is_still_read(sabotaged(HidesTheDeleted)())


def test_a_failure_says_what_the_port_demands() -> None:
    """Whatever a test of a contract raises, its last line is the sentence that the store does not keep."""
    with pytest.raises(MisuseError) as caught:
        StoreContract().test_a_unit_without_changes_may_commit(sabotaged(CommitsNoReading)(), write=False)
    demand = "The port demands: Where nothing was recorded, `commit` ends the unit and that is all"
    assert caught.value.__notes__[0].startswith(demand)
    store = sabotaged(HidesTheDeleted)()
    with pytest.raises(AssertionError) as failed:
        StoreContract().test_a_deleted_item_is_still_read(store)
    assert failed.value.__notes__ == [f"The port demands: {StoreContract.test_a_deleted_item_is_still_read.__doc__}"]


def test_without_pytest_the_install_line_is_given() -> None:
    """Where pytest is missing, the contracts say what to install, and the fakes still import."""
    program = """
import sys
sys.modules["pytest"] = None
import casewright.testing.fakes
try:
    import casewright.testing.contracts
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'pip install "casewright[testing]"' in done.stdout
