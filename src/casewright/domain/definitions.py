"""Definitions: a lifecycle, who may do what, and what must hold, as one value that decides.

`decide` answers with changes or with every reason; it reads no clock, makes no id and touches no store. The same
function enforces, explains, and lists what an actor can do now (`actions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Generic

import attrs

from casewright.domain.actors import Actor, check_actor
from casewright.domain.creating import Blueprint, Draft, create
from casewright.domain.deciding import NOTHING_CHANGES, Question, decide, judge
from casewright.domain.definition_parts import DefinitionParts
from casewright.domain.ids import as_item_id
from casewright.domain.items import Case, ItemT, Kind, Task
from casewright.domain.json_values import EMPTY, FrozenMapping
from casewright.domain.reasons import Phase, Reason, params
from casewright.domain.rules import ReadyRule
from casewright.domain.rulings import GRANT
from casewright.domain.steps import Needs, StepTable
from casewright.domain.terms import Scope
from casewright.domain.values import as_instant, as_name
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused
from casewright.errors import InvalidInputError, MisuseError, UnknownDefinitionError

__all__ = ["CaseDefinition", "Definition", "TaskDefinition"]

_DELETED: Final = Refused((Reason("deleted", Phase.STATE, "it was deleted; nothing can be done with it any more"),))


@attrs.frozen
class Definition(DefinitionParts, Generic[ItemT]):
    """What `TaskDefinition` and `CaseDefinition` share. Not made by itself. See `DefinitionParts` for the arguments.

    Attributes:
        hidden: The answer to everything that is asked by someone who may not read the item.
    """

    kind: ClassVar[Kind]

    _tables: Mapping[int, StepTable] = attrs.field(init=False, eq=False, repr=False)
    _actions: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)
    _blueprint: Blueprint = attrs.field(init=False, eq=False, repr=False)
    _read: ReadyRule = attrs.field(init=False, eq=False, repr=False)
    hidden: Refused = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Prove it sound, and work out what decisions look up."""
        if type(self) is Definition:
            raise MisuseError("a Definition alone defines no kind of item", "make a TaskDefinition or a CaseDefinition")
        super().__attrs_post_init__()
        lifecycles = (self.lifecycle, *self.earlier)
        tables = {one.version: StepTable(one, self.guards, self.published, self.authorization) for one in lifecycles}
        blueprint = Blueprint(
            kind=self.kind,
            name=self.name,
            lifecycle=self.lifecycle,
            authorization=self.authorization,
            guards=self.guards.get("create", ()),
            fields=self.fields,
            published=self.published is None or "create" in self.published,
        )
        actions = tuple(dict.fromkeys(action for table in tables.values() for action in table.actions))
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "_actions", actions)
        object.__setattr__(self, "_blueprint", blueprint)
        read = self.authorization.rule("read")
        object.__setattr__(self, "_read", read)
        sentence = "there is no such item, or none that you may see"
        not_visible = Reason("not_visible", Phase.PERMISSION, sentence, params(rule=repr(read)))
        object.__setattr__(self, "hidden", Refused((not_visible,)))

    def create(
        self,
        id: str,
        *,
        by: Actor,
        at: datetime,
        title: str,
        status: str | None = None,
        reason: str | None = None,
        facts: Mapping[str, object] | None = None,
        parent: Case | None = None,
        **fields: Any,  # noqa: ANN401 - each is checked by its own input
    ) -> Permitted[ItemT] | Refused:
        """Answer whether the item can be created, and what that changes.

        Args:
            id: The id of the new item, never used before.
            by: Who asks; the item gets the actor's tenant.
            at: The effective time (aware).
            title: The item's title.
            status: Where it starts; the first initial status where None. One that is not initial needs a reason and the
                right to ``correct``.
            reason: Why it starts there.
            facts: What the guards of ``create`` need to know.
            parent: The case that a task is to belong to, as it is now. Whether the actor may read it is for the caller
                to ask (the bus does).
            **fields: ``description``, ``priority``, ``assignee_id`` (needs the right to ``assign``), ``due_at``,
                ``tags``, ``attributes``; ``case_id`` may name the parent once more.

        Returns:
            The change, and that of the case where an open task enters it; or every reason against them.

        Raises:
            InvalidInputError: A value is of a wrong type, over a limit, or one that no store can hold.
            MisuseError: The parent is no case of the actor's tenant, or this defines cases.
        """
        check_actor(by)
        self._check_parent(parent, by)
        case_id = fields.pop("case_id", None)
        if case_id is not None and (parent is None or parent.id != case_id):
            raise MisuseError("case_id= names another case than parent=", "pass the case as parent=")
        if parent is not None and parent.id == id:
            raise InvalidInputError("id", "is the id of its own case", "give the task an id of its own")
        optional = {"status": status, "reason": reason}
        given = {"title": title, **fields, **{name: value for name, value in optional.items() if value is not None}}
        draft = Draft(as_item_id(id), by, as_instant(at, "at"), _as_facts(facts), parent)
        return create(self._blueprint, draft, given)

    def decide(
        self,
        item: ItemT,
        action: str,
        inputs: Mapping[str, object] | None = None,
        *,
        by: Actor,
        at: datetime,
        facts: Mapping[str, object] | None = None,
        parent: Case | None = None,
    ) -> Permitted[ItemT] | Refused:
        """Answer whether the action can be done on the item, and what it changes.

        Args:
            item: The item as it is.
            action: An action of its lifecycle, or a verb.
            inputs: What the action is given.
            by: Who asks.
            at: The effective time (aware); may lie before earlier events.
            facts: What guards need to know beyond the item.
            parent: The task's case as it is now; needed where the task's openness may change.

        Returns:
            The changes (none where a verb changes nothing), or every reason: of permission only where permission lacks,
            only ``not_visible`` where the actor may not even read.

        Raises:
            InvalidInputError: A value is of a wrong type, over a limit, or one that no store can hold.
            MisuseError: The item is of another kind or definition, or its case is missing or another one.
            UnknownDefinitionError: The lifecycle that the item is pinned to is not held.
        """
        question = self._question(item, by, at, facts, parent)
        name = action if type(action) is str and action in self._actions else as_name(action, "action")
        if name == "create":
            raise InvalidInputError("action", "create is no action on an item that is there", "call create(...)")
        if not self._sees(by, item):
            return self.hidden
        table = self._table(item)
        ruling = self.authorization.ruling(by, name, item)
        if ruling is not GRANT:
            return Refused(ruling.reasons)
        if item.deleted_at is not None:
            return _DELETED
        if name == "read":
            return NOTHING_CHANGES
        return decide(question, table, name, EMPTY if inputs is None else inputs)

    def actions(
        self,
        item: ItemT,
        *,
        by: Actor,
        at: datetime,
        facts: Mapping[str, object] | None = None,
        parent: Case | None = None,
    ) -> tuple[ActionVerdict, ...]:
        """Answer for every action and verb whether the actor can do it now, why not, and what it would need.

        Args:
            item: The item as it is.
            by: Who asks.
            at: The effective time (aware).
            facts: What guards need to know beyond the item.
            parent: The task's case as it is now; needed where the task has one.

        Returns:
            A verdict for each, in order of declaration, verbs last; ``read`` and ``create`` are not listed.

        Raises:
            InvalidInputError: A value is of a wrong type.
            MisuseError: As for `decide`.
            UnknownDefinitionError: As for `decide`.
        """
        question = self._question(item, by, at, facts, parent)
        if not self._sees(by, item):  # nothing that depends on the item, its status and lifecycle included
            return tuple(ActionVerdict(action, False, self.hidden.reasons, (), None) for action in self._actions)
        table = self._table(item)
        denials: dict[object, tuple[Reason, ...] | None] = {}  # many actions share one rule: each is asked once
        alone = getattr(item, "case_id", None) is None
        verdicts = []
        for (action, key), place in zip(table.ruled_by, table.row(item.status), strict=True):
            if key not in denials:
                ruling = self.authorization.ruling(by, action, item)
                denials[key] = None if ruling is GRANT else ruling.reasons
            reasons = denials[key]
            if reasons is None and item.deleted_at is not None:
                reasons = _DELETED.reasons
            if reasons is None:
                verdicts.append(place.verdict if alone and place.settled else judge(question, place))
            else:
                shown = place.verdict
                verdicts.append(ActionVerdict(action, False, reasons, shown.inputs, shown.target))
        return tuple(verdicts)

    def may_read(self, item: ItemT, *, by: Actor) -> bool:
        """Return whether the actor may see the item: of the same tenant, and granted by the rule of ``read`` (A8)."""
        check_actor(by)
        self._check_item(item)
        return self._sees(by, item)

    def needs(self, item: ItemT, action: str | None = None) -> Needs:
        """Return what `decide` must be given beside the item for the action, or `actions` for all of them.

        Raises:
            MisuseError: The item is of another kind or definition.
            UnknownDefinitionError: The lifecycle that the item is pinned to is not held.
        """
        self._check_item(item)
        table = self._table(item)
        needs = table.needs(item.status, action)
        # A status that was given another category meanwhile: only the item knows whether it is counted as open.
        return needs if item.category is table.lifecycle.states.get(item.status) else Needs(True, needs.facts)

    @property
    def needs_to_create(self) -> Needs:
        """What `create` must be given beside the fields: facts for its guards, and the case of a task that has one."""
        return self._blueprint.needs

    def scope(self, actor: Actor) -> Scope:
        """Return the terms that say which items of the actor's tenant the actor may read (A6)."""
        check_actor(actor)
        return self.authorization.scope(actor, "read")

    def _sees(self, by: Actor, item: ItemT) -> bool:
        return by.tenant == item.tenant and self._read(by, item) is GRANT

    def _table(self, item: ItemT) -> StepTable:
        table = self._tables.get(item.lifecycle_version)
        if table is None:
            raise UnknownDefinitionError(self.name, item.lifecycle_version)
        return table

    def _question(
        self, item: ItemT, by: Actor, at: datetime, facts: Mapping[str, object] | None, parent: Case | None
    ) -> Question:
        check_actor(by)
        self._check_item(item)
        if parent is not None and (
            type(parent) is not Case or parent.id != getattr(item, "case_id", None) or parent.tenant != item.tenant
        ):
            raise MisuseError("parent= is not the item's case", "pass the task's own case, and none for a case")
        return Question(item, by, as_instant(at, "at"), _as_facts(facts), parent, self.fields)

    def _check_item(self, item: ItemT) -> None:
        if type(item) is not _CLASSES[self.kind]:
            raise MisuseError(f"{self.name!r} judges a {self.kind}, not a {type(item).__name__}", "ask its definition")
        if item.definition != self.name:
            raise MisuseError(f"{self.name!r} was asked about an item of {item.definition!r}", "ask its definition")

    def _check_parent(self, parent: Case | None, by: Actor) -> None:
        if parent is not None and (self.kind != "task" or type(parent) is not Case or parent.tenant != by.tenant):
            raise MisuseError("parent= is no case that it can belong to", "pass a Case of the same tenant for a task")


def _as_facts(facts: Mapping[str, object] | None) -> Mapping[str, object]:
    if facts is None:
        return EMPTY
    if not isinstance(facts, Mapping):
        raise InvalidInputError("facts", f"must be a mapping, not {type(facts).__name__}", "map names to facts")
    return FrozenMapping(facts)  # a copy that no guard can change for the next one


_CLASSES: Final = {"task": Task, "case": Case}


class TaskDefinition(Definition[Task]):
    """What a kind of task is: its lifecycle, who may do what, what must hold. See `DefinitionParts` for arguments."""

    __slots__ = ()

    kind: ClassVar[Kind] = "task"


class CaseDefinition(Definition[Case]):
    """What a kind of case is: its lifecycle, who may do what, what must hold. See `DefinitionParts` for arguments."""

    __slots__ = ()

    kind: ClassVar[Kind] = "case"
