"""The page of reason codes: each code can really be had, with the parameters that the page names."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

from casewright import REGULATORY_CASE, TASK, Actor, CommandBus, CreateTask, Reason, RefusedError
from casewright.adapters.memory import MemoryStore
from casewright.domain.ids import as_item_id
from casewright.interchange.conformance import replay_cases
from casewright.interchange.event_log import LogRow
from support.refusals import REFUSALS, refusal
from support.values import AT

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"
OUR_OWN = {"own", "tired"}  # codes that a team gives, not the library


def replayed() -> tuple[Reason, ...]:
    """Return why a logged change that no action makes is refused."""
    first = LogRow(number=2, case_id=as_item_id("c1"), status="DRAFT", at=AT, actor=Actor("root", roles=["admin"]))
    (case,) = replay_cases(REGULATORY_CASE, [first, attrs.evolve(first, number=3, status="CLOSED")])
    return case.judgements[-1].reasons


def left_alone() -> tuple[Reason, ...]:
    """Return why a command is not done whose companion was refused."""
    bus = CommandBus(MemoryStore(), [TASK])
    fine, _ = bus.execute_many([CreateTask("A"), CreateTask(" ")], by=Actor("ann"), all_or_nothing=True)
    assert isinstance(fine, RefusedError)
    return fine.reasons


GIVEN_ELSEWHERE = {"no_action": replayed, "not_together": left_alone}


def rows() -> dict[str, set[str]]:
    """Return the codes on the page, each with the names in its last column."""
    found = re.findall(r"^\| `(\w+)` \|.*\| ?([^|]*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code: set(re.findall(r"`(\w+)`", last)) - {"any_of"} for code, last in found}


def test_each_code_is_given_by_a_refusal() -> None:
    """There is a refusal for each code on the page, and none for another code of ours."""
    assert rows().keys() == (REFUSALS.keys() | GIVEN_ELSEWHERE.keys()) - OUR_OWN


@pytest.mark.parametrize("code", rows())
def test_each_code_can_be_had_with_its_parameters(code: str) -> None:
    """Each code on the page is that of a reason that is given, with just the parameters that the page names (A7)."""
    reasons = GIVEN_ELSEWHERE[code]() if code in GIVEN_ELSEWHERE else refusal(code).reasons
    assert [set(reason.params) for reason in reasons if reason.code == code] == [rows()[code]]
