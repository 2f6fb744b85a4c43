"""What a command needs and what it writes: everything about running one that is pure.

A bus is a thin shell around it. For each attempt it loads what the plan says, asks the plan, and records the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import attrs

from casewright.application.commands.base import Ask, Command
from casewright.application.fingerprints import fingerprint_of
from casewright.application.new_ids import Clock, NewId
from casewright.application.registry import AnyDefinition, Registry
from casewright.application.reports import FailedAttempt, Outcome, Report
from casewright.domain.actors import Actor, check_actor
from casewright.domain.events import Change, Context, check_context
from casewright.domain.history import seal
from casewright.domain.ids import ItemId, as_item_id, as_note_id
from casewright.domain.items import Case, Item, Kind, Note, WorkItem
from casewright.domain.json_values import FrozenMapping
from casewright.domain.reasons import Reason
from casewright.domain.values import MAX_ID, as_instant, as_integer, as_name
from casewright.domain.verdicts import Permitted, Refused
from casewright.errors import (
    ConflictError,
    InvalidInputError,
    MisuseError,
    NotFoundError,
    RefusedError,
    StaleVersionError,
    StorageError,
)

__all__ = [
    "Changes",
    "Denied",
    "Done",
    "Job",
    "Outdated",
    "Verdict",
    "as_job",
    "check_version",
    "created",
    "failed",
    "report_of",
    "seen",
    "to_record",
]


Changes: TypeAlias = tuple[Change[Any], ...]
Verdict: TypeAlias = Permitted[Any] | Refused


@attrs.define
class Done:
    """What a command that can be done comes to.

    Attributes:
        before: The item before it; None where it is new.
        changes: Its changes, sealed; none where nothing changes.
    """

    before: Item | None
    changes: Changes


class Denied(Exception):  # noqa: N818 - it never leaves a bus: it carries the error that does
    """A denial on its way out of the transaction, with what only observers are told."""

    def __init__(self, error: NotFoundError | RefusedError, reasons: tuple[Reason, ...] = ()) -> None:
        """Keep both."""
        super().__init__(error)
        self.error = error
        self.reasons = reasons


class Outdated(Exception):  # noqa: N818 - as above
    """A version that is not the expected one, on its way out: unlike other conflicts, it is not to be tried again."""

    def __init__(self, error: StaleVersionError) -> None:
        """Keep the error."""
        super().__init__(error)
        self.error = error


@attrs.define(kw_only=True)
class Job:
    """A command with all that stays the same however often it is tried: who, when, which new ids.

    Attributes:
        command: The command.
        ask: What it asks for, a new note's id included.
        item_id: The item, or the id of the new one.
        by: Who asks.
        at: The effective time (UTC).
        context: Where it comes from.
        expected_version: The version that the caller has seen, or None.
        given: The item as the caller has it, for the first attempt; or None.
        key: Under which it is done once, or None.
        fingerprint: By what it is known again under its key; empty where it has none.
    """

    command: Command[Any]
    ask: Ask
    item_id: ItemId
    by: Actor
    at: datetime
    context: Context | None
    expected_version: int | None
    given: Item | None
    key: str | None
    fingerprint: str

    @property
    def creates(self) -> bool:
        """Whether there is no item yet."""
        return self.ask.action == "create"

    def report(self, changes: Changes, attempts: int, took: timedelta) -> Report:
        """Return what observers are told once it is committed."""
        events = tuple(change.event for change in changes)
        return report_of(self.ask.action, self.item_id, self.by, self.at, attempts=attempts, took=took, events=events)

    def denial(self, denied: Denied, attempts: int, took: timedelta) -> Report:
        """Return what observers are told of a denial."""
        told = {"denial": denied.error, "reasons": denied.reasons}
        return report_of(self.ask.action, self.item_id, self.by, self.at, attempts=attempts, took=took, **told)

    def outcome(self, item: Item | None, changes: Changes) -> Outcome[Any]:
        """Return what the caller is answered.

        Args:
            item: The item before.
            changes: What was written; empty where nothing changed.
        """
        after: Any = changes[0].after if changes else item
        notes: tuple[Note, ...] = changes[0].notes if changes else ()
        return Outcome(self.command.result(after, notes), after, tuple([change.event for change in changes]))


def report_of(
    action: str,
    item_id: ItemId,
    by: Actor,
    at: datetime,
    **told: Any,  # noqa: ANN401 - Report's own arguments
) -> Report:
    """Return what observers are told of a command, or of a reading that was denied."""
    return Report(
        action=action,
        item_id=item_id,
        tenant=by.tenant,
        actor_id=by.id,
        on_behalf_of=by.on_behalf_of,
        at=at,
        **told,
    )


def failed(
    jobs: Sequence[Job], by: Actor, error: ConflictError | StorageError, attempt: int, *, again: bool
) -> FailedAttempt:
    """Return what observers are told of a try that met a conflict, or a store that could not do it."""
    return FailedAttempt(
        actions=tuple([job.ask.action for job in jobs]),
        tenant=by.tenant,
        actor_id=by.id,
        error=error,
        attempt=attempt,
        again=again,
    )


def as_job(
    command: Command[Any],
    *,
    by: Actor,
    clock: Clock,
    new_id: NewId,
    at: datetime | None = None,
    context: Context | None = None,
    expected_version: int | None = None,
    item: Item | None = None,
    key: str | None = None,
) -> Job:
    """Return the command with all that stays the same however often it is tried.

    Raises:
        InvalidInputError: A value is of a wrong type.
        MisuseError: The item is not the one that the command names; or of a new item something is said to be known.
    """
    if not isinstance(command, Command):
        raise InvalidInputError("command", f"must be a Command, not {type(command).__name__}", "such as StartTask(id)")
    check_actor(by)
    check_context(context)
    said = _asked(command)
    ask = _with_note_id(said, new_id)
    item_id = as_item_id(new_id()) if ask.item_id is None else ask.item_id
    expected = None if expected_version is None else as_integer(expected_version, "expected_version", least=1)
    if ask.action == "create" and (expected is not None or item is not None):
        raise MisuseError("what is about to be created was said to be known", "leave out expected_version= and item=")
    if item is not None:
        _check_given(item, ask, by)
    return Job(
        command=command,
        ask=ask,
        item_id=item_id,
        by=by,
        at=as_instant(clock(), "clock") if at is None else as_instant(at, "at"),
        context=context,
        expected_version=expected,
        given=item,
        key=None if key is None else as_name(key, "key", MAX_ID),
        fingerprint="" if key is None else fingerprint_of(said, on_behalf_of=by.on_behalf_of),
    )


def _asked(command: Command[Any]) -> Ask:
    """What the command asks for."""
    ask = command.ask()
    if not isinstance(ask, Ask):
        raise MisuseError(f"ask() of a {type(command).__name__} gave a {type(ask).__name__}", "return an Ask")
    if ask.action == "read":
        raise InvalidInputError("action", "read changes nothing", "call bus.get")
    return ask


def _with_note_id(ask: Ask, new_id: NewId) -> Ask:
    """The same, with the id of a new note."""
    if ask.action != "add_note" or ask.inputs.get("note_id") is not None:
        return ask
    return attrs.evolve(ask, inputs=FrozenMapping({**ask.inputs, "note_id": as_note_id(new_id())}))


def seen(
    registry: Registry, item: Item | None, item_id: ItemId, by: Actor, kind: Kind | None = None
) -> tuple[Item, AnyDefinition]:
    """Return the item and its definition, if the actor may read it: the first step at the door.

    Args:
        registry: The definitions.
        item: What the store has under the id.
        item_id: The id.
        by: Who asks.
        kind: What the item must be; None for either.

    Raises:
        Denied: There is no such item, or the actor may not read it: the two look the same (A8).
        UnknownDefinitionError: No definition here judges it.
    """
    if item is None or (kind is not None and item.kind != kind):
        raise Denied(NotFoundError(item_id))
    definition = registry.judging(item)
    if not definition.may_read(item, by=by):
        raise Denied(NotFoundError(item_id), definition.hidden.reasons)
    return item, definition


def check_version(job: Job, item: Item) -> None:
    """Check that the item has the version that the caller has seen.

    Raises:
        Outdated: It has another one.
    """
    if job.expected_version is not None and item.version != job.expected_version:
        raise Outdated(StaleVersionError(item.id, job.expected_version, item.version))


def created(job: Job, definition: AnyDefinition, parent: Case | None, facts: Mapping[str, object] | None) -> Verdict:
    """Return what the definition says of a new item."""
    fields = {"title": None, **job.ask.inputs}
    if not _SAID.isdisjoint(fields):
        raise InvalidInputError(min(_SAID & fields.keys()), "is no field of a new item", "leave it out of the inputs")
    return definition.create(job.item_id, by=job.by, at=job.at, parent=parent, facts=facts, **fields)


def to_record(job: Job, verdict: Verdict, recorded_at: datetime) -> Changes:
    """Return the sealed changes of a permission; none where nothing changes.

    Raises:
        Denied: It is a refusal.
    """
    if isinstance(verdict, Refused):
        raise Denied(RefusedError(job.ask.action, job.item_id, verdict.reasons), verdict.reasons)
    return tuple([seal(change, recorded_at=recorded_at, context=job.context) for change in verdict.changes])


_SAID: Final = frozenset({"id", "self", "by", "at", "facts", "parent", "case_id"})  # what the bus says itself


def _check_given(item: Item, ask: Ask, by: Actor) -> None:
    if not isinstance(item, WorkItem):
        raise InvalidInputError(
            "item", f"must be a Task or a Case, not {type(item).__name__}", "pass what the bus gave"
        )
    if item.id != ask.item_id:
        raise MisuseError("item= is another item than the one that the command names", "pass that one, or none")
    if item.tenant != by.tenant:
        raise MisuseError("item= is of another tenant than the actor", "pass what the bus gave to this actor")
