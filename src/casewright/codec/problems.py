"""Problem details (RFC 9457): what a web application answers for each error, and nothing else of it (A7, A8, S6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from casewright.codec.writing import plain
from casewright.domain.reasons import Phase
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
    PublishError,
    RefusedError,
    StaleVersionError,
    StorageError,
    TransientStorageError,
    UnknownDefinitionError,
)

__all__ = ["problem_details"]

BASE: Final = "urn:casewright:error:"


@attrs.frozen
class _Kind:
    """What all errors of a class have in common.

    Attributes:
        status: The HTTP status.
        title: The same for each occurrence.
        detail: The sentence in place of the error's own, for errors that are no business of a client.
        retryable: Whether the very same request may succeed later.
    """

    status: int
    title: str
    detail: str | None = None
    retryable: bool = False


_INTERNAL: Final = "The request could not be handled. The fault is not in the request."
_LATER: Final = "The request could not be handled now, and nothing was done. Send it again later."
_UNKNOWN: Final = "Nobody knows yet whether it happened. Look whether it did before you send it again."

_KINDS: Final[Mapping[type[CasewrightError], _Kind]] = {
    InvalidInputError: _Kind(422, "The input is not valid"),
    NotFoundError: _Kind(404, "There is no such item"),
    RefusedError: _Kind(409, "The action was refused"),
    ConflictError: _Kind(409, "The request is in conflict with another one"),
    StaleVersionError: _Kind(409, "The item has another version"),
    AlreadyExistsError: _Kind(409, "The id is already used"),
    NotUniqueError: _Kind(409, "A value is already taken"),
    IdempotencyKeyReusedError: _Kind(409, "The idempotency key was used for another request"),
    DefinitionError: _Kind(500, "A definition cannot work", _INTERNAL),
    UnknownDefinitionError: _Kind(500, "A definition is not known", _INTERNAL),
    MisuseError: _Kind(500, "The application made a mistake", _INTERNAL),
    StorageError: _Kind(500, "The store failed", _INTERNAL),
    TransientStorageError: _Kind(503, "The store is busy", _LATER, retryable=True),
    OutcomeUnknownError: _Kind(503, "The outcome is not known", _UNKNOWN),
    PublishError: _Kind(500, "An event could not be published", _INTERNAL),
    HistoryError: _Kind(500, "A history cannot be read", _INTERNAL),
    CasewrightError: _Kind(500, "The request failed", _INTERNAL),
}
_OF_PHASE: Final[Mapping[Phase, int]] = {
    Phase.PERMISSION: 403,
    Phase.STATE: 409,
    Phase.INPUT: 422,
    Phase.GUARD: 409,
}


def problem_details(error: CasewrightError, *, base: str = BASE) -> dict[str, Any]:
    """Return the members of a problem details object, to be sent as ``application/problem+json``.

    Args:
        error: Any error of this library.
        base: What the error's code is appended to, to make the URI of its type.

    Returns:
        ``type``, ``title``, ``status``, ``detail``, ``code`` and ``retryable`` (whether the very same request may
        succeed later). Of an invalid input also its ``field``; of a refusal ``reasons``, each with ``code``, ``phase``,
        ``text`` and ``params``; of a stale version ``expected_version`` and ``actual_version`` (None where the store
        did not say). What is the application's own fault is told by a fixed sentence, so that nothing inside shows.
    """
    kind = next(_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS)
    details: dict[str, Any] = {
        "type": f"{base}{error.code}",
        "title": kind.title,
        "status": _OF_PHASE[error.phase] if isinstance(error, RefusedError) else kind.status,
        "detail": str(error) if kind.detail is None else kind.detail,
        "code": error.code,
        "retryable": kind.retryable,
    }
    if isinstance(error, InvalidInputError):
        details["field"] = error.field
    if isinstance(error, RefusedError):
        details["reasons"] = plain(error.reasons)
    if isinstance(error, StaleVersionError):
        details["expected_version"] = error.expected
        details["actual_version"] = error.actual
    return details
