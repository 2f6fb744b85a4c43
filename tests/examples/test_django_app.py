"""The Django application: its rows and casewright's are in one transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from casewright import (
    TASK,
    Actor,
    AlreadyExistsError,
    CancelTask,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    MisuseError,
    NotFoundError,
    RefusedError,
    Report,
    StaleVersionError,
    StartTask,
    Task,
    TransientStorageError,
)
from support.django_project import Break, Ground, joining, models, services
from support.stores import a_created_task, record

ANN, BEN = Actor("ann"), Actor("ben")


def bus_on(store: Any) -> CommandBus:
    """Return a bus that tells nobody."""
    return CommandBus(store, definitions=[TASK])


def done(command: Command[Any], **options: Any) -> Any:
    """Do a command, which is Ann's, in a transaction of Django's."""
    with transaction.atomic(), joining.joined_store() as store:
        return bus_on(store).execute(command, by=ANN, **options)


class NoWayBack(sqlite3.Connection):
    """A connection on which a savepoint is never rolled back to."""

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """Return a cursor of that kind."""

        def execute(cursor: Any, statement: str, *parameters: Any) -> Any:
            if statement.startswith("ROLLBACK TO SAVEPOINT casewright"):
                raise sqlite3.OperationalError("planted")
            return factory.execute(cursor, statement, *parameters)

        kind: Any = type("Failing", (factory,), {"execute": execute})
        return super().cursor(kind)


def test_both_are_committed_together(ground: Ground) -> None:
    """A row of Django's and a command are seen by others when Django has committed, both at once (T1)."""
    with transaction.atomic():
        services.order("Elm Street 1", by=ANN)
        assert models.Parcel.objects.count() == 1
        if ground.vendor == "postgresql":  # on SQLite others could look as well, but what they see is the file's affair
            assert ground.rows() == [0, 0, 0, 0]
    assert ground.rows() == [1, 0, 1, 1]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_both_are_rolled_back_together(ground: Ground, error: type[BaseException]) -> None:
    """An error that leaves the block undoes both sides, whichever of them wrote last (T1, T4)."""
    parcel = services.order("Elm Street 1", by=ANN)
    with pytest.raises(error), transaction.atomic():  # noqa: PT012 - what stands in the block is what is undone
        services.send(parcel.pk, by=ANN)
        services.order("Elm Street 2", by=ANN)
        with joining.joined_store() as store:
            bus_on(store).execute(CreateTask("Another"), by=ANN)
            raise error
    assert ground.rows() == [1, 0, 1, 1]


def test_an_inner_block_undoes_its_part_of_both(ground: Ground) -> None:
    """A block within a block undoes what was done in it on both sides, and nothing else (T1)."""
    with transaction.atomic():
        services.order("Elm Street 1", by=ANN)
        with joining.joined_store() as store:
            bus = bus_on(store)
            bus.execute(CreateTask("Kept", id="kept"), by=ANN)
            with pytest.raises(ValueError, match="inner"), transaction.atomic():  # noqa: PT012 - as above
                services.order("Elm Street 2", by=ANN)
                bus.execute(CreateTask("Undone", id="undone"), by=ANN)
                bus.execute(StartTask("kept"), by=ANN)
                raise ValueError("inner")
            assert bus.get("kept", by=ANN).version == 1
            with transaction.atomic():
                services.order("Elm Street 3", by=ANN)
    assert ground.rows() == [2, 0, 3, 3]


def test_outside_of_a_block_nothing_is_joined(ground: Ground) -> None:
    """Where Django autocommits, the store is refused with what to do, and neither side has changed."""
    for _ in range(2):  # also on a connection that is open already
        with pytest.raises(MisuseError, match=r"put `with transaction.atomic\(\):` around it"), joining.joined_store():
            pytest.fail("there is a store")
        assert models.Parcel.objects.count() == 0
    assert ground.rows() == [0, 0, 0, 0]


def test_a_store_is_of_no_use_after_its_block(ground: Ground) -> None:
    """A bus that was kept is refused once its block has ended, so nothing is written without a transaction."""
    with transaction.atomic(), joining.joined_store() as store:
        bus = bus_on(store)
        bus.execute(CreateTask("First"), by=ANN)
    for block in (transaction.atomic(), transaction.atomic(durable=True)):
        with pytest.raises(MisuseError, match="is closed"), block:
            bus.execute(CreateTask("Second"), by=ANN)
    assert ground.rows() == [0, 0, 1, 1]


def test_a_transaction_that_will_be_undone_is_not_joined(ground: Ground) -> None:
    """Where Django is about to roll back, nothing is done that would be answered and then be gone."""
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(MisuseError, match="Django will roll this transaction back"), joining.joined_store():
            pytest.fail("there is a store")
    assert ground.rows() == [0, 0, 0, 0]


