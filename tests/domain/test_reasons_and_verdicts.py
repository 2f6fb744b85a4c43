"""Reasons and verdicts: frozen values, complete in what they tell, and silent about what may not be seen (A7)."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import attrs
import pytest

from casewright import (
    TASK,
    Actor,
    FrozenMapping,
    InvalidInputError,
    Permitted,
    Phase,
    Reason,
    Ruling,
    WorkItem,
    no,
)
from support.refusals import REFUSALS, ROOT, refusal
from support.values import AT, a_case, a_task

ORDER = list(Phase)


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
    assert [change.after.id for change in yes.changes] == ["x1", "c"]
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


def test_phases_are_known() -> None:
    """A reason of an unknown phase is an InvalidInputError, like any other wrong value (A7)."""
    wrong: Any = "bogus"
    with pytest.raises(InvalidInputError):
        Reason("c", wrong, "t")
