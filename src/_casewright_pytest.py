"""The pytest plugin: a few fixtures, and what the contract suites had to skip, at the end of a run.

It stands beside the package, and imports nothing of it until a fixture is used: pytest loads it wherever casewright is
installed, also for those who test something else, and also before a coverage tool has begun to measure.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from casewright import CommandBus
    from casewright.adapters.memory import MemoryStore
    from casewright.domain.definitions import CaseDefinition, TaskDefinition
    from casewright.testing.fakes import FrozenClock, SequentialIds

__all__ = ["MakeBus", "casewright_bus", "casewright_clock", "casewright_ids", "casewright_store"]


class MakeBus(Protocol):
    """What the fixture ``casewright_bus`` gives."""

    def __call__(self, *definitions: TaskDefinition | CaseDefinition, **options: Any) -> CommandBus:  # noqa: ANN401 - each is checked by the bus
        """Return a bus with these definitions, on the store, the clock and the ids of the test.

        Args:
            *definitions: What judges.
            **options: What else `CommandBus` takes; ``store``, ``clock`` and ``new_id`` replace those of the test.
        """
        ...


# ---------------------------------------------------------------- fixtures


@pytest.fixture
def casewright_clock() -> FrozenClock:
    """A clock that stands still until it is moved: ``casewright_clock.tick()``."""
    from casewright.testing.fakes import FrozenClock  # noqa: PLC0415 - see above

    return FrozenClock()


@pytest.fixture
def casewright_ids() -> SequentialIds:
    """Makes ids that count: ``id-1``, ``id-2``."""
    from casewright.testing.fakes import SequentialIds  # noqa: PLC0415 - see above

    return SequentialIds()


@pytest.fixture
def casewright_store() -> MemoryStore:
    """An empty store in memory."""
    from casewright.adapters.memory import MemoryStore  # noqa: PLC0415 - see above

    return MemoryStore()


@pytest.fixture
def casewright_bus(
    casewright_store: MemoryStore, casewright_clock: FrozenClock, casewright_ids: SequentialIds
) -> MakeBus:
    """Makes a bus on that clock, those ids and that store, of the definitions that it is given."""
    from casewright import CommandBus  # noqa: PLC0415 - see above

    def make(*definitions: TaskDefinition | CaseDefinition, **options: Any) -> CommandBus:  # noqa: ANN401 - see above
        said = {"store": casewright_store, "clock": casewright_clock, "new_id": casewright_ids, **options}
        return CommandBus(said.pop("store"), definitions, **said)

    return make


# ---------------------------------------------------------------- what was not shown


@pytest.hookimpl(hookwrapper=True)  # not the newer `wrapper`: whoever has casewright may have an old pytest
def pytest_runtest_makereport(item: Any) -> Generator[None, Any, None]:  # noqa: ANN401 - items of all plugins
    """Note on the report of a skipped contract test what it would have shown; the report may come from a worker."""
    outcome = yield
    report = outcome.get_result()
    base: Any = sys.modules.get("casewright.testing.contracts.base")
    cls = getattr(item, "cls", None)
    if report.skipped and base is not None and cls is not None and issubclass(cls, base.Contract):
        report.casewright_not_shown = base.promises(item.function.__doc__)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List for each contract class how many tests were skipped, why, and which promises were not shown."""
    skipped: dict[tuple[str, str], list[Sequence[str]]] = {}
    for report in (*terminalreporter.stats.get("skipped", ()), *terminalreporter.stats.get("xfailed", ())):
        promises = getattr(report, "casewright_not_shown", None)
        if promises is not None:
            where = report.nodeid.partition("[")[0].rpartition("::")[0]
            skipped.setdefault((where, _reason(report)), []).append(promises)
    if skipped:
        terminalreporter.section("casewright: promises not shown")
    for (where, why), tests in sorted(skipped.items()):
        ids = sorted({name for promises in tests for name in promises}, key=lambda name: (name[0], int(name[1:])))
        terminalreporter.line(f"{len(tests)} {'test' if len(tests) == 1 else 'tests'} of {where} skipped: {why}")
        terminalreporter.line(f"    {', '.join(ids) or 'no promise that has an id'}")


def _reason(report: Any) -> str:  # noqa: ANN401 - pytest's reports have what plugins gave them
    """Why it was skipped, or expected to fail."""
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    text: str = report.longrepr[2]
    return text.removeprefix("Skipped: ").partition("; not shown: ")[0]
