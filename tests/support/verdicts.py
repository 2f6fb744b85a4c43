"""What tests ask of a verdict, and the actors who ask for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from casewright import Actor, AuthorizationPolicy, Change, Permitted, Refused, always
from casewright.testing.builders import SOME_TIME

ANN = Actor("ann")
BEN = Actor("ben")
ROOT = Actor("root", roles=["admin"])
EVERYONE = AuthorizationPolicy({}, default=always())
LATER = SOME_TIME + timedelta(hours=1)


def codes(verdict: Permitted[Any] | Refused) -> set[tuple[str, str]]:
    """Return phase and code of each reason; none of a permission."""
    return set() if isinstance(verdict, Permitted) else {(str(r.phase), r.code) for r in verdict.reasons}


def change_of(verdict: Permitted[Any] | Refused) -> Change[Any]:
    """Return the asked item's change; the verdict must be a permission with one."""
    assert isinstance(verdict, Permitted), codes(verdict)
    assert verdict.change is not None
    return verdict.change


def after(verdict: Permitted[Any] | Refused) -> Any:
    """Return the asked item as it is then."""
    return change_of(verdict).after


def payload_of(change: Change[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the event holds of inputs and of changes."""
    payload = change.event.payload
    assert payload is not None
    return dict(payload.inputs), dict(payload.changes)
