"""Commands on cases: the actions of the catalog's regulatory case. Other lifecycles are served by `Perform`."""

from __future__ import annotations

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import ItemCommand, NewItem
from casewright.domain.items import Case

__all__ = ["CloseCase", "EscalateCase", "OpenCase", "StartReview", "SubmitCase"]


@attrs.frozen
class OpenCase(NewItem[Case]):
    """Open a case. It takes what every new item takes: a title, and by keyword all the rest; see `NewItem`."""

    kind = "case"


@attrs.frozen
class SubmitCase(ItemCommand[Case]):
    """Hand a case in for review.

    Args:
        item_id: The case.
    """

    action = "submit"
    kind = "case"


@attrs.frozen
class StartReview(ItemCommand[Case]):
    """Begin the review of a case.

    Args:
        item_id: The case.
        reviewer_id: Who is to review it; the case is assigned to them.
    """

    action = "start_review"
    kind = "case"

    reviewer_id: str | None = attrs.field(default=None, converter=values.reviewer_id)


@attrs.frozen
class EscalateCase(ItemCommand[Case]):
    """Hand a case on to those who decide the hard ones.

    Args:
        item_id: The case.
        reason: Why.
    """

    action = "escalate"
    kind = "case"

    reason: str | None = attrs.field(default=None, converter=values.reason)


@attrs.frozen
class CloseCase(ItemCommand[Case]):
    """Close a case.

    Args:
        item_id: The case.
        reason: Why.
    """

    action = "close"
    kind = "case"

    reason: str | None = attrs.field(default=None, converter=values.reason)
