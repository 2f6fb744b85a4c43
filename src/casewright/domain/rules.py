"""Rules: what they have in common, and those that run a function of the team's own.

A rule is ``(actor, item) -> Ruling``. Whatever such a function does, a ruling comes out: anything else that it returns,
and any exception, is a veto that names the rule (A1, A5).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeGuard

import attrs

from casewright.domain.actors import Actor
from casewright.domain.items import WorkItem
from casewright.domain.json_values import freeze_object
from casewright.domain.reasons import Phase, Reason, answered, params, raised
from casewright.domain.rulings import GRANT, Rule, Ruling, RulingKind
from casewright.domain.terms import NOTHING, Scope
from casewright.domain.values import MAX_TEXT, as_name, as_text, close_coroutine, quoted
from casewright.errors import DefinitionError, InvalidInputError, Problem

__all__ = ["FunctionRule", "ReadyRule", "as_rule", "predicate", "rule_error"]


class ReadyRule(ABC):
    """A rule that knows what it is made of: what the ready-made rules and the combinators have in common."""

    __slots__ = ()

    @property
    def depth(self) -> int:
        """How deep combinators are nested in it."""
        return 0

    @property
    def mentions(self) -> frozenset[tuple[str, str]]:
        """The actions and statuses it names: pairs of ``"action"`` or ``"status"`` and a name."""
        return frozenset()

    @property
    def opaque(self) -> bool:
        """Whether it cannot be lowered to terms."""
        return False

    @property
    def can_veto(self) -> bool:
        """Whether it may ever answer with a veto."""
        return False

    @property
    def only_forbids(self) -> bool:
        """Whether it is a forbid or made of forbids only: it then never grants, and others need not wait for it to."""
        return False

    @property
    def holds_forbid(self) -> bool:
        """Whether there is a forbid in it at any depth."""
        return False

    @abstractmethod
    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        """Return the ruling for the actor and the item."""

    @abstractmethod
    def granting(self, actor: Actor) -> Scope:
        """Return the items that it grants the actor where nothing vetoes."""

    def vetoing(self, actor: Actor) -> Scope:
        """Return the items for which it vetoes."""
        return NOTHING

    @property
    def negative(self) -> str:
        """A sentence for where the rule must not hold but does."""
        return f"must not meet {self!r}"

    def denies(self, code: str, sentence: str) -> Ruling:
        """Return the ruling no, with one reason that carries the repr of this rule (A7)."""
        return Ruling(RulingKind.NO, (Reason(code, Phase.PERMISSION, sentence, params(rule=repr(self))),))

    def vetoes(self, code: str, sentence: str) -> Ruling:
        """Return a veto, with one reason that carries the repr of this rule."""
        return Ruling(RulingKind.VETO, (Reason(code, Phase.PERMISSION, sentence, params(rule=repr(self))),))


def rule_error(rule: object, failure: str) -> Ruling:
    """Return the veto of a rule that raised or answered no ruling: it fails closed and is named (A5)."""
    sentence = "a rule failed, so nobody may do this; tell whoever keeps the definition"
    told = params(rule=repr(rule), failure=failure)
    return Ruling(RulingKind.VETO, (Reason("rule_error", Phase.PERMISSION, sentence, told),))


class _OwnCode(ReadyRule):
    """A rule that runs a function of the team's own: it may fail, which is a veto, and cannot be lowered."""

    __slots__ = ()

    @property
    def opaque(self) -> bool:
        """Always: nobody knows what the function looks at."""
        return True

    @property
    def can_veto(self) -> bool:
        """Always: it may fail."""
        return True

    def granting(self, actor: Actor) -> Scope:
        """Refuse: a function cannot be lowered."""
        advice = "use ready-made rules where lists must be filtered"
        raise InvalidInputError("rule", f"{self!r} runs a function and cannot be lowered to terms", advice)


@attrs.frozen(repr=False)
class _Predicate(_OwnCode):
    function: Callable[[Actor, Any], bool]
    code: str
    text: str
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "denial", self.denies(self.code, self.text))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        try:
            answer = self.function(actor, item)
        except Exception as error:  # noqa: BLE001 - a rule that fails must forbid, whatever it raised (A5)
            return rule_error(self, raised(error))
        if answer is True:
            return GRANT
        if answer is False:
            return self.denial
        close_coroutine(answer)
        return rule_error(self, answered(answer))

    @property
    def negative(self) -> str:
        return f"must not be: {self.text}"

    def __repr__(self) -> str:
        return f"predicate({_function_name(self.function)}, code={quoted(self.code)})"


