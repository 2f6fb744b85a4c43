"""The history of the schema: a branch of Alembic revisions with the label ``casewright``.

Name the folder in a history of your own (``version_locations``), or let `casewright.adapters.sqlalchemy.upgrade` run
them. A revision is never changed once it is released. It writes down what it makes, and takes from elsewhere only names
(`casewright.adapters.sqlalchemy.revising`) and types of columns (`casewright.adapters.sqlalchemy.columns`).
"""

from __future__ import annotations

__all__: list[str] = []
