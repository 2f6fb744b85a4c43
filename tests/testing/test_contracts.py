"""The contract suites as a downstream author meets them; `tests/stores` applies them and shows their teeth."""

from __future__ import annotations

import subprocess
import sys

import pytest

from casewright import MisuseError
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import StoreContract
from support.saboteurs import HidesTheDeleted, sabotaged


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


def test_a_failure_shows_what_was_compared() -> None:
    """The assertions of the shipped modules tell as much as those of a test module."""
    with pytest.raises(AssertionError, match=r"At index 0 diff: None != Task"):
        StoreContract().test_a_deleted_item_is_still_read(sabotaged(HidesTheDeleted)())


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
