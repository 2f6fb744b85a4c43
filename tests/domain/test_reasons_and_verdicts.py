"""Reasons and verdicts: frozen values, complete in what they tell, and silent about what may not be seen (A7)."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs
import pytest

import casewright
from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AuthorizationPolicy,
    Category,
    FrozenMapping,
    Permitted,
    Phase,
    Reason,
    Refused,
    Rule,
    Ruling,
    Transition,
    WorkItem,
    all_of,
    always,
    any_of,
    choice,
    forbid,
    guard,
    has_role,
    in_category,
    in_status,
    is_assignee,
    is_creator,
    never,
    no,
    not_,
    performed,
    predicate,
    same,
)
from support.policies import AT, a_case, a_task

ROOT = Actor("root", roles=["admin"])
ORDER = list(Phase)

# ---------------------------------------------------------------- one refusal for each code


def refused_by_rule(rule: Rule) -> Callable[[], object]:
    """Return a question that only this rule can refuse."""
    definition = TASK.with_rules({"read": always(), "start": rule})
    return lambda: definition.decide(a_task(), "start", by=Actor("eve"), at=AT)


def ask(action: str, inputs: Mapping[str, object] | None = None, **fields: Any) -> Callable[[], object]:
    """Return a question of the administrator about a task with these fields."""
    return lambda: TASK.decide(a_task(**fields), action, inputs, by=ROOT, at=AT)


def guarded(function: Callable[..., Any], facts: tuple[str, ...] = ()) -> Callable[[], object]:
    """Return a question that only this guard can refuse."""
    definition = TASK.with_guards({"start": guard(function, code="tired", text="sleep first", facts=facts)})
    return lambda: definition.decide(a_task(), "start", by=ROOT, at=AT)


def with_choice() -> object:
    """Choose what is no choice."""
    step = Transition("paint", "todo", "done", inputs=[choice("colour", ["red", "blue"])])
    definition = TASK.with_transitions(step, rules={"paint": always()})
    return definition.decide(a_task(), "paint", {"colour": "green"}, by=ROOT, at=AT)


def reopened_in_a_closed_case() -> object:
    """Reopen a task whose case is closed."""
    task = a_task(status="done", category=Category.DONE, case_id="c")
    return TASK.decide(task, "reopen", by=ROOT, at=AT, parent=a_case(id="c", status="CLOSED", category=Category.DONE))


def closed_with_open_tasks() -> object:
    """Correct a case with open tasks into a closed status."""
    return REGULATORY_CASE.decide(a_case(open_tasks=2), "correct", {"status": "CLOSED", "reason": "x"}, by=ROOT, at=AT)


REFUSALS: Final[dict[str, Callable[[], object]]] = {
    "no_rule": lambda: TASK.decide(a_task(), "fly", by=ROOT, at=AT),
    "not_visible": lambda: TASK.decide(a_task(), "start", by=Actor("eve"), at=AT),
    "role_missing": refused_by_rule(has_role("clerk", "judge")),
    "not_creator": refused_by_rule(is_creator()),
    "not_assignee": refused_by_rule(is_assignee()),
    "not_performer": refused_by_rule(performed("start")),
    "not_in_status": refused_by_rule(in_status("done")),
    "not_in_category": refused_by_rule(in_category(Category.DONE)),
    "not_same": refused_by_rule(same("unit", "unit")),
    "never": refused_by_rule(never()),
    "negated": refused_by_rule(not_(always())),
    "forbidden": refused_by_rule(all_of(always(), forbid(in_status("todo")))),
    "not_granted": refused_by_rule(any_of(is_creator(), is_assignee())),
    "rule_error": refused_by_rule(lambda actor, item: cast("Any", None)),
    "own": refused_by_rule(predicate(lambda actor, item: False, code="own", text="must be ours")),
    "wrong_state": ask("start", status="done", category=Category.DONE),
    "unknown_action": lambda: attrs.evolve(TASK, authorization=AuthorizationPolicy({}, default=always())).decide(
        a_task(), "fly", by=ROOT, at=AT
    ),
    "already_assigned": ask("claim", assignee_id="bob"),
    "deleted": ask("start", deleted_at=AT),
    "input_missing": ask("assign"),
    "input_blank": ask("edit", {"title": " "}),
    "input_unknown": ask("start", {"colour": "red"}),
    "input_not_a_choice": with_choice,
    "tired": guarded(lambda *arguments: False),
    "guard_error": guarded(lambda *arguments: None),
    "fact_missing": guarded(lambda *arguments: True, facts=("load",)),
    "open_tasks": closed_with_open_tasks,
    "case_closed": reopened_in_a_closed_case,
}


def refusal(code: str) -> Refused:
    """Return the refusal that gives this code."""
    verdict = REFUSALS[code]()
    assert isinstance(verdict, Refused)
    return verdict


@pytest.mark.parametrize("code", REFUSALS)
def test_every_reason_tells_code_phase_sentence_and_params(code: str) -> None:
    """Each reason has a stable code, a phase, a sentence, and JSON params; of permission also its rule (A7)."""
    reasons = refusal(code).reasons
    assert code in {reason.code for reason in reasons}
    for reason in reasons:
        assert reason.code == reason.code.strip().lower() != ""
        assert isinstance(reason.phase, Phase)
        assert str(reason) == reason.text != ""
        assert "\n" not in reason.text
        assert isinstance(reason.params, FrozenMapping)
        a_task(attributes=reason.params)  # only JSON values are accepted here
        if reason.phase is Phase.PERMISSION:
            assert reason.params["rule"]


def codes_in_the_source() -> set[str]:
    """Return every code that the domain's source gives a reason."""
    folder = Path(str(casewright.__file__)).parent / "domain"
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"Reason", "denies", "vetoes"}:
                    found.add(str(node.args[0].value))
    return found


