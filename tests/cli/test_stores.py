"""Databases on the command line: used, or refused in one line that says cause and cure, and never a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy

from casewright.cli import main
from casewright.cli.stores import open_store
from casewright.errors import OutcomeUnknownError
from support.programs import write_replay


@pytest.fixture(params=["demo", "replay"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The arguments of each command that keeps its work in a database, up to its URL."""
    return ["demo", "--database"] if request.param == "demo" else [*write_replay(tmp_path), "--into"]


@pytest.fixture(params=["demo", "replay", "check", "upgrade", "verify"])
def reaching(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The arguments of each command that takes a database, up to its URL."""
    if request.param in {"check", "upgrade"}:
        return ["schema", f"--{request.param}"]
    if request.param == "verify":
        return ["verify", "--database"]
    return ["demo", "--database"] if request.param == "demo" else [*write_replay(tmp_path), "--into"]


NO_URL = "is no URL of a database; write it like sqlite:///path/to/file.db"
DRIVER = "needs a driver that is not installed (No module named "
URLS = {
    "": NO_URL,
    "nonsense": NO_URL,
    "sqlite": NO_URL,
    "sqlite://host/file.db": NO_URL,
    "sqlite:///a\0b": NO_URL,
    "sqlite:///\udcff": NO_URL,
    "sqlite:///file.db?timeout=soon": NO_URL,
    "someql://host/name": "is the URL of a database that SQLAlchemy does not know",
    "sqlite+nothing:///file.db": "is the URL of a database that SQLAlchemy does not know",
    "sqlite+pysqlcipher://:secret@/file.db": DRIVER,
    "mysql://user:secret@host/name?ssl_key=secret": DRIVER,
    "postgresql+asyncpg://user:secret@host/name": "names an asynchronous driver; write it like postgresql+psycopg://",
    "sqlite+aiosqlite:///file.db": "names an asynchronous driver; write it like sqlite:///path/to/file.db",
    "postgresql://us er:se cr@et@host:port/name": NO_URL,
}
if not sqlalchemy.__version__.startswith("2.0."):  # which reads them otherwise, and without a word
    URLS["sqlite:///a%00b"] = NO_URL
    URLS["sqlite:///file.db?mode=ro"] = "has options that its driver would not heed; leave them out"


@pytest.mark.parametrize(("url", "problem"), URLS.items(), ids=map(ascii, URLS))
def test_a_bad_url_ends_in_one_line(
    url: str, problem: str, reaching: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no URL of a database that can be used is bad input: one line, which shows nothing of the URL."""
    assert main([*reaching, url]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"casewright: {reaching[-1]}: {problem}")
    assert err[:-1].isprintable()
    assert all(secret not in err for secret in ("secret", "se cr", "et@", "us er", "host"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--databse", "x://us er:sec ret@host/name?key=sec%20ret"],
        ["demo", "--databse=x://sec ret@host/name"],
        ["demo", "x://a:sec ret@host?sec ret"],
        ["replay", "x://sec ret@host", "--definition", "task"],
        ["check", "x://a:sec ret@host:1/name"],
        ["x://a:sec ret@host"],
        ["demo", "x://host?key=sec@ret"],
        ["demo", "x://a:sec?ret@host"],
        ["x://a:sec\\ret@host"],
        ["x://a:sec'\"\nret@host"],
        ["demo", "--json=x://a:sec\\ret@host"],
        ["x:a:sec-ret@host"],
        ["check", "x://a:sec:ret:1@host"],
        ["check", "x:a:sec:ret:1@host"],
        ["diagram", "x://a:secret"],
        ["replay", "log.csv", "--definition", "x://a:sec:ret@host"],
    ],
    ids=str,
)
def test_a_password_in_the_wrong_place_is_not_shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Where a URL stands at a place that has none, what is said of it holds no name, password or option."""
    assert main(arguments) == 2

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert all(secret not in err for secret in ("sec", "ret", "us er"))


def test_what_is_missing_is_named_beside_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing of a URL would be shown, the message says what is wrong with the arguments."""
    assert main(["replay", "log.csv", "--into", "x://a:secret@host"]) == 2
    assert "the following arguments are required: --definition" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "advice"),
    {
        "postgresql+pg8000://host/db": 'postgresql+psycopg://..., after python -m pip install "casewright[postgres]"',
        "mysql+mysqldb://host/name": 'mariadb+pymysql://..., after python -m pip install "casewright[mariadb]"',
        "sqlite+pysqlcipher://:secret@/file.db": "sqlite:///path/to/file.db, which needs none",
    }.items(),
)
def test_who_lacks_a_driver_is_told_how_to_get_one(url: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a driver is not installed, the line ends with a URL that works and the extra that it takes."""
    assert main(["schema", "--check", url]) == 2
    assert capsys.readouterr().err.endswith(f"; write it like {advice}\n")


@pytest.mark.parametrize("option", ["detect_types", "cached_statements"])
def test_an_option_too_large_for_the_driver_ends_in_one_line(
    option: str, reaching: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A number in a URL that the driver cannot take is found when it is reached, and is bad input."""
    (tmp_path / "store.db").touch()
    assert main([*reaching, f"sqlite:///{tmp_path / 'store.db'}?{option}=99999999999999999999"]) == 2

    err = capsys.readouterr().err
    assert err.startswith("casewright: the database's URL: has an option whose number is too large")
    assert err.count("\n") == 1


def test_a_lost_commit_has_advice_for_the_command_line() -> None:
    """Where nobody knows whether a commit happened, the advice is that of the command, which has no keys."""
    with pytest.raises(OutcomeUnknownError) as caught, open_store("sqlite://", "--into", retry="start it again"):
        raise OutcomeUnknownError("the database failed", "retry with the same idempotency key")
    assert str(caught.value) == "the database failed; start it again"


def a_text(path: Path) -> None:
    """Write a file that is no database."""
    path.write_text("this is no database, and long enough for anyone to see it. " * 20)


def a_foreign_table(path: Path) -> None:
    """Make a database that has a table of our name, which is not ours."""
    _make(path, "CREATE TABLE casewright_item (id TEXT)")


def a_part(path: Path) -> None:
    """Make a database that lacks a table."""
    assert main(["demo", "--database", f"sqlite:///{path}"]) == 0
    _make(path, "DROP TABLE casewright_note")


def a_folder(path: Path) -> None:
    """Make a folder of that name."""
    path.mkdir()


def _make(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def a_database(path: Path) -> None:
    """Make a database of somebody else."""
    _make(path, "CREATE TABLE other (id TEXT)")


UNUSABLE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no database": (a_text, "sqlite:///{}", "is no SQLite database"),
    "foreign": (a_foreign_table, "sqlite:///{}", "the table casewright_item is of another schema"),
    "a part": (a_part, "sqlite:///{}", "the database has no casewright_note"),
    "a folder": (a_folder, "sqlite:///{}", "cannot be opened"),
    "no folder": (a_folder, "sqlite:///{}/nowhere/file.db", "cannot be opened"),
    "read-only": (a_database, "sqlite:///file:{}?mode=ro&uri=true", "can only be read"),
}


@pytest.mark.parametrize("case", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_database_ends_in_one_line(
    case: tuple[Callable[[Path], None], str, str],
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A store that cannot do it is told in one line with its cure, with code 2; nothing of the database is changed."""
    make, url, problem = case
    path = tmp_path / "store.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    capsys.readouterr()

    assert main([*command, url.format(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("casewright: ")
    assert problem in err
    assert "; " in err
    assert "store." not in err.partition("; ")[2]
    assert err.count("\n") == 1
    assert before == (path.read_bytes() if path.is_file() else None)


def test_tables_are_made_beside_those_of_others(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a database of somebody else the tables are made once, which is said, and his are left alone."""
    path = tmp_path / "store.db"
    a_database(path)

    assert main([*command, f"sqlite:///{path}"]) == 0
    assert capsys.readouterr().err == "casewright: the database had no tables of casewright: created them\n"
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert "other" in names
    assert {name.partition("_")[0] for name in names - {"other"}} == {"casewright"}


@pytest.mark.parametrize("words", [["verify"], ["outbox", "list"], ["relay", "--to", "-", "--once"]])
def test_a_file_that_is_not_there_is_told_and_not_made(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What only works on a database that there is makes no empty one where its path is wrong."""
    assert main([*words, "--database", f"sqlite:///{tmp_path / 'typo.db'}"]) == 2
    assert (
        capsys.readouterr().err
        == "casewright: --database: names a file that is not there; see that its path is right\n"
    )
    assert list(tmp_path.iterdir()) == []
