"""The Django application under Django's own settings, threads, tests and coroutines."""

from __future__ import annotations

import asyncio
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django import test
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
from django.db import close_old_connections, connection, transaction
from django.test import Client
from psycopg import IsolationLevel
from sqlalchemy import inspect

from casewright import (
    TASK,
    Actor,
    CommandBus,
    CreateTask,
    MisuseError,
    Order,
    Report,
    StorageError,
    Tag,
    TaskFilter,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import TABLES
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import Scope, Term, TermKind
from support.django_project import Break, Ground, disconnect, joining, migrate, models, on_sqlite, services, use

ANN = Actor("ann")


def bus_on(store: Any) -> CommandBus:
    """Return a bus that tells nobody."""
    return CommandBus(store, definitions=[TASK])


def client_of(user: str, **options: Any) -> Any:
    """Return a client of the application."""
    return Client(headers={"X-User": user}, **options)


def condition() -> dict[str, object]:
    """Return all that can be set on the connection that Django has."""
    driver = connection.connection
    of_both = ("isolation_level", "autocommit", "row_factory", "text_factory", "in_transaction")
    of_psycopg = ("prepare_threshold", "cursor_factory", "read_only", "deferrable", "_notice_handlers", "closed")
    found = {name: getattr(driver, name) for name in of_both + of_psycopg if hasattr(driver, name)}
    return {key: list(value) if isinstance(value, list) else value for key, value in found.items()}


def test_the_connection_is_left_as_it_was(ground: Ground) -> None:
    """After any number of blocks Django has the same connection, open and set as before."""
    assert models.Parcel.objects.count() == 0
    driver, before = connection.connection, condition()
    for number in range(3):
        services.order(f"Elm Street {number}", by=ANN)
    with pytest.raises(ValueError, match="undone"), transaction.atomic(), joining.joined_store() as store:  # noqa: PT012
        bus_on(store).find(TaskFilter(), by=ANN)
        raise ValueError("undone")
    assert connection.connection is driver
    assert condition() == before
    assert connection.is_usable()
    assert models.Parcel.objects.filter(pk__regex=r"^\d+$").count() == 3  # by a function of Django's own on SQLite


@pytest.mark.parametrize("server_side_binding", [False, True])
def test_lists_are_found_through_djangos_cursors(break_ground: Break, server_side_binding: bool) -> None:
    """What SQLAlchemy composes is understood by the cursors that Django gives, however they bind (A6)."""
    break_ground(postgresql={"server_side_binding": server_side_binding})
    texts = ["100 %", "%s", "?", "it's", "\\"]
    with transaction.atomic(), joining.joined_store() as store:
        for number, text in enumerate(texts):
            held = {"a%s": text, "number": number}
            bus_on(store).execute(CreateTask(text, id=f"t-{number}", attributes=held), by=ANN)
        unit = store.begin(tenant=NO_TENANT, write=False)
        for number, text in enumerate(texts):
            for name, value in (("a%s", text), ("number", number)):
                where = Scope(((Term(TermKind.ATTRIBUTE, name, (value,)),),))
                assert [item.id for item in unit.find("task", where, order=Order(), limit=9)] == [f"t-{number}"]
        unit.rollback()


@pytest.mark.parametrize("age", [0, 60, None])
def test_each_request_has_its_transaction_in_its_thread(break_ground: Break, age: int | None) -> None:
    """Requests in threads lose nothing, on connections that are kept between them or not (L1, CONN_MAX_AGE)."""
    ground = break_ground(CONN_MAX_AGE=age, sqlite={"timeout": 60})
    shared = services.order("Elm Street", by=ANN)

    def requests(thread: int) -> tuple[list[int], int]:
        client, drivers, statuses = client_of("ann"), set(), []
        for number in range(4):
            statuses.append(client.post("/parcels", {"address": f"Elm Street {thread}"}).status_code)
            joining.again(partial(tag, shared.pk, f"{thread}-{number}"))
            drivers.add(connection.connection)
            close_old_connections()  # as Django does after each request, but for the client of its tests
        disconnect()
        return statuses, len(drivers)

    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(requests, range(4))]
    assert [statuses for statuses, _ in answers] == [[201] * 4] * 4
    assert {drivers == 1 for _, drivers in answers} == {age != 0}
    assert ground.rows() == [17, 0, 17, 17 + 16]


