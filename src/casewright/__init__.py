"""casewright: who may do what to a task or a case, in which state, and a proof afterwards that this is what happened.

Every public name of domain and application is here, loaded on first use; adapters are imported by their own path.
Each stands here twice, for checkers and for programs, which makes the file longer than most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casewright.application.anchors import Anchor, HmacKey, anchored, read_anchor, write_anchor
    from casewright.application.async_buffering import AsyncBufferingUnitOfWork, AsyncLedgerUnitOfWork
    from casewright.application.async_bus import AsyncCommandBus
    from casewright.application.async_ports import (
        AsyncItems,
        AsyncListing,
        AsyncOutbox,
        AsyncStore,
        AsyncUnitOfWork,
        Hosting,
    )
    from casewright.application.async_relay import AsyncOutboxRelay
    from casewright.application.async_relay_stops import AsyncWaking, async_stop_on_signals
    from casewright.application.buffering import BufferingUnitOfWork, LedgerUnitOfWork
    from casewright.application.bus import CommandBus
    from casewright.application.commands import (
        COMMANDS,
        AddNote,
        Ask,
        Assign,
        BlockTask,
        CancelTask,
        Claim,
        CloseCase,
        Command,
        CompleteTask,
        Correct,
        CreateTask,
        Delete,
        Edit,
        EscalateCase,
        OpenCase,
        Perform,
        Release,
        ReopenTask,
        SetDue,
        StartReview,
        StartTask,
        SubmitCase,
        Tag,
        UnblockTask,
    )
    from casewright.application.denials import AsyncDenialLog, Denial, DenialLog, DenialRecorder
    from casewright.application.erasing import AsyncErasure, Erased, Erasure
    from casewright.application.facts import AsyncFactProvider, FactProvider
    from casewright.application.hosting import drive
    from casewright.application.ledger import (
        AsyncKeyPurging,
        AsyncLedger,
        Expecting,
        KeyPurging,
        Ledger,
        LedgerEntry,
    )
    from casewright.application.new_ids import uuid7
    from casewright.application.observers import LoggingObserver
    from casewright.application.ports import (
        Items,
        Joining,
        Listing,
        Outbox,
        OutboxPointer,
        Store,
        UnitOfWork,
    )
    from casewright.application.proving import Mark, Proof, Proving, proved
    from casewright.application.publishing import AsyncPublisher, Message, Publisher
    from casewright.application.relay import OutboxRelay
    from casewright.application.relay_round import RelayReport
    from casewright.application.relay_stops import Waking, stop_on_signals
    from casewright.application.relaying import (
        AsyncOutboxKeeping,
        AsyncRelaying,
        Backlog,
        Batch,
        Due,
        Lease,
        OutboxKeeping,
        Place,
        Relaying,
        Settlement,
    )
    from casewright.application.reports import FailedAttempt, Outcome, Report
    from casewright.application.retention import KEY_RETENTION, async_purge_keys, purge_keys
    from casewright.application.writes import RowWrite, Writes
    from casewright.domain.actors import Actor
    from casewright.domain.authorization import AuthorizationPolicy
    from casewright.domain.catalog import REGULATORY_CASE, SIMPLE_TASK, TASK
    from casewright.domain.combinators import all_of, any_of, forbid, not_
    from casewright.domain.definitions import CaseDefinition, TaskDefinition
    from casewright.domain.effects import Effect, clear, copy_input, set_value
    from casewright.domain.events import Change, Context, Event
    from casewright.domain.filters import CaseFilter, Cursor, Order, Page, TaskFilter
    from casewright.domain.folding import erased_fields, fold
    from casewright.domain.graphs import Analysis
    from casewright.domain.guards import Guard, guard, no_open_tasks
    from casewright.domain.history import Finding, erase, seal, verify
    from casewright.domain.ids import ActorId, ItemId, NoteId, Tenant
    from casewright.domain.inputs import Input, actor, boolean, choice, instant, integer, mapping, names, text
    from casewright.domain.items import Case, Note, Task, WorkItem
    from casewright.domain.json_values import FrozenMapping, JsonValue
    from casewright.domain.lifecycle import Lifecycle
    from casewright.domain.payloads import Payload
    from casewright.domain.ready_rules import (
        always,
        has_role,
        in_category,
        in_status,
        is_assignee,
        is_creator,
        never,
        performed,
        same,
    )
    from casewright.domain.reasons import Phase, Reason
    from casewright.domain.rules import predicate
    from casewright.domain.rulings import GRANT, Rule, Ruling, no, veto
    from casewright.domain.terms import Scope, Term
    from casewright.domain.transitions import Transition
    from casewright.domain.values import UNSET, Category, Priority, Unset
    from casewright.domain.verdicts import ActionVerdict, Permitted, Refused
    from casewright.errors import (
        AlreadyExistsError,
        CasewrightError,
        ConflictError,
        DefinitionError,
        HistoryError,
        IdempotencyKeyReusedError,
        InvalidInputError,
        MisuseError,
        NotFoundError,
        NotUniqueError,
        OutcomeUnknownError,
        Problem,
        PublishError,
        RefusedError,
        StaleVersionError,
        StorageError,
        TransientStorageError,
        UnknownDefinitionError,
    )

__version__ = "0.1.0"

__all__ = [
    "COMMANDS",
    "GRANT",
    "KEY_RETENTION",
    "REGULATORY_CASE",
    "SIMPLE_TASK",
    "TASK",
    "UNSET",
    "ActionVerdict",
    "Actor",
    "ActorId",
    "AddNote",
    "AlreadyExistsError",
    "Analysis",
    "Anchor",
    "Ask",
    "Assign",
    "AsyncBufferingUnitOfWork",
    "AsyncCommandBus",
    "AsyncDenialLog",
    "AsyncErasure",
    "AsyncFactProvider",
    "AsyncItems",
    "AsyncKeyPurging",
    "AsyncLedger",
    "AsyncLedgerUnitOfWork",
    "AsyncListing",
    "AsyncOutbox",
    "AsyncOutboxKeeping",
    "AsyncOutboxRelay",
    "AsyncPublisher",
    "AsyncRelaying",
    "AsyncStore",
    "AsyncUnitOfWork",
    "AsyncWaking",
    "AuthorizationPolicy",
    "Backlog",
    "Batch",
    "BlockTask",
    "BufferingUnitOfWork",
    "CancelTask",
    "Case",
    "CaseDefinition",
    "CaseFilter",
    "CasewrightError",
    "Category",
    "Change",
    "Claim",
    "CloseCase",
    "Command",
    "CommandBus",
    "CompleteTask",
    "ConflictError",
    "Context",
    "Correct",
    "CreateTask",
    "Cursor",
    "DefinitionError",
    "Delete",
    "Denial",
    "DenialLog",
    "DenialRecorder",
    "Due",
    "Edit",
    "Effect",
    "Erased",
    "Erasure",
    "EscalateCase",
    "Event",
    "Expecting",
    "FactProvider",
    "FailedAttempt",
    "Finding",
    "FrozenMapping",
    "Guard",
    "HistoryError",
    "HmacKey",
    "Hosting",
    "IdempotencyKeyReusedError",
    "Input",
    "InvalidInputError",
    "ItemId",
    "Items",
    "Joining",
    "JsonValue",
    "KeyPurging",
    "Lease",
    "Ledger",
    "LedgerEntry",
    "LedgerUnitOfWork",
    "Lifecycle",
    "Listing",
    "LoggingObserver",
    "Mark",
    "Message",
    "MisuseError",
    "NotFoundError",
    "NotUniqueError",
    "Note",
    "NoteId",
    "OpenCase",
    "Order",
    "Outbox",
    "OutboxKeeping",
    "OutboxPointer",
    "OutboxRelay",
    "Outcome",
    "OutcomeUnknownError",
    "Page",
    "Payload",
    "Perform",
    "Permitted",
    "Phase",
    "Place",
    "Priority",
    "Problem",
    "Proof",
    "Proving",
    "PublishError",
    "Publisher",
    "Reason",
    "Refused",
    "RefusedError",
    "RelayReport",
    "Relaying",
    "Release",
    "ReopenTask",
    "Report",
    "RowWrite",
    "Rule",
    "Ruling",
    "Scope",
    "SetDue",
    "Settlement",
    "StaleVersionError",
    "StartReview",
    "StartTask",
    "StorageError",
    "Store",
    "SubmitCase",
    "Tag",
    "Task",
    "TaskDefinition",
    "TaskFilter",
    "Tenant",
    "Term",
    "TransientStorageError",
    "Transition",
    "UnblockTask",
    "UnitOfWork",
    "UnknownDefinitionError",
    "Unset",
    "Waking",
    "WorkItem",
    "Writes",
    "actor",
    "all_of",
    "always",
    "anchored",
    "any_of",
    "async_purge_keys",
    "async_stop_on_signals",
    "boolean",
    "choice",
    "clear",
    "copy_input",
    "drive",
    "erase",
    "erased_fields",
    "fold",
    "forbid",
    "guard",
    "has_role",
    "in_category",
    "in_status",
    "instant",
    "integer",
    "is_assignee",
    "is_creator",
    "mapping",
    "names",
    "never",
    "no",
    "no_open_tasks",
    "not_",
    "performed",
    "predicate",
    "proved",
    "purge_keys",
    "read_anchor",
    "same",
    "seal",
    "set_value",
    "stop_on_signals",
    "text",
    "uuid7",
    "verify",
    "veto",
    "write_anchor",
]

if not TYPE_CHECKING:  # so that a misspelt name stays an error to a type checker

    def __getattr__(name: str) -> object:
        """Load a public name on first use."""
        from casewright._names import MODULES  # noqa: PLC0415 - importing the package is to cost nothing

        module = MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """List the public names."""
        return sorted((*__all__, "__version__"))
