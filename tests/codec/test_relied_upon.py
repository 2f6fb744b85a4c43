"""What the codec relies on: whatever the domain lets in, it can write and read again."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import (
    Category,
    DefinitionError,
    HistoryError,
    InvalidInputError,
    Lifecycle,
    Reason,
    Transition,
    fold,
    set_value,
)
from support.codec import a_change
from support.values import a_task


@pytest.mark.parametrize("wrong", ["abcd", 5, None, {"create": "ann"}], ids=repr)
def test_performers_are_several(wrong: Any) -> None:
    """A str where several names are meant is refused, and so is what is no collection at all (S7)."""
    with pytest.raises(InvalidInputError):
        a_task(performers=wrong)


@pytest.mark.parametrize(("field", "value"), [("title", "x" * 501), ("tags", ["x" * 101])])
def test_constants_keep_the_limits(field: str, value: Any) -> None:
    """A constant that an effect sets keeps the limit of its field: else the item could not be read again (S1)."""
    with pytest.raises(InvalidInputError):
        set_value(field, value)


def test_lifecycle_versions_are_storable() -> None:
    """A lifecycle's version is an integer of 64 bits: every item that is pinned to it holds the number (S1)."""
    states = {"new": Category.OPEN, "over": Category.DONE}
    with pytest.raises(DefinitionError):
        Lifecycle(states=states, initial="new", transitions=[Transition("end", "new", "over")], version=2**63)


def test_phases_are_known() -> None:
    """A reason of an unknown phase is an InvalidInputError, like any other wrong value (A7)."""
    wrong: Any = "bogus"
    with pytest.raises(InvalidInputError):
        Reason("c", wrong, "t")


def test_unknown_schemas_are_not_folded() -> None:
    """The payload of an event whose schema number is unknown is not read as if it were of ours."""
    with pytest.raises(HistoryError):
        fold([attrs.evolve(a_change().event, schema=99)])
