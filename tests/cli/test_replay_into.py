"""`replay --into`: the log performed in a database, as far as it is not there yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from casewright.cli import main
from support.backends import SqliteBackend
from support.programs import LOG, without_sqlalchemy, write_replay

CREATED = "casewright: the database had no tables of casewright: created them\n"


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """The arguments that replay the log into a new database."""
    return [*write_replay(tmp_path), "--into", url_of(tmp_path)]


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    """That database, with its tables, and the way behind its back."""
    made = SqliteBackend(tmp_path)
    yield made
    made.close()


def url_of(folder: Path) -> str:
    """Return the URL of the database in a folder."""
    return f"sqlite:///{folder / 'store.db'}"


def without_time(text: str) -> str:
    """Return what is printed, but for the last line, which says how long it took."""
    return text.rstrip().rpartition("\n\n")[0]


def test_the_answer_is_that_without_a_database(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With and without a database the same is printed; that tables were made, and what was found, goes to stderr."""
    assert main(arguments[:-2]) == 0
    expected, _ = capsys.readouterr()

    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert without_time(out) == without_time(expected)
    assert err == CREATED

    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert without_time(out) == without_time(expected)
    assert err == "casewright: found 3 of 3 cases, 6 of 6 changes; nothing is left to write\n"


def test_programs_get_the_same_keys(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is the same object as without a database but for the seconds, on stdout alone."""
    assert main([*arguments[:-2], "--json"]) == main([*arguments, "--json"]) == 0

    decoder = json.JSONDecoder()
    out, err = capsys.readouterr()
    plain, end = decoder.raw_decode(out)
    stored, _ = decoder.raw_decode(out[end:].lstrip())
    assert err == CREATED
    assert plain.pop("seconds") > 0
    assert stored.pop("seconds") > 0
    assert stored == plain


def test_a_log_that_has_grown_goes_on(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there already is said in one line, and only the rest is performed."""
    *rows, last, end = LOG.splitlines(keepends=True)
    write_replay(tmp_path, "".join(rows))
    assert main(arguments) == 0
    write_replay(tmp_path, "".join([*rows, last, end]))
    capsys.readouterr()

    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == "casewright: found 2 of 3 cases, 4 of 6 changes; going on\n"
    assert json.loads(out)["histories_verified"] == 3


def test_other_cases_are_left_alone(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database may hold other cases; they are neither counted nor changed."""
    assert main(arguments) == 0
    write_replay(tmp_path, LOG.replace("\na,", "\nd,").replace("\nb,", "\ne,").replace("\nc,", "\nf,"))
    capsys.readouterr()

    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["cases"], err) == (3, "")


def test_another_history_is_bad_input(
    arguments: list[str], backend: SqliteBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case that is there with another history ends it in one line that names the case; nothing is written."""
    assert main(arguments) == 0
    write_replay(tmp_path, LOG.replace("b,moved", "b,open").replace("\na,", "\nd,"))
    before = backend.dump()
    capsys.readouterr()

    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("casewright: case b: the store holds another history")
    assert err.count("\n") == 1
    assert backend.dump() == before


@pytest.mark.parametrize("log", [LOG + "x", LOG + "d,open,2026-01-02T00:00Z,,\nd,done,2026-01-02T00:00Z,clerk,soon\n"])
def test_a_bad_log_does_not_even_reach_the_database(
    log: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with a log, be it in its last row, is found before anything is written or made."""
    write_replay(tmp_path, log)
    assert main(arguments) == 2

    assert capsys.readouterr().err.startswith(f"casewright: {arguments[1]}, row ")
    assert not (tmp_path / "store.db").exists()


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_database_that_was_changed_is_a_finding(
    extra: list[str], arguments: list[str], backend: SqliteBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    """What somebody changed behind the store's back is named on stderr, with code 1; stdout stays the answer (H6)."""
    assert main(arguments) == 0
    backend.set_item("a", title="other")
    backend.set_event("b", 2, correlation_id="other")
    capsys.readouterr()

    assert main([*arguments, *extra]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines()[1:] == [
        "casewright: case a: event at position 2: the row is not what the history makes:",
        "  title",
        "casewright: case b: event at position 1: its header is not what was sealed",
    ]
    assert ('"histories_verified": 1' if extra else "histories verified  1  of 3") in out


def test_a_row_that_is_gone_ends_it(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where only a part of a case is left in the database, it cannot go on, and says which."""
    write_replay(tmp_path, LOG.partition("b,done")[0])
    assert main(arguments) == 0
    write_replay(tmp_path)
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("DELETE FROM casewright_item WHERE id = 'b'")
    connection.close()
    capsys.readouterr()

    assert main(arguments) == 2
    assert "there is no item 'b'" in capsys.readouterr().err


def test_a_database_in_memory_will_do(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The database may be one that ends with the program."""
    assert main([*arguments[:-1], "sqlite://"]) == 0
    assert "histories verified  3  of 3" in capsys.readouterr().out


def test_without_sqlalchemy_it_says_how_to_get_it(arguments: list[str], tmp_path: Path) -> None:
    """Where SQLAlchemy is missing, `--into` is refused with the line that installs it; without it all works."""
    missing, plain = without_sqlalchemy(*arguments), without_sqlalchemy(*arguments[:-2])

    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (2, "", 1)
    assert 'python -m pip install "casewright[sqlalchemy]"' in missing.stderr
    assert missing.stderr.startswith("casewright: --into: ")
    assert not (tmp_path / "store.db").exists()
    assert (plain.returncode, plain.stderr) == (0, "")
