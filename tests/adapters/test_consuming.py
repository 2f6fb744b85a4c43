"""Each message once: the note and the effect are one, whoever delivers it when, however it goes wrong (O7)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, MetaData, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import InvalidInputError, MisuseError, StorageError, TransientStorageError
from casewright.adapters.sqlalchemy.consuming import INBOX, Inbox, once
from casewright.testing.fakes import FrozenClock
from support.consumers import EFFECT, effects, prepared, take

DATABASES = {"postgresql": "postgres_database", "mariadb": "mariadb_database"}


@pytest.fixture(params=["sqlite", *DATABASES])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine for a database of each kind, with an empty inbox."""
    place: Path | URL = tmp_path / "inbox.db"
    if request.param != "sqlite":
        place = request.getfixturevalue(
            {"postgresql": "postgres_database", "mariadb": "mariadb_database"}[request.param]
        )
    made = prepared(place)
    yield made
    made.dispose()


def test_a_message_is_new_once_for_each_consumer(engine: Engine) -> None:
    """The first time it is new, in this transaction and in later ones; another consumer has its own first time (O7)."""
    with engine.begin() as connection:
        seen = [once(connection, "m", consumer=name) for name in ("a", "a", "b")]
    with engine.begin() as connection:
        seen += [once(connection, "m", consumer=name) for name in ("a", "b", "c")]
    assert seen == [True, False, True, False, False, True]


@pytest.mark.parametrize(
    "ids", [("m", "M"), ("é", "e\u0301"), ("m", "m."), ("x" * 255, "x" * 256), ("x" * 900, "x" * 901)]
)
def test_ids_that_differ_are_two_messages(engine: Engine, ids: tuple[str, str]) -> None:
    """Text is compared by code point, and what has no room in a key by its hash (O7)."""
    with engine.begin() as connection:
        assert [once(connection, name, consumer="a") for name in ids * 2] == [True, True, False, False]


def test_what_is_rolled_back_was_never_noted(engine: Engine) -> None:
    """Where the effect fails, the message is new when it comes again (O7)."""
    with engine.connect() as connection:
        take(connection, "m")
        connection.rollback()
    assert effects(engine) == (0, 0)
    for _ in range(2):
        with engine.begin() as connection:
            take(connection, "m")
    assert effects(engine) == (1, 1)


@pytest.mark.parametrize("commits", [True, False])
def test_of_two_deliveries_at_a_time_the_second_waits(engine: Engine, commits: bool) -> None:
    """It is told that the message was taken where the first commits, and takes it where that rolls back (O7)."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, so no two deliveries are at a time")
    with ThreadPoolExecutor(1) as pool, engine.connect() as first:
        assert once(first, "m", consumer="a")

        def second() -> bool:
            with engine.begin() as connection:
                return once(connection, "m", consumer="a")

        waiting = pool.submit(second)
        (first.commit if commits else first.rollback)()
        assert waiting.result() is not commits


class CrashError(BaseException):
    """The end of a process, as far as a transaction can tell."""


def crashing(engine: Engine, consume: Callable[[Engine, str], None]) -> list[tuple[int, int]]:
    """Deliver a message to a consumer that fails at each of its statements and commits, then again until it goes well.

    Returns:
        The effects after each.
    """
    found = []
    for point in range(20):
        count = iter(range(100))

        def fail(*_: Any, point: int = point, count: Iterator[int] = count) -> None:
            if next(count) == point:
                raise CrashError

        with engine.begin() as connection:
            connection.execute(EFFECT.delete())
        for name in ("before_cursor_execute", "commit"):
            event.listen(engine, name, fail)
        try:
            for _ in range(2):
                while not _acknowledged(engine, consume, f"m{point}"):
                    pass
        finally:
            for name in ("before_cursor_execute", "commit"):
                event.remove(engine, name, fail)
        found.append(effects(engine))
    return found


def _acknowledged(engine: Engine, consume: Callable[[Engine, str], None], message_id: str) -> bool:
    try:
        consume(engine, message_id)
    except CrashError:
        return False
    return True


def exactly(engine: Engine, message_id: str) -> None:
    """Note and effect in one transaction."""
    with engine.begin() as connection:
        take(connection, message_id)


def noting_first(engine: Engine, message_id: str) -> None:
    """Note in a transaction of its own, then have the effect."""
    with engine.begin() as connection:
        new = once(connection, message_id, consumer="mail")
    if new:
        with engine.begin() as connection:
            connection.execute(insert(EFFECT).values(message_id=message_id))


def checking_then_inserting(engine: Engine, message_id: str) -> None:
    """Have the effect where no note is there, and note it afterwards."""
    with engine.begin() as connection:
        noted = select(INBOX.table).where(INBOX.table.c.message_id == message_id)
        if connection.execute(noted).first() is not None:
            return
        connection.execute(insert(EFFECT).values(message_id=message_id))
    with engine.begin() as connection:
        once(connection, message_id, consumer="mail")


def test_wherever_it_fails_the_effect_is_there_once(tmp_path: Path) -> None:
    """Each statement and commit fails in turn: one effect; two ways that look as good lose or double one (O7)."""
    for consume, outcomes in ((exactly, {(1, 1)}), (noting_first, {(0, 0), (1, 1)})):
        engine = prepared(tmp_path / f"{consume.__name__}.db")
        assert set(crashing(engine, consume)) == outcomes
        engine.dispose()
    engine = prepared(tmp_path / "checking.db")
    assert set(crashing(engine, checking_then_inserting)) == {(1, 1), (2, 1)}
    engine.dispose()


def test_a_connection_that_autocommits_is_refused(engine: Engine) -> None:
    """There note and effect would be two transactions (O7)."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        with pytest.raises(MisuseError, match="autocommits"):
            once(connection, "m", consumer="a")
        if engine.dialect.name == "sqlite":  # begun by hand it is a transaction all the same
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            assert once(connection, "m", consumer="a")
            connection.exec_driver_sql("ROLLBACK")
    with engine.begin() as connection:
        assert once(connection, "m", consumer="a")


