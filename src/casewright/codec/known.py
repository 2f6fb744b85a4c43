"""Which reader reads which type: classes, `Change[Task]` and its like, and unions of items, verdicts and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from casewright.application.commands.base import Command
from casewright.application.reports import Outcome
from casewright.codec import commands, forms, listing
from casewright.codec.lifecycles import read_effect, read_input, read_lifecycle
from casewright.codec.readers import Reader, json_object, maybe, one_of
from casewright.domain.actors import Actor
from casewright.domain.effects import Effect
from casewright.domain.events import Change, Context, Event
from casewright.domain.filters import CaseFilter, Cursor, Order, OrderBy, Page, TaskFilter
from casewright.domain.history import Finding
from casewright.domain.inputs import Input, InputKind
from casewright.domain.items import Case, Note, Task, WorkItem
from casewright.domain.json_values import FrozenMapping
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.payloads import Payload
from casewright.domain.reasons import Phase, Reason
from casewright.domain.terms import Scope, Term, TermKind
from casewright.domain.values import Category, Priority
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused

__all__ = ["CLASSES", "PLAIN_CLASSES", "is_known", "reader_of"]

PLAIN_CLASSES: Final[dict[type, Reader[Any]]] = {
    **{members: one_of(members) for members in (Category, InputKind, OrderBy, Phase, Priority, TermKind)},
    FrozenMapping: json_object,
    Payload: forms.read_payload,
}
"""Those that are no attrs classes: a converter may take them for text or mappings and must be told by name."""

CLASSES: Final[dict[object, Reader[Any]]] = {
    **dict[object, Reader[Any]](PLAIN_CLASSES.items()),
    **dict[object, Reader[Any]](commands.COMMAND_READERS.items()),
    ActionVerdict: forms.read_action_verdict,
    Actor: forms.read_actor,
    Case: forms.read_case,
    CaseFilter: listing.read_case_filter,
    Change: forms.read_change,
    Command: commands.read_command,
    Context: forms.read_context,
    Cursor: listing.read_cursor,
    Effect: read_effect,
    Event: forms.read_event,
    Finding: forms.read_finding,
    Input: read_input,
    Lifecycle: read_lifecycle,
    Note: forms.read_note,
    Order: listing.read_order,
    Outcome: commands.read_outcome,
    Page: listing.read_page,
    Permitted: forms.read_permitted,
    Reason: forms.read_reason,
    Refused: forms.read_refused,
    Scope: forms.read_scope,
    Task: forms.read_task,
    TaskFilter: listing.read_task_filter,
    Term: forms.read_term,
    WorkItem: forms.read_item,
}
"""The reader of each class."""

_GENERICS: Final[Mapping[object, Callable[[Reader[Any]], Reader[Any]]]] = {
    Change: forms.change_of,
    Outcome: commands.outcome_of,
    Page: listing.page_of,
    Permitted: forms.permitted_of,
}


def reader_of(target: object) -> Reader[Any] | None:
    """Return the reader of a type, given as a class, a generic alias or a union; None if the codec does not know it."""
    origin = get_origin(target)
    if origin is None:
        return CLASSES.get(target)
    if origin is Union or origin is UnionType:
        return _reader_of_union(get_args(target))
    if origin in _GENERICS:
        read = reader_of(get_args(target)[0])  # None for Any and for type variables
        return CLASSES[origin] if read is None else _GENERICS[origin](read)
    if origin is FrozenMapping and not isinstance(get_args(target)[0], type):
        return json_object  # of JsonValue, which is no class; what maps to a class is for the converter to read
    return CLASSES[Command] if origin is Command else None


def is_known(target: object) -> bool:
    """Return whether the codec has a reader of the type."""
    return reader_of(target) is not None


def _reader_of_item(argument: object) -> Reader[Any]:
    return reader_of(argument) or forms.read_item  # for Any and for type variables


def _reader_of_union(arguments: tuple[Any, ...]) -> Reader[Any] | None:
    members = {get_origin(part) or part: part for part in arguments if part is not NoneType}
    if members.keys() == {Task, Case}:
        read: Reader[Any] = forms.read_item
    elif members.keys() == {Permitted, Refused}:
        own = get_args(members[Permitted])
        read = forms.verdict_of(_reader_of_item(own[0]) if own else forms.read_item)
    elif len(members) > 1 and members.keys() <= commands.COMMAND_READERS.keys():
        read = commands.command_among(members.values())
    else:
        return None
    return maybe(read) if NoneType in arguments else read
