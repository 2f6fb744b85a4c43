"""Rulings: what a rule answers. Grant, no, or veto."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, TypeAlias

import attrs

from casewright.domain.actors import Actor
from casewright.domain.reasons import Phase, Reason
from casewright.domain.values import MAX_TEXT, as_text

__all__ = ["GRANT", "Rule", "Ruling", "RulingKind", "no", "veto"]


class RulingKind(StrEnum):
    """The three answers."""

    GRANT = "grant"
    NO = "no"
    VETO = "veto"


@attrs.frozen
class Ruling:
    """What a rule answers.

    Attributes:
        kind: Grant, no (does not grant) or veto (forbids, whatever else grants).
        reasons: Why not; empty for a grant.
    """

    kind: RulingKind
    reasons: tuple[Reason, ...] = ()


Rule: TypeAlias = Callable[[Actor, Any], Ruling]
"""``(actor, item) -> Ruling``, pure: a ready-made rule, a combinator, or a function of one's own."""

GRANT: Final = Ruling(RulingKind.GRANT)
"""The rule grants."""


def no(*reasons: Reason | str) -> Ruling:
    """Return the ruling of a rule that does not grant; another rule may.

    Args:
        reasons: Why, as reasons or as sentences.
    """
    return Ruling(RulingKind.NO, _reasons(reasons))


def veto(*reasons: Reason | str) -> Ruling:
    """Return the ruling of a rule that forbids, whatever other rules grant (A2).

    Args:
        reasons: Why, as reasons or as sentences.
    """
    return Ruling(RulingKind.VETO, _reasons(reasons))


def _reasons(reasons: Iterable[Reason | str]) -> tuple[Reason, ...]:
    return tuple(map(_reason, reasons))


def _reason(reason: Reason | str) -> Reason:
    if isinstance(reason, Reason):
        return attrs.evolve(reason, phase=Phase.PERMISSION)
    return Reason("not_granted", Phase.PERMISSION, as_text(reason, "reason of a ruling", MAX_TEXT))
