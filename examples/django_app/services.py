"""What is done: each function is one transaction, with rows of both."""

from __future__ import annotations

import logging

from django.db import transaction

from casewright import TASK, Actor, CommandBus, CompleteTask, CreateTask, LoggingObserver
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from django_app.joining import after_commit, joined_store
from django_app.models import Parcel

OBSERVERS = [after_commit(LoggingObserver(logging.getLogger("parcels")))]


def bus_on(store: SqlAlchemyStore) -> CommandBus:
    """Return the bus of the application, on a store."""
    return CommandBus(store, definitions=[TASK], observers=OBSERVERS)


@transaction.atomic
def order(address: str, *, by: Actor) -> Parcel:
    """Write a parcel, and the task to send it."""
    with joined_store() as store:
        task = bus_on(store).execute(CreateTask("Send a parcel"), by=by)
    return Parcel.objects.create(task_id=task.id, address=address)


@transaction.atomic
def send(number: int, *, by: Actor, seen: int | None = None) -> Parcel:
    """Note that a parcel was sent, and complete its task."""
    parcel = Parcel.objects.select_for_update().get(pk=number)
    parcel.sent = True
    parcel.save(update_fields=["sent"])
    with joined_store() as store:
        bus_on(store).execute(CompleteTask(parcel.task_id), by=by, expected_version=seen)
    return parcel
