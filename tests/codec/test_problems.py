"""Problem details (RFC 9457): each error's status and words that a client may see, and nothing else (A7, S6)."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from casewright import (
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
    PublishError,
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

SECRET = "zaunkoenig"
NOT_CLIENTS = "The request could not be handled. The fault is not in the request."


def _refused(*phases: Phase) -> RefusedError:
    reasons = tuple(
        Reason(f"because_{phase}", phase, f"the {phase} says no", {"n": (1, {"m": None})}) for phase in phases
    )
    return RefusedError("close", "c1", reasons)


LATER = "The request could not be handled now, and nothing was done. Send it again later."
UNKNOWN = "Nobody knows yet whether it happened. Look whether it did before you send it again."
# Error, status and title; and what a client is told: by default the error's own text, which test_errors pins.
CASES: list[tuple[CasewrightError, int, str, str | None]] = [
    (InvalidInputError("title", "is too long", "shorten it"), 422, "The input is not valid", None),
    (NotFoundError("c1"), 404, "There is no such item", None),
    (_refused(Phase.PERMISSION), 403, "The action was refused", None),
    (_refused(Phase.STATE), 409, "The action was refused", None),
    (_refused(Phase.INPUT), 422, "The action was refused", None),
    (_refused(Phase.GUARD), 409, "The action was refused", None),
    (_refused(Phase.STATE, Phase.INPUT, Phase.GUARD), 409, "The action was refused", None),
    (ConflictError("somebody"), 409, "The request is in conflict with another one", None),
    (StaleVersionError("c1", 3, 5), 409, "The item has another version", None),
    (StaleVersionError("c1", 3), 409, "The item has another version", None),
    (AlreadyExistsError("c1"), 409, "The id is already used", None),
    (NotUniqueError("one title"), 409, "A value is already taken", None),
    (IdempotencyKeyReusedError(SECRET), 409, "The idempotency key was used for another request", None),
    (DefinitionError((Problem(SECRET, SECRET, SECRET, SECRET),)), 500, "A definition cannot work", NOT_CLIENTS),
    (UnknownDefinitionError(SECRET, 2), 500, "A definition is not known", NOT_CLIENTS),
    (MisuseError(SECRET, SECRET), 500, "The application made a mistake", NOT_CLIENTS),
    (StorageError(SECRET, SECRET), 500, "The store failed", NOT_CLIENTS),
    (TransientStorageError(SECRET, SECRET), 503, "The store is busy", LATER),
    (OutcomeUnknownError(SECRET, SECRET), 503, "The outcome is not known", UNKNOWN),
    (PublishError(SECRET, SECRET), 500, "An event could not be published", NOT_CLIENTS),
    (HistoryError(SECRET, 7), 500, "A history cannot be read", NOT_CLIENTS),
    (CasewrightError(SECRET), 500, "The request failed", NOT_CLIENTS),
]


@pytest.mark.parametrize(("error", "status", "title", "detail"), CASES)
def test_members(error: CasewrightError, status: int, title: str, detail: str | None) -> None:
    """Each error has its status, a title that never varies and a detail; what is our own fault is not described."""
    expected: dict[str, Any] = {
        "type": f"urn:casewright:error:{error.code}",
        "title": title,
        "status": status,
        "detail": str(error) if detail is None else detail,
        "code": error.code,
        "retryable": isinstance(error, TransientStorageError),
    }
    if isinstance(error, InvalidInputError):
        expected["field"] = error.field
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


def test_nothing_else_of_the_object() -> None:
    """What an application hangs on an error does not leave with it."""
    error = NotFoundError("c1")
    error.__dict__["hint"] = SECRET
    error.add_note(SECRET)
    assert SECRET not in json.dumps(problem_details(error))
    assert "item_id" not in problem_details(error)