def predicate(function: Callable[[Actor, Any], bool], *, code: str, text: str) -> ReadyRule:
    """Return a rule made of a plain bool function.

    Args:
        function: ``(actor, item) -> bool``, pure. True grants, False does not; anything else, and any exception, is a
            veto ``rule_error``.
        code: The code of the reason when it does not grant.
        text: The sentence of that reason.
    """
    if not callable(function):
        raise InvalidInputError("predicate", "must be a function (actor, item) -> bool")
    return _Predicate(function, as_name(code, "code of a predicate"), as_text(text, "text of a predicate", MAX_TEXT))


@attrs.frozen(repr=False)
class FunctionRule(_OwnCode):
    """A rule that is a function of the team's own: whatever it does, a ruling comes out (A5)."""

    function: Callable[[Actor, Any], Ruling]

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        """Return the function's ruling, or a veto if it raised or answered anything else."""
        try:
            ruling = self.function(actor, item)
        except Exception as error:  # noqa: BLE001 - a rule that fails must forbid, whatever it raised (A5)
            return rule_error(self, raised(error))
        if ruling is GRANT:
            return GRANT
        if not _is_sound(ruling):
            close_coroutine(ruling)
            return rule_error(self, answered(ruling))
        if ruling.kind is RulingKind.GRANT:
            return GRANT
        try:
            return self._explained(ruling)
        except InvalidInputError as error:
            return rule_error(self, raised(error))

    def _explained(self, ruling: Ruling) -> Ruling:
        rule = repr(self)
        given = ruling.reasons or (Reason("not_granted", Phase.PERMISSION, f"{rule} does not grant it"),)
        named = (
            attrs.evolve(reason, params=freeze_object({**reason.params, "rule": rule}, "params")) for reason in given
        )
        return Ruling(ruling.kind, tuple(named))

    def __repr__(self) -> str:
        """Return the function's name."""
        return _function_name(self.function)


def _function_name(function: object) -> str:
    """Return the name of a function as it would be found in the code."""
    try:
        name = getattr(function, "__qualname__", None)
    except Exception:  # noqa: BLE001 - a hostile object must not keep its rule from being named
        name = None
    return name if isinstance(name, str) else type(function).__qualname__


def _is_sound(ruling: object) -> TypeGuard[Ruling]:
    # Exact types, since isinstance would ask a hostile object for its class.
    return (
        type(ruling) is Ruling
        and type(ruling.kind) is RulingKind
        and type(ruling.reasons) is tuple
        and all(_is_sound_reason(reason) for reason in ruling.reasons)
    )


def _is_sound_reason(reason: object) -> bool:
    return (
        type(reason) is Reason
        and isinstance(reason.code, str)
        and str.isprintable(reason.code)
        and isinstance(reason.text, str)
        and reason.phase is Phase.PERMISSION
    )


def as_rule(rule: Rule, where: str) -> ReadyRule:
    """Return the rule as one that always answers with a ruling.

    Args:
        rule: A ready-made rule, a combinator, or a function ``(actor, item) -> Ruling``.
        where: What it is a rule of, for the error.

    Raises:
        DefinitionError: It is none of these.
    """
    if isinstance(rule, ReadyRule):
        return rule
    if isinstance(rule, FunctionType) and rule.__module__ in _FACTORIES:
        what = f"holds {rule.__name__} itself, which makes a rule"
        raise DefinitionError((Problem("not_a_rule", where, what, f"call it: {rule.__name__}(...)"),))
    if isinstance(rule, type) or not callable(rule):
        problem = Problem("not_a_rule", where, f"holds a {type(rule).__name__} where a rule is meant", "pass a rule")
        raise DefinitionError((problem,))
    return FunctionRule(rule)


_FACTORIES: Final = frozenset(
    f"casewright.domain.{name}" for name in ("combinators", "ready_rules", "rules", "rulings")
)
