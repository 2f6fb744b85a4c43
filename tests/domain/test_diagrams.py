"""Lifecycles as diagram text: complete, and never broken by a name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from casewright import REGULATORY_CASE, Category, InvalidInputError, Lifecycle, Transition
from casewright.testing.strategies import lifecycles

ODD = Lifecycle(
    states={"in work": Category.OPEN, "end": Category.WAITING, 's\'il "vous" plaît; --> x': Category.CANCELLED},
    initial=frozenset({"in work", "end"}),
    transitions=[
        Transition("a:b", "in work", 's\'il "vous" plaît; --> x'),
        Transition("back\\slash", "end", "in work"),
    ],
)
EDGE = re.compile(r"    (\S+) --> (\S+) : (.*)")
START = re.compile(r"    \[\*\] --> (\S+)")
END = re.compile(r"    (\S+) --> \[\*\]")
ALIAS = re.compile(r'    state "(.*)" as (\S+)')


def edges(lifecycle: Lifecycle) -> list[tuple[str, str, str]]:
    """Return source, target and action of each way."""
    return [(source, step.target, step.action) for step in lifecycle.transitions for source in step.sources]


def plain(text: str) -> str:
    """Return what a Mermaid text shows: its entity codes are characters by number."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def read_mermaid(text: str) -> tuple[dict[str, str], list[str], list[tuple[str, str, str]], list[str]]:
    """Return statuses by name, starts, ways and ends of a diagram; every line must be one of these."""
    head, *lines = text.splitlines()
    assert head == "stateDiagram-v2"
    names: dict[str, str] = {}
    starts, ways, ends = [], [], []
    for line in lines:
        if found := ALIAS.fullmatch(line):
            assert found[2] not in names
            names[found[2]] = plain(found[1])
        elif found := EDGE.fullmatch(line):
            ways.append((found[1], found[2], plain(found[3])))
        elif found := START.fullmatch(line):
            starts.append(found[1])
        else:
            found = END.fullmatch(line)
            assert found is not None, line
            ends.append(found[1])
    return names, starts, ways, ends


def test_mermaid_text_is_exact() -> None:
    """The shipped case as a Mermaid diagram, line by line."""
    assert format(REGULATORY_CASE.lifecycle, "mermaid") == (
        "stateDiagram-v2\n"
        "    [*] --> DRAFT\n"
        "    DRAFT --> SUBMITTED : submit\n"
        "    SUBMITTED --> UNDER_REVIEW : start_review\n"
        "    UNDER_REVIEW --> ESCALATED : escalate\n"
        "    UNDER_REVIEW --> CLOSED : close\n"
        "    ESCALATED --> CLOSED : close\n"
        "    CLOSED --> [*]\n"
    )


def test_dot_text_is_exact() -> None:
    """The shipped case as a DOT digraph, line by line; an end has two borders."""
    assert format(REGULATORY_CASE.lifecycle, "dot") == (
        "digraph lifecycle {\n"
        "    rankdir=LR;\n"
        "    node [shape=box, style=rounded];\n"
        '    "" [shape=point];\n'
        '    "DRAFT" [tooltip="draft"];\n'
        '    "SUBMITTED" [tooltip="open"];\n'
        '    "UNDER_REVIEW" [tooltip="active"];\n'
        '    "ESCALATED" [tooltip="active"];\n'
        '    "CLOSED" [tooltip="done", peripheries=2];\n'
        '    "" -> "DRAFT";\n'
        '    "DRAFT" -> "SUBMITTED" [label="submit"];\n'
        '    "SUBMITTED" -> "UNDER_REVIEW" [label="start_review"];\n'
        '    "UNDER_REVIEW" -> "ESCALATED" [label="escalate"];\n'
        '    "UNDER_REVIEW" -> "CLOSED" [label="close"];\n'
        '    "ESCALATED" -> "CLOSED" [label="close"];\n'
        "}\n"
    )


def test_odd_names_get_an_alias() -> None:
    """A status with a blank, a keyword or punctuation stands in quotes, and nothing of it can mean anything."""
    names, starts, ways, ends = read_mermaid(format(ODD, "mermaid"))
    assert set(names.values()) == set(ODD.states)
    assert {names[start] for start in starts} == {"in work", "end"}
    assert [(names[one], names[two], action) for one, two, action in ways] == edges(ODD)
    assert [names[end] for end in ends] == ['s\'il "vous" plaît; --> x']


@settings(max_examples=80, deadline=None)
@given(lifecycles())
def test_a_mermaid_diagram_holds_the_whole_table(lifecycle: Lifecycle) -> None:
    """Every status, start, way and end of a lifecycle can be read back from its Mermaid text, and nothing else."""
    names, starts, ways, ends = read_mermaid(format(lifecycle, "mermaid"))
    status_of = {name: names.get(name, name) for name in {*names, *starts, *ends, *(n for w in ways for n in w[:2])}}
    assert len(set(status_of.values())) == len(status_of)
    assert [status_of[start] for start in starts] == sorted(lifecycle.initial)
    assert [(status_of[one], status_of[two], action) for one, two, action in ways] == edges(lifecycle)
    assert {status_of[end] for end in ends} == lifecycle.closed
    assert set(names.values()) <= set(lifecycle.states)


def test_an_alias_is_never_a_status_of_the_lifecycle() -> None:
    """Statuses that look like the aliases made for others do not collide with them."""
    lifecycle = Lifecycle(
        states={"s1_": Category.OPEN, "in work": Category.ACTIVE, "s0_": Category.DONE},
        initial="s1_",
        transitions=[Transition("go", "s1_", "in work"), Transition("end", "in work", "s0_")],
    )
    names, starts, ways, ends = read_mermaid(format(lifecycle, "mermaid"))
    read = [(names.get(one, one), names.get(two, two), action) for one, two, action in ways]
    assert read == edges(lifecycle)
    assert [names.get(name, name) for name in (*starts, *ends)] == ["s1_", "s0_"]


def test_backslashes_and_quotes_survive_in_dot() -> None:
    """Names with quotes and backslashes are escaped as DOT wants it."""
    assert '"back\\\\slash"' in format(ODD, "dot")
    assert '"s\'il \\"vous\\" plaît; --> x"' in format(ODD, "dot")


def test_an_unknown_form_is_refused() -> None:
    """Any other form raises InvalidInputError that names the known ones; no form is the plain text."""
    with pytest.raises(InvalidInputError, match="use mermaid or dot"):
        format(ODD, "svg")
    assert format(ODD, "") == str(ODD)
    assert f"{ODD}" == repr(ODD)
