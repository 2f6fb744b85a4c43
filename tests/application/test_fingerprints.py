"""Fingerprints: equal where the same is asked for, and nowhere else (I3)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from casewright import Ask, CreateTask, Perform, SetDue, Tag
from casewright.application.fingerprints import fingerprint_of
from casewright.domain.json_values import canonical_json
from casewright.domain.values import instant_text
from support.buses import START
from support.commands import commands


def meant(ask: Ask) -> str:
    """Return what a command asks for, written out."""
    parts = [ask.action, ask.item_id, ask.kind, ask.definition, ask.case_id]
    inputs = {name: instant_text(value) if hasattr(value, "tzinfo") else value for name, value in ask.inputs.items()}
    return canonical_json([*parts, inputs])


@settings(max_examples=300)
@given(commands(), commands())
def test_two_commands_have_one_fingerprint_where_they_ask_for_the_same(one: Any, other: Any) -> None:
    """Random pairs agree just where all that they say does, and a command agrees with itself (I3)."""
    first, second = one.ask(), other.ask()
    assert (fingerprint_of(first) == fingerprint_of(second)) is (meant(first) == meant(second))
    assert fingerprint_of(first) == fingerprint_of(one.ask())


def test_one_meaning_in_two_spellings_is_one_command() -> None:
    """An instant as a time or as its text, tags in any order, a set and a list, are the same; 1 is not True (I3)."""
    pairs: list[tuple[Any, Any]] = [
        (SetDue("t", START), SetDue("t", instant_text(START))),
        (Tag("t", add=["b", "a"]), Tag("t", add=["a", "b"])),
        (Perform("t", "tag", {"add": {"a"}}), Perform("t", "tag", {"add": ["a"]})),
    ]
    assert [fingerprint_of(one.ask()) == fingerprint_of(other.ask()) for one, other in pairs] == [True] * 3
    numbers = [Ask("edit", "t", {"attributes": {"n": value}}) for value in (1, True, "1", None)]
    assert len({fingerprint_of(ask) for ask in numbers}) == 4
    assert fingerprint_of(CreateTask("t").ask()) != fingerprint_of(CreateTask("t", case_id="c").ask())


def test_what_a_new_item_is_to_be_is_part_of_what_is_asked_for() -> None:
    """A command of one's own that makes tasks and cases asks for two things, though all else is the same (I3)."""
    task, case = (Ask("create", None, {"title": "t"}, kind=kind) for kind in ("task", "case"))
    assert fingerprint_of(task) != fingerprint_of(case)


def test_for_whom_an_actor_stands_in_is_part_of_a_command() -> None:
    """What was done for one principal is no answer to what is asked for another, or for nobody (I3)."""
    ask = CreateTask("t").ask()
    assert len({fingerprint_of(ask, on_behalf_of=principal) for principal in (None, "ann", "ben")}) == 3
