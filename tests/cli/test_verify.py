"""`verify`: a database is proven from the command line, goes on where it was stopped, and is held against an anchor."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from casewright import TASK
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.cli import main, verify
from casewright.cli.progress import Progress
from casewright.cli.stores import open_store
from casewright.testing.contracts.driving import created, edited, write
from support.stores import sqlite_store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return the path of a database with 12 items of two tenants, each with two events."""
    path = tmp_path / "cases.db"
    store = sqlite_store(path)
    for tenant in ("", "north"):
        for number in range(6):
            (opening,) = created(TASK, f"t{number}", tenant=tenant)
            write(store, opening, *edited(opening.after, "new"), tenant=tenant)
    store.engine.dispose()
    return path


@pytest.fixture
def run(database: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Return what runs the command with --json: exit code, what it printed, and what it said."""

    def called(*options: object) -> tuple[int, Any, str]:
        code = main(["verify", "--database", f"sqlite:///{database}", "--json", *map(str, options)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return called


def tamper(database: Path, *statements: str) -> None:
    """Change the tables by hand."""
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


FORGED = "UPDATE casewright_event SET actor_id = 'forged' WHERE tenant = 'north' AND item_id = 't3' AND version = 2"
FOUND = {
    "tenant": "north",
    "item": "t3",
    "position": 1,
    "code": "digest",
    "text": "its header is not what was sealed",
}
CUT = (
    "DELETE FROM casewright_event WHERE item_id = 't1' AND version = 2 AND tenant = ''",
    "UPDATE casewright_item SET (version, title, head) = "
    "(SELECT 1, 'A title', digest FROM casewright_event WHERE item_id = 't1' AND version = 1 AND tenant = '') "
    "WHERE id = 't1' AND tenant = ''",
)


def test_a_sound_database_ends_with_0(run: Callable[..., Any]) -> None:
    """All items of all tenants are counted, and the object for programs has stable keys (H6)."""
    code, printed, said = run()
    assert (code, said) == (0, "")
    assert printed.pop("seconds") >= 0
    assert printed == {
        "items": 12,
        "events": 24,
        "erased": 0,
        "missing": 0,
        "findings": [],
        "unlisted": 0,
        "anchor": None,
        "written": None,
    }


def test_a_finding_ends_with_1(run: Callable[..., Any], database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not hold is named by tenant, item and first bad position, and by what is missing (H2, H6)."""
    tamper(database, FORGED, "DELETE FROM casewright_event WHERE item_id = 't0' AND version = 2 AND tenant = ''")
    code, printed, _ = run()
    assert code == 1
    assert printed["missing"] == 1
    assert printed["findings"][-1] == FOUND
    assert printed["findings"][0]["item"] == "t0"
    assert main(["verify", "--database", f"sqlite:///{database}"]) == 1
    out = capsys.readouterr().out
    assert "its header is not what was sealed" in out
    assert max(map(len, out.splitlines())) <= 80


def test_people_are_told_the_same(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names the counts, what cannot be known without an anchor, and no URL."""
    store = SqlAlchemyStore(sqlite_store(database).engine)
    store.erase("t1")
    store.engine.dispose()
    assert main(["verify", "--database", f"sqlite:///{database}"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "items                      12" in out
    assert "erased                    2  which is no finding" in out
    assert "without an anchor" in out
    assert "sqlite" not in out


def test_many_findings_are_counted_and_some_are_shown(
    run: Callable[..., Any], database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, memory does not grow: the first ones are listed, the others counted (H7)."""
    monkeypatch.setattr(verify, "_LISTED", 5)
    monkeypatch.setattr(verify, "_SHOWN", 3)
    monkeypatch.setattr(verify, "_PAGE", 2)
    tamper(database, "UPDATE casewright_event SET actor_id = 'forged' WHERE version = 1")
    code, printed, _ = run()
    assert code == 1
    assert (len(printed["findings"]), printed["unlisted"]) == (5, 7)
    assert main(["verify", "--database", f"sqlite:///{database}"]) == 1
    assert "and 9 more" in capsys.readouterr().out


@pytest.mark.parametrize("stop", range(1, 12))
def test_it_goes_on_where_it_was_stopped(
    stop: int, run: Callable[..., Any], database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted anywhere and resumed, it prints what it would have printed, and looks at each item once (H7)."""
    tamper(database, FORGED, CUT[0])
    anchor, checkpoint = tmp_path / "anchor", tmp_path / "checkpoint"
    _, whole, _ = run()
    monkeypatch.setattr(verify, "_PAGE", 2)
    real = Progress.follow

    def interrupted(self: Progress, items: Any, *more: Any) -> Any:
        for number, item in enumerate(real(self, items, *more)):
            if number == stop:
                raise KeyboardInterrupt
            yield item

    monkeypatch.setattr(Progress, "follow", interrupted)
    assert run("--checkpoint", checkpoint)[0] == 130
    assert checkpoint.exists() is (stop >= 2)
    monkeypatch.setattr(Progress, "follow", real)
    code, printed, said = run("--checkpoint", checkpoint, "--resume")
    assert code == 1
    assert {**printed, "seconds": 0} == {**whole, "seconds": 0}
    assert said == ("" if stop < 2 else f"casewright: going on after {stop - stop % 2} items\n")
    assert not checkpoint.exists()
    assert not anchor.exists()


def test_a_checkpoint_is_of_one_file_wherever_it_is_named_from(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database of the same name in another folder is another one, so nothing of it is passed over (H7)."""
    kept = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(database, tmp_path / folder / "cases.db")
        monkeypatch.chdir(tmp_path / folder)
        with open_store("sqlite:///cases.db", "--database", retry="") as store:
            kept.append(verify._name(store, None))
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///two/cases.db", "--database", retry="") as store:
        assert verify._name(store, None) == kept[1] != kept[0]


def test_a_server_is_verified_too(postgres_database: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is on a server is proven, and its checkpoint does not depend on the folder (H6, H7)."""
    engine = create_engine(postgres_database)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    (opening,) = created(TASK, "verified", tenant="on a server")
    write(store, opening, *edited(opening.after, "new"), tenant="on a server")
    engine.dispose()
    url, checkpoint = postgres_database.render_as_string(hide_password=False), tmp_path / "checkpoint"

    assert main(["verify", "--database", url, "--json", "--checkpoint", str(checkpoint)]) == 0
    assert json.loads(capsys.readouterr().out)["items"] >= 1


@pytest.mark.parametrize("signed", [True, False])
def test_an_anchor_finds_what_hides(signed: bool, run: Callable[..., Any], database: Path, tmp_path: Path) -> None:
    """A tail that was cut, and an item that was dropped, are found with the anchor and not without it (H6)."""
    anchor, key = tmp_path / "anchor", tmp_path / "key"
    key.write_bytes(b"sixteen bytes or more")
    with_key = ("--key-file", key) if signed else ()
    code, printed, _ = run("--write-anchor", anchor, *with_key)
    assert code == 0
    assert printed["written"] == json.loads(anchor.read_bytes().splitlines()[-1])["sha256"]
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
    assert run("--anchor", anchor, *with_key)[0] == 0
    for table, column in (("item", "id"), ("event", "item_id")):
        tamper(database, f"DELETE FROM casewright_{table} WHERE {column} = 't5' AND tenant = ''")
    tamper(database, *CUT)
    assert run()[0] == 0
    code, printed, said = run("--anchor", anchor, *with_key)
    assert code == 1
    assert [(one["item"], one["position"], one["code"]) for one in printed["findings"]] == [
        ("t1", 1, "cut"),
        ("t5", 0, "dropped"),
    ]
    assert said == ""


def test_the_anchor_is_named_to_people(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text says what was written and what was compared with; a signature that nobody checked is mentioned."""
    key = tmp_path / "key"
    key.write_bytes(b"sixteen bytes or more")
    url, anchor = f"sqlite:///{database}", str(tmp_path / "anchor")
    assert main(["verify", "--database", url, "--write-anchor", anchor, "--key-file", str(key)]) == 0
    assert "wrote an anchor" in capsys.readouterr().out
    assert main(["verify", "--database", url, "--anchor", anchor]) == 0
    out, err = capsys.readouterr()
    assert "compared with the anchor" in out
    assert "nobody has checked by whom" in err


def test_where_there_are_findings_no_anchor_is_written(run: Callable[..., Any], database: Path, tmp_path: Path) -> None:
    """What is not sound is not anchored, and what was there before stays (H6)."""
    anchor = tmp_path / "anchor"
    anchor.write_text("the one before")
    tamper(database, FORGED)
    code, printed, _ = run("--write-anchor", anchor)
    assert (code, printed["written"]) == (1, None)
    assert anchor.read_text() == "the one before"
    assert not (tmp_path / "anchor.part").exists()


def test_an_anchor_that_can_be_read_only_once_is_refused(
    run: Callable[..., Any], database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the anchor comes through a pipe, nothing is called sound that was not compared with it (H6)."""
    anchor = tmp_path / "anchor"
    assert run("--write-anchor", anchor)[0] == 0
    tamper(database, "DELETE FROM casewright_event WHERE item_id = 't1'", "DELETE FROM casewright_item WHERE id = 't1'")
    whole = verify._opened
    files = iter([whole(str(anchor), "rb", ""), io.BytesIO()])
    monkeypatch.setattr(verify, "_opened", lambda *_: next(files))
    code, printed, said = run("--anchor", "/dev/stdin")
    assert (code, printed) == (2, None)
    assert "--anchor: cannot be read twice" in said


BAD: dict[str, tuple[list[str], str]] = {
    "resume without checkpoint": (["--resume"], "--resume: needs to know where it was"),
    "resume and write": (["--resume", "--checkpoint", "c", "--write-anchor", "a"], "cannot go on with an anchor"),
    "key for nothing": (["--key-file", "k"], "--key-file: is for an anchor"),
    "no key file": (["--key-file", "none", "--anchor", "a"], "--key-file: cannot be opened"),
    "short key": (["--key-file", "short", "--anchor", "a"], "key: must be at least 16 bytes"),
    "no anchor": (["--anchor", "none"], "--anchor: cannot be opened"),
    "no path": (["--anchor", "a\0b"], "--anchor: cannot be opened: that is no path"),
    "damaged anchor": (["--anchor", "short"], "--anchor: is no anchor, or was changed"),
    "a folder that is not there": (["--write-anchor", "none/a"], "--write-anchor: cannot be opened"),
    "no checkpoint": (["--checkpoint", "short", "--resume"], "--checkpoint: is no checkpoint"),
    "half a checkpoint": (["--checkpoint", "half", "--resume"], "--checkpoint: is no checkpoint"),
    "another checkpoint": (["--checkpoint", "other", "--resume"], "--checkpoint: is of another database"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_with_2(
    what: str, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes no sense is refused in one line, and nothing is printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "half").write_text('["name", {"after": null}]')
    (tmp_path / "other").write_text('["name", {"after": ["", "t1"], "items": 2}]')
    options, problem = BAD[what]
    code, printed, said = run(*options)
    assert (code, printed) == (2, None)
    assert problem in said
    assert said.count("\n") == 1


def test_a_database_that_cannot_be_reached_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without tables, or without a file, one line says so, and nothing is called sound."""
    (tmp_path / "empty.db").touch()
    for url in (f"sqlite:///{tmp_path / 'none' / 'x.db'}", f"sqlite:///{tmp_path / 'empty.db'}"):
        assert main(["verify", "--database", url]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
