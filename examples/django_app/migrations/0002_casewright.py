"""The tables of casewright."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from casewright.adapters.sqlalchemy import TABLES
from django_app.joining import joined_store


def create_tables(apps: Any, schema_editor: Any) -> None:
    """Create what is missing."""
    with joined_store(schema_editor.connection.alias) as store:
        store.create_schema()


def drop_tables(apps: Any, schema_editor: Any) -> None:
    """Drop all of it, with what it holds."""
    for table in (*reversed(TABLES.all), TABLES.version):
        schema_editor.execute(f"DROP TABLE IF EXISTS {table.name}")


class Migration(migrations.Migration):
    """One step, all or nothing."""

    dependencies = [("django_app", "0001_initial")]
    operations = [migrations.RunPython(create_tables, drop_tables)]
