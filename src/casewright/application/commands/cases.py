"""Commands on cases: the actions of the catalog's regulatory case. Other lifecycles are served by `Perform`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import ItemCommand, NewItem
from casewright.domain.items import Case, Kind

__all__ = ["CaseCommand", "CloseCase", "EscalateCase", "OpenCase", "StartReview", "SubmitCase"]


@attrs.frozen
class CaseCommand(ItemCommand[Case]):
    """A command on a case; one on an item of the other kind is a NotFoundError."""

    kind: ClassVar[Kind | None] = "case"


@attrs.frozen
class OpenCase(NewItem[Case]):
    """Open a case. It takes what every new item takes: a title, and by keyword all the rest; see `NewItem`."""

    kind: ClassVar[Kind] = "case"


@attrs.frozen
class SubmitCase(CaseCommand):
    """Hand a case in for review.

    Args:
        item_id: The case.
    """

    action = "submit"


@attrs.frozen
class StartReview(CaseCommand):
    """Begin the review of a case.

    Args:
        item_id: The case.
        reviewer_id: Who is to review it; the case is assigned to them.
    """

    action = "start_review"

    reviewer_id: str | None = attrs.field(default=None, converter=values.reviewer_id)


@attrs.frozen
class EscalateCase(CaseCommand):
    """Hand a case on to those who decide the hard ones.

    Args:
        item_id: The case.
        reason: Why.
    """

    action = "escalate"

    reason: str | None = attrs.field(default=None, converter=values.reason)


@attrs.frozen
class CloseCase(CaseCommand):
    """Close a case.

    Args:
        item_id: The case.
        reason: Why.
    """

    action = "close"

    reason: str | None = attrs.field(default=None, converter=values.reason)
