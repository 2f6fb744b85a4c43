"""The demo: what a newcomer sees first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from casewright import ActorId, fold, verify
from casewright.cli import main
from casewright.cli.demo import demo_json, demo_text
from casewright.cli.story import CASE_ID, SCRIPT, Step, tell
from casewright.codec import from_data
from casewright.domain.events import Event
from casewright.domain.items import Case

if TYPE_CHECKING:
    import pytest


def test_the_story_is_always_the_same() -> None:
    """Told twice, it is the same to the last digest: no clock, no chance."""
    one, two = tell(), tell()

    assert one.items == two.items
    assert one.histories == two.histories


def test_it_ends_well() -> None:
    """The case is closed, its tasks are done, and each history verifies and folds to its item (E3, H5)."""
    story = tell()

    assert {item_id: item.status for item_id, item in story.items.items()} == {
        "R-17": "CLOSED",
        "T-1": "done",
        "T-2": "done",
    }
    for item_id, events in story.histories.items():
        assert verify(events) == ()
        assert fold(events) == story.items[item_id]


def test_every_kind_of_refusal_is_met() -> None:
    """It meets a wrong role, a wrong state, what is hidden, a missing reason, an open task, and four eyes."""
    codes = [{reason.code for reason in verdict.reasons} for _, verdict in tell().refusals]

    assert codes == [
        {"role_missing"},
        {"wrong_state"},
        {"not_visible"},
        {"input_missing", "open_tasks"},
        {"forbidden"},
    ]


def test_it_is_told_in_80_columns_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """The text fits any terminal, has no colour, and shows each step, each reason, each version and the proof."""
    assert main(["demo"]) == 0

    out, err = capsys.readouterr()
    story = tell()
    assert err == ""
    assert out.isascii()
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    for step in SCRIPT:
        assert f"  {step.at:%H:%M}  {step.by.id:4}  {step.action} {step.item_id}" in out
    words = " ".join(out.split())
    assert all(reason.text in words for _, verdict in story.refusals for reason in verdict.reasons)
    assert "9 16:00 rita close ESCALATED -> CLOSED" in words
    assert "verify R-17: 9 events, sound" in words
    assert "event at position 1: its header is not what was sealed" in words
    assert story.histories[CASE_ID][-1].digest[:16] in words


def test_programs_get_the_same_story(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is one object; what it holds reads back as the very case and events."""
    assert main(["demo", "--json"]) == 0

    answer = json.loads(capsys.readouterr().out)
    story = tell()
    assert answer.keys() == {"case", "tasks", "history", "refusals", "verified"}
    assert answer["verified"] is True
    assert from_data(answer["case"], Case) == story.items[CASE_ID]
    assert from_data(answer["history"], list[Event]) == story.histories[CASE_ID]
    assert [task["status"] for task in answer["tasks"]] == ["done", "done"]
    assert [(one["actor_id"], one["action"], one["item_id"]) for one in answer["refusals"]] == [
        (step.by.id, step.action, step.item_id) for step, _ in story.refusals
    ]
    assert all(one.keys() == {"at", "actor_id", "action", "item_id", "reasons"} for one in answer["refusals"])


def test_a_history_that_was_changed_is_not_called_verified() -> None:
    """The proof is asked for, not asserted: change one event, and text and JSON say so (H6)."""
    story = tell()
    events = story.histories["T-1"]
    events[1] = attrs.evolve(events[1], actor_id=ActorId("eve"))

    assert demo_json(story)["verified"] is False
    assert "verify T-1: event at position 1: its header" in demo_text(story)


def test_a_step_is_plain_data() -> None:
    """Each step of the script names who, when, what and with which item, at a fixed instant."""
    assert all(isinstance(step, Step) and step.at.date().isoformat() == "2026-03-02" for step in SCRIPT)
    assert [step.at for step in SCRIPT] == sorted(step.at for step in SCRIPT)
