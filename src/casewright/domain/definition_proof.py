"""The proof of a definition: every problem of its parts together, none hidden by another (E4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.effects import Effect
from casewright.domain.events import VERBS
from casewright.domain.guards import Guard
from casewright.domain.inputs import INPUT_SHAPES, Input, InputKind
from casewright.domain.json_values import canonical_json
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.lifecycle_proof import guard_problems, name_problem, shown
from casewright.domain.rules import ReadyRule
from casewright.domain.verbs import CREATE_INPUTS, VERB_TABLE
from casewright.errors import InvalidInputError, Problem

__all__ = ["definition_problems"]

_ALWAYS_RULED: Final = ("read", "create")
_ATTRIBUTE: Final = "attributes."


def definition_problems(
    *,
    name: str,
    lifecycles: tuple[Lifecycle, ...],
    authorization: AuthorizationPolicy,
    guards: Mapping[str, tuple[Guard, ...]],
    fields: tuple[Input, ...] | None,
    published: Collection[str] | None,
) -> tuple[Problem, ...]:
    """Return every problem of a definition with these parts; see `Definition` for what they are."""
    sound = [one for one in lifecycles if isinstance(one, Lifecycle)]
    actions = dict.fromkeys(action for one in sound for action in one.actions)
    named = name_problem(name, "name", "the name")
    return (
        *(() if named is None else (named,)),
        *_of_lifecycles(lifecycles, sound),
        *_of_rules(authorization, actions, {status for one in sound for status in one.states}),
        *_of_guards(guards, sound, actions),
        *_of_fields(fields, sound),
        *(
            Problem("unknown_action", "published", f"there is no action {shown(action)}", "name actions or verbs")
            for action in published or ()
            if action not in actions and action not in VERBS
        ),
    )


def _of_lifecycles(lifecycles: tuple[Lifecycle, ...], sound: list[Lifecycle]) -> Iterator[Problem]:
    if len(sound) < len(lifecycles):
        yield Problem("not_a_lifecycle", "lifecycle", "one is no Lifecycle", "pass Lifecycle(...)")
    for version, count in Counter(one.version for one in sound).items():
        if count > 1:
            what = f"{count} lifecycles have the version {version}"
            yield Problem("version_twice", "earlier", what, "give each a version of its own")


def _of_rules(
    authorization: AuthorizationPolicy, actions: Collection[str], statuses: Collection[str]
) -> Iterator[Problem]:
    if not isinstance(authorization, AuthorizationPolicy):
        what = f"is a {type(authorization).__name__}"
        yield Problem("not_a_policy", "authorization", what, "pass AuthorizationPolicy({...})")
        return
    for action in authorization.rules:
        if action not in actions and action not in VERBS:
            mend = f"use one of {', '.join((*actions, *sorted(VERBS)))}"
            yield Problem("rule_of_unknown_action", "authorization", f"there is no action {shown(action)}", mend)
    for action, rule in authorization.rules.items():
        yield from _of_mentions(action, rule, actions, statuses)
    for action in (*actions, *_ALWAYS_RULED):
        if authorization.rule(action) is None:
            what = f"no rule says who may {action}"
            yield Problem("rule_missing", "authorization", what, "add one, or pass default=never() for all others")
    read = authorization.rule("read")
    if read is not None and read.opaque:
        what = f"the rule of read, {read!r}, runs a function, so no list can be filtered by it"
        yield Problem("read_opaque", "authorization", what, "make it of ready-made rules")


def _of_mentions(
    action: str, rule: ReadyRule, actions: Collection[str], statuses: Collection[str]
) -> Iterator[Problem]:
    """A rule that names what does not exist would never match: a forbid of it would never veto."""
    where = f"rule of {shown(action)}"
    for kind, name in sorted(rule.mentions):
        if kind == "status" and name not in statuses:
            mend = f"use one of {', '.join(sorted(statuses))}"
            yield Problem("rule_names_unknown_status", where, f"there is no status {shown(name)}", mend)
        if kind == "action" and name not in actions and name != "create":
            mend = f"use one of create, {', '.join(actions)}"
            yield Problem("rule_names_unknown_action", where, f"nobody can have performed {shown(name)}", mend)


def _of_guards(
    guards: Mapping[str, tuple[Guard, ...]], lifecycles: list[Lifecycle], actions: Collection[str]
) -> Iterator[Problem]:
    for action, added in guards.items():
        where = f"guards of {shown(action)}"
        if action == "read":
            yield Problem("guard_of_read", where, "reading has a rule and no guards", "put it into the rule of read")
            continue
        if action not in actions and action not in VERBS:
            yield Problem("guard_of_unknown_action", where, "there is no such action", "name an action or a verb")
            continue
        for guard in added:
            if not isinstance(guard, Guard):
                what = f"holds a {type(guard).__name__} where a guard is meant"
                yield Problem("not_a_guard", where, what, "use guard(...)")
                continue
            for declared in _inputs_of(action, lifecycles):
                yield from guard_problems(guard, declared, where)


def _inputs_of(action: str, lifecycles: list[Lifecycle]) -> list[set[str]]:
    if action == "create":
        return [{spec.name for spec in CREATE_INPUTS} | {"status", "reason"}]
    if action in VERB_TABLE:
        return [{spec.name for spec in VERB_TABLE[action].inputs}]
    steps = (step for one in lifecycles for step in one.transitions if step.action == action)
    return [{spec.name for spec in step.inputs} for step in steps]


def _of_fields(fields: tuple[Input, ...] | None, lifecycles: list[Lifecycle]) -> Iterator[Problem]:
    if fields is None:
        return
    declared = {spec.name: spec for spec in fields if isinstance(spec, Input)}
    if len(declared) < len(fields):
        yield Problem("bad_fields", "fields", "one is no input, or declared twice", "use text(...), integer(...), once")
    for one in lifecycles:
        for step in one.transitions:
            inputs = {spec.name: spec for spec in step.inputs}
            for effect in step.effects:
                if effect.field.startswith(_ATTRIBUTE) and not _is_held(effect, declared, inputs):
                    where = f"transition {shown(step.action)}"
                    what = f"sets {effect.field} to what fields= does not allow{_unlike(effect, declared, inputs)}"
                    yield Problem("effect_field", where, what, "declare it in fields= so that every such value fits")


def _unlike(effect: Effect, declared: Mapping[str, Input], inputs: Mapping[str, Input]) -> str:
    """How the two inputs differ, where that is what is wrong."""
    field = declared.get(effect.field.removeprefix(_ATTRIBUTE))
    source = None if effect.source is None else inputs[effect.source]
    if field is None or source is None or _of_one_kind(field, source):
        return ""
    return f": it copies {source.kind}, the field holds {field.kind}"


def _is_held(effect: Effect, declared: Mapping[str, Input], inputs: Mapping[str, Input]) -> bool:
    """Whether all that the effect can set is allowed by the field of that name."""
    field = declared.get(effect.field.removeprefix(_ATTRIBUTE))
    if field is None:
        return False
    if effect.source is None:
        if effect.value is None:
            return field.optional
        try:
            return canonical_json(field.accept(effect.value)) == canonical_json(effect.value)
        except (InvalidInputError, TypeError):  # a TypeError where accept gave a reason
            return False
    source = inputs[effect.source]
    longest = max(map(len, source.choices), default=source.max_length)
    return (
        _of_one_kind(field, source)
        and longest <= field.max_length
        and (not field.choices or set(source.choices) <= set(field.choices))
        and (not source.clearable or field.optional)
    )


def _of_one_kind(field: Input, source: Input) -> bool:
    return source.kind is field.kind or (field.kind is InputKind.TEXT and INPUT_SHAPES[source.kind].textual)
