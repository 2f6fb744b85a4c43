"""Grounds that faults are tried on; that on PostgreSQL is made where somebody asks, since a packager may lack it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import URL

    from support.grounds import PostgresGround


@pytest.fixture(scope="module")
def postgres_ground(postgres_database: URL) -> PostgresGround:
    """Return an empty database of this module's on a PostgreSQL server."""
    from support.grounds import PostgresGround
    from support.postgres_faults import PostgresDriver

    return PostgresGround.at(postgres_database, PostgresDriver())
