"""Random logs: lifecycles, and what cases do with them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from casewright import Lifecycle
from casewright.interchange.conformance import Outcome
from casewright.interchange.event_log import LogRow
from support.event_logs import a_lifecycle, row


@st.composite
def lifecycles(draw: st.DrawFn) -> Lifecycle:
    """A sound lifecycle: a chain to an end, and any other edges; one administrative and one legacy status beside it."""
    length = draw(st.integers(2, 5))
    names = [f"s{place}" for place in range(length)] + ["d"]
    chain = {f"{one}>{two}" for one, two in pairwise(names)}
    more = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=8))
    edges = sorted(chain | {f"{one}>{two}" for one, two in more})
    initial = ("s0", *draw(st.sampled_from([(), ("s1",), ("d",)])))
    return a_lifecycle(*edges, first="s0", initial=initial, administrative=("moved",), legacy=("old",))


def edges_of(lifecycle: Lifecycle) -> dict[str | None, set[str]]:
    """Where one may go from each status: the oracle's own table, None for a creation."""
    table: dict[str | None, set[str]] = {status: set() for status in lifecycle.states}
    for step in lifecycle.transitions:
        for source in step.sources:
            table[source].add(step.target)
    table[None] = set(lifecycle.initial)
    return table


@st.composite
def walks(draw: st.DrawFn) -> tuple[Lifecycle, list[LogRow], list[Outcome | None]]:
    """A log of cases that walk at random, some steps against the rules; and what must come of each row."""
    lifecycle = draw(lifecycles())
    table = edges_of(lifecycle)
    faults = draw(st.booleans())
    says_event, says_source = draw(st.booleans()), draw(st.booleans())
    present: dict[str, str | None] = {}
    rows: list[LogRow] = []
    expected: list[Outcome | None] = []
    for number in range(2, draw(st.integers(2, 25))):
        case = draw(st.sampled_from(["a", "b", "c"]))
        here = present.get(case)
        stay = set() if here is None else {here}
        ways = {"edit": stay, "legal": table[here] - stay}
        if faults:
            ways["illegal"] = set(lifecycle.states) - table[here] - stay - {"moved"}
            ways["administrative"] = {"moved"} - stay
        kind = draw(st.sampled_from([kind for kind, targets in ways.items() if targets]))
        status = draw(st.sampled_from(sorted(ways[kind])))
        event = ("edit" if kind == "edit" else "status") if says_event else None
        rows.append(row(number, status, case, event=event, from_status=(here or "") if says_source else None))
        expected.append(_OUTCOMES[kind])
        present[case] = status
    return lifecycle, rows, expected


_OUTCOMES = {
    "edit": None,
    "legal": Outcome.ALLOWED,
    "illegal": Outcome.REFUSED,
    "administrative": Outcome.ADMINISTRATIVE,
}


@st.composite
def heaps(draw: st.DrawFn) -> tuple[Lifecycle, list[LogRow]]:
    """A log in which nothing fits: any status before and after, any event, creations of what is there."""
    lifecycle = draw(lifecycles())
    status = st.sampled_from(sorted(lifecycle.states))
    before = draw(st.sampled_from([st.none(), st.one_of(st.just(""), status)]))
    event = draw(st.sampled_from([st.none(), st.sampled_from(["status", "status", "edit"])]))
    parts = st.tuples(status, st.sampled_from("ab"), before, event)
    return lifecycle, [
        row(number, to, case, from_status=source, event=kind)
        for number, (to, case, source, kind) in enumerate(draw(st.lists(parts, max_size=15)), 2)
    ]
