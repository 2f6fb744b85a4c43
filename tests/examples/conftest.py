"""What the tests of the Django application stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL, create_engine

if TYPE_CHECKING:
    from support.django_project import Break, Ground

__all__ = ["break_ground", "ground"]


@pytest.fixture(params=["sqlite", "postgresql"])
def break_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Break]:
    """Return what makes a database, migrated and without a row, and lets Django use it.

    It takes what of Django's settings is to be otherwise, and as ``sqlite`` and ``postgresql`` options of connections.
    """
    from support import django_project

    grounds: list[Ground] = []

    def made(**settings: Any) -> Ground:
        options = {kind: settings.pop(kind, {}) for kind in ("sqlite", "postgresql")}[request.param]
        if request.param == "sqlite":
            url = URL.create("sqlite", database=str(tmp_path / "parcels.db"))
            database = django_project.on_sqlite(tmp_path / "parcels.db", **options)
        else:
            url = request.getfixturevalue("postgres_database")
            database = django_project.on_postgresql(url, **options)
        ground = django_project.Ground(database | settings, create_engine(url))
        grounds.append(ground)
        django_project.use(ground.settings)
        django_project.migrate()
        return ground

    yield made
    django_project.disconnect()
    for ground in grounds:
        ground.empty()
        ground.engine.dispose()


@pytest.fixture
def ground(break_ground: Break) -> Ground:
    """Return a database with the settings that the application has."""
    return break_ground()
