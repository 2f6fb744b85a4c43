"""Planted problems: each spoils the parts of a sound lifecycle or definition in one way, and says what must be found.

A plant only adds, so that several in one set of parts do not undo each other; two of one slot would, so they are not
planted together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casewright import (
    AuthorizationPolicy,
    Category,
    DefinitionError,
    Lifecycle,
    Transition,
    always,
    clear,
    copy_input,
    guard,
    integer,
    predicate,
    set_value,
    text,
)

Parts = dict[str, Any]

READS_NOTE = guard(lambda item, inputs, *_: bool(inputs["note"]), code="c", text="t", inputs=["note"])
OPAQUE = predicate(lambda actor, item: True, code="c", text="t")


@dataclass(frozen=True)
class Plant:
    """One way to spoil parts, and the problem that must be reported: its code and where."""

    code: str
    where: str
    spoil: Callable[[Parts], None]
    slot: str = ""

    def __repr__(self) -> str:
        """Return what is looked for, so that a failure reads well."""
        return f"{self.code} at {self.where}"


# Words of what is wrong and of what mends it; those of `bad_effect` stand in tests/domain/test_effects.py.
WORDS: Mapping[str, tuple[str, str]] = {
    "bad_name": ("is no printable text", "of 1 to 100 characters"),
    "not_a_category": ("category is none", "Category.WAITING"),
    "bad_version": ("is no whole number from 1", "count versions 1, 2, 3"),
    "unknown_status": ("the status 'p-nowhere' is unknown", "states="),
    "no_initial": ("no status is initial", "name where items start"),
    "initial_by_correct": ("is entered by correct only", "start elsewhere"),
    "target_by_correct": ("leads to 'p-admin', which is entered by correct only", "lead elsewhere"),
    "not_a_transition": ("is no Transition", "Transition(...)"),
    "reserved_action": ("the name is reserved", "call the action something else"),
    "no_sources": ("starts nowhere", "name the statuses"),
    "not_an_input": ("holds a str where an input is meant", "text(...)"),
    "not_a_guard": ("holds a builtin_function_or_method where a guard is meant", "guard(...)"),
    "not_an_effect": ("holds a str where an effect is meant", "set_value(...)"),
    "input_twice": ("declares the input 'a' twice", "once"),
    "guard_input": ('guard("c": "t") reads the undeclared input \'note\'', "inputs="),
    "effect_twice": ("sets due_at twice", "keep one"),
    "ambiguous": ("two transitions are named 'p-double'", "merge them"),
    "unreachable": ("no way leads to it from an initial status", "administrative or legacy"),
    "trap": ("no closed status can be reached", "DONE or CANCELLED"),
    "not_a_lifecycle": ("is no Lifecycle", "Lifecycle(...)"),
    "version_twice": ("2 lifecycles have the version", "a version of its own"),
    "rule_of_unknown_action": ("there is no action", "use one of"),
    "rule_missing": ("no rule says who may", "default=never()"),
    "read_opaque": ("runs a function, so no list can be filtered by it", "ready-made rules"),
    "guard_of_unknown_action": ("there is no such action", "name an action or a verb"),
    "guard_of_read": ("reading has a rule and no guards", "rule of read"),
    "unknown_action": ("there is no action", "name actions or verbs"),
    "bad_fields": ("is no input, or declared twice", "once"),
    "effect_field": ("sets attributes.amount to what fields= does not allow", "declare it in fields="),
}


def check_told(plant: Plant, error: DefinitionError) -> None:
    """Check that the planted problem is told: code, place, what is wrong and what mends it."""
    what, mend = WORDS.get(plant.code, ("", ""))
    told = [one for one in error.problems if one.code == plant.code and one.where.startswith(plant.where)]
    assert any(what in one.what and mend in one.mend for one in told), plant
    assert all(one.what and one.mend and str(one) in str(error) for one in error.problems)


def parts_of(lifecycle: Lifecycle) -> Parts:
    """Return the parts of a lifecycle, free to be spoilt."""
    return {
        "states": dict(lifecycle.states),
        "initial": list(lifecycle.initial),
        "transitions": list(lifecycle.transitions),
        "administrative": list(lifecycle.administrative),
        "legacy": list(lifecycle.legacy),
        "version": lifecycle.version,
    }


def definition_parts_of(definition: Any) -> Parts:
    """Return the parts of a definition, free to be spoilt."""
    return {
        "name": definition.name,
        "lifecycle": definition.lifecycle,
        "earlier": list(definition.earlier),
        "rules": dict(definition.authorization.rules),
        "default": definition.authorization.default,
        "guards": {action: list(found) for action, found in definition.guards.items()},
        "fields": None if definition.fields is None else list(definition.fields),
        "published": None if definition.published is None else set(definition.published),
    }


def build(cls: Any, parts: Parts) -> Any:
    """Build a definition of its parts."""
    rest = dict(parts)
    policy = AuthorizationPolicy(rest.pop("rules"), default=rest.pop("default"))
    return cls(rest.pop("name"), **{"authorization": policy} | rest)


def _state(name: Any, category: Any = Category.DONE) -> Callable[[Parts], None]:
    return lambda parts: parts["states"].update({name: category})


def _step(action: Any, target: Any = None, sources: Any = None, **needs: Any) -> Callable[[Parts], None]:
    """Add a transition from the first status, which is a sound one, to itself, but for what is given."""

    def spoil(parts: Parts) -> None:
        sound = next(iter(parts["states"]))
        step = Transition(action, sound if sources is None else sources, sound if target is None else target, **needs)
        parts["transitions"].append(step)

    return spoil


def _both(*spoilers: Callable[[Parts], None]) -> Callable[[Parts], None]:
    def spoil(parts: Parts) -> None:
        for one in spoilers:
            one(parts)

    return spoil


def _set(name: str, value: Any) -> Callable[[Parts], None]:
    return lambda parts: parts.update({name: value})


def _add(name: str, *values: Any) -> Callable[[Parts], None]:
    return lambda parts: parts[name].extend(values)


_ADMINISTRATIVE = _both(_state("p-admin"), _add("administrative", "p-admin"))
_SETS_TWICE = [clear("due_at"), set_value("due_at", "2026-01-01T00:00:00Z")]

LIFECYCLE_PLANTS = (
    Plant("bad_name", "states", _state("two\nlines")),
    Plant("bad_name", "transition ' '", _step(" ")),
    Plant("bad_name", "transition 'p-event'", _step("p-event", event="")),
    Plant("not_a_category", "status 'p-nothing'", _state("p-nothing", 3)),
    Plant("bad_version", "version", _set("version", 0), "version"),
    Plant("bad_version", "version", _set("version", True), "version"),
    Plant("bad_version", "version", _set("version", "1"), "version"),
    Plant("bad_version", "version", _set("version", 2**63), "version"),  # every item holds the number
    Plant("unknown_status", "initial", _add("initial", "p-nowhere"), "initial"),
    Plant("unknown_status", "administrative", _add("administrative", "p-nowhere")),
    Plant("unknown_status", "legacy", _add("legacy", "p-nowhere")),
    Plant("unknown_status", "transition 'p-away'", _step("p-away", "p-nowhere")),
    Plant("unknown_status", "transition 'p-from'", _step("p-from", sources=["p-nowhere"])),
    Plant("no_initial", "initial", _set("initial", []), "initial"),
    Plant("initial_by_correct", "initial", lambda parts: parts["legacy"].extend(parts["initial"][:1]), "initial"),
    Plant("target_by_correct", "transition 'p-in'", _both(_ADMINISTRATIVE, _step("p-in", "p-admin"))),
    Plant("not_a_transition", "transitions[", _add("transitions", "start")),
    Plant("reserved_action", "transition 'assign'", _step("assign")),
    Plant("reserved_action", "transition 'task_opened'", _step("task_opened")),
    Plant("no_sources", "transition 'p-no-start'", _step("p-no-start", sources=[])),
    Plant("not_an_input", "transition 'p-input'", _step("p-input", inputs=["reason"])),
    Plant("not_a_guard", "transition 'p-guard'", _step("p-guard", guards=[len])),
    Plant("not_an_effect", "transition 'p-effect'", _step("p-effect", effects=["title"])),
    Plant("input_twice", "transition 'p-twice'", _step("p-twice", inputs=[text("a"), integer("a")])),
    Plant("guard_input", "transition 'p-reads'", _step("p-reads", guards=[READS_NOTE])),
    Plant("bad_effect", "transition 'p-copies'", _step("p-copies", effects=[copy_input("b", to="title")])),
    Plant("bad_effect", "transition 'p-field'", _step("p-field", effects=[set_value("version", 3)])),
    Plant("bad_effect", "transition 'p-clears'", _step("p-clears", effects=[clear("title")])),
    Plant("effect_twice", "transition 'p-sets'", _step("p-sets", effects=_SETS_TWICE)),
    Plant("ambiguous", "status ", _both(_step("p-double"), _step("p-double"))),
    Plant("unreachable", "status 'p-island'", _state("p-island")),
    Plant("unreachable", "status 'p-lonely'", _state("p-lonely", Category.OPEN)),
    Plant("trap", "status 'p-pit'", _both(_state("p-pit", Category.OPEN), _step("p-fall", "p-pit"))),
    Plant("trap", "status 'p-hole'", _state("p-hole", Category.WAITING)),
)  # fmt: skip  # a table

"""An item field, and an input that does not fit it."""

OTHER_LIFECYCLE = Lifecycle(
    states={"p-a": Category.OPEN, "p-z": Category.DONE},
    initial="p-a",
    transitions=[
        Transition(
            "p-end", "p-a", "p-z", inputs=[text("amount")], effects=[copy_input("amount", to="attributes.amount")]
        )
    ],
    version=99,
)


def _rule(action: str, rule: Any = always()) -> Callable[[Parts], None]:  # noqa: B008 - a value
    return lambda parts: parts["rules"].update({action: rule})


def _guard(action: str, *guards: Any) -> Callable[[Parts], None]:
    return lambda parts: parts["guards"].setdefault(action, []).extend(guards)


def _without(*actions: str) -> Callable[[Parts], None]:
    """Take the default away, and the rules of these actions."""

    def spoil(parts: Parts) -> None:
        parts["default"] = None
        for action in actions:
            parts["rules"].pop(action, None)

    return spoil


def _publish(action: str) -> Callable[[Parts], None]:
    return lambda parts: parts.update(published={*(parts["published"] or ()), action})


def _typed(*fields: Any) -> Callable[[Parts], None]:
    return lambda parts: parts.update(fields=[*(parts["fields"] or ()), *fields])


_OLD = _add("earlier", OTHER_LIFECYCLE)

DEFINITION_PLANTS = (
    Plant("bad_name", "name", _set("name", "two\nlines"), "name"),
    Plant("bad_name", "name", _set("name", ""), "name"),
    Plant("not_a_lifecycle", "lifecycle", _add("earlier", "lifecycle")),
    Plant("version_twice", "earlier", lambda parts: parts["earlier"].append(parts["lifecycle"])),
    Plant("rule_of_unknown_action", "authorization", _rule("p-unknown")),
    Plant("rule_of_unknown_action", "authorization", _rule("task_closed")),
    Plant("rule_missing", "authorization", _without("read"), "read"),
    Plant("rule_missing", "authorization", _without("create")),
    Plant("rule_missing", "authorization", _both(_without(), _OLD), "earlier"),
    Plant("read_opaque", "authorization", _rule("read", OPAQUE), "read"),
    Plant("guard_of_unknown_action", "guards of 'p-unknown'", _guard("p-unknown", READS_NOTE)),
    Plant("guard_of_read", "guards of 'read'", _guard("read", READS_NOTE)),
    Plant("guard_of_unknown_action", "guards of 'task_opened'", _guard("task_opened", READS_NOTE)),
    Plant("not_a_guard", "guards of 'delete'", _guard("delete", len)),
    Plant("guard_input", "guards of 'tag'", _guard("tag", READS_NOTE)),
    Plant("guard_input", "guards of 'create'", _guard("create", READS_NOTE)),
    Plant("unknown_action", "published", _publish("p-unknown")),
    Plant("unknown_action", "published", _publish("task_opened")),
    Plant("bad_fields", "fields", _typed("amount"), "fields"),
    Plant("bad_fields", "fields", _typed(integer("p-double"), text("p-double")), "fields"),
    Plant("effect_field", "transition 'p-end'", _both(_typed(integer("amount")), _OLD), "earlier"),
)  # fmt: skip  # a table
