"""What all contracts have in common: what a store may be unable to do, and how a failure is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import getattr_static
from typing import Any, ClassVar, Final, TypeVar

import pytest

from casewright.application.ports import Listing, UnitOfWork
from casewright.errors import CasewrightError, MisuseError
from casewright.testing.contracts.capabilities import CANNOT, Capabilities, Flag

__all__ = ["Contract", "listing", "must_raise", "needs", "promises", "seen_or_refused", "told"]

ContractT = TypeVar("ContractT", bound=type)
AnswerT = TypeVar("AnswerT")
ErrorT = TypeVar("ErrorT", bound=CasewrightError)
TestT = TypeVar("TestT", bound=Callable[..., None])

_TESTS: Final[dict[type, Mapping[str, object]]] = {}
"""The tests of each contract, by name."""

_BRACKETS: Final = re.compile(r"\(([A-Z]\d{1,2}(?:, [A-Z]\d{1,2})*)\)")


class Contract:
    """What all contracts have in common: a class that inherits one gives the fixture ``store``, new for each test.

    Attributes:
        capabilities: What the store can do; everything, unless the class says otherwise.
    """

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init_subclass__(cls) -> None:
        """Refuse a class that keeps less than the contract and looks as good.

        Raises:
            MisuseError: It replaces or removes a test of a contract, turns off its collection, or its capabilities are
                none.
        """
        super().__init_subclass__()
        _check(cls)
        if not getattr_static(cls, "__test__", True):
            problem = f"{cls.__name__} keeps pytest from collecting the tests of a contract"
            raise MisuseError(problem, 'leave __test__ out; what is only to be derived from has no name in "Test..."')
        if not isinstance(getattr_static(cls, "capabilities"), Capabilities):
            problem = f"{cls.__name__}.capabilities is none"
            raise MisuseError(problem, "write capabilities = Capabilities(threads=False) or the like")


def _check(cls: type) -> None:
    """Check that each test of its contracts is still the one that would run."""
    for contract in cls.__mro__:
        for name, test in _TESTS.get(contract, {}).items():
            if getattr_static(cls, name, None) is not test:
                problem = f"{cls.__name__} replaces or removes a test of the contract: {name}"
                raise MisuseError(problem, "name your own test otherwise, or set a flag of its capabilities to False")


def needs(*flags: Flag) -> Callable[[TestT], TestT]:
    """Skip the test where the store lacks one of the capabilities."""

    def mark(test: TestT) -> TestT:
        vars(test)["needs"] = flags
        return test

    return mark


def promises(sentence: str | None) -> tuple[str, ...]:
    """Return the ids of the promises that the docstring of a test names, each once."""
    return tuple(dict.fromkeys(name for found in _BRACKETS.findall(sentence or "") for name in found.split(", ")))


def listing(uow: UnitOfWork) -> Listing:
    """Return the unit as what it must be."""
    assert isinstance(uow, Listing), "a unit of work that lists items has terms, orders, find() and count()"
    return uow


def told(contract: ContractT) -> ContractT:
    """Let each failure of the class's own tests end in one line with what the port demands, and let none be replaced.

    A test that is skipped says which promises are not shown then.
    """
    own = {name: _told(test) for name, test in vars(contract).items() if name.startswith("test_")}
    for name, test in own.items():
        setattr(contract, name, test)
    _TESTS[contract] = own
    return contract


def _told(test: Callable[..., None]) -> Callable[..., None]:
    flags: tuple[Flag, ...] = getattr(test, "needs", ())

    @wraps(test)
    def run(self: Contract, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the test takes
        __tracebackhide__ = True
        _check(type(self))  # here too: a class can be changed once it is made
        try:
            for flag in flags:
                if not getattr(self.capabilities, flag):
                    pytest.skip(f"{flag}: {CANNOT[flag]}")
            test(self, *args, **kwargs)
        except pytest.skip.Exception as skipped:
            skipped.msg = f"{skipped.msg}; not shown: {', '.join(promises(test.__doc__)) or 'a sentence of the port'}"
            raise
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
