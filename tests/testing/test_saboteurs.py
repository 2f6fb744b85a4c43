"""The saboteurs that are shipped: each is caught by the test that names its promise, and sound stores pass it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs
import pytest

from casewright import Store, TransientStorageError
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import LedgerContract, StoreContract
from casewright.testing.saboteurs import SABOTEURS, Saboteur, memory, relaying, sqlite
from support.stores import sqlite_store
from support.teeth import AllContracts, failures

ROWS: Final = (1, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 20, 21, 24, 25)
"""Of the list of failure modes; that of lists is still to come."""

BY_NAME: Final[Mapping[str, Saboteur]] = {saboteur.name: saboteur for saboteur in SABOTEURS}


@contextmanager
def through_sqlalchemy() -> Iterator[Store]:
    """Yield an empty `SqlAlchemyStore` in a file of its own."""
    with TemporaryDirectory() as folder:
        store = sqlite_store(Path(folder) / "store.db")
        yield store
        store.engine.dispose()


SOUND: Final[Mapping[str, Callable[[], AbstractContextManager[Store]]]] = {
    "memory": lambda: nullcontext(MemoryStore()),
    "plain_sqlite": sqlite.in_a_file,
    "sqlalchemy": through_sqlalchemy,
}


class TestPlainSqlite(StoreContract):
    """What the bugs of SQLite are planted into keeps the core contract: each fails by its bug alone (L5)."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Yield an empty store."""
        with sqlite.in_a_file() as store:
            yield store


def test_there_is_one_for_each_row() -> None:
    """Each failure mode that is due has one saboteur, in the order of the list and under a name of its own."""
    assert tuple(saboteur.row for saboteur in SABOTEURS) == ROWS
    assert len(BY_NAME) == len(ROWS)
    assert isinstance(SABOTEURS, tuple)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_is_a_value_that_leads_to_its_class(name: str) -> None:
    """Whoever reads the table finds the class with the bug under the same name, and nothing of it can be changed."""
    saboteur = BY_NAME[name]
    found = [getattr(module, name, None) for module in (memory, relaying, sqlite)]
    assert [one.__name__ for one in found if one is not None] == [name]
    assert re.fullmatch(r"[A-Z][^.]+\.", saboteur.says)
    value: Any = saboteur
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.row = 0


@pytest.mark.parametrize("name", BY_NAME)
def test_each_is_caught_by_the_test_that_names_its_promise(name: str) -> None:
    """The contract goes red on what was planted and on nothing else, in the test that cites the promise."""
    saboteur = BY_NAME[name]
    sentence = getattr(AllContracts, saboteur.caught_by).__doc__
    assert set(saboteur.promises) <= set(re.findall(r"\b[A-Z]\d+\b", sentence))
    errors = [failure.error for failure in failures(saboteur.caught_by, saboteur.make)]
    expected = TransientStorageError if saboteur.row == 20 else (AssertionError, pytest.fail.Exception)
    assert errors
    assert [error for error in errors if not isinstance(error, expected)] == []


@pytest.mark.parametrize("name", BY_NAME)
def test_each_looks_sound_at_first_sight(name: str) -> None:
    """What is planted is no crude defect: things can be written and looked for, and nothing shows."""
    assert list(failures("test_a_missing_item_is_none", BY_NAME[name].make)) == []


LATE: Final = "test_what_is_committed_late_is_due_all_the_same"
"""On SQLite nothing is: the one that writes keeps others from writing."""

RELAYED: Final = {saboteur.caught_by for saboteur in SABOTEURS if saboteur.row in range(9, 14)}


@pytest.mark.parametrize(
    ("test", "sound"),
    [
        (test, sound)
        for test in sorted({saboteur.caught_by for saboteur in SABOTEURS})
        for sound in SOUND
        if not (test in RELAYED and sound == "plain_sqlite") and (test, sound) != (LATE, "sqlalchemy")
    ],
)
def test_a_sound_store_passes_that_very_test(test: str, sound: str) -> None:
    """What catches a bug finds no fault where there is none: in memory, and on SQLite in two ways (L5)."""
    if sound == "plain_sqlite" and hasattr(LedgerContract, test):
        pytest.skip("the plain store keeps no keys")
    assert list(failures(test, SOUND[sound])) == []


def test_who_catches_exceptions_only_is_sound_but_for_the_others() -> None:
    """The transaction is left open by an interrupt, an exit, a closed generator and a cancellation, each (T4)."""
    saboteur = BY_NAME["RollsBackOnExceptionsOnly"]
    found = [failure.arguments["kind"].__name__ for failure in failures(saboteur.caught_by, saboteur.make)]
    assert found == ["KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError"]


def test_they_need_neither_pytest_nor_sqlalchemy() -> None:
    """An author can read and make them all where no extra is installed."""
    program = """
import sys
sys.modules.update(dict.fromkeys(["pytest", "sqlalchemy", "hypothesis"]))
from casewright.testing.saboteurs import SABOTEURS
for saboteur in SABOTEURS:
    with saboteur.make() as store, store.begin(tenant="", write=False) as uow:
        assert uow.items.get("a") is None
"""
    subprocess.run([sys.executable, "-c", program], check=True)