def test_a_refusal_leaves_the_rest_to_the_caller(ground: Ground) -> None:
    """Whoever catches a refusal keeps the rows of Django's; whoever does not, loses them with it (E2)."""
    parcel = services.order("Elm Street 1", by=ANN)
    done(CancelTask(parcel.task_id))
    with pytest.raises(RefusedError, match="complete is possible from"):
        services.send(parcel.pk, by=ANN)
    assert ground.rows() == [1, 0, 1, 2]
    with transaction.atomic():
        models.Parcel.objects.update(sent=True)
        with pytest.raises(RefusedError), joining.joined_store() as store:
            bus_on(store).execute(CompleteTask(parcel.task_id), by=ANN)
    assert ground.rows() == [1, 1, 1, 2]


def test_a_conflict_is_undone_alone(ground: Ground) -> None:
    """What a command wrote before it met a conflict is gone; the transaction goes on, with what came before (T1)."""
    created = a_created_task("x1")
    with transaction.atomic(), joining.joined_store() as store:
        record(store, created)
        with pytest.raises(AlreadyExistsError):
            record(store, a_created_task("x0"), created)
        services.order("Elm Street 1", by=ANN)
    assert ground.rows() == [1, 0, 2, 2]


def test_who_has_seen_another_version_is_told(ground: Ground) -> None:
    """A stale version comes out at once, with nothing tried again and nothing of either side left (L1)."""
    parcel = services.order("Elm Street 1", by=ANN)
    done(StartTask(parcel.task_id))
    with pytest.raises(StaleVersionError) as caught:
        services.send(parcel.pk, by=ANN, seen=1)
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert ground.rows() == [1, 0, 1, 2]
    services.send(parcel.pk, by=ANN, seen=2)
    assert ground.rows() == [1, 1, 1, 3]


def test_the_whole_block_can_be_tried_again(break_ground: Break) -> None:
    """Where others write between reading and writing, that comes out, and the whole block done anew is right (L1)."""
    ground = break_ground(sqlite={"transaction_mode": None})  # deferred: others may write until this one does
    ground.store().create_schema()  # which also lets readers and a writer of the file not wait for each other
    parcel = services.order("Elm Street 1", by=ANN)
    errors: list[BaseException] = []

    def read_and_write() -> Task:
        with transaction.atomic(), joining.joined_store() as store:
            bus = bus_on(store)
            item = bus.get(parcel.task_id, by=ANN)
            if not errors:
                bus_on(ground.store()).execute(StartTask(parcel.task_id), by=ANN)
            try:
                task: Task = bus.execute(CompleteTask(parcel.task_id), by=ANN, item=item)
            except Exception as error:
                errors.append(error)
                models.Parcel.objects.count()  # Django's side is as usable as before
                raise
            models.Parcel.objects.update(sent=True)
            return task

    assert joining.again(read_and_write).version == 3
    expected = StaleVersionError if ground.vendor == "postgresql" else TransientStorageError
    assert [type(error) for error in errors] == [expected]
    assert ground.rows() == [1, 1, 1, 3]


def test_it_is_not_tried_for_ever(ground: Ground) -> None:
    """After as many tries as were asked for, the error comes out; other errors come out at once."""
    tried: list[type[Exception]] = []

    def failing(error: Exception) -> None:
        tried.append(type(error))
        raise error

    for error, times in (
        (StaleVersionError("t-1", 1, 2), 3),
        (TransientStorageError("busy", "wait"), 3),
        (ValueError(), 1),
    ):
        tried.clear()
        with pytest.raises(type(error)):
            joining.again(partial(failing, error), tries=3)
        assert len(tried) == times


def test_observers_are_told_after_the_commit(ground: Ground) -> None:
    """What was done is told once Django has committed, never if it was undone; a denial is told at once (H1)."""
    told: list[str] = []

    def observer(report: Report) -> None:
        told.append(report.action if report.denial is None else f"not {report.action}")

    def bus() -> CommandBus:
        return CommandBus(store, definitions=[TASK], observers=[joining.after_commit(observer)])

    with transaction.atomic(), joining.joined_store() as store:
        bus().execute(CreateTask("First", id="t-1"), by=ANN)
        with pytest.raises(NotFoundError):
            bus().execute(StartTask("t-1"), by=BEN)
        assert told == ["not start"]
    assert told == ["not start", "create"]
    with pytest.raises(ValueError, match="undone"), transaction.atomic(), joining.joined_store() as store:  # noqa: PT012
        bus().execute(StartTask("t-1"), by=ANN)
        raise ValueError("undone")
    assert told == ["not start", "create"]


@pytest.mark.parametrize("break_ground", ["sqlite"], indirect=True)  # servers commit nothing after a failed statement
def test_half_a_command_is_never_committed(break_ground: Break) -> None:
    """Where a command failed and could not be undone alone, Django does not commit what is left of it (T1)."""
    ground = break_ground(sqlite={"factory": NoWayBack})
    created = a_created_task("x1")
    with transaction.atomic(), joining.joined_store() as store:
        record(store, created)
    with transaction.atomic():
        models.Parcel.objects.create(task_id="none", address="Elm Street 1")
        with pytest.raises(AlreadyExistsError), joining.joined_store() as store:
            record(store, a_created_task("x0"), created)
    assert ground.rows() == [0, 0, 1, 1]
