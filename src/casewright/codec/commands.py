"""The JSON forms of commands and of what comes of them.

A command is an object of its fields, with its class under ``command``: ``{"command": "start_task", "item_id": "t"}``.
So `Command` reads any of them from a queue, and ``StartTask | BlockTask`` these two. Where the caller names one class,
as the handler of a request does, the key may be left out. A field that is UNSET is no key: what an `Edit` leaves out
stays, and null clears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from casewright.application.commands import COMMANDS, Command, CreateTask, Edit, OpenCase, Perform, Tag, values
from casewright.application.reports import Outcome
from casewright.codec.forms import read_event, read_item, read_note
from casewright.codec.readers import (
    Reader,
    an_object,
    at_key,
    boolean,
    checked,
    each,
    exactly,
    json_object,
    listed,
    maybe,
    of_class,
)
from casewright.domain.items import Item, Note
from casewright.domain.json_values import FrozenMapping, JsonValue

__all__ = [
    "COMMAND_NAMES",
    "COMMAND_READERS",
    "AnyCommand",
    "command_among",
    "outcome_of",
    "read_command",
    "read_outcome",
]

AnyCommand: TypeAlias = Command[Any]
"""A command, whatever it answers with."""


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).removeprefix("_")


COMMAND_NAMES: Final[Mapping[type[AnyCommand], str]] = {cls: _snake_case(cls.__name__) for cls in COMMANDS}
"""What each command is called under ``command``."""


def _inputs(value: object, path: str) -> FrozenMapping[JsonValue]:
    """Read the inputs of any action: JSON values only, though a program may pass more."""
    return checked(values.inputs)(json_object(value, path), path)


_NEW_ITEM: Final[Mapping[str, Reader[Any]]] = {"tags": listed(values.tags), "attributes": maybe(json_object)}
_FIELDS: Final[Mapping[type[AnyCommand], Mapping[str, Reader[Any]]]] = {
    CreateTask: _NEW_ITEM,
    OpenCase: _NEW_ITEM,
    Edit: {"attributes": json_object},
    Tag: {"add": listed(values.added_tags), "remove": listed(values.removed_tags)},
    Perform: {"inputs": _inputs},
}

COMMAND_READERS: Final[Mapping[type[AnyCommand], Reader[Any]]] = {
    cls: of_class(cls, _FIELDS.get(cls), tags={"command": exactly(name)}, tags_required=False)
    for cls, name in COMMAND_NAMES.items()
}
"""The reader of each command, where its class is known."""


def command_among(classes: Iterable[type[AnyCommand]]) -> Reader[AnyCommand]:
    """Return the reader of commands of these classes only, told apart by ``command``."""
    by_name = {COMMAND_NAMES[cls]: COMMAND_READERS[cls] for cls in classes}
    known = exactly(*by_name)

    def read(value: object, path: str) -> AnyCommand:
        name: str = known(an_object(value, path).get("command"), at_key(path, "command"))
        command: AnyCommand = by_name[name](value, path)
        return command

    return read


read_command: Final = command_among(COMMANDS)


def outcome_of(result: Reader[Any]) -> Reader[Outcome[Any]]:
    """Return the reader of an outcome with such a result."""
    return of_class(Outcome, {"result": result, "item": read_item, "events": each(read_event), "replayed": boolean})


def _read_result(value: object, path: str) -> Item | Note:
    """Read an item or a note: only items have a ``kind``."""
    read: Callable[[object, str], Item | Note] = read_item if "kind" in an_object(value, path) else read_note
    return read(value, path)


read_outcome: Final = outcome_of(_read_result)