def tag(number: int, text: str) -> None:
    """Tag the task of a parcel, whose row is locked first where the database has such locks."""
    with transaction.atomic(), joining.joined_store() as store:
        parcel = models.Parcel.objects.select_for_update().get(pk=number)
        bus_on(store).execute(Tag(parcel.task_id, add=[text]), by=ANN)


@pytest.mark.parametrize("break_ground", ["postgresql"], indirect=True)
def test_serializable_transactions_are_tried_again(break_ground: Break) -> None:
    """At a stricter isolation level a conflict is a failure that may pass, and the block done anew is right (T6)."""
    ground = break_ground(postgresql={"isolation_level": IsolationLevel.SERIALIZABLE})
    parcel = services.order("Elm Street", by=ANN)
    tries: list[int] = []

    def overtaken() -> None:
        with transaction.atomic(), joining.joined_store() as store:
            tries.append(bus_on(store).get(parcel.task_id, by=ANN).version)
            if len(tries) == 1:
                bus_on(ground.store()).execute(Tag(parcel.task_id, add=["others"]), by=ANN)
            bus_on(store).execute(Tag(parcel.task_id, add=["own"]), by=ANN)

    joining.again(overtaken)
    assert tries == [1, 2]
    assert ground.rows() == [1, 0, 1, 3]


@pytest.mark.parametrize("break_ground", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_is_replaced(break_ground: Break) -> None:
    """Where the server ends the connection in a block, nothing is written; the next one has a new one (T1, T4)."""
    ground = break_ground(CONN_MAX_AGE=None)
    services.order("Elm Street 1", by=ANN)
    lost = connection.connection
    with pytest.raises(TransientStorageError, match="was lost"), transaction.atomic(), joining.joined_store() as store:  # noqa: PT012
        bus_on(store).execute(CreateTask("Lost"), by=ANN)
        with ground.engine.begin() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({lost.info.backend_pid}, 5000)")
        bus_on(store).execute(CreateTask("Lost too"), by=ANN)
    services.order("Elm Street 2", by=ANN)
    assert connection.connection is not lost
    assert ground.rows() == [2, 0, 2, 2]


def test_migrations_make_the_tables_and_drop_them(ground: Ground) -> None:
    """The application's own migrations lead to just the tables that a store needs, and back to none."""
    ours = {table.name for table in TABLES.all}
    assert ground.store().present_tables() == ours
    ground.store().ping()
    migrate("0001")
    assert [name for name in inspect(ground.engine).get_table_names() if name.startswith("casewright_")] == []
    with pytest.raises(StorageError, match="the database has no casewright_denial"), transaction.atomic():
        services.order("Elm Street", by=ANN)
    migrate()
    call_command("makemigrations", "--check", verbosity=0)
    services.order("Elm Street", by=ANN)
    assert ground.rows() == [1, 0, 1, 1]


def test_a_durable_block_can_be_joined(ground: Ground) -> None:
    """`durable=True` makes sure that a block is the whole transaction, with casewright's part in it (T1)."""
    with transaction.atomic(durable=True):
        services.order("Elm Street", by=ANN)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(), transaction.atomic(durable=True):
        pytest.fail("it is not the whole")
    assert ground.rows() == [1, 0, 1, 1]


def test_each_database_of_djangos_is_joined_by_its_name(ground: Ground, tmp_path: Path) -> None:
    """A store joins the transaction of the database that it is asked for, and of no other."""
    use(ground.settings, other=on_sqlite(tmp_path / "other.db"))
    with transaction.atomic(using="other"), joining.joined_store("other") as store:
        store.create_schema()
        bus_on(store).execute(CreateTask("There"), by=ANN)
        with pytest.raises(MisuseError, match="no transaction of Django's is open"), joining.joined_store():
            pytest.fail("there is a store")
        with transaction.atomic(), joining.joined_store() as here:
            assert bus_on(here).count(TaskFilter(), by=ANN) == 0
        assert bus_on(store).count(TaskFilter(), by=ANN) == 1
    use(ground.settings)
    assert ground.rows() == [0, 0, 0, 0]


def test_djangos_test_cases_undo_both(ground: Ground) -> None:
    """A test of Django's own kind sees both sides, and leaves neither; what waits for its commit can be called."""
    told: list[str] = []

    class Parcels(test.TestCase):
        @classmethod
        def setUpTestData(cls) -> None:
            cls.parcel = services.order("Elm Street 0", by=ANN)

        def test_one(self) -> None:
            """What was set up is there, and changes."""
            with self.captureOnCommitCallbacks(execute=True), transaction.atomic(durable=True):
                services.send(self.parcel.pk, by=ANN)
                with joining.joined_store() as store:
                    bus = CommandBus(store, definitions=[TASK], observers=[joining.after_commit(self.observe)])
                    assert bus.get(self.parcel.task_id, by=ANN).status == "done"
                    bus.execute(CreateTask("Another"), by=ANN)
            assert told.pop() == "create"

        test_two = test_one

        def observe(self, report: Report) -> None:
            told.append(report.action)

        def test_that_a_missing_block_is_not_noticed(self) -> None:
            """A store can be had without a block of one's own."""
            with joining.joined_store() as store:  # the test itself is in one; a TransactionTestCase is not
                store.ping()

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Parcels)
    result = unittest.TestResult()
    suite.run(result)
    assert (result.testsRun, result.errors, result.failures) == (3, [], [])
    assert ground.rows() == [0, 0, 0, 0]


