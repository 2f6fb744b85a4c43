"""The decision itself: from a question about one item to the changes, or to every reason against them.

Permission was given before any of this is asked (see `definitions`). Then, in this order: what the state forbids, what
the inputs lack, what the guards refuse; and where nothing is said against it, the event and the items it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.effects import effect_changes
from casewright.domain.events import Change, evolve_event, new_event
from casewright.domain.fields import check_fields
from casewright.domain.folding import apply
from casewright.domain.guards import open_tasks_reason
from casewright.domain.inputs import Input, check_inputs
from casewright.domain.items import Case, Item, Task
from casewright.domain.json_values import EMPTY, FrozenMapping, freeze_object
from casewright.domain.payloads import Payload
from casewright.domain.reasons import Phase, Reason
from casewright.domain.steps import Place, Step, StepTable
from casewright.domain.values import CLOSED_CATEGORIES, Category
from casewright.domain.verbs import Work
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused
from casewright.errors import MisuseError

__all__ = ["NOTHING_CHANGES", "Question", "case_closed", "decide", "judge", "own_case", "with_counter"]

NOTHING_CHANGES: Final[Permitted[Any]] = Permitted()

# One sentence for closed and deleted: who asks of a task may not be one who may read its case.
_CASE_CLOSED: Final = Reason(
    "case_closed",
    Phase.GUARD,
    "its case is closed or deleted, and takes no open task: reopen the case, or leave the task",
)


@attrs.define
class Question:
    """What is asked: one action on one item, by someone, at some time.

    Attributes:
        item: The item.
        by: Who asks.
        at: The effective time (UTC).
        facts: What the host found out.
        parent: The task's case, where it was given.
        fields: The typed attributes of the definition, if it has any.
    """

    item: Item
    by: Actor
    at: datetime
    facts: Mapping[str, object]
    parent: Case | None
    fields: tuple[Input, ...] | None


def decide(question: Question, table: StepTable, action: str, inputs: Mapping[str, object]) -> Permitted[Any] | Refused:
    """Answer whether the action can be done now with these inputs, and what it changes.

    Args:
        question: What is asked, of an item that is not deleted, by an actor who has the permission.
        table: The steps of the item's lifecycle.
        action: The action or verb.
        inputs: What it is given.

    Returns:
        The changes, or every reason of the phases state, input and guard.

    Raises:
        InvalidInputError: An input is of a wrong type, over a limit, or one that no store can hold.
        MisuseError: The item's openness may change and its case was not given.
    """
    item = question.item
    place = table.place(item.status, action)
    step = place.step
    if step is None:
        return Refused(place.verdict.reasons)
    reasons = _reasons_of_state(question, step, place.misplaced)
    values, lacking = _accepted(question, step, inputs)
    reasons += lacking
    category = _category_after(table, step, None if lacking else values)
    reasons += _reasons_of_guards(question, step, category, None if lacking else values)
    if place.misplaced is None:
        reasons += _reasons_of_case(question, step, category)
    if reasons:
        return Refused(tuple(reasons))
    work = _work(question, step, values)
    if work is None:
        return NOTHING_CHANGES
    status = str(values["status"]) if step.sets_status else step.target or item.status
    change = _change(question, step, work, status, category or item.category)
    return Permitted(with_counter(change, question.parent))


def _accepted(question: Question, step: Step, inputs: Mapping[str, object]) -> tuple[FrozenMapping[Any], list[Reason]]:
    """The inputs as they are recorded, and what they lack."""
    values, lacking = check_inputs(step.inputs, inputs, step.action)
    if question.fields is not None and "attributes" in values:
        typed, wrong = check_fields(question.fields, values["attributes"], whole=False)
        values, lacking = FrozenMapping({**values, "attributes": typed}), lacking + wrong
    return values, lacking


def judge(question: Question, place: Place) -> ActionVerdict:
    """Answer whether the action can be done now as far as that is known without its inputs.

    Args:
        question: As for `decide`.
        place: The action as seen from the item's status.

    Returns:
        The verdict; guards that read inputs are left out.
    """
    step = place.step
    if step is None:
        return place.verdict
    reasons = _reasons_of_state(question, step, place.misplaced)
    reasons += _reasons_of_guards(question, step, step.category, None)
    if place.misplaced is None:
        reasons += _reasons_of_case(question, step, step.category)
    if len(reasons) == len(place.verdict.reasons):
        return place.verdict
    return ActionVerdict(step.action, False, tuple(reasons), step.inputs, step.target)


def with_counter(change: Change[Any], parent: Case | None) -> tuple[Change[Any], ...]:
    """Return the change, and the change of the case whose counter it moves, if it does.

    Args:
        change: The item's own change.
        parent: The task's case, where it has one.

    Returns:
        One change or two, the item's own first.

    Raises:
        MisuseError: The counter moves, and the case is missing, another one, or counts no open task.
    """
    case_id = getattr(change.after, "case_id", None)
    if case_id is None:
        return (change,)
    before, is_open = change.before, change.after.open
    if (before is not None and before.open) is is_open:
        return (change,)
    return change, _counted(change, own_case(case_id, parent), is_open)


def _counted(change: Change[Any], parent: Case, is_open: bool) -> Change[Any]:
    """The change of the case whose task has entered or left openness."""
    event = change.event
    count = parent.open_tasks + (1 if is_open else -1)
    if count < 0:
        raise MisuseError(f"the case {parent.id!r} counts no open task", "pass the case as it is now")
    action = "task_opened" if is_open else "task_closed"
    counted = evolve_event(
        event,
        {
            "item_id": parent.id,
            "kind": parent.kind,
            "version": parent.version + 1,
            "action": action,
            "name": action,
            "from_status": parent.status,
            "to_status": parent.status,
            "category": parent.category,
            "definition": parent.definition,
            "lifecycle_version": parent.lifecycle_version,
            "causation_id": event.id,
            "changed": ("open_tasks",),
            "payload": Payload(changes=FrozenMapping({"open_tasks": count})),
        },
    )
    return Change(parent, apply(parent, counted), counted, published=change.published)


def case_closed(parent: Case) -> Reason | None:
    """Return the reason why no open task can be added to the case; None if one can."""
    return None if parent.open else _CASE_CLOSED


def _reasons_of_state(question: Question, step: Step, misplaced: Reason | None) -> list[Reason]:
    reasons = [] if misplaced is None else [misplaced]
    if step.verb is not None and step.verb.blocked is not None:
        blocked = step.verb.blocked(question.item, question.by)
        if blocked is not None:
            reasons.append(blocked)
    return reasons


def _reasons_of_guards(
    question: Question, step: Step, category: Category | None, values: FrozenMapping[Any] | None
) -> list[Reason]:
    item = question.item
    reasons: list[Reason] = []
    closes = category in CLOSED_CATEGORIES and item.category not in CLOSED_CATEGORIES
    for guard in step.guards:
        if (guard.entering_closed and not closes) or (guard.inputs and values is None):
            continue
        reason = guard.refusal(item, EMPTY if values is None else values, question.facts, question.at)
        if reason is not None and reason not in reasons:
            reasons.append(reason)
    if step.deletes and isinstance(item, Case) and item.open_tasks:
        reasons.append(open_tasks_reason(item))
    return reasons


def _reasons_of_case(question: Question, step: Step, category: Category | None) -> list[Reason]:
    """What the task's case has against the step: only entering openness needs it."""
    item = question.item
    if not isinstance(item, Task) or item.case_id is None:
        return []
    stays_open = item.open if category is None else category not in CLOSED_CATEGORIES
    if (stays_open and not step.deletes) is item.open:
        return []
    parent = own_case(item.case_id, question.parent)
    reason = None if item.open else case_closed(parent)
    return [] if reason is None else [reason]


