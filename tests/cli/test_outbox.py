"""`outbox`: what waits to be delivered, dead letters, and what is dropped."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from casewright import Message, OutboxRelay
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.cli import main
from casewright.testing.fakes import CollectingPublisher
from support.outboxes import filled, shown


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with three tasks of two events each, and one of a tenant."""
    filled(f"sqlite:///{tmp_path / 'tasks.db'}", items=1, tenant="north")
    return filled(f"sqlite:///{tmp_path / 'tasks.db'}")


def outbox(what: str, database: str, *more: str) -> list[str]:
    """Return the arguments of the command."""
    return ["outbox", what, "--database", database, *more]


def refuse_some(message: Message) -> str | None:
    """Refuse all of the second task."""
    return "the broker\x1b says no" if message.event.item_id == "x-1" else None


def relayed(database: str, *, attempts: int = 1) -> CollectingPublisher:
    """Relay once, to a publisher that refuses one task; after so many attempts it is a dead letter."""
    engine = create_engine(database)
    publisher = CollectingPublisher(refuse_some)
    relay = OutboxRelay(SqlAlchemyStore(engine), publisher, max_attempts=attempts, random=lambda: 0.999)
    relay.run_once()
    relay.release()
    engine.dispose()
    return publisher


def changed(database: str, statement: str) -> None:
    """Change the rows of a database by hand."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()


def told(version: int, **more: Any) -> dict[str, Any]:
    """Return a message as `--json` has it."""
    usual = {"tenant": "", "item_id": "x-1", "version": version, "attempts": 0}
    return {**usual, "error": None, "next_at": None, "dead_at": None, **more}


def test_it_lists_what_waits(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`list` counts what is not published, of all tenants, and names the first messages of the tenant that is meant."""
    code, answer = shown(capsys, *outbox("list", database))
    assert code == 0
    assert {name: answer[name] for name in ("pending", "parked", "dead")} == {"pending": 8, "parked": 0, "dead": 0}
    assert len(answer["messages"]) == 6
    assert answer["messages"][2] == told(1)
    assert answer["lag_seconds"] >= 0
    assert answer["oldest"].endswith("Z")
    _, answer = shown(capsys, *outbox("list", database, "--tenant", "north", "--limit", "1"))
    assert answer["messages"] == [told(1, tenant="north", item_id="x-0")]


