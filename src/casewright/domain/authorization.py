"""Authorization policies: which rule stands for which action. Deny by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from casewright.domain.actors import Actor
from casewright.domain.events import VERBS
from casewright.domain.items import WorkItem
from casewright.domain.json_values import FrozenMapping
from casewright.domain.reasons import Phase, Reason, params, raised
from casewright.domain.rules import ReadyRule, as_rule, rule_error
from casewright.domain.rulings import Rule, Ruling, RulingKind
from casewright.domain.terms import NOTHING, Scope
from casewright.domain.values import as_name
from casewright.errors import DefinitionError, InvalidInputError, Problem

__all__ = ["AuthorizationPolicy"]


def _rules(rules: Mapping[Any, Rule]) -> FrozenMapping[ReadyRule]:
    if not isinstance(rules, Mapping):
        raise InvalidInputError("rules", f"must be a mapping, not {type(rules).__name__}", "map actions to rules")
    found: dict[str, ReadyRule] = {}
    problems: list[Problem] = []
    for action, rule in rules.items():
        try:
            name = as_name(action, "action")
            found[name] = as_rule(rule, f"rule of {name!r}")
        except InvalidInputError as error:
            problems.append(Problem("bad_name", "rules", str(error), "name actions by printable text"))
        except DefinitionError as error:
            problems.extend(error.problems)
    if problems:
        raise DefinitionError(tuple(problems))
    return FrozenMapping(found)


def _default(rule: Rule | None) -> ReadyRule | None:
    return None if rule is None else as_rule(rule, "default")


@attrs.frozen
class AuthorizationPolicy:
    """Who may do what: a rule for each action, verbs included.

    Args:
        rules: Each action with its rule.
        default: The rule of every other action; None denies.

    Raises:
        DefinitionError: A value is no rule.
    """

    rules: FrozenMapping[ReadyRule] = attrs.field(converter=_rules)
    default: ReadyRule | None = attrs.field(default=None, converter=_default, kw_only=True)

    def rule(self, action: str) -> ReadyRule | None:
        """Return the rule of the action, or the default; None where nothing grants it."""
        return self.rules.get(action, self.default) if isinstance(action, str) else None

    def ruling(self, actor: Actor, action: str, item: WorkItem) -> Ruling:
        """Return what the rule of the action answers, and nothing but that rule (A1).

        Args:
            actor: Who asks.
            action: For what.
            item: On which item.

        Returns:
            The ruling; no, where there is no rule; a veto, where the rule failed (A5).
        """
        rule = self.rules.get(action, self.default) if type(action) is str else self.rule(action)  # the faster first
        if rule is None:
            return _no_rule(action)
        try:
            return rule(actor, item)
        except Exception as error:  # noqa: BLE001 - a rule that fails must forbid, whatever it raised (A5)
            return rule_error(rule, raised(error))

    def scope(self, actor: Actor, action: str) -> Scope:
        """Return the terms that say which items the rule of the action grants to the actor (A6).

        Args:
            actor: Who asks.
            action: For what.

        Returns:
            The scope: it matches just the items for which `ruling` grants.

        Raises:
            InvalidInputError: The rule runs a function and cannot be lowered, or comes to more than 1,024 alternatives.
        """
        rule = self.rule(action)
        return NOTHING if rule is None else rule.granting(actor)

    def with_rules(self, rules: Mapping[Any, Rule]) -> AuthorizationPolicy:
        """Return a policy with these rules in place of the present ones of the same actions."""
        return AuthorizationPolicy({**self.rules, **_rules(rules)}, default=self.default)


def _no_rule(action: str) -> Ruling:
    sentence = f"no rule grants {action} to anyone" + ("" if action in VERBS else ", if there is such an action at all")
    return Ruling(
        RulingKind.NO,
        (Reason("no_rule", Phase.PERMISSION, sentence, params(rule="no rule", action=action)),),
    )
