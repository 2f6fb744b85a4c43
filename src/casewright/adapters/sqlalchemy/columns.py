"""The columns that tables and revisions are made of.

Revisions are history: each must make today what it made when it was written. So what is here never changes; another
type of column gets another name.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

__all__ = ["instant", "instant_type", "number", "text", "text_type"]

_BINARY: Final = {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin"}
_INSTANT_LENGTH: Final = 32


def text_type(length: int | None = None) -> TypeEngine[Any]:
    """Return text that compares and orders by code point, on every database.

    Args:
        length: The most code points that a column of a key or an index may hold, where the database must know; what is
            neither may be as long as it likes.
    """
    binary = mysql.LONGTEXT(**_BINARY) if length is None else mysql.VARCHAR(length, **_BINARY)
    return Text().with_variant(postgresql.TEXT(collation="C"), "postgresql").with_variant(binary, "mariadb")


def instant_type() -> TypeEngine[Any]:
    """Return how an instant is kept: as its canonical text, which sorts by time."""
    return text_type(_INSTANT_LENGTH)


def text(name: str, length: int | None = None, *, optional: bool = False) -> Column[Any]:
    """Return a column of text.

    Args:
        name: Its name.
        length: As for `text_type`.
        optional: Whether it may be NULL.
    """
    return Column(name, text_type(length), nullable=optional)


def instant(name: str, *, optional: bool = False) -> Column[Any]:
    """Return a column of instants, as the database sees it.

    Args:
        name: Its name.
        optional: Whether it may be NULL.
    """
    return Column(name, instant_type(), nullable=optional)


def number(name: str, *, optional: bool = False) -> Column[Any]:
    """Return a column of integers of 64 bits.

    Args:
        name: Its name.
        optional: Whether it may be NULL.
    """
    return Column(name, BigInteger, nullable=optional, autoincrement=False)
