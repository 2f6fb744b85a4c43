"""Making frozen instances fast: from values that were checked when they came in, without checking them again.

A frozen class stores each field through ``object.__setattr__``, which costs three times a plain assignment, and a
decision makes an event and an item of more than twenty fields each. So an instance is filled as one of a mutable class
with the very same slots, and becomes the frozen class before anyone holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar

import attrs

__all__ = ["Maker"]

InstanceT = TypeVar("InstanceT")


class Maker(Generic[InstanceT]):
    """Makes and copies instances of one frozen, slotted attrs class without its converters and validators.

    Args:
        cls: The class; it must have no weak reference slot, or the layouts differ.
    """

    __slots__ = ("_cls", "_places", "_read", "draft")

    def __init__(self, cls: Any) -> None:  # noqa: ANN401 - any frozen attrs class
        """Make the mutable twin."""
        names = [field.name for field in attrs.fields(cls)]
        self._cls = cls
        self._read = attrgetter(*names)
        self._places = {name: place for place, name in enumerate(names)}
        self.draft: Any = attrs.make_class(
            f"_{cls.__name__}Draft",
            {name: attrs.field() for name in names},
            bases=(cls.__base__,),
            # Both, since they share one C slot: with one alone left frozen, assignment takes the slow way.
            class_body={"__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
            slots=True,
            weakref_slot=False,
            eq=False,
            repr=False,
        )
        """The mutable twin: call it with a value for every field, and hand the result to `finish` at once."""

    def finish(self, draft: Any) -> InstanceT:  # noqa: ANN401 - a draft has no type of its own
        """Return the draft as an instance of the frozen class."""
        draft.__class__ = self._cls
        instance: InstanceT = draft
        return instance

    def copy(self, instance: InstanceT, fields: Mapping[str, object]) -> InstanceT:
        """Return a copy with some fields set; a name that the class does not have is passed over."""
        values = list(self._read(instance))
        places = self._places
        for name, value in fields.items():
            if name in places:
                values[places[name]] = value
        return self.finish(self.draft(*values))
