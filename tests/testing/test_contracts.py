"""The contract suites as a downstream author meets them; `tests/stores` applies them and shows their teeth."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import attrs
import pytest

from casewright import Cursor, InvalidInputError, MisuseError, Order, Scope, Store
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.filters import OrderBy
from casewright.domain.items import Item, Kind
from casewright.domain.terms import TermKind
from casewright.testing.contracts import AsyncStoreContract, Capabilities, ListingContract, StoreContract
from casewright.testing.contracts.base import promises
from casewright.testing.contracts.capabilities import CANNOT
from casewright.testing.contracts.reading import ReadingContract
from casewright.testing.contracts.recording import RecordingContract
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

    capabilities = Capabilities(interleaving=False, threads=False)


def test_what_a_store_cannot_do_is_skipped_with_its_reason() -> None:
    """A capability that is False skips the tests that need it: the reason names it, and the promises not shown."""
    with pytest.raises(pytest.skip.Exception) as skipped:
        Limited().test_others_see_nothing_before_the_commit_and_all_of_it_after(MemoryStore())
    assert str(skipped.value).startswith(
        "interleaving: two units of this store cannot be open in one thread; not shown"
    )
    with pytest.raises(pytest.skip.Exception, match=r"^threads: .* several threads; not shown: L1, H5, T1$"):
        Limited().test_threads_lose_no_update(MemoryStore())
    with pytest.raises(pytest.skip.Exception, match=r"^orders: .* none by id; not shown: A6, A11$"):
        TestListsOfOneOrder().test_items_come_in_order_page_by_page(sabotaged(_ByTimeAndField)(), order="by id")


def test_each_flag_skips_something() -> None:
    """A store that has all capabilities skips nothing; without one of them some tests are skipped, by that one."""
    flags = [field.name for field in attrs.fields(Capabilities)]
    assert sorted(CANNOT) == sorted(flags)
    needed = [flag for test in vars(StoreContract).values() for flag in getattr(test, "needs", ())]
    needed += [flag for test in vars(RecordingContract).values() for flag in getattr(test, "needs", ())]
    needed += [flag for test in vars(AsyncStoreContract).values() for flag in getattr(test, "needs", ())]
    assert set(needed) == set(flags)
    with pytest.raises(InvalidInputError, match="threads"):
        Capabilities(threads=cast("Any", 0))


def test_promises_are_read_from_a_docstring() -> None:
    """The ids in brackets at the end of a sentence are the promises, each once; other brackets are none."""
    assert promises("A (b), (SHA-256) and more (L1, H5) of `(A6)`, again (L1).") == ("L1", "H5", "A6")
    assert promises(None) == ()


def other(self: object) -> None:
    """Do nothing, in place of a test that does something."""


@pytest.mark.parametrize("value", [None, other, property(other)])
def test_a_test_of_a_contract_cannot_be_replaced(value: object) -> None:
    """A class that has anything else of that name is refused when it is made: it would keep less and look as good."""
    with pytest.raises(MisuseError, match=r"Lenient replaces or removes .*: test_a_missing_item_is_none"):
        type("Lenient", (StoreContract,), {"test_a_missing_item_is_none": value})
    type("More", (StoreContract,), {"test_something_else": value})


@pytest.mark.parametrize("value", [None, other])
def test_nor_by_a_class_beside_it(value: object) -> None:
    """What counts is which test would run, so a test of one's own may be replaced, and one of the contract not."""
    beside = type("Beside", (), {"test_a_missing_item_is_none": value})
    with pytest.raises(MisuseError, match="TestMine replaces or removes"):
        type("TestMine", (beside, StoreContract), {})
    type("TestBehind", (StoreContract, beside), {})
    own = type("Own", (StoreContract,), {"test_of_my_own": other})
    type("Own2", (own,), {"test_of_my_own": lambda self: None})


def test_nor_once_the_class_is_made() -> None:
    """A test that is replaced later makes every other test of the contract fail."""
    late: Any = type("TestLate", (StoreContract,), {})
    late.test_a_missing_item_is_none = other
    with pytest.raises(MisuseError, match="TestLate replaces or removes"):
        late().test_a_lock_is_a_hint(MemoryStore())


def test_nor_removed_from_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is deleted where it stands is missed by every class that inherits the contract."""
    mine: Any = type("TestMine", (StoreContract,), {})
    monkeypatch.delattr(ReadingContract, "test_a_missing_item_is_none")
    with pytest.raises(MisuseError, match="TestMine replaces or removes"):
        mine().test_a_lock_is_a_hint(MemoryStore())
    with pytest.raises(MisuseError, match="TestOther replaces or removes"):
        type("TestOther", (StoreContract,), {})


@pytest.mark.parametrize("off", [False, None, 0])
def test_collection_cannot_be_turned_off(off: object) -> None:
    """A class whose tests pytest would not collect is refused; one to derive from has a name that is not collected."""
    with pytest.raises(MisuseError, match="TestMine keeps pytest from collecting"):
        type("TestMine", (StoreContract,), {"__test__": off})
    base = type("ForMyStores", (StoreContract,), {})
    type("TestMine", (base,), {"__test__": True})


def test_capabilities_are_a_value() -> None:
    """Anything but `Capabilities` is refused when the class is made, not when a test reads it."""
    with pytest.raises(MisuseError, match=r"TestMine\.capabilities is none"):
        type("TestMine", (StoreContract,), {"capabilities": {"threads": False}})


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