@pytest.mark.parametrize("bad", ["", " ", "a\n", "\0", "\ud800", None, 7, b"m"])
def test_an_id_or_a_name_that_is_none_is_refused(bad: Any, tmp_path: Path) -> None:
    """Both are one line of text that is not blank; nothing is written (S2)."""
    engine = prepared(tmp_path / "inbox.db")
    with engine.begin() as connection:
        for message_id, consumer in ((bad, "a"), ("m", bad), ("x" * 10_001, "a"), ("m", "x" * 256)):
            with pytest.raises(InvalidInputError):
                once(connection, message_id, consumer=consumer)
        assert connection.scalar(select(func.count()).select_from(INBOX.table)) == 0
    engine.dispose()


def test_a_database_that_cannot_is_told_as_our_error(tmp_path: Path) -> None:
    """A table that is not there and a lock that is held are errors of the tree, without SQL and without the id."""
    engine = prepared(tmp_path / "inbox.db")
    impatient = create_engine(f"sqlite:///{tmp_path / 'inbox.db'}", connect_args={"timeout": 0})
    with engine.connect() as holder:
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(TransientStorageError, match="locked"), impatient.begin() as connection:
            once(connection, "secret", consumer="a")
        holder.rollback()
    INBOX.metadata.drop_all(engine)
    for ask in (
        lambda found: once(found, "secret", consumer="a"),
        lambda found: INBOX.purge(found, before=FrozenClock()()),
    ):
        with pytest.raises(StorageError) as caught, engine.begin() as connection:
            ask(connection)
        assert not re.search("secret|INSERT|SELECT", str(caught.value))
    for one in (engine, impatient):
        one.dispose()


def test_what_is_old_is_purged_in_steps(engine: Engine) -> None:
    """The oldest go first, up to the limit, and nothing that came at that time or later goes (O5)."""
    clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
    inbox = Inbox(clock=clock)
    with engine.begin() as connection:
        for number in range(10):
            assert inbox.once(connection, f"m{number}", consumer="a")
            clock.tick(timedelta(days=1))
    cut = datetime(2026, 1, 6, tzinfo=UTC)
    gone = []
    for _ in range(3):
        with engine.begin() as connection:
            gone.append(inbox.purge(connection, before=cut, limit=3))
    assert gone == [3, 2, 0]
    with engine.begin() as connection:
        left = [number for number in range(10) if not inbox.once(connection, f"m{number}", consumer="a")]
    assert left == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(("options", "field"), [({"limit": 0}, "limit"), ({"limit": True}, "limit"), ({}, "before")])
def test_a_purge_without_bounds_is_refused(options: Any, field: str, tmp_path: Path) -> None:
    """A limit below 1 and a naive time are InvalidInputError (S3, S7)."""
    before = datetime(2026, 1, 1) if field == "before" else datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001
    engine = prepared(tmp_path / "inbox.db")
    with engine.begin() as connection, pytest.raises(InvalidInputError, match=field):
        INBOX.purge(connection, before=before, **options)
    engine.dispose()


def test_the_table_stands_where_the_host_wants_it(tmp_path: Path) -> None:
    """Metadata, prefix and schema are the host's to choose, and two inboxes know nothing of each other."""
    own = MetaData()
    inbox = Inbox(own, prefix="my_", schema="other")
    assert list(own.tables) == ["other.my_inbox"]
    engine = prepared(tmp_path / "inbox.db")
    event.listen(engine, "connect", lambda driver, _: driver.execute(f"ATTACH '{tmp_path / 'o.db'}' AS other").close())
    engine.dispose()
    own.create_all(engine)
    with engine.begin() as connection:
        assert [inbox.once(connection, "m", consumer="a"), once(connection, "m", consumer="a")] == [True, True]
        assert connection.scalar(text("SELECT count(*) FROM other.my_inbox")) == 1
    assert inspect(engine).get_pk_constraint("my_inbox", schema="other")["constrained_columns"] == [
        "consumer",
        "message_id",
    ]
    engine.dispose()
    for options in ({"prefix": "Bad-"}, {"schema": "a.b"}):
        with pytest.raises(InvalidInputError):
            Inbox(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("driver", ["sqlite+aiosqlite", "postgresql+asyncpg", "postgresql+psycopg"])
def test_an_asynchronous_consumer_takes_a_message_once(
    driver: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Through `run_sync` it is the same, on each asynchronous driver (O7)."""
    on_server = driver.startswith("postgresql")
    url: URL | str = f"{driver}:///{tmp_path / 'inbox.db'}"
    if on_server:
        url = request.getfixturevalue("postgres_database").set(drivername=driver)
    prepared(request.getfixturevalue("postgres_database") if on_server else tmp_path / "inbox.db").dispose()

    async def consume() -> list[bool]:
        engine = create_async_engine(url)
        found = []
        for _ in range(2):
            async with engine.begin() as connection:
                found.append(await connection.run_sync(once, "m", consumer="a"))
                found.append(await connection.run_sync(lambda plain: once(plain, "m", consumer="a")))
        await engine.dispose()
        return found

    assert asyncio.run(consume()) == [True, False, False, False]


def test_another_database_is_refused() -> None:
    """A database that nobody has tried is misuse, not a row that may be there twice."""

    class Elsewhere:
        dialect = create_engine("sqlite://").dialect

    odd: Any = Elsewhere()
    odd.dialect.name = "oracle"
    with pytest.raises(MisuseError, match="oracle"):
        once(odd, "m", consumer="a")
