"""Faults at the boundary of a driver: every call of it can be made to fail, before or after it was done.

What is here is the same for all drivers; `support.sqlite_faults` and `support.postgres_faults` stand in their calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")


@attrs.frozen
class Kind:
    """A way to fail.

    Attributes:
        make: Makes what is raised.
        lasting: Whether each later call fails as well, as when the server is gone.
        after: Whether it may also come when the call has been done.
        of_the_driver: Whether it is the driver that raises it, so that a store has to translate it.
        loses: Whether the connection is lost by it.
    """

    make: Callable[[], BaseException]
    lasting: bool = False
    after: bool = True
    of_the_driver: bool = False
    loses: bool = False


INTERRUPTS: Final[Mapping[str, Kind]] = {
    "error": Kind(lambda: RuntimeError("planted")),
    "interrupt": Kind(KeyboardInterrupt),
    "cancel": Kind(asyncio.CancelledError),
    "exit": Kind(lambda: SystemExit(3)),
    "generator exit": Kind(GeneratorExit),
}
"""What may come from anywhere, in the middle of any call."""


@attrs.frozen
class Fault:
    """One call that fails.

    Attributes:
        place: Which call, from 0.
        kind: How.
        after: Whether the call is done first.
        error: What is raised: one object, so that it can be known again.
    """

    place: int
    kind: Kind
    after: bool
    error: BaseException = attrs.field(
        init=False, default=attrs.Factory(lambda self: self.kind.make(), takes_self=True)
    )

    def hits(self, place: int, name: str) -> bool:
        """Return whether this call fails. A connection that is lost can still be closed."""
        return place == self.place or (self.kind.lasting and place > self.place and not name.startswith("close"))


class Driver(Protocol):
    """A driver, with a fault where one is wanted. Its engines give out connections that count their calls."""

    calls: list[str]
    kinds: Mapping[str, Kind]

    def engine(self, place: Any, **arguments: Any) -> Engine:
        """Return an engine whose connections are ours; further arguments are those of the driver's ``connect``."""
        ...

    def run(self, work: Callable[[], object], fault: Fault | None = None) -> BaseException | None:
        """Do the work with this fault in its way, and return what it raised; only its own calls are counted."""
        ...


class Counter:
    """Counts the calls of a driver while some work is done, and lets one of them fail.

    Attributes:
        calls: What was called, by name, since the work was begun.
    """

    def __init__(self) -> None:
        """Begin without a fault."""
        self.calls: list[str] = []
        self._running = False
        self._fault: Fault | None = None

    def run(self, work: Callable[[], object], fault: Fault | None = None) -> BaseException | None:
        """See `Driver.run`."""
        self.calls, self._fault, self._running = [], fault, True
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
            return error
        finally:
            self._running = False
        return None

    def call(
        self,
        name: str,
        real: Callable[[], T],
        *,
        asks: bool = True,
        harm: Callable[[Fault], object] = lambda fault: None,
    ) -> T:
        """Make one call: count it, and fail where that is wanted.

        Args:
            name: What it is noted as.
            real: The call.
            asks: Whether the database is asked for anything; else there is nothing that could fail by itself.
            harm: Does to the connection what the fault would do to it.
        """
        if not self._running:
            return real()
        place, fault = len(self.calls), self._fault
        self.calls.append(name)
        if fault is None or not fault.hits(place, name) or (fault.kind.of_the_driver and not asks):
            return real()
        if fault.after:
            real()
        harm(fault)
        raise fault.error
