"""Ready-made definitions: take one as it is, or derive one in one expression."""

from __future__ import annotations

from casewright.domain.catalog.regulatory_case import REGULATORY_CASE
from casewright.domain.catalog.tasks import SIMPLE_TASK, TASK

__all__ = ["REGULATORY_CASE", "SIMPLE_TASK", "TASK"]
