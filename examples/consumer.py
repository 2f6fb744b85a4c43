"""A consumer: what a relay delivers to Valkey or Redis takes effect once, in a database of the consumer's own.

Run it as `python examples/consumer.py valkey://127.0.0.1:6379 sqlite:///board.db`; Ctrl-C ends it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Final

import redis
from sqlalchemy import Column, Connection, Engine, Table, Text, create_engine, delete, insert

from casewright import InvalidInputError
from casewright.adapters.sqlalchemy.consuming import Inbox
from casewright.codec.cloudevents import parse_cloudevent

STREAM: Final = "casewright"
ME: Final = "board"

INBOX: Final = Inbox()
BOARD: Final = Table("board", INBOX.metadata, Column("item_id", Text, primary_key=True), Column("status", Text))


def consume(broker: redis.Redis, engine: Engine) -> None:
    """Take what comes, for ever: first what was taken before and never acknowledged, then what is new."""
    INBOX.metadata.create_all(engine)
    with suppress(redis.ResponseError):  # the group is there already
        broker.xgroup_create(STREAM, ME, id="0", mkstream=True)
    place = "0"
    while True:
        answer: Any = broker.xreadgroup(ME, ME, {STREAM: place}, count=100, block=1000)
        entries = [entry for _, found in answer or () for entry in found]
        place = place if entries else ">"
        for entry, fields in entries:
            with engine.begin() as connection:
                told = effect(connection, fields[b"event"])
            print(told, flush=True)
            # After the commit: if it is lost, the message comes again, and has no effect.
            broker.xack(STREAM, ME, entry)
            place = place if place == ">" else entry


def effect(connection: Connection, body: bytes) -> str:
    """Show on the board what an event says, unless it did so before; and return what was done."""
    try:
        received = parse_cloudevent(body, source="/casewright")
    except InvalidInputError as error:
        return f"passed over, since it is no event of ours: {error}"
    event = received.event
    if not INBOX.once(connection, received.message_id, consumer=ME):
        return f"{event.id}: came again"
    connection.execute(delete(BOARD).where(BOARD.c.item_id == event.item_id))
    connection.execute(insert(BOARD).values(item_id=event.item_id, status=event.to_status))
    return f"{event.id}: {event.name}, {event.to_status}"


if __name__ == "__main__":
    url, database = sys.argv[1:]
    with suppress(KeyboardInterrupt):
        consume(redis.Redis.from_url(url.replace("valkey://", "redis://")), create_engine(database))
