"""Guards: what must hold of the item, the inputs and the facts before an action is done, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import attrs

from casewright.domain.items import Case
from casewright.domain.json_values import JsonValue
from casewright.domain.reasons import Phase, Reason, answered, params, raised
from casewright.domain.values import MAX_TEXT, as_name, as_names, as_text, close_coroutine, quoted
from casewright.errors import InvalidInputError

__all__ = ["Guard", "GuardFunction", "facts_of", "guard", "no_open_tasks", "open_tasks_reason"]

GuardFunction: TypeAlias = Callable[[Any, Mapping[str, Any], Mapping[str, Any], datetime], bool]
"""``(item, inputs, facts, at) -> bool``, pure; True passes."""


def _code(value: str) -> str:
    return as_name(value, "code of a guard")


@attrs.frozen(repr=False)
class Guard:
    """A condition with its own reason. Made by `guard`.

    Attributes:
        function: The condition; sees the item before the change, on create as it would be.
        code: The code of the reason when it does not hold.
        text: The sentence of that reason.
        inputs: The inputs it reads: it is not asked before they are known.
        facts: The facts it needs: it is not asked where one is absent.
        entering_closed: Whether it is asked only of a change that enters a closed category.
        explain: Makes the reason from the item, where the sentence has numbers in it.
        label: The repr, where it has a name of its own.
    """

    function: GuardFunction
    code: str = attrs.field(converter=_code)
    text: str
    inputs: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    entering_closed: bool = False
    explain: Callable[[object], Reason] | None = None
    label: str = ""

    def refusal(
        self, item: object, inputs: Mapping[str, JsonValue], facts: Mapping[str, object], at: datetime
    ) -> Reason | None:
        """Ask the guard.

        Args:
            item: The item it judges.
            inputs: The accepted inputs.
            facts: What the host found out.
            at: The effective time (UTC).

        Returns:
            None if it passes; else its reason, ``fact_missing``, or ``guard_error`` if it raised or answered no bool.
        """
        for name in self.facts:
            if name not in facts:
                sentence = f"the fact {name!r} is not known, so this cannot be judged"
                return Reason("fact_missing", Phase.GUARD, sentence, params(guard=repr(self), fact=name))
        try:
            answer = self.function(item, inputs, facts, at)
        except Exception as error:  # noqa: BLE001 - a guard that fails must refuse, whatever it raised (fail closed)
            return self._error(raised(error))
        if answer is True:
            return None
        if answer is not False:
            close_coroutine(answer)
            return self._error(answered(answer))
        return Reason(self.code, Phase.GUARD, self.text) if self.explain is None else self.explain(item)

    def _error(self, failure: str) -> Reason:
        sentence = "a guard failed, so this cannot be judged; tell whoever keeps the definition"
        return Reason("guard_error", Phase.GUARD, sentence, params(guard=repr(self), failure=failure))

    def __repr__(self) -> str:
        """Return it as a sentence: its code and what it demands."""
        return self.label or f"guard({quoted(self.code)}: {quoted(self.text)})"


def guard(
    function: GuardFunction, *, code: str, text: str, inputs: Iterable[str] = (), facts: Iterable[str] = ()
) -> Guard:
    """Return a guard.

    Args:
        function: ``(item, inputs, facts, at) -> bool``, pure. True passes, False refuses with the reason below;
            anything else, and any exception, refuses with ``guard_error``.
        code: The code of its reason.
        text: The sentence of its reason: what a person can do about it.
        inputs: The names of the inputs it reads.
        facts: The names of the facts it needs beyond the item.

    Raises:
        InvalidInputError: An argument is of a wrong type or blank.
    """
    if not callable(function):
        raise InvalidInputError("guard", "must be a function (item, inputs, facts, at) -> bool")
    return Guard(
        function,
        code,
        as_text(text, "text of a guard", MAX_TEXT),
        as_names(inputs, "inputs of a guard"),
        as_names(facts, "facts of a guard"),
    )


def facts_of(guards: Iterable[Guard]) -> frozenset[str]:
    """Return the names of the facts that these guards need."""
    return frozenset(name for guard in guards for name in guard.facts)


def no_open_tasks() -> Guard:
    """Return the guard that refuses a change that enters a closed category while the case has open tasks (L2)."""
    return _NO_OPEN_TASKS


def open_tasks_reason(item: object) -> Reason:
    """Return the reason that says how many tasks of the case are still open."""
    return _open_tasks(item.open_tasks if isinstance(item, Case) else 0)


@lru_cache
def _open_tasks(count: int) -> Reason:
    sentence = "1 task is still open" if count == 1 else f"{count} tasks are still open"
    return Reason("open_tasks", Phase.GUARD, sentence, params(open_tasks=count))


def _has_no_open_tasks(item: object, inputs: object, facts: object, at: object) -> bool:
    return not (isinstance(item, Case) and item.open_tasks)


_NO_OPEN_TASKS: Final = Guard(
    _has_no_open_tasks,
    "open_tasks",
    "finish or cancel the open tasks first",
    entering_closed=True,
    explain=open_tasks_reason,
    label="no_open_tasks()",
)
