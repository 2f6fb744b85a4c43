"""Creation: the one decision that has no item yet. Rules and guards see the item as it would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.deciding import case_closed, with_counter
from casewright.domain.events import VERBS, Change, Event, new_event
from casewright.domain.fields import check_fields
from casewright.domain.folding import apply
from casewright.domain.guards import Guard, facts_of
from casewright.domain.ids import ItemId
from casewright.domain.inputs import Input, check_inputs, choice
from casewright.domain.items import Case, Item, Kind
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.payloads import Payload
from casewright.domain.reasons import Reason
from casewright.domain.rulings import GRANT
from casewright.domain.steps import Needs
from casewright.domain.verbs import CREATE_INPUTS, REASON
from casewright.domain.verdicts import Permitted, Refused

__all__ = ["Blueprint", "Draft", "create"]

_OPTIONAL_REASON: Final = attrs.evolve(REASON, optional=True)


@attrs.frozen(kw_only=True)
class Blueprint:
    """What a definition says about the items it creates.

    Attributes:
        kind: The kind of item.
        name: The definition's name.
        lifecycle: Its current lifecycle.
        authorization: Its policy.
        guards: Its guards on create.
        fields: Its typed attributes, if it has any.
        published: Whether creations are published.
    """

    kind: Kind
    name: str
    lifecycle: Lifecycle
    authorization: AuthorizationPolicy
    guards: tuple[Guard, ...]
    fields: tuple[Input, ...] | None
    published: bool

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What ``create`` takes: the item's fields, a reason, and the status (required of several without an order)."""
        several = isinstance(self.lifecycle.initial, frozenset) and len(self.lifecycle.initial) > 1
        return (*CREATE_INPUTS, choice("status", self.lifecycle.states, optional=not several), _OPTIONAL_REASON)

    @cached_property
    def needs(self) -> Needs:
        """What the decision must be given: facts for the guards, and the case of a task that has one."""
        return Needs(True, facts_of(self.guards))


@attrs.define
class Draft:
    """What is to be created, apart from its fields.

    Attributes:
        item_id: The id of the new item.
        by: Who asks.
        at: The effective time (UTC).
        facts: What the host found out.
        parent: The case the task is to belong to.
    """

    item_id: ItemId
    by: Actor
    at: datetime
    facts: Mapping[str, object]
    parent: Case | None


def create(blueprint: Blueprint, draft: Draft, given: Mapping[str, Any]) -> Permitted[Any] | Refused:
    """Answer whether the item can be created, and what that changes.

    Args:
        blueprint: What the definition says.
        draft: What is to be created.
        given: Status, reason and item fields.

    Returns:
        The change, and the change of the case where an open task enters it; or every reason against them.

    Raises:
        InvalidInputError: A value is of a wrong type, over a limit, or one that no store can hold.
    """
    values, reasons = check_inputs(blueprint.inputs, given, "create")
    if blueprint.fields is not None:
        typed, wrong = check_fields(blueprint.fields, values.get("attributes") or EMPTY, whole=True)
        values, reasons = FrozenMapping({**values, "attributes": typed}) if typed else values, reasons + wrong
    lacking = bool(reasons)
    status = values.get("status") or min(blueprint.lifecycle.initial, key=_order(blueprint.lifecycle))
    event = _event(blueprint, draft, str(status), values)
    item = apply(None, event)
    denials = _denials(blueprint, draft.by, item)
    if denials:
        return Refused(denials)
    if item.status not in blueprint.lifecycle.initial and given.get("reason") is None:
        reasons.append(REASON.missing)
    for guard in blueprint.guards:
        if lacking and guard.inputs:
            continue
        reason = guard.refusal(item, values, draft.facts, draft.at)
        if reason is not None:
            reasons.append(reason)
    closed = None if draft.parent is None or not item.open else case_closed(draft.parent)
    if closed is not None:
        reasons.append(closed)
    if reasons:
        return Refused(tuple(dict.fromkeys(reasons)))
    return Permitted(with_counter(Change(None, item, event, published=blueprint.published), draft.parent))


def _order(lifecycle: Lifecycle) -> Callable[[str], int]:
    initial = lifecycle.initial
    return sorted(initial).index if isinstance(initial, frozenset) else initial.index


def _denials(blueprint: Blueprint, by: Actor, item: Item) -> tuple[Reason, ...]:
    """What the rules of create, of correct (where the status is not initial) and of assign have against it."""
    asked = ["create"]
    if item.status not in blueprint.lifecycle.initial:
        asked.append("correct")
    if item.assignee_id is not None:
        asked.append("assign")
    rulings = (blueprint.authorization.ruling(by, action, item) for action in asked)
    return tuple(dict.fromkeys(reason for ruling in rulings if ruling is not GRANT for reason in ruling.reasons))


def _event(blueprint: Blueprint, draft: Draft, status: str, values: Mapping[str, Any]) -> Event:
    changes = {name: value for name, value in values.items() if name not in {"status", "reason"}}
    changes.setdefault("title", "")  # a missing title is a reason; the rules are asked all the same
    if draft.parent is not None:
        changes["case_id"] = draft.parent.id
    inputs: FrozenMapping[JsonValue] = FrozenMapping({"reason": values["reason"]}) if "reason" in values else EMPTY
    return new_event(
        tenant=draft.by.tenant,
        item_id=draft.item_id,
        kind=blueprint.kind,
        version=1,
        action="create",
        name=VERBS["create"],
        from_status=None,
        to_status=status,
        category=blueprint.lifecycle.states[status],
        by=draft.by,
        at=draft.at,
        definition=blueprint.name,
        lifecycle_version=blueprint.lifecycle.version,
        payload=Payload(inputs=inputs, changes=FrozenMapping(changes)),
    )
