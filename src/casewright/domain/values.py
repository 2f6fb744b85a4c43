"""Categories, names, texts, integers and instants: the scalars that everything else is made of.

Whatever enters the domain passes one of the converters below, so that nothing is stored that a store cannot hold
(S1, S2) and no time is naive (S3).

Limits (S1): ids 255 characters, names 100, titles 500, texts 10,000, tags 100 of 100 characters each, roles 1,000,
integers 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum, StrEnum
from types import CoroutineType
from typing import Final, cast

from casewright.errors import InvalidInputError

__all__ = [
    "CLOSED_CATEGORIES",
    "INTEGER_MAX",
    "INTEGER_MIN",
    "MAX_ID",
    "MAX_NAME",
    "MAX_ROLES",
    "MAX_TAG",
    "MAX_TAGS",
    "MAX_TEXT",
    "MAX_TITLE",
    "UNSET",
    "Category",
    "Priority",
    "Unset",
    "as_instant",
    "as_integer",
    "as_name",
    "as_names",
    "as_text",
    "close_coroutine",
    "instant_text",
    "quoted",
]

MAX_ID: Final = 255
MAX_NAME: Final = 100
MAX_TITLE: Final = 500
MAX_TEXT: Final = 10_000
MAX_TAG: Final = 100
MAX_TAGS: Final = 100
MAX_ROLES: Final = 1000
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        """Return the name that it is imported by."""
        return self.name


UNSET: Final = Unset.UNSET
"""Nothing was said, where None says something: "leave it as it is", "whatever it is"."""


class Category(StrEnum):
    """What a status means to anyone who does not know the lifecycle."""

    DRAFT = "draft"
    OPEN = "open"
    ACTIVE = "active"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def closed(self) -> bool:
        """Whether work has ended: DONE and CANCELLED."""
        return self in CLOSED_CATEGORIES


CLOSED_CATEGORIES: Final = frozenset({Category.DONE, Category.CANCELLED})


class Priority(StrEnum):
    """How urgent it is; compares by urgency, ``LOW < MEDIUM < HIGH < URGENT``. None on an item means undefined."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """1 for LOW to 4 for URGENT: what stores order by."""
        return _RANKS[self.value]

    def __lt__(self, other: str) -> bool:
        """Return whether this is less urgent."""
        return self.rank < _rank(other)

    def __le__(self, other: str) -> bool:
        """Return whether this is at most as urgent."""
        return self.rank <= _rank(other)

    def __gt__(self, other: str) -> bool:
        """Return whether this is more urgent."""
        return self.rank > _rank(other)

    def __ge__(self, other: str) -> bool:
        """Return whether this is at least as urgent."""
        return self.rank >= _rank(other)


def _rank(other: str) -> int:
    if not isinstance(other, Priority):  # NotImplemented would let str compare by letters
        raise TypeError(f"a Priority has no order with a {type(other).__name__}")
    return other.rank


_RANKS = {"low": 1, "medium": 2, "high": 3, "urgent": 4}


def close_coroutine(answer: object) -> bool:
    """Return whether an async function gave this where a plain one was needed; then it is closed, and warns no more."""
    if type(answer) is not CoroutineType:  # not isinstance, which would ask a hostile object for its class
        return False
    with suppress(Exception):
        answer.close()
    return True


def quoted(text: str) -> str:
    """Return the text in double quotes, as the reprs of rules and guards show it."""
    return '"' + repr(text)[1:-1].replace('"', '\\"') + '"'


def as_text(value: object, field: str, limit: int) -> str:
    """Return the value as a plain str that every store can hold.

    Args:
        value: What was given.
        field: What it was given for.
        limit: The most characters allowed.

    Returns:
        The same text, as an exact str (a StrEnum becomes its value).

    Raises:
        InvalidInputError: It is no str, longer than the limit, or holds NUL or a lone surrogate (S1, S2).
    """
    if not issubclass(type(value), str):  # not isinstance, which an object may lie to
        raise InvalidInputError(field, f"must be text, not {type(value).__name__}")
    text = value if type(value) is str else str.__str__(cast("str", value))  # a subclass may tell any length
    if len(text) > limit:
        raise InvalidInputError(field, f"is longer than {limit} characters", "shorten it")
    if "\0" in text or not (text.isascii() or _is_unicode(text)):
        raise InvalidInputError(field, "holds NUL or a lone surrogate, which no store can keep", "remove it")
    return text


def as_name(value: object, field: str, limit: int = MAX_NAME) -> str:
    """Return the value as an id or a name: printable, in one line and not blank.

    Args:
        value: What was given.
        field: What it was given for.
        limit: The most characters allowed.

    Returns:
        The same text, as an exact str.

    Raises:
        InvalidInputError: It is no such text.
    """
    if type(value) is str and len(value) <= limit and value.isprintable() and value.strip():
        return value  # printable: so it holds neither NUL nor a surrogate
    text = as_text(value, field, limit)
    if not text.isprintable():
        raise InvalidInputError(field, "holds a character that cannot be printed", "remove it")
    if not text or text.isspace():
        raise InvalidInputError(field, "must not be blank")
    return text


def as_names(values: object, field: str, *, limit: int = MAX_NAME, most: int | None = None) -> tuple[str, ...]:
    """Return several names, sorted and each once.

    Args:
        values: An iterable of names, not a single str.
        field: What they were given for.
        limit: The most characters of each.
        most: How many there may be; any number where None.

    Returns:
        The names by code point.

    Raises:
        InvalidInputError: It is a single str, no iterable, too many, or one of them is no name.
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InvalidInputError(field, f"must be several names, not {type(values).__name__}", "pass a list or a tuple")
    names = set()
    for count, value in enumerate(values):
        if count == most:
            raise InvalidInputError(field, f"holds more than {most}", "pass fewer")
        names.add(as_name(value, field, limit))
    return tuple(sorted(names))


