"""The revisions of the schema, and what is said of one that is not today's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from casewright.adapters.sqlalchemy.tables import Tables
from casewright.errors import InvalidInputError, StorageError

__all__ = ["BASE", "HEAD", "REVISIONS", "Difference", "command", "revision_named", "version_problem"]

REVISIONS: Final = ("casewright_0001", "casewright_0002")
"""The revisions, oldest first: each schema holds all that the earlier ones have made."""

HEAD: Final = REVISIONS[-1]
"""The revision that this version of casewright works with."""

BASE: Final = "base"
"""What comes before the first one: no tables."""


@attrs.frozen
class Difference:
    """One thing in which a database is not as this version of casewright needs it.

    Attributes:
        code: A stable name of the kind of difference.
        where: The table, column or index.
        what: What is different.
        mend: What would mend it.
    """

    code: str
    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        """Return one line: where, what, mend."""
        return f"{self.where}: {self.what}; {self.mend}"

    def error(self) -> StorageError:
        """Return it as the error of a store that refuses such a database."""
        return StorageError(f"{self.where} {self.what}", self.mend)


def revision_named(name: object, field: str) -> str:
    """Return the revision of a name; ``head`` is the latest one, ``base`` is before the first.

    Args:
        name: The name.
        field: What it was given for.

    Raises:
        InvalidInputError: There is no such revision.
    """
    if name == "head":
        return HEAD
    if isinstance(name, str) and name in (BASE, *REVISIONS):
        return name
    raise InvalidInputError(field, "is no revision of the schema", f"there are {', '.join([BASE, *REVISIONS])}, head")


def command(option: str, tables: Tables) -> str:
    """Return the command line that does something with the schema of these tables.

    Args:
        option: What to do: ``--check`` or ``--upgrade``.
        tables: The tables.
    """
    parts = [f"python -m casewright schema {option} URL"]
    if tables.prefix != "casewright_":
        parts.append(f"--prefix {tables.prefix}")
    if tables.schema is not None:
        parts.append(f"--schema {tables.schema}")
    return " ".join(parts)


def version_problem(found: Sequence[str], tables: Tables) -> Difference | None:
    """Return what is wrong with the revision that a database says it is of; None where it is today's, or says none.

    Args:
        found: What its table of the version holds.
        tables: The tables.
    """
    known = [REVISIONS.index(name) for name in found if name in REVISIONS]
    if len(known) < len(found):
        mend = "use the version of casewright that made it, or a newer one"
        return Difference("newer", "the schema", "is of a newer version of casewright than this one", mend)
    if not known or REVISIONS[max(known)] == HEAD:
        return None
    mend = f"bring it up to date: {command('--upgrade', tables)}"
    return Difference("older", "the schema", f"is of the revision {REVISIONS[max(known)]}, older than {HEAD}", mend)
