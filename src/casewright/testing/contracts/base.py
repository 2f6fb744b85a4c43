"""What all contracts have in common: what a store may be unable to do, and how a failure is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

import pytest

from casewright.application.ports import Listing, Store, UnitOfWork
from casewright.domain.filters import OrderBy
from casewright.domain.ids import NO_TENANT
from casewright.errors import CasewrightError, MisuseError

__all__ = ["Contract", "listing", "must_raise", "seen_or_refused", "told"]

ContractT = TypeVar("ContractT", bound=type)
AnswerT = TypeVar("AnswerT")
ErrorT = TypeVar("ErrorT", bound=CasewrightError)


_OF_CONTRACTS: Final[set[object]] = set()


class Contract:
    """What all contracts have in common: a class that inherits one gives the fixture ``store``, new for each test."""

    interleaving: ClassVar[bool] = True
    """Whether a unit can read and commit while another one is open in the same thread."""

    threads: ClassVar[bool] = True
    """Whether units can be used in several threads at once, each in its own."""

    def needs_interleaving(self) -> None:
        """Skip the test where two units cannot be open in one thread."""
        if not self.interleaving:
            pytest.skip("units of this store cannot be interleaved")

    def needs_threads(self) -> None:
        """Skip the test where units cannot be used in several threads."""
        if not self.threads:
            pytest.skip("units of this store cannot be used in several threads")

    def needs_order(self, store: Store, by: OrderBy) -> None:
        """Skip the test where a list cannot be ordered so."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            if by not in listing(uow).orders:
                pytest.skip(f"units of this store serve no order by {by}")

    def __init_subclass__(cls) -> None:
        """Refuse a class that replaces a test of a contract: it would keep less than the contract and look as good."""
        tests = [(name, test) for base in cls.__mro__ for name, test in vars(base).items() if name.startswith("test_")]
        for name, test in tests:
            if test in _OF_CONTRACTS and getattr(cls, name) is not test:
                problem = f"{cls.__name__}.{name} replaces a test of the contract"
                raise MisuseError(problem, "name the test otherwise, or set a capability of the class to False")


def listing(uow: UnitOfWork) -> Listing:
    """Return the unit as what it must be."""
    assert isinstance(uow, Listing), "a unit of work that lists items has terms, orders, find() and count()"
    return uow


def told(contract: ContractT) -> ContractT:
    """Let each failure of the class's own tests end in one line with what the port demands."""
    for name, test in list(vars(contract).items()):
        if name.startswith("test_"):
            setattr(contract, name, telling := _told(test))
            _OF_CONTRACTS.add(telling)
    return contract


def _told(test: Callable[..., None]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the test takes
        __tracebackhide__ = True
        try:
            test(*args, **kwargs)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"The port demands: {test.__doc__}")
            raise

    return run


def must_raise(error: type[ErrorT], act: Callable[[], object], what: str) -> ErrorT:
    """Demand that an act raises such an error, and return it.

    Args:
        error: Which one.
        act: The act.
        what: Its name, for the failure.
    """
    __tracebackhide__ = True
    try:
        act()
    except error as caught:
        return caught
    pytest.fail(f"{what} must raise {error.__name__}, and raised nothing")


def seen_or_refused(read: Callable[[], AnswerT]) -> AnswerT | None:
    """Return what a unit reads that has recorded something; None where it says that it cannot."""
    try:
        return read()
    except MisuseError:
        return None