def test_coroutines_go_through_a_thread(ground: Ground) -> None:
    """In a coroutine the store is refused as Django's own are; through `sync_to_async` the same function works."""

    async def coroutine() -> None:
        with pytest.raises(SynchronousOnlyOperation), joining.joined_store():
            pytest.fail("there is a store")
        await sync_to_async(services.order)("Elm Street", by=ANN)
        await sync_to_async(disconnect)()

    asyncio.run(coroutine())
    assert ground.rows() == [1, 0, 1, 1]


@pytest.mark.parametrize("whole", [False, True], ids=["a block", "ATOMIC_REQUESTS"])
def test_requests_are_answered_with_what_came_of_both(break_ground: Break, whole: bool) -> None:
    """What is missing, hidden or refused is told as a problem of its own, and neither side has changed (A8)."""
    ground = break_ground(ATOMIC_REQUESTS=whole)
    ann, ben = client_of("ann"), client_of("ben")
    ordered = ann.post("/parcels", {"address": "Elm Street"}).json()
    sent = f"/parcels/{ordered['id']}/sent"
    hidden = ben.post(sent)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found")
    assert hidden.headers["Content-Type"] == "application/problem+json"
    assert ground.rows() == [1, 0, 1, 1]
    assert ann.post(sent).json()["sent"]
    assert ann.post(sent).status_code == 409
    assert ground.rows() == [1, 1, 1, 2]


def test_what_is_the_applications_own_fault_is_left_to_django(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that fails is a 500 of Django's, with the error in the log and nothing of it in the answer."""
    migrate("0001")
    answer = client_of("ann", raise_request_exception=False).post("/parcels", {"address": "Elm Street"})
    assert answer.status_code == 500
    assert b"casewright" not in answer.content
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert record.exc_info
    assert isinstance(record.exc_info[1], StorageError)
    assert models.Parcel.objects.count() == 0
    migrate()
