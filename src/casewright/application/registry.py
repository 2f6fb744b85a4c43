"""The definitions of a bus: which of them judges an item, and which one makes a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeAlias

from casewright.application.commands.base import Ask
from casewright.domain.actors import Actor, check_actor
from casewright.domain.definitions import CaseDefinition, Definition, TaskDefinition
from casewright.domain.events import Change
from casewright.domain.filters import CaseFilter, ItemFilter, TaskFilter
from casewright.domain.items import Item
from casewright.domain.terms import MAX_ALTERNATIVES, Scope, Term, TermKind
from casewright.domain.transitions import several
from casewright.errors import DefinitionError, InvalidInputError, MisuseError, Problem, UnknownDefinitionError

__all__ = ["AnyDefinition", "Registry"]

AnyDefinition: TypeAlias = Definition[Any]


class Registry:
    """Definitions by their names.

    Args:
        definitions: Each of another name.

    Raises:
        DefinitionError: There is none, or two have one name.
        MisuseError: A value is no definition.
    """

    __slots__ = ("_by_name",)

    def __init__(self, definitions: Iterable[TaskDefinition | CaseDefinition]) -> None:
        """Index them."""
        given = (definitions,) if isinstance(definitions, Definition) else several(definitions)
        for one in given:
            if not isinstance(one, Definition):
                advice = "pass definitions=(TASK, ...)"
                raise MisuseError(f"a {type(one).__name__} was passed where a definition was needed", advice)
        problems = [
            Problem("double_definition", f"definition {name!r}", "is there twice", "give each a name of its own")
            for name, count in Counter(one.name for one in given).items()
            if count > 1
        ]
        if not given:
            problems.append(Problem("no_definition", "definitions", "there is none", "pass at least one definition"))
        if problems:
            raise DefinitionError(tuple(problems))
        self._by_name: dict[str, AnyDefinition] = {one.name: one for one in given}

    def judging(self, item: Item) -> AnyDefinition:
        """Return the definition that judges the item.

        Raises:
            UnknownDefinitionError: It is not among them.
        """
        return self._named(item.definition)

    def may_read(self, item: Item, by: Actor) -> bool:
        """Return whether the actor may read the item, as far as a definition here judges it."""
        definition = self._by_name.get(item.definition)
        return definition is not None and definition.may_read(item, by=by)

    def shown(self, changes: tuple[Change[Any], ...], by: Actor) -> tuple[Change[Any], ...]:
        """Return what the actor may see of changes: the counting of a case that is hidden is not theirs to know."""
        return tuple([one for one in changes if one is changes[0] or self.may_read(one.after, by)])

    def creating(self, ask: Ask) -> AnyDefinition:
        """Return the definition of a new item: the one that is named, or the first one of its kind.

        Raises:
            UnknownDefinitionError: There is none.
            MisuseError: The one that is named defines the other kind.
        """
        if ask.definition is None:
            for one in self._by_name.values():
                if ask.kind in {None, one.kind}:
                    return one
            raise UnknownDefinitionError(f"any {ask.kind}")
        named = self._named(ask.definition)
        if ask.kind not in {None, named.kind}:
            problem = f"{named.name!r} defines a {named.kind}, not a {ask.kind}"
            raise MisuseError(problem, f"name a definition of a {ask.kind}, or none")
        return named

    def visible(self, wanted: ItemFilter[Any], by: Actor) -> Scope:
        """Return the scope of what a list shows: what the filter asks for, and the actor may read (A6).

        What no definition here judges is not shown.

        Raises:
            InvalidInputError: It is no filter, or no actor; or that would be more than 1,024 alternatives.
        """
        check_actor(by)
        if not isinstance(wanted, (TaskFilter, CaseFilter)):
            problem = f"must be a TaskFilter or a CaseFilter, not {type(wanted).__name__}"
            raise InvalidInputError("filter", problem, "such as TaskFilter(open=True)")
        terms = wanted.terms
        judged = [
            (one, Term(TermKind.FIELD, "definition", (one.name,)))
            for one in self._by_name.values()
            if one.kind == wanted.kind and (wanted.definition is None or one.name in wanted.definition)
        ]
        alternatives = [(term, *terms, *granted) for one, term in judged for granted in one.scope(by).alternatives]
        if len(alternatives) > MAX_ALTERNATIVES:
            problem = f"together may be read in more than {MAX_ALTERNATIVES} ways by this actor"
            raise InvalidInputError("definitions", problem, "name one definition in the filter")
        return Scope(tuple(alternatives))

    def _named(self, name: str) -> AnyDefinition:
        definition = self._by_name.get(name)
        if definition is None:
            raise UnknownDefinitionError(name)
        return definition
