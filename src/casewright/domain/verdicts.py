"""What a decision answers: permitted with its changes, or refused with every reason. Values, not exceptions."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeAlias

import attrs

from casewright.domain.events import Change
from casewright.domain.inputs import Input
from casewright.domain.items import ItemT
from casewright.domain.reasons import Phase, Reason

__all__ = ["ActionVerdict", "Permitted", "Refused", "Verdict"]


@attrs.frozen
class Permitted(Generic[ItemT]):
    """The answer is yes.

    Args:
        changes: What is to be written, all or nothing: first the asked item's own change, then that of the case whose
            counter it moves. Empty where nothing changes.
    """

    permitted: ClassVar[Literal[True]] = True

    changes: tuple[Change[Any], ...] = ()

    @property
    def change(self) -> Change[ItemT] | None:
        """The change of the asked item; None where nothing changes."""
        return self.changes[0] if self.changes else None

    def __bool__(self) -> Literal[True]:
        """Return True, so that ``if verdict:`` reads well and narrows the type."""
        return True


@attrs.frozen
class Refused:
    """The answer is no.

    Args:
        reasons: Every reason, in the order permission, state, input, guard; without permission only that phase.
    """

    permitted: ClassVar[Literal[False]] = False

    reasons: tuple[Reason, ...]

    @property
    def phase(self) -> Phase:
        """The first phase that refused."""
        return self.reasons[0].phase

    def __bool__(self) -> Literal[False]:
        """Return False, so that ``if not verdict:`` reads well and narrows the type."""
        return False


Verdict: TypeAlias = Permitted[ItemT] | Refused
"""Either answer."""


@attrs.frozen
class ActionVerdict:
    """Whether an actor can do one action now, and what it would need: enough to draw a button and its form.

    Args:
        action: The action or verb.
        permitted: Whether nothing known so far forbids it; inputs are not known yet.
        reasons: Why not; empty if permitted.
        inputs: What it takes.
        target: The status it leads to; None where it changes no status or the inputs say which.
    """

    action: str
    permitted: bool
    reasons: tuple[Reason, ...]
    inputs: tuple[Input, ...]
    target: str | None