def test_every_code_of_the_source_has_a_refusal_here() -> None:
    """No reason code is without a test: a new one must be added to the table above (A7)."""
    found = codes_in_the_source()
    assert len(found) > 15
    assert found - set(REFUSALS) == set()


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_a_frozen_value(code: str) -> None:
    """A refusal can be compared, hashed, copied and pickled, and not be changed (A7)."""
    verdict = refusal(code)
    assert verdict == refusal(code)
    assert hash(verdict) == hash(refusal(code))
    assert pickle.loads(pickle.dumps(verdict)) == copy.deepcopy(verdict) == verdict
    for target, name in ((verdict, "reasons"), (verdict.reasons[0], "text"), (verdict.reasons[0], "params")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(target, name, ())
    with pytest.raises(TypeError):
        cast("Any", verdict.reasons[0].params)["rule"] = "x"


@pytest.mark.parametrize("code", REFUSALS)
def test_the_phase_of_a_refusal_is_that_of_its_first_reason(code: str) -> None:
    """Reasons come in the order permission, state, input, guard; permission stands alone."""
    verdict = refusal(code)
    places = [ORDER.index(reason.phase) for reason in verdict.reasons]
    assert places == sorted(places)
    assert verdict.phase is verdict.reasons[0].phase
    assert verdict.phase is not Phase.PERMISSION or set(places) == {0}


def test_all_reasons_are_given_at_once_in_their_order() -> None:
    """State, inputs and guards are all judged, so that everything can be mended in one go."""
    tired = guard(lambda *arguments: False, code="tired", text="sleep first")
    verdict = TASK.with_guards({"block": tired}).decide(a_task(), "block", {"colour": "red"}, by=ROOT, at=AT)
    assert not verdict
    found = [(reason.phase, reason.code) for reason in verdict.reasons]
    assert found == [
        ("state", "wrong_state"),
        ("input", "input_missing"),
        ("input", "input_unknown"),
        ("guard", "tired"),
    ]


def test_a_decision_keeps_its_own_copy_of_what_a_rule_told() -> None:
    """What a rule of the team's own puts into a reason cannot change the decision behind its back (A7)."""
    found: list[object] = [1]

    def finds(actor: Actor, item: WorkItem) -> Ruling:
        return no(Reason("found", Phase.PERMISSION, "x", cast("Any", {"found": found})))

    verdict = TASK.with_rules({"start": finds}).decide(a_task(), "start", by=ROOT, at=AT)
    assert not verdict
    before = repr(verdict)
    found.append(2)
    assert repr(verdict) == before
    assert hash(verdict) == hash(copy.deepcopy(verdict))


# ---------------------------------------------------------------- permitted


def test_a_permission_is_true_and_a_refusal_is_false() -> None:
    """`if verdict:` and `.permitted` say the same, so that no caller takes a refusal for a permission."""
    yes = TASK.decide(a_task(), "start", by=ROOT, at=AT)
    assert (bool(yes), yes.permitted, isinstance(yes, Permitted)) == (True, True, True)
    refused = refusal("not_visible")
    assert (bool(refused), refused.permitted) == (False, False)


def test_the_change_of_a_permission_is_that_of_the_asked_item() -> None:
    """`.change` is the command's own change, first of all changes, and None where nothing changes."""
    parent = a_case(id="c", open_tasks=1)
    yes = TASK.decide(a_task(case_id="c"), "complete", by=ROOT, at=AT, parent=parent)
    assert isinstance(yes, Permitted)
    assert [change.after.id for change in yes.changes] == ["item-1", "c"]
    assert yes.change is yes.changes[0]
    nothing = TASK.decide(a_task(), "release", by=ROOT, at=AT)
    assert isinstance(nothing, Permitted)
    assert (nothing.changes, nothing.change) == ((), None)


def test_a_permission_is_a_frozen_value() -> None:
    """A permission can be compared, hashed and pickled, and not be changed (A7)."""
    yes = TASK.decide(a_task(), "edit", {"attributes": {"a": [1, {"b": None}]}}, by=ROOT, at=AT)
    assert pickle.loads(pickle.dumps(yes)) == yes
    assert hash(yes) == hash(TASK.decide(a_task(), "edit", {"attributes": {"a": [1, {"b": None}]}}, by=ROOT, at=AT))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", yes).changes = ()
    for verdict in TASK.actions(a_task(), by=ROOT, at=AT):
        assert hash(verdict) == hash(copy.deepcopy(verdict))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            cast("Any", verdict).permitted = True
