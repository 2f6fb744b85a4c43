"""Saboteurs: stores with one planted bug each, and the test of the contracts that catches it.

A suite of tests is worth what it can catch. Each class here makes a mistake that is often made, and nothing else: read
one to see what the contract is about, plant the like of it into your own adapter to see that it is caught there.

Neither pytest nor a database is needed to make one: `memory` and `relaying` plant into the store in memory, `sqlite`
into a small store of its own on Python's sqlite3.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final, TypeAlias

import attrs

from casewright.adapters.memory.store import MemoryStore, MemoryUnitOfWork
from casewright.application.ports import Store
from casewright.testing.saboteurs.memory import (
    AuditsAfterTheCommit,
    ComparesInPython,
    CountsBesideTheVersion,
    CutsWhatWasHashed,
    DropsTheOffset,
    ForksTheChain,
    KeepsAnIdentityMap,
    LooksBeforeItEnters,
    StoreOf,
    WritesOverEntries,
)
from casewright.testing.saboteurs.relaying import (
    AcknowledgesWithoutFencing,
    FollowsASequence,
    LetsPoisonBlock,
    PublishesBeforeTheCommit,
    SkipsWhatOthersTook,
)
from casewright.testing.saboteurs.sqlite import (
    BeginsDeferred,
    LetsTheDriverBegin,
    PlainSqliteUnitOfWork,
    RollsBackOnExceptionsOnly,
    in_a_file,
)

__all__ = ["SABOTEURS", "Saboteur"]


@attrs.frozen(kw_only=True)
class Saboteur:
    """A store with one planted bug.

    Attributes:
        name: The name of the class that holds the bug, in `memory`, `relaying` or `sqlite`.
        row: Its number in the project's list of failure modes; it stays.
        promises: The ids of the promises that it breaks.
        says: What is done wrong, in a sentence.
        caught_by: The name of the test of the contracts that must fail.
        make: Makes a store with the bug, new and empty, for a ``with`` block.
    """

    name: str
    row: int
    promises: tuple[str, ...]
    says: str
    caught_by: str
    make: Callable[[], AbstractContextManager[Store]] = attrs.field(repr=False)


_Bug: TypeAlias = type[MemoryStore] | type[MemoryUnitOfWork] | type[PlainSqliteUnitOfWork]


def _planted(bug: _Bug, row: int, *promises: str, says: str, caught_by: str) -> Saboteur:
    if issubclass(bug, PlainSqliteUnitOfWork):
        make: Callable[[], AbstractContextManager[Store]] = partial(in_a_file, bug)
    else:
        make = partial(_in_memory, bug)
    return Saboteur(name=bug.__name__, row=row, promises=promises, says=says, caught_by=caught_by, make=make)


def _in_memory(bug: type[MemoryStore] | type[MemoryUnitOfWork]) -> AbstractContextManager[Store]:
    return nullcontext(StoreOf(bug) if issubclass(bug, MemoryUnitOfWork) else bug())


SABOTEURS: Final[tuple[Saboteur, ...]] = (
    _planted(
        AuditsAfterTheCommit,
        1,
        *("T1", "H1"),
        says="The event is written after the commit, in a transaction of its own.",
        caught_by="test_an_exception_after_the_commit_undoes_nothing",
    ),
    _planted(
        ComparesInPython,
        3,
        "L1",
        says="The version is read, compared in Python, and then written, with nothing to hold it in between.",
        caught_by="test_of_threads_that_change_one_version_exactly_one_is_acknowledged",
    ),
    _planted(
        CountsBesideTheVersion,
        4,
        "L2",
        says="A rule over two items is checked, and the version of the one that it rests on is left as it was.",
        caught_by="test_no_case_is_closed_over_a_task_that_is_opened",
    ),
    _planted(
        LooksBeforeItEnters,
        5,
        "I1",
        says="It is looked whether an idempotency key is free, and then inserted, with nothing to claim it in between.",
        caught_by="test_of_threads_that_enter_one_key_exactly_one_commits",
    ),
    _planted(
        WritesOverEntries,
        6,
        *("I1", "I4"),
        says="An idempotency key that is there is written over, so that a second run is told of success for nothing.",
        caught_by="test_an_entry_is_never_written_over",
    ),
    _planted(
        PublishesBeforeTheCommit,
        9,
        "O1",
        says="An event is handed to the relay before the transaction that wrote it is committed.",
        caught_by="test_what_was_not_committed_or_is_not_published_is_never_due",
    ),
    _planted(
        FollowsASequence,
        10,
        "O3",
        says="The relay goes on after the highest number of a sequence that it has seen.",
        caught_by="test_what_is_committed_late_is_due_all_the_same",
    ),
    _planted(
        SkipsWhatOthersTook,
        11,
        "O2",
        says="Each relay takes the next rows that are not locked, of whatever item.",
        caught_by="test_only_what_is_held_is_due",
    ),
    _planted(
        LetsPoisonBlock,
        12,
        "O4",
        says="What cannot be delivered now keeps all that follows it waiting.",
        caught_by="test_a_refused_message_parks_its_own_item_only",
    ),
    _planted(
        AcknowledgesWithoutFencing,
        13,
        "O6",
        says="A delivery is acknowledged without a look at who holds the lease by now.",
        caught_by="test_who_lost_the_lease_acknowledges_nothing",
    ),
    _planted(
        DropsTheOffset,
        16,
        "S3",
        says="Times are kept without their offset.",
        caught_by="test_an_instant_comes_back_as_the_same_instant",
    ),
    _planted(
        CutsWhatWasHashed,
        17,
        "H4",
        says="The digest is made of microseconds, and the column keeps less.",
        caught_by="test_a_history_that_is_read_back_verifies",
    ),
    _planted(
        ForksTheChain,
        18,
        "H5",
        says="The head of the history is read before the lock is taken.",
        caught_by="test_whichever_thread_writes_it_a_history_is_one_chain",
    ),
    _planted(
        BeginsDeferred,
        20,
        "L3",
        says="A transaction that will write begins deferred, and SQLite refuses it the lock once it has read.",
        caught_by="test_threads_that_read_and_write_in_one_unit_meet_nothing_but_conflicts",
    ),
    _planted(
        LetsTheDriverBegin,
        21,
        "L3",
        says="The driver begins before the first write, so that what was read stands outside the transaction.",
        caught_by="test_threads_that_read_and_write_in_one_unit_meet_nothing_but_conflicts",
    ),
    _planted(
        KeepsAnIdentityMap,
        24,
        "L1",
        says="A session gives what it has loaded once, to every later unit and also under a lock.",
        caught_by="test_what_another_thread_has_committed_is_loaded",
    ),
    _planted(
        RollsBackOnExceptionsOnly,
        25,
        "T4",
        says="Only an Exception rolls back; an interrupt or a cancellation leaves the transaction open.",
        caught_by="test_every_exception_rolls_back_and_is_passed_on",
    ),
)
"""All of them, by row."""
