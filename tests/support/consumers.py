"""Consumers: what one does with a message in one transaction, and what one does that is killed in the middle of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, Table, Text, create_engine, func, insert, select
from sqlalchemy.schema import Column

from casewright.adapters.sqlalchemy.consuming import INBOX, Inbox, once

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

    from sqlalchemy import URL

__all__ = ["EFFECT", "consume_until_killed", "effects", "prepared", "take"]

EFFECT: Final = Table("effect", Inbox().metadata, Column("message_id", Text, nullable=False))
"""What a consumer does: a row for each message, which nothing keeps from being there twice."""


def prepared(place: Path | URL) -> Engine:
    """Return an engine for a database with an empty inbox and no effects."""
    engine = _engine(place)
    for metadata in (INBOX.metadata, EFFECT.metadata):
        metadata.drop_all(engine)
    INBOX.metadata.create_all(engine)
    EFFECT.create(engine)
    return engine


def take(connection: Connection, message_id: str, consumer: str = "mail") -> None:
    """Have the effect of a message, if it is new."""
    if once(connection, message_id, consumer=consumer):
        connection.execute(insert(EFFECT).values(message_id=message_id))


def effects(engine: Engine) -> tuple[int, int]:
    """Return how many effects there are, and of how many messages."""
    column = EFFECT.c.message_id
    with engine.connect() as connection:
        counted = connection.execute(select(func.count(column), func.count(func.distinct(column)))).one()
    return counted[0], counted[1]


def consume_until_killed(place: Path | URL, deliveries: Sequence[tuple[int, str]], acknowledged: Pipe) -> None:
    """Take each delivery in a transaction of its own, and acknowledge it by its number once that is committed."""
    engine = _engine(place)
    for number, message_id in deliveries:
        with engine.begin() as connection:
            take(connection, message_id)
        acknowledged.send(number)
    acknowledged.close()


def _engine(place: Path | URL) -> Engine:
    if isinstance(place, Path):
        return create_engine(f"sqlite:///{place}", connect_args={"timeout": 60})
    return create_engine(place)
