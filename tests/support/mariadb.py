"""Real MariaDB servers for `nox -s mariadb`: no wheel brings one, so they come from Debian packages, not installed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal, TypeAlias

import attrs
from sqlalchemy import URL, create_engine, make_url, text

from support.debian import unpacked
from support.keeper import Job
from support.keeping import Kept, keep, runs

__all__ = ["MariaDbDriver", "MariaDbServer", "mariadb_server", "start_mariadb"]

MariaDbDriver: TypeAlias = Literal["pymysql", "asyncmy"]

# A new server has no accounts: it is told to make them, and who may come in without a password.
BEGIN = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL, @skip_auth_anonymous=1;\n"
TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")


@attrs.frozen(kw_only=True)
class MariaDbServer:
    """A server that takes connections, on which everything is allowed.

    Attributes:
        base: Where one of its databases is found.
        version: Its version, as (10, 11).
        kept: What keeps it; None where somebody else does.
    """

    base: URL
    version: tuple[int, int]
    kept: Kept | None = None

    def url(self, driver: MariaDbDriver = "pymysql", *, database: str | None = None) -> URL:
        """Return where a database of it is found by a driver, for SQLAlchemy, synchronous or asynchronous."""
        return self.base.set(drivername=f"mariadb+{driver}", database=database)

    def new_database(self) -> str:
        """Make an empty database, and return its name. Its text compares without case, accents and final blanks."""
        name = f"casewright_{secrets.token_hex(6)}"
        self._run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database; it waits for transactions that are open in it."""
        self._run(f"DROP DATABASE {name}")

    def stop(self) -> None:
        """End it, and wait until nothing is left of it; one that somebody else keeps goes on."""
        if self.kept is not None:
            self.kept.stop()

    def _run(self, statement: str) -> None:
        _ask(self.url(), statement)


def mariadb_server() -> MariaDbServer:
    """Return a server: the one that the environment names, or a new one from packages.

    CASEWRIGHT_MARIADB_URL names one that runs, CASEWRIGHT_MARIADB a folder in which packages may be unpacked.
    """
    if given := os.environ.get("CASEWRIGHT_MARIADB_URL"):
        return _answering(make_url(given))
    return start_mariadb(Path(os.environ["CASEWRIGHT_MARIADB"]))


def start_mariadb(folder: Path) -> MariaDbServer:
    """Start a new server from packages that are unpacked in the folder."""
    home = unpacked(folder.absolute(), "mariadb-server-core")
    kept = keep(_job(home, user="nobody" if os.geteuid() == 0 else None))
    query = {"unix_socket": str(kept.folder / "socket"), "charset": "utf8mb4"}
    try:
        return attrs.evolve(
            _answering(URL.create("mariadb", username="root", database="mysql", query=query)), kept=kept
        )
    except BaseException:
        kept.stop()
        raise


def _job(home: Path, *, user: str | None) -> Job:
    """Return what is to be kept: a server that only a socket in its own folder leads to, and that spares the disk."""
    copies = dict[str, str]()
    if not runs([str(home / "usr/sbin/mariadbd"), "--no-defaults", "--help"], user, env=_env(home)):
        copies, home = {"programs": str(home)}, Path("{folder}/programs")
    base = [f"{home}/usr/sbin/mariadbd", "--no-defaults", f"--basedir={home}/usr", "--datadir={folder}/data"]
    base += [f"--lc-messages-dir={home}/usr/share/mysql", "--innodb-log-file-size=8M"]
    tables = [f"{home}/usr/share/mysql/{name}" for name in TABLES]
    fill = (
        'mkdir data && begin="$1 $2 $3" && shift 3 && cat begin.sql $begin | "$@" --bootstrap --max-allowed-packet=8M'
    )
    serve = ["--socket={folder}/socket", "--skip-networking", "--tmpdir={folder}", "--pid-file={folder}/pid"]
    spare = ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"]
    return Job(
        user=user,
        ready="ready for connections",
        files={"begin.sql": BEGIN},
        copies=copies,
        prepare=[["/bin/sh", "-c", fill, "fill", *tables, *base]],
        serve=[*base, *serve, *spare],
        env=_env(home),
    )


def _env(home: Path) -> dict[str, str]:
    libraries = [f"{home}/usr/lib/{one}-linux-gnu" for one in ("x86_64", "aarch64")]
    return {"LD_LIBRARY_PATH": ":".join(libraries), "LC_ALL": "C", "PATH": "/usr/bin:/bin"}


def _answering(url: URL) -> MariaDbServer:
    """Return the server at the URL, once it has answered."""
    major, minor = str(_ask(url.set(drivername="mariadb+pymysql"), "SELECT @@version")).split(".")[:2]
    return MariaDbServer(base=url, version=(int(major), int(minor)))


def _ask(url: URL, statement: str) -> object:
    """Return the first value of the answer, if there is one."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            answer = connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()
