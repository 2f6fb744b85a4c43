"""Messages that are taken in a transaction of Django's: the note and rows of models are there together, or neither."""

from __future__ import annotations

import pytest
from django.db import connection as django_connection
from django.db import transaction

from casewright import MisuseError
from casewright.adapters.sqlalchemy.consuming import INBOX, once
from support.django_project import Ground, joining, models


def on_message(message_id: str) -> bool:
    """Make a parcel of a message that is new, in the transaction that Django has open."""
    with joining.engine_on("default", django_connection.vendor).connect() as connection, connection.begin():
        new = once(connection, message_id, consumer="parcels")
    if new:
        models.Parcel.objects.create(task_id="t", address="Elm Street 1")
    return new


def test_note_and_rows_of_models_are_one(ground: Ground) -> None:
    """What Django rolls back was never noted, what it commits is taken once, and without a transaction none is (O7)."""
    INBOX.metadata.drop_all(ground.engine)
    INBOX.metadata.create_all(ground.engine)
    with pytest.raises(MisuseError, match="autocommits"):
        on_message("m")
    with transaction.atomic():
        assert on_message("m")
        transaction.set_rollback(True)
    assert ground.rows()[0] == 0
    for new in (True, False):
        with transaction.atomic():
            assert on_message("m") is new
    assert ground.rows()[0] == 1
    INBOX.metadata.drop_all(ground.engine)