def test_people_see_what_waits_and_why(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For people it is 80 columns: counts, the age of the oldest, and of each message its cause and next attempt."""
    relayed(database, attempts=9)
    assert main(outbox("list", database)) == 0
    out, _ = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    assert "  0  pending: " in out
    assert "  2  parked: " in out
    assert "\nThe oldest was recorded " in out
    assert "\nThe first messages without a tenant:\n" in out
    first, second = out.splitlines()[-2:]
    assert first.startswith("  x-1.1  next in ")
    assert first.endswith("1 attempts  the broker  says no")
    assert second == "  x-1.2  new"

    assert main(outbox("list", database, "--tenant", "north")) == 0
    assert "first messages" not in capsys.readouterr().out
    filled(database, items=1, tenant="east")
    assert main(outbox("list", database, "--tenant", "east")) == 0
    assert "\nThe first messages of east:\n  x-0.1 of east  new\n" in capsys.readouterr().out


def test_an_empty_outbox_is_told_in_three_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing waits, there is no oldest and no list."""
    assert main(outbox("list", filled(f"sqlite:///{tmp_path / 'tasks.db'}", items=0))) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["0", "0", "0"]


def test_dead_letters_are_findings(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`dead` is 0 where there is none; else 1, with the cause of each, printable (O5)."""
    assert main(outbox("dead", database)) == 0
    assert capsys.readouterr().out == "there are no dead letters\n"
    assert shown(capsys, *outbox("dead", database)) == (0, {"dead": []})
    relayed(database)
    assert main(outbox("dead", database)) == 1
    out, _ = capsys.readouterr()
    assert out.startswith("  x-1.1  dead for 0 s, 1 attempts")
    assert "\x1b" not in out
    code, answer = shown(capsys, *outbox("dead", database))
    (letter,) = answer["dead"]
    assert code == 1
    assert letter == told(1, attempts=1, error="the broker  says no", dead_at=letter["dead_at"])
    assert letter["dead_at"].endswith("Z")
    changed(database, "UPDATE casewright_outbox SET dead_at = '2026-01-01T00:00:00.000000Z' WHERE dead_at IS NOT NULL")
    assert main(outbox("dead", database)) == 1
    assert re.match(r"  x-1\.1  dead for [0-9]+ d, 1 attempts", capsys.readouterr().out)


def test_dead_letters_are_tried_again_in_order(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After `replay` a relay delivers the dead letter, and then those behind it (O5)."""
    relayed(database)
    assert shown(capsys, *outbox("replay", database, "--item", "x-0")) == (0, {"replayed": 0})
    assert shown(capsys, *outbox("replay", database, "--tenant", "north")) == (0, {"replayed": 0})
    assert main(outbox("replay", database, "--item", "x-1", "--tenant", "")) == 0
    assert capsys.readouterr().out == "dead letters that are due again: 1\n"
    assert main(["relay", "--database", database, "--to", "-", "--once"]) == 0
    out, _ = capsys.readouterr()
    assert [line.split('"id":"')[1][:5] for line in out.splitlines()] == ["x-1.1", "x-1.2"]


def test_a_dead_letter_is_dropped_only_by_its_name(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`purge --dead` drops that one, and the later ones go on; what is no dead letter stays, with code 1 (O5)."""
    relayed(database)
    for event in ("x-1.2", "x-0.1", "x-1.9", "x-7.1"):
        assert shown(capsys, *outbox("purge", database, "--dead", event)) == (1, {"purged": 0})
    assert shown(capsys, *outbox("purge", database, "--dead", "x-1.1", "--tenant", "north")) == (1, {"purged": 0})
    assert main(outbox("purge", database, "--dead", "x-1.1")) == 0
    assert capsys.readouterr().out == "dead letters that were dropped: 1\n"
    assert main(["relay", "--database", database, "--to", "-", "--once"]) == 0
    out, _ = capsys.readouterr()
    assert [line.split('"id":"')[1][:5] for line in out.splitlines()] == ["x-1.2"]


def test_what_was_published_is_dropped_by_its_age(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`purge --older-than` drops what was published before that, and nothing else (O5)."""
    relayed(database)
    old = "UPDATE casewright_outbox SET published_at = '2026-01-01T00:00:00.000000Z'"
    changed(database, f"{old} WHERE published_at IS NOT NULL AND item_id = 'x-0' AND tenant = ''")
    assert main(outbox("purge", database, "--older-than", "30d")) == 0
    assert capsys.readouterr().out == "published messages that were dropped: 2\n"
    for age in ("90s", "60m", "12h"):
        assert shown(capsys, *outbox("purge", database, "--older-than", age)) == (0, {"purged": 0})
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT count(*) FROM casewright_outbox").fetchone() == (6,)
        assert connection.execute("SELECT count(*) FROM casewright_event").fetchone() == (8,)
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["purge"], "purge: drops one thing at a time; add either --older-than or --dead"),
        (["purge", "--older-than", "3d", "--dead", "x-1.1"], "purge: drops one thing at a time"),
        (["purge", "--older-than", "soon"], "--older-than: is no age; write a number and s, m, h or d"),
        (["purge", "--older-than", "٣d"], "--older-than: is no age"),
        (["purge", "--older-than", "999999d"], "--older-than: is longer ago than time goes back"),
        (["purge", "--dead", "x-1"], "--dead: is no id of an event"),
        (["purge", "--dead", ".1"], "--dead: is no id of an event"),
        (["purge", "--dead", "x-1.²"], "--dead: is no id of an event"),
        (["purge", "--dead", "x-1.99999999999999999999"], "--dead: is no id of an event"),
        (["list", "--older-than", "3d"], "--older-than: is not for list; leave it out"),
        (["list", "--dead", "x-1.1"], "--dead: is not for list; leave it out"),
        (["list", "--item", "x-1"], "--item: is not for list; leave it out"),
        (["dead", "--tenant", "north"], "--tenant: is not for dead; leave it out"),
        (["replay", "--limit", "3"], "--limit: is not for replay; leave it out"),
        (["list", "--limit", "0"], "--limit: must be from 1"),
        (["list", "--tenant", "a\nb"], "tenant"),
        (["nonsense"], "invalid choice"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_bad_input(
    database: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that is wrong, or for something else, is code 2, and nothing is done."""
    what, *more = arguments
    assert main(outbox(what, database, *more)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert shown(capsys, *outbox("list", database))[1]["pending"] == 8


def test_a_database_without_tables_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No table is made, and nothing is said to be empty that is not there."""
    (tmp_path / "empty.db").touch()
    assert main(outbox("list", f"sqlite:///{tmp_path / 'empty.db'}")) == 2
    assert "the database has no casewright_" in capsys.readouterr().err


def test_it_looks_after_postgresql(postgres_database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    """All four work on PostgreSQL likewise (O5)."""
    url = filled(postgres_database)
    relayed(url)
    assert shown(capsys, *outbox("list", url))[1]["dead"] == 1
    assert len(shown(capsys, *outbox("dead", url))[1]["dead"]) == 1
    assert shown(capsys, *outbox("replay", url)) == (0, {"replayed": 1})
    assert shown(capsys, *outbox("purge", url, "--older-than", "1d")) == (0, {"purged": 0})
    assert shown(capsys, *outbox("list", url))[1]["pending"] == 2
