"""The Django application among the examples, set up in this process, on whatever database a test wants.

Django takes its settings once a process. Only this module sets it up, so it is imported before anything of the
application.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from sqlalchemy import URL, Engine

from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore

__all__ = [
    "EXAMPLES",
    "SQLITE",
    "Break",
    "Ground",
    "disconnect",
    "joining",
    "migrate",
    "models",
    "on_postgresql",
    "on_sqlite",
    "services",
    "use",
]

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

_SETTINGS: Final = {name: value for name, value in vars(import_module("django_app.settings")).items() if name.isupper()}
settings.configure(**_SETTINGS)
django.setup()

joining: Final = import_module("django_app.joining")
models: Final = import_module("django_app.models")
services: Final = import_module("django_app.services")

SQLITE: Final[dict[str, Any]] = _SETTINGS["DATABASES"]["default"]
"""The database as the application has it."""


def on_sqlite(path: Path, **options: object) -> dict[str, Any]:
    """Return the settings for a file, with further options of the connection; None takes one away."""
    chosen = {name: value for name, value in {**SQLITE["OPTIONS"], **options}.items() if value is not None}
    return {**SQLITE, "NAME": str(path), "OPTIONS": chosen}


def on_postgresql(url: URL, **options: object) -> dict[str, Any]:
    """Return the settings for a database of a server, with further options of the connection."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.query.get("host") or url.host or "",
        "PORT": str(url.port or ""),
        "OPTIONS": options,
    }


def use(default: dict[str, Any], **others: dict[str, Any]) -> None:
    """Let all threads have connections to these databases from now on, and to no others."""
    disconnect()
    known: Any = connections.settings
    known.clear()
    known.update(connections.configure_settings({"default": dict(default), **others}))


def disconnect() -> None:
    """Close the connections of this thread, and forget them."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]


def migrate(to: str | None = None) -> None:
    """Migrate the application to a step, or to the last one."""
    call_command("migrate", "django_app", *([] if to is None else [to]), verbosity=0)


@attrs.frozen
class Ground:
    """A database that the application works on, seen from outside of Django.

    Attributes:
        settings: How Django reaches it.
        engine: How others do.
    """

    settings: dict[str, Any]
    engine: Engine

    @property
    def vendor(self) -> str:
        """What kind of database it is."""
        return self.engine.dialect.name

    def store(self) -> SqlAlchemyStore:
        """Return a store on connections of its own."""
        return SqlAlchemyStore(self.engine)

    def rows(self) -> list[int]:
        """Return how many parcels, sent parcels, tasks and events are committed."""
        with self.engine.connect() as connection:
            return [connection.exec_driver_sql(f"SELECT count(*) FROM {source}").scalar_one() for source in _ROWS]

    def empty(self) -> None:
        """Remove all rows."""
        with self.engine.begin() as connection:
            for table in ("django_app_parcel", *(table.name for table in TABLES.all)):
                connection.exec_driver_sql(f"DELETE FROM {table}")


Break: TypeAlias = Callable[..., Ground]
"""Makes a database and lets Django use it; takes what is to be otherwise."""

_ROWS: Final = ("django_app_parcel", "django_app_parcel WHERE sent", "casewright_item", "casewright_event")
