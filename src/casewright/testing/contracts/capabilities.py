"""What a store may be unable to do: a contract test that needs it is then skipped, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from casewright.errors import InvalidInputError

__all__ = ["CANNOT", "Capabilities", "Flag"]

Flag: TypeAlias = Literal["cancelling", "interleaving", "threads"]
"""The name of a capability."""

CANNOT: Final[Mapping[Flag, str]] = {
    "cancelling": "a unit of this store that is cancelled takes the connection with it that it was lent",
    "interleaving": "two units of this store cannot be open in one thread",
    "threads": "units of this store cannot be used in several threads",
}
"""What is said of a store that lacks it."""


def _boolean(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidInputError(field.name, f"must be True or False, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a store can do. A flag that is False skips the tests that need it, and each says what is not shown then.

    Attributes:
        cancelling: Whether an asynchronous store goes on after a unit was cancelled while it waited for the database.
        interleaving: Whether a unit can read and commit while another one is open in the same thread.
        threads: Whether units can be used in several threads at once, each in its own.

    Raises:
        InvalidInputError: A flag is neither True nor False.
    """

    cancelling: bool = attrs.field(default=True, validator=_boolean)
    interleaving: bool = attrs.field(default=True, validator=_boolean)
    threads: bool = attrs.field(default=True, validator=_boolean)
