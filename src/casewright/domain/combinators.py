"""Combinators: rules made of rules. A veto anywhere vetoes; order and duplicates never matter (A2).

==============  ===========================================================================================
``any_of``      one grant grants
``all_of``      all members that are not forbids must grant, and there must be one
``forbid``      vetoes unless its member answers no; never grants, so it stands beside rules that do
``not_``        swaps grant and no
==============  ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import is_
from typing import Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.items import WorkItem
from casewright.domain.ready_rules import HasRole
from casewright.domain.reasons import Phase, Reason, params
from casewright.domain.rules import ReadyRule, as_rule
from casewright.domain.rulings import GRANT, Rule, Ruling, RulingKind
from casewright.domain.terms import EVERYTHING, NOTHING, Scope, simplified
from casewright.errors import DefinitionError, Problem

__all__ = ["MAX_DEPTH", "all_of", "any_of", "forbid", "not_"]

MAX_DEPTH: Final = 64
"""How deep combinators may be nested."""

_REMEMBERED: Final = 64


@attrs.frozen(repr=False)
class _Combinator(ReadyRule):
    """Members in the order in which they were given, which shows in the repr only."""

    members: tuple[ReadyRule, ...]
    _depth: int = attrs.field(
        init=False,
        eq=False,
        default=attrs.Factory(lambda self: 1 + max(rule.depth for rule in self.members), takes_self=True),
    )
    _opaque: bool = attrs.field(
        init=False,
        eq=False,
        default=attrs.Factory(lambda self: any(rule.opaque for rule in self.members), takes_self=True),
    )
    _denials: dict[tuple[int, ...], tuple[list[Ruling], Ruling]] = attrs.field(init=False, factory=dict, eq=False)

    @property
    def depth(self) -> int:
        return self._depth

    @property
    def mentions(self) -> frozenset[tuple[str, str]]:
        return frozenset().union(*(rule.mentions for rule in self.members))

    @property
    def opaque(self) -> bool:
        return self._opaque

    @property
    def can_veto(self) -> bool:
        return any(rule.can_veto for rule in self.members)

    @property
    def only_forbids(self) -> bool:
        return all(rule.only_forbids for rule in self.members)

    @property
    def holds_forbid(self) -> bool:
        return any(rule.holds_forbid for rule in self.members)

    def denial_of(self, rulings: list[Ruling]) -> Ruling:
        """Return the no that these rulings of members make, remembered where members say no in the same few words."""
        if self.opaque:  # a function of the team's own: its words are not ours to keep
            return self.joined(rulings)
        key = tuple(map(id, rulings))
        known = self._denials.get(key)
        if known is None or not all(map(is_, known[0], rulings)):  # a copy of this rule has other rulings
            known = (rulings, self.joined(rulings))
            if len(self._denials) < _REMEMBERED:
                self._denials[key] = known
        return known[1]

    def joined(self, rulings: list[Ruling]) -> Ruling:
        """Return the no that these rulings of members make: each of them stands in the way."""
        return Ruling(RulingKind.NO, _reasons_of(rulings)) if rulings else _grants_nothing(self)

    def vetoing(self, actor: Actor) -> Scope:
        return simplified(tuple(way for rule in self.members for way in rule.vetoing(actor).alternatives))

    def _shown(self, name: str) -> str:
        return f"{name}({', '.join(map(repr, self.members))})"


@attrs.frozen(repr=False)
class _AnyOf(_Combinator):
    """Roles are merged into one set, so that 2,000 of them cost what one costs (A12)."""

    roles: frozenset[str] = attrs.field(init=False, eq=False)
    others: tuple[ReadyRule, ...] = attrs.field(init=False, eq=False)
    first_grant_wins: bool = attrs.field(init=False, eq=False)
    lacking_role: tuple[Ruling, ...] = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        names = dict.fromkeys(name for rule in self.members if isinstance(rule, HasRole) for name in rule.names)
        others = tuple(rule for rule in self.members if not isinstance(rule, HasRole))
        object.__setattr__(self, "roles", frozenset(names))
        object.__setattr__(self, "others", others)
        object.__setattr__(self, "first_grant_wins", not self.can_veto)
        object.__setattr__(self, "lacking_role", (HasRole(tuple(names)).denial,) if names else ())

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        granted = not self.roles.isdisjoint(actor.roles)
        if granted and self.first_grant_wins:
            return GRANT
        vetoes: list[Ruling] = []
        denials = [*self.lacking_role]
        for rule in self.others:
            ruling = rule(actor, item)
            if ruling is GRANT:
                granted = True
            elif ruling.kind is RulingKind.VETO:
                vetoes.append(ruling)
            elif not rule.only_forbids:
                denials.append(ruling)
        if vetoes:
            return _all_vetoes(vetoes)
        return GRANT if granted else self.denial_of(denials)

    def joined(self, rulings: list[Ruling]) -> Ruling:
        """Return the no that names every alternative in one reason: any of them would do."""
        ways = list(dict.fromkeys(ruling.reasons for ruling in rulings))
        if len(ways) < 2:  # noqa: PLR2004 - one way is no alternative
            return _Combinator.joined(self, rulings)
        sentence = ", or ".join(" and ".join(reason.text for reason in way) for way in ways)
        codes = tuple(tuple(reason.code for reason in way) for way in ways)
        known = params(rule=repr(self), alternatives=codes)
        return Ruling(RulingKind.NO, (Reason("not_granted", Phase.PERMISSION, sentence, known),))

    def granting(self, actor: Actor) -> Scope:
        granted = simplified(tuple(way for rule in self.members for way in rule.granting(actor).alternatives))
        return granted & ~self.vetoing(actor) if self.can_veto else granted

    def __repr__(self) -> str:
        return self._shown("any_of")


@attrs.frozen(repr=False)
class _AllOf(_Combinator):
    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        vetoes: list[Ruling] = []
        denials: list[Ruling] = []
        for rule in self.members:
            ruling = rule(actor, item)
            if ruling is GRANT:
                continue
            if ruling.kind is RulingKind.VETO:
                vetoes.append(ruling)
            elif not rule.only_forbids:
                denials.append(ruling)
        if vetoes:
            return _all_vetoes(vetoes)
        return self.denial_of(denials) if denials or self.only_forbids else GRANT

    def granting(self, actor: Actor) -> Scope:
        if self.only_forbids:
            return NOTHING
        needed = (rule.granting(actor) for rule in self.members if not rule.only_forbids)
        granted = reduce(Scope.__and__, needed, EVERYTHING)
        return granted & ~self.vetoing(actor) if self.can_veto else granted

    def __repr__(self) -> str:
        return self._shown("all_of")


@attrs.frozen(repr=False)
class _Forbid(_Combinator):
    quiet: Ruling = attrs.field(init=False, eq=False)
    loud: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "quiet", _grants_nothing(self))
        object.__setattr__(self, "loud", self.vetoes("forbidden", self.members[0].negative))

    @property
    def can_veto(self) -> bool:
        return True

    @property
    def only_forbids(self) -> bool:
        return True

    @property
    def holds_forbid(self) -> bool:
        return True

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        ruling = self.members[0](actor, item)
        if ruling.kind is RulingKind.NO:
            return self.quiet
        return self.loud if ruling.kind is RulingKind.GRANT else ruling

    def granting(self, actor: Actor) -> Scope:
        return NOTHING

    def vetoing(self, actor: Actor) -> Scope:
        member = self.members[0]
        return member.granting(actor) | member.vetoing(actor)

    def __repr__(self) -> str:
        return self._shown("forbid")


@attrs.frozen(repr=False)
class _Not(_Combinator):
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "denial", self.denies("negated", self.members[0].negative))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        ruling = self.members[0](actor, item)
        if ruling.kind is RulingKind.VETO:
            return ruling
        return self.denial if ruling.kind is RulingKind.GRANT else GRANT

    def granting(self, actor: Actor) -> Scope:
        member = self.members[0]
        return ~(member.granting(actor) | member.vetoing(actor))

    def __repr__(self) -> str:
        return self._shown("not_")


def any_of(*rules: Rule) -> ReadyRule:
    """Return the rule that grants where any member does and none vetoes.

    Raises:
        DefinitionError: There is no member, or one is no rule.
    """
    return _AnyOf(_members("any_of", rules))


def all_of(*rules: Rule) -> ReadyRule:
    """Return the rule that grants where all members that are not forbids do, and there is one, and none vetoes.

    Raises:
        DefinitionError: There is no member, or one is no rule.
    """
    return _AllOf(_members("all_of", rules))


def forbid(rule: Rule) -> ReadyRule:
    """Return the rule that vetoes unless the member answers no: also when the member vetoes or fails. It never grants.

    Raises:
        DefinitionError: The member is no rule.
    """
    return _Forbid(_members("forbid", (rule,)))


def not_(rule: Rule) -> ReadyRule:
    """Return the rule that grants where the member answers no, and says no where it grants; a veto stays one.

    Raises:
        DefinitionError: The member is no rule, or holds a `forbid` at any depth: its double negation would grant.
    """
    members = _members("not_", (rule,))
    if members[0].holds_forbid:
        mend = "use forbid beside a rule that grants, as in all_of(rule, forbid(other))"
        raise DefinitionError((Problem("negated_forbid", "not_", "holds a forbid, which can never grant", mend),))
    return _Not(members)


def _members(where: str, rules: tuple[Rule, ...]) -> tuple[ReadyRule, ...]:
    if not rules:
        raise DefinitionError((Problem("empty_combinator", where, "has no member", "pass at least one rule"),))
    members = tuple(as_rule(rule, where) for rule in rules)
    if max(rule.depth for rule in members) >= MAX_DEPTH:
        mend = "pass several members to one combinator instead of nesting it"
        raise DefinitionError((Problem("too_deep", where, f"is nested more than {MAX_DEPTH} deep", mend),))
    return members


def _reasons_of(rulings: Iterable[Ruling]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for ruling in rulings for reason in ruling.reasons))


def _all_vetoes(rulings: list[Ruling]) -> Ruling:
    return rulings[0] if len(rulings) == 1 else Ruling(RulingKind.VETO, _reasons_of(rulings))


def _grants_nothing(rule: ReadyRule) -> Ruling:
    return rule.denies("not_granted", "no rule grants it")
