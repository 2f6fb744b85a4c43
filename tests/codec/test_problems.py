"""Problem details (RFC 9457): each error's status and words that a client may see, and nothing else (A7, S6)."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from casewright import (
    TASK,
    Actor,
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
    Phase,
    Problem,
    Reason,
    RefusedError,
    StaleVersionError,
    StorageError,
    TransientStorageError,
    UnknownDefinitionError,
    errors,
)
from casewright.codec import problem_details
from support.codec import is_plain
from support.values import AT, a_task

SECRET = "zaunkoenig"
NOT_CLIENTS = "The request could not be handled. The fault is not in the request."


def _refused(*phases: Phase) -> RefusedError:
    reasons = tuple(
        Reason(f"because_{phase}", phase, f"the {phase} says no", {"n": (1, {"m": None})}) for phase in phases
    )
    return RefusedError("close", "c1", reasons)


CASES: list[tuple[CasewrightError, int, str, str, bool]] = [
    (
        InvalidInputError("title", "is too long", "shorten it"),
        422,
        "The input is not valid",
        "title: is too long; shorten it",
        False,
    ),
    (
        NotFoundError("c1"),
        404,
        "There is no such item",
        "there is no item 'c1', or none that you may see",
        False,
    ),
    (
        _refused(Phase.PERMISSION),
        403,
        "The action was refused",
        "close was refused: the permission says no",
        False,
    ),
    (_refused(Phase.STATE), 409, "The action was refused", "close was refused: the state says no", False),
    (_refused(Phase.INPUT), 422, "The action was refused", "close was refused: the input says no", False),
    (
        _refused(Phase.GUARD),
        409,
        "The action was refused",
        "close was refused: the guard says no",
        False,
    ),
    (
        _refused(Phase.STATE, Phase.INPUT, Phase.GUARD),
        409,
        "The action was refused",
        "close was refused: the state says no; the input says no; the guard says no",
        False,
    ),
    (ConflictError("somebody"), 409, "The request is in conflict with another one", "somebody", False),
    (
        StaleVersionError("c1", 3, 5),
        409,
        "The item has another version",
        "c1 was expected at version 3 but has 5; load it again and decide anew",
        False,
    ),
    (
        StaleVersionError("c1", 3),
        409,
        "The item has another version",
        "c1 was expected at version 3 but has another one; load it again and decide anew",
        False,
    ),
    (
        AlreadyExistsError("c1"),
        409,
        "The id is already used",
        "the id 'c1' is already used; choose another one",
        False,
    ),
    (
        NotUniqueError("one title"),
        409,
        "A value is already taken",
        "another item already holds what must be unique by the rule 'one title'",
        False,
    ),
    (
        IdempotencyKeyReusedError(SECRET),
        409,
        "The idempotency key was used for another request",
        "the idempotency key was used for another command; send the very same command, or a new key",
        False,
    ),
    (
        DefinitionError((Problem(SECRET, SECRET, SECRET, SECRET),)),
        500,
        "A definition cannot work",
        NOT_CLIENTS,
        False,
    ),
    (UnknownDefinitionError(SECRET, 2), 500, "A definition is not known", NOT_CLIENTS, False),
    (MisuseError(SECRET, SECRET), 500, "The application made a mistake", NOT_CLIENTS, False),
    (StorageError(SECRET, SECRET), 500, "The store failed", NOT_CLIENTS, False),
    (
        TransientStorageError(SECRET, SECRET),
        503,
        "The store is busy",
        "The request could not be handled now. Send it again later, unchanged and with the same idempotency key.",
        True,
    ),
    (
        OutcomeUnknownError(SECRET, SECRET),
        503,
        "The outcome is not known",
        "Nobody knows yet whether it happened. Send the request again, with the same idempotency key.",
        True,
    ),
    (HistoryError(SECRET, 7), 500, "A history cannot be read", NOT_CLIENTS, False),
    (CasewrightError(SECRET), 500, "The request failed", NOT_CLIENTS, False),
]


@pytest.mark.parametrize(("error", "status", "title", "detail", "retryable"), CASES)
def test_members(error: CasewrightError, status: int, title: str, detail: str, retryable: bool) -> None:
    """Each error has its status, a title that never varies and a detail; what is our own fault is not described."""
    expected: dict[str, Any] = {
        "type": f"urn:casewright:error:{error.code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": error.code,
        "retryable": retryable,
    }
    if isinstance(error, RefusedError):
        expected["reasons"] = [
            {
                "code": reason.code,
                "phase": str(reason.phase),
                "text": reason.text,
                "params": {"n": [1, {"m": None}]},
            }
            for reason in error.reasons
        ]
    if isinstance(error, StaleVersionError):
        expected |= {"expected_version": error.expected, "actual_version": error.actual}
    details = problem_details(error)
    assert details == expected
    assert is_plain(details)
    assert SECRET not in json.dumps(details)


def test_every_error_is_tried() -> None:
    """No error of the tree is without its problem details."""
    tree = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, CasewrightError)}
    assert {type(error) for error, *_ in CASES} == tree


def test_members_by_rfc() -> None:
    """Members are named so that any reader takes them: a letter first, three characters or more (RFC 9457)."""
    for error, *_ in CASES:
        assert all(
            len(name) >= 3 and name[0].isalpha() and name.isidentifier()
            for name in set(problem_details(error)) - {"type"}
        )


@pytest.mark.parametrize("base", ["https://example.org/problems/", "/problems#", ""])
def test_base(base: str) -> None:
    """The type's URI is the code under a base of the application's own."""
    assert problem_details(NotFoundError("c1"), base=base)["type"] == f"{base}not_found"


class _OwnConflictError(ConflictError):
    code = "own_conflict"


def test_classes_of_ones_own() -> None:
    """An error that an application derives is told like the nearest one of ours, under its own code."""
    details = problem_details(_OwnConflictError("taken"))
    assert (details["status"], details["code"], details["type"]) == (
        409,
        "own_conflict",
        "urn:casewright:error:own_conflict",
    )


def test_a_real_refusal() -> None:
    """A refusal that a decision made can be told in full: every reason with its parameters."""
    refused = TASK.decide(a_task(status="done", category="done"), "block", by=Actor("ann"), at=AT)
    assert not refused
    details = problem_details(RefusedError("block", "x1", refused.reasons))
    assert [(one["code"], one["phase"]) for one in details["reasons"]] == [
        ("wrong_state", "state"),
        ("input_missing", "input"),
    ]
    assert details["reasons"][0]["params"] == {"status": "done", "sources": ["in_progress"], "possible": ["reopen"]}


def test_nothing_else_of_the_object() -> None:
    """What an application hangs on an error does not leave with it."""
    error = NotFoundError("c1")
    error.__dict__["hint"] = SECRET
    error.add_note(SECRET)
    assert SECRET not in json.dumps(problem_details(error))
    assert "item_id" not in problem_details(error)