def own_case(case_id: str | None, parent: Case | None) -> Case:
    """Return the case if it is the one of that id.

    Raises:
        MisuseError: It is missing or another one.
    """
    if parent is None or parent.id != case_id:
        given = "was not given" if parent is None else "is not the one given"
        raise MisuseError(f"the task's case {case_id!r} {given}", "pass it as parent=: it counts its open tasks")
    return parent


def _category_after(table: StepTable, step: Step, values: Mapping[str, Any] | None) -> Category | None:
    """The category that the step leads to; None where it changes none, or the inputs do not say which yet."""
    if step.sets_status and values is not None:
        return table.lifecycle.states[str(values["status"])]
    return step.category


def _work(question: Question, step: Step, values: FrozenMapping[Any]) -> Work | None:
    if step.verb is not None:
        return step.verb.work(question.item, values, question.by, question.at)
    if not step.effects:
        return Work(EMPTY, values)
    changes = effect_changes(step.effects, values)
    merged = changes.get("attributes")
    if isinstance(merged, FrozenMapping):
        freeze_object({**question.item.attributes, **merged}, "attributes")  # the whole must stay within the limit
    return Work(changes, values)


def _change(question: Question, step: Step, work: Work, status: str, category: Category) -> Change[Any]:
    item = question.item
    changes = work.changes if isinstance(work.changes, FrozenMapping) else FrozenMapping(work.changes)
    event = new_event(
        tenant=item.tenant,
        item_id=item.id,
        kind=item.kind,
        version=item.version + 1,
        action=step.action,
        name=step.event,
        from_status=item.status,
        to_status=status,
        category=category,
        by=question.by,
        at=question.at,
        definition=item.definition,
        lifecycle_version=item.lifecycle_version,
        payload=Payload(inputs=work.inputs, changes=changes),
    )
    return Change(item, apply(item, event), event, work.notes, step.published)
