"""Databases whose outbox holds something, for the commands that deliver it and look after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine

from casewright import TASK, Actor, Assign, CommandBus, CreateTask
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.cli import main

__all__ = ["filled", "shown"]


def filled(url: str | URL, *, items: int = 3, versions: int = 2, tenant: str = "") -> str:
    """Put tasks into a database, its tables made if need be, and return its URL as the command line takes it.

    Args:
        url: The database.
        items: How many tasks: ``x-0``, ``x-1`` ...
        versions: How many events each.
        tenant: Whose they are.
    """
    engine = create_engine(url)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    bus, ann = CommandBus(store, definitions=[TASK]), Actor("ann", tenant=tenant)
    for place in range(items):
        bus.execute(CreateTask("Water the plants", id=f"x-{place}", description="canary"), by=ann)
        for version in range(1, versions):
            bus.execute(Assign(f"x-{place}", f"who-{version}"), by=ann)
    shown = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    return shown


def shown(capsys: Any, *arguments: str) -> tuple[int, Any]:
    """Run a command with ``--json``, and return its code and its answer."""
    code = main([*arguments, "--json"])
    out, _ = capsys.readouterr()
    return code, json.loads(out)


def database(folder: Path) -> str:
    """Return the URL of a SQLite file in the folder."""
    return f"sqlite:///{folder / 'tasks.db'}"