def as_integer(value: object, field: str, *, least: int = INTEGER_MIN) -> int:
    """Return the value as an exact 64-bit int; True is not 1 (S7).

    Args:
        value: What was given.
        field: What it was given for.
        least: The smallest number allowed.

    Returns:
        The number.

    Raises:
        InvalidInputError: It is no int, too small or too large.
    """
    if type(value) is bool or not issubclass(type(value), int):  # not isinstance, as above
        raise InvalidInputError(field, f"must be an integer, not {type(value).__name__}")
    number = int.__int__(cast("int", value))  # a subclass may compare as it likes
    if not least <= number <= INTEGER_MAX:
        raise InvalidInputError(field, f"must be from {least} to {INTEGER_MAX}")
    return number


def as_instant(value: object, field: str) -> datetime:
    """Return an aware datetime, or its ISO 8601 text, as the same instant in UTC.

    Args:
        value: What was given.
        field: What it was given for.

    Returns:
        The instant in UTC, with microseconds.

    Raises:
        InvalidInputError: It is naive, no time at all, or outside the years 1 to 9999 in UTC (S3).
    """
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if isinstance(value, str) and len(value) <= MAX_NAME:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInputError(field, "is no ISO 8601 time", "write it as 2026-01-31T12:00:00+00:00") from None
    if not isinstance(value, datetime):
        raise InvalidInputError(field, f"must be an aware datetime, not {type(value).__name__}")
    try:
        moment = None if value.utcoffset() is None else value.astimezone(UTC)
        # A subclass (of another library, with nanoseconds perhaps) must not get into an item.
        plain = None if moment is None else datetime.combine(moment.date(), moment.time(), UTC)
    except OverflowError:
        raise InvalidInputError(field, "is outside the years 1 to 9999 in UTC") from None
    except Exception:  # noqa: BLE001 - a time zone of another library may fail in any way
        raise InvalidInputError(field, "has a time zone that fails", "use datetime.UTC or zoneinfo") from None
    if plain is None:
        raise InvalidInputError(field, "has no time zone", "give it one, such as tzinfo=UTC")
    return plain


def instant_text(moment: datetime) -> str:
    """Return the canonical text of an instant in UTC: ``2026-01-31T12:00:00.000000Z`` (sorts by time; H4)."""
    parts = moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % parts  # noqa: UP031 - in half the time of isoformat


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
